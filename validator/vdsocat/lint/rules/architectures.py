"""Rules about kernel architectures and the ABIs that their kernels run."""

from __future__ import annotations

from collections.abc import Iterator

from vdsocat.errors import did_you_mean
from vdsocat.lint.problem import MACHINES, LintInput, Problem, abi_file

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
    """An architecture runs an ABI of the catalogue, or says why there is none; never both."""
    hosting = {host.kernel for abi in given.catalog.abis.values() for host in abi.hosts}
    for number, architecture in enumerate(given.catalog.architectures.values()):
        place = ("architectures", number)
        if architecture.name in hosting and architecture.none is not None:
            yield Problem(_ARCHITECTURES, place, "says that there is none, but hosts an ABI.")
        if architecture.name not in hosting and architecture.none is None:
            yield Problem(_ARCHITECTURES, place, "hosts no ABI, and does not say why (none).")


def hosts_outside_architectures(given: LintInput) -> Iterator[Problem]:
    """A kernel runs an ABI only in releases that have its architecture."""
    for abi in given.catalog.abis.values():
        for number, host in enumerate(abi.hosts):
            architecture = given.catalog.architectures.get(host.kernel)
            if architecture is None:
                continue
            own, whole = host.interval, architecture.interval
            ends_later = whole.until is not None and (own.until is None or own.until.after > whole.until.after)
            if own.since.after < whole.since.after or ends_later:
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


# unlisted_architectures and unexplained_architectures join when catalog/architectures.yaml is complete.
RULES = (hosts_outside_architectures, machine_abis)
