"""Plants defects in kernels, boots them, and tells which are caught by the rule that is meant for them. `make mutants`.

Status 0: each is caught, and no clean kernel trips a rule. 1: one is missed, or a clean kernel trips a rule. 2: usage.
3: a kernel could not be built or booted. 130: interrupted.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click
from planted import Mutant, look_for, read_mutants, tripped
from trees import Tree, build_in, source_copy

from vdsocat.cache import Cache
from vdsocat.catalog.model import Catalog
from vdsocat.cli import INTERRUPTED
from vdsocat.cli.interruption import raise_on_ending_signals
from vdsocat.cli.kernel_options import KernelAccess, kernel_options
from vdsocat.cli.settings import Settings
from vdsocat.cli.terminal import StatusLine
from vdsocat.documents import data_directory
from vdsocat.errors import InputError, RunError, VdsocatError, did_you_mean
from vdsocat.guest.machines import load_machines
from vdsocat.guest.qemu import qemu_finder
from vdsocat.guest.run import BootSettings, KernelUnderTest, boot_and_capture, plan_boot
from vdsocat.judging.judge import Judgement, judge_capture
from vdsocat.kernels.debian import DebianArchive
from vdsocat.kernels.kbuild import KernelBuild
from vdsocat.kernels.table import BuildRequest


class Run:
    """One run over mutants: what it has counted, and what it needs to build, boot and judge."""

    def __init__(self, catalog: Catalog, boot: BootSettings, archive: DebianArchive, status: StatusLine) -> None:
        self.catalog, self.boot, self.archive, self.status = catalog, boot, archive, status
        self.caught = self.missed = self.tripped = self.undone = 0

    def say(self, line: str) -> None:
        """Print a line of the result."""
        with self.status.paused():
            click.echo(line)

    def exit_status(self) -> int:
        """What the program ends with."""
        return 1 if self.missed or self.tripped else 3 if self.undone else 0

    def kernel(self, request: BuildRequest, mutants: Sequence[Mutant], every: Sequence[Mutant]) -> None:
        """A clean kernel first, then the mutants of it; what a killed run left planted is put back before."""
        with source_copy(request.recipe, self.archive) as tree:
            for mutant in every:
                tree.heal(mutant)
            build = build_in(tree, request.recipe, self.archive)
            build.configure()
            clean = {cpus: self.clean(build, cpus) for cpus in sorted({mutant.cpus for mutant in mutants})}
            for mutant in mutants:
                self.mutant(mutant, tree, build, clean[mutant.cpus])

    def clean(self, build: KernelBuild, cpus: int = 1) -> Judgement:
        """The kernel as it is, of which no rule may say that it fails; what is for review is told."""
        name = build.recipe.name
        judgement = self.judge(f"{name}-clean", build, cpus)
        self.tripped += judgement.failed
        abis = ", ".join(one.abi for one in judgement.abis)
        self.say(f"{'TRIPPED' if judgement.failed else 'clean':<8}{name}, CPUs: {cpus}, ABIs: {abis}")
        for abi, finding in sorted(tripped(judgement), key=str):
            self.say(f"        {finding.verdict} on {abi}: {finding.sentence()}")
        return judgement

    def mutant(self, mutant: Mutant, tree: Tree, build: KernelBuild, clean: Judgement) -> None:
        """The kernel with one defect, which its rule must name."""
        started = time.monotonic()
        try:
            with tree.planted(mutant):
                catch = look_for(mutant, self.judge(mutant.name, build, mutant.cpus), clean)
        except VdsocatError as error:
            self.undone += 1
            self.say(f"UNDONE  {mutant.name}: {error.sentence()}")
            return
        self.caught += catch.is_caught
        self.missed += not catch.is_caught
        seconds = f"{time.monotonic() - started:.0f} s"
        where = f"{mutant.rule} on {', '.join(mutant.abis)}"
        self.say(f"{'caught' if catch.is_caught else 'MISSED':<8}{mutant.name}: {where} ({seconds})")
        self.say(f"        {mutant.defect}")
        if catch.finding:
            self.say(f"        {catch.finding.sentence()}")
        for word, what in (("not on", catch.missed_on), ("although not there, on", catch.beyond)):
            if what:
                self.say(f"        {word} {', '.join(what)}")
        if catch.others:
            self.say(f"        other rules: {', '.join(catch.others)}")

    def judge(self, name: str, build: KernelBuild, cpus: int) -> Judgement:
        """Build, boot, judge: what `vdsocat check` does with a kernel given as a file."""
        build.compile()
        machines = self.boot.machines
        if cpus > 1:
            machines = tuple(replace(machine, args=(*machine.args, "-smp", str(cpus))) for machine in machines)
        kernel = KernelUnderTest(name, build.kernel, build.config)
        plan = plan_boot(kernel, replace(self.boot, machines=machines))
        self.archive.progress(f"booting {name}")
        return judge_capture(boot_and_capture(plan, self.boot.cache.path("logs", f"mutant-{name}.log")), self.catalog)


def by_kernel(mutants: Sequence[Mutant], kernels: KernelAccess) -> Iterator[tuple[BuildRequest, list[Mutant]]]:
    """The kernels to build, each with its mutants, in the order of the list."""
    for kernel in dict.fromkeys(mutant.kernel for mutant in mutants):
        (request,) = kernels.expand(f"built:{kernel}")
        assert isinstance(request, BuildRequest)
        yield request, [mutant for mutant in mutants if mutant.kernel == kernel]


def chosen(names: Sequence[str], mutants: Sequence[Mutant]) -> list[Mutant]:
    """The mutants of these names, or of kernels of these names; all without a name."""
    known = {mutant.name for mutant in mutants} | {mutant.kernel for mutant in mutants}
    for name in names:
        if name not in known:
            raise InputError(f"There is no mutant and no kernel {name!r}{did_you_mean(name, known)}")
    return [mutant for mutant in mutants if not names or {mutant.name, mutant.kernel} & set(names)]


@click.command(help=__doc__)
@click.argument("names", metavar="[MUTANT|KERNEL]…", nargs=-1)
@click.option("--cache", type=click.Path(path_type=Path, file_okay=False), help="As that of vdsocat.")
@kernel_options
def main(names: tuple[str, ...], cache: Path | None, mirror: str | None, offline: bool) -> int:
    every = read_mutants()
    mutants = chosen(names, every)
    settings = Settings.from_environment(None, cache, os.environ)
    kernels = KernelAccess(settings, mirror, offline)
    machines = load_machines(data_directory("qemu-images") / "machines", settings.cache)
    boot = BootSettings(machines, Cache(settings.cache), qemu_finder())
    with StatusLine(sys.stderr, len(mutants)) as status:
        run = Run(settings.load_catalog(), boot, replace(kernels.archive, progress=status.tell), status)
        for request, group in by_kernel(mutants, kernels):
            try:
                run.kernel(request, group, every)
            except RunError as error:
                run.undone += len(group)
                run.say(f"UNDONE  {request}: {error.sentence()}")
    architectures = {request.recipe.arch for request, _ in by_kernel(mutants, kernels)}
    click.echo(f"{run.caught} of {len(mutants)} planted defects caught, on {len(architectures)} architectures")
    return run.exit_status()


def run_program() -> int:
    """The status to end with; what is planted is put back and guests are ended, however that comes about."""
    raise_on_ending_signals()
    try:
        status: int = main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except VdsocatError as error:
        click.echo(error.sentence(), err=True)
        return error.exit_status
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    return status


if __name__ == "__main__":
    sys.exit(run_program())
