"""Rules about what other providers offer in the kernel's place."""

from __future__ import annotations

from collections.abc import Iterator

from vdsocat.errors import did_you_mean
from vdsocat.lint.problem import LintInput, Problem


def provider_abis(given: LintInput) -> Iterator[Problem]:
    """A provider speaks of ABIs that the catalogue has; it has a vDSO for one, or says why not, never both."""
    for provider in given.catalog.providers.values():
        file = f"catalog/providers/{provider.name}.yaml"
        for name in dict.fromkeys((*(entry.abi for entry in provider.abis), *provider.without)):
            if name not in given.catalog.abis:
                yield Problem(file, (), f"there is no ABI {name!r}{did_you_mean(name, given.catalog.abis)}")
            elif name in provider.without and any(entry.abi == name for entry in provider.abis):
                yield Problem(file, (), f"{name} stands under abis and under none.")


def provider_functions(given: LintInput) -> Iterator[Problem]:
    """The functions that a provider offers are defined, so that a query finds them."""
    for provider in given.catalog.providers.values():
        file = f"catalog/providers/{provider.name}.yaml"
        for number, abi in enumerate(provider.abis):
            for inner, entry in enumerate(abi.exports):
                if entry.function not in given.catalog.functions:
                    hint = did_you_mean(entry.function, given.catalog.functions)
                    text = f"nobody defines the function {entry.function!r}{hint}"
                    yield Problem(file, ("abis", number, "exports", inner), text)


RULES = (provider_abis, provider_functions)
