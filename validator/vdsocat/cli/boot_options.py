"""The options of a check that say how kernels are looked at: booted, how, or only read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from vdsocat.cache import Cache
from vdsocat.cli.collected import collected
from vdsocat.cli.numbers import FiniteRange
from vdsocat.cli.settings import Settings
from vdsocat.documents import data_directory
from vdsocat.guest.machines import load_machines
from vdsocat.guest.qemu import qemu_finder
from vdsocat.guest.run import BootSettings


@dataclass(frozen=True, slots=True)
class BootOptions:
    """The values of the options."""

    deadline: float | None
    append: str
    config: Path | None
    static: bool
    cost: bool
    stock: bool
    timings: bool

    def refuse_contradictions(self, dry_run: bool) -> None:
        """click.UsageError for what asks of boots where there are none."""
        if not self.static:
            return
        if dry_run:
            raise click.UsageError("--static boots nothing, so --dry-run has no QEMU command to print.")
        if self.cost:
            raise click.UsageError("--static boots nothing, so --cost has nothing to count instructions of.")
        if self.stock or self.timings:
            name = "stock" if self.stock else "timings"
            raise click.UsageError(f"--static boots nothing, so --{name} has no boot to be about.")

    def settings(self, settings: Settings, qemu: str | None) -> BootSettings:
        """How to boot with these options, and with the QEMU that --qemu names."""
        cache = Cache(settings.cache)
        machines = load_machines(data_directory("qemu-images") / "machines", settings.cache)
        finder = qemu_finder(qemu, cache)
        return BootSettings(machines, cache, finder, self.deadline, self.append, self.stock, self.timings)


boot_options = collected(
    "boot",
    BootOptions,
    (
        click.option(
            "--deadline",
            type=FiniteRange(1),
            metavar="SECONDS",
            help="Seconds after which a boot is given up [default: the machine's].",
        ),
        click.option(
            "--append", default="", metavar="WORDS", help="More words for the kernel command line, such as loglevel=8."
        ),
        click.option(
            "--config",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="The kernel's .config, for kernels given as files.",
        ),
        click.option(
            "--static", is_flag=True, help="Boot nothing: judge the vDSO images that the kernels' files carry."
        ),
        click.option(
            "--cost",
            is_flag=True,
            help="Let QEMU count the instructions of vDSO and system calls in each boot.",
        ),
        click.option("--stock", is_flag=True, help="Boot the plain way: skip nothing of what firmware and kernel do."),
        click.option("--timings", is_flag=True, help="Tell where the time of each boot went."),
    ),
)
