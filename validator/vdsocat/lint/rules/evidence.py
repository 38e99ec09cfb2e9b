"""Rules about evidence: what was seen on real kernels agrees with what the catalogue says."""

from __future__ import annotations

from collections.abc import Iterator

from vdsocat.errors import did_you_mean
from vdsocat.lint.observed import contradictions
from vdsocat.lint.problem import LintInput, Problem


def evidence_of_unknown_abis(given: LintInput) -> Iterator[Problem]:
    """Evidence is of ABIs that the catalogue has, on kernels that it says run them."""
    for name, one in given.evidence.items():
        abi = given.catalog.abis.get(one.abi)
        if abi is None:
            yield Problem(name, ("abi",), f"there is no ABI {one.abi!r}{did_you_mean(one.abi, given.catalog.abis)}")
            continue
        for observation in one.observations:
            seen = observation.sighting
            hosts = [host.interval for host in abi.hosts if host.mode == seen.mode]
            if not any(host.covers(seen.parsed_release) is not False for host in hosts):
                text = f"{seen}: no host of {abi.name} is {seen.mode} in {seen.release}."
                yield Problem(name, (), text)


def contradicted_catalogue(given: LintInput) -> Iterator[Problem]:
    """No kernel that was looked at contradicts the catalogue; whichever is wrong, it is the catalogue's to explain."""
    for name, one in given.evidence.items():
        abi = given.catalog.abis.get(one.abi)
        for observation in one.observations if abi else ():
            assert abi is not None
            for text in contradictions(abi, observation, given.catalog.defects):
                yield Problem(name, (), f"{observation.sighting}: {text}.")


RULES = (evidence_of_unknown_abis, contradicted_catalogue)
