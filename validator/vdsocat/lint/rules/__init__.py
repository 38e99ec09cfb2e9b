"""All rules of the catalogue, module by module; each module is named after what its rules look at."""

from vdsocat.lint.problem import Rule
from vdsocat.lint.rules import (
    aliases,
    architectures,
    consumers,
    documents,
    evidence,
    files,
    form,
    functions,
    intervals,
    names,
    providers,
    releases,
    sources,
    unbooted,
    unknowns,
    unobservable,
)

RULES: tuple[Rule, ...] = (
    *files.RULES,
    *form.RULES,
    *names.RULES,
    *architectures.RULES,
    *releases.RULES,
    *intervals.RULES,
    *functions.RULES,
    *aliases.RULES,
    *sources.RULES,
    *unknowns.RULES,
    *providers.RULES,
    *documents.RULES,
    *consumers.RULES,
    *evidence.RULES,
    *unbooted.RULES,
    *unobservable.RULES,
)
