"""One boot, described so that another thread, process or computer can make it, and the steps of making it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from vdsocat.capture import Capture
from vdsocat.guest.carried import capture_with_carried
from vdsocat.guest.known_boots import boot_key, find_kept, keep_capture, of_kernel
from vdsocat.guest.run import BootPlan, BootSettings, KernelUnderTest, boot_and_capture, plan_boot
from vdsocat.guest.stop import StopRequest


@dataclass(frozen=True, slots=True)
class BootJob:
    """A kernel to boot, and how; with `cost` what calls cost is measured, too. The console goes to `log`.

    A capture that the cache keeps of the same boot is taken instead, unless it is to be made `again`; `earlier` is one
    that is taken even then, if it is of the same boot.
    """

    kernel: KernelUnderTest
    settings: BootSettings
    log: Path
    cost: bool = False
    again: bool = False
    earlier: Capture | None = None


@dataclass(frozen=True, slots=True)
class PreparedBoot:
    """A job with all that its boot needs; `kept` is the capture that makes the boot needless."""

    job: BootJob
    plan: BootPlan
    key: str
    kept: Capture | None


@dataclass(frozen=True, slots=True)
class BootResult:
    """The capture of a job, and whether it was `kept` from an earlier boot."""

    capture: Capture
    kept: bool


def prepare_boot(job: BootJob) -> PreparedBoot:
    """Plan the boot and look for a capture of it. InputError, RunError as plan_boot."""
    plan = plan_boot(job.kernel, job.settings, job.cost)
    key = boot_key(plan)
    kept = job.earlier if job.earlier is not None and job.earlier.provenance.boot_key == key else None
    # One that was kept has not got the costs that were asked for.
    if kept is None and not job.again and not plan.uncounted:
        kept = find_kept(job.settings.cache, key)
    return PreparedBoot(job, plan, key, of_kernel(kept, job.kernel) if kept is not None else None)


def make_boot(prepared: PreparedBoot, stop: StopRequest, progress: Callable[[str], None]) -> BootResult:
    """Boot what was prepared, unless there is no need, and keep its capture.

    RunError when the boot is not completed, InterruptedRunError when it was told to stop.
    """
    if prepared.kept is not None:
        return BootResult(prepared.kept, kept=True)
    job, plan = prepared.job, prepared.plan
    progress(f"booting {job.kernel.source}")
    job.log.parent.mkdir(parents=True, exist_ok=True)
    capture = capture_with_carried(
        lambda: boot_and_capture(plan, job.log, stop), plan.image, job.settings.cache.path("payload")
    )
    capture = replace(capture, provenance=replace(capture.provenance, boot_key=prepared.key))
    keep_capture(job.settings.cache, capture)
    return BootResult(capture, kept=False)
