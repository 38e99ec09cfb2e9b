"""Rules about kernel architectures and the ABIs that their kernels run."""

from __future__ import annotations

from collections.abc import Iterator

from vdsocat.catalog.intervals import Interval
from vdsocat.catalog.model import Abi
from vdsocat.errors import did_you_mean
from vdsocat.lint.problem import MACHINES, LintInput, Problem, abi_file
from vdsocat.lint.stretches import stretches_may_meet

_ARCHITECTURES = "catalog/architectures.yaml"


def unlisted_architectures(given: LintInput) -> Iterator[Problem]:
    """Every kernel architecture that runs an ABI is listed, so that a query can answer for every one."""
    for abi in given.catalog.abis.values():
        for number, host in enumerate(abi.hosts):
            if host.kernel not in given.catalog.architectures:
                hint = did_you_mean(host.kernel, given.catalog.architectures)
                text = f"{_ARCHITECTURES} has no architecture {host.kernel!r}{hint}"
                yield Problem(abi_file(abi), ("hosts", number), text)


def unexplained_architectures(given: LintInput) -> Iterator[Problem]:
    """An architecture runs an ABI while that has a vDSO or a fixed page, or says why none does; never both.

    An ABI that kernels of two architectures ran, as ppc and powerpc did, may have had its image on one of them only.
    """
    for number, architecture in enumerate(given.catalog.architectures.values()):
        place = ("architectures", number)
        served = [abi for abi in given.catalog.abis.values() if _serves(architecture.name, abi)]
        if architecture.none is None and not served:
            yield Problem(_ARCHITECTURES, place, "hosts no ABI that has one, and does not say why (none).")
        if architecture.none is not None:
            for abi in served:
                if all(host.kernel == architecture.name for host in abi.hosts):
                    yield Problem(_ARCHITECTURES, place, f"says that there is none, but hosts {abi.name}.")


def hosts_outside_architectures(given: LintInput) -> Iterator[Problem]:
    """A kernel runs an ABI only in releases that have its architecture."""
    for abi in given.catalog.abis.values():
        for number, host in enumerate(abi.hosts):
            architecture = given.catalog.architectures.get(host.kernel)
            if architecture is None:
                continue
            own, whole = host.interval, architecture.interval
            if own.since.after < whole.since.after or _outlives(own, whole):
                text = f"is there {own.spell_releases()}, but the architecture {whole.spell_releases()}."
                yield Problem(abi_file(abi), ("hosts", number), text)


def machine_abis(given: LintInput) -> Iterator[Problem]:
    """A machine's ABIs exist, and the catalogue says how its kernel runs each of them."""
    for file, machine in given.below(MACHINES).items():
        kernel = machine["kernel"]
        for number, name in enumerate(machine["abis"]):
            abi = given.catalog.abis.get(name)
            place = ("abis", number)
            if abi is None:
                yield Problem(file, place, f"there is no ABI {name!r}{did_you_mean(name, given.catalog.abis)}")
            elif not abi.hosts_on(kernel["arch"], kernel["bits"]):
                yield Problem(file, place, f"{name} has no host entry for {kernel['arch']}, {kernel['bits']}-bit.")


RULES = (unlisted_architectures, unexplained_architectures, hosts_outside_architectures, machine_abis)


def _serves(architecture: str, abi: Abi) -> bool:
    """Whether kernels of the architecture run the ABI in releases in which it has an image or a fixed page."""
    offered = [one.interval for one in abi.vdso] + [area.interval for area in abi.areas]
    hosts = [host.interval for host in abi.hosts if host.kernel == architecture]
    return any(stretches_may_meet(host, offer) for host in hosts for offer in offered)


def _outlives(own: Interval, whole: Interval) -> bool:
    """Whether the one is known to last longer than the other; a pair of releases may end with the first of them."""
    if whole.until is None:
        return False
    if own.until is None:
        return True
    if own.until.before is not None:
        return own.until.before >= whole.until.after
    return own.until.after > whole.until.after
