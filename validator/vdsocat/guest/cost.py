"""The second boot of a kernel, under -icount, in which the probes count the instructions of calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vdsocat.capture import AbiCapture, Capture
from vdsocat.costs import Cost, Costs
from vdsocat.errors import RunError
from vdsocat.guest.boot import require_complete, run_guest
from vdsocat.guest.console import Frame, Transcript
from vdsocat.guest.probe_files import probe_name
from vdsocat.guest.run import BootPlan
from vdsocat.guest.stop import StopRequest

# A larger share of the clock's step would be more than half an instruction of a call, together with the empty loop's.
_LARGEST_STEP_SHARE = 0.25


def add_costs(capture: Capture, plan: BootPlan, log: Path | None = None, stop: StopRequest | None = None) -> Capture:
    """The capture with what its functions cost, for which the kernel is booted once more.

    Whatever keeps this from being measured is the reason in `Costs.unknown`; the capture stays what it is.
    """
    if not plan.cost_command:
        return _without(capture, "No QEMU runs this kernel, so nothing counts its instructions.")
    try:
        launch = plan.launch(plan.cost_command)
        end = run_guest(launch.command, plan.deadline, log, stop, ending=launch.ending)
        transcript = require_complete(end, plan.deadline, log)
        return replace(capture, abis=tuple(replace(abi, costs=collect_costs(transcript, abi)) for abi in capture.abis))
    except RunError as error:
        return _without(capture, error.sentence())


def _without(capture: Capture, reason: str) -> Capture:
    return replace(capture, abis=tuple(replace(abi, costs=Costs(unknown=reason)) for abi in capture.abis))


def collect_costs(transcript: Transcript, abi: AbiCapture) -> Costs | None:
    """What the probe of an ABI measured; None for an ABI without a vDSO. RunError for what cannot be read."""
    if abi.image is None:
        return None
    speaker = probe_name(abi.abi, abi.endianness)
    frames = transcript.of(speaker)
    if not frames or frames[-1].type != "end":
        return Costs(unknown=f"{speaker} did not come to its end under -icount.")
    try:
        return _read_costs(frames)
    except (ValueError, IndexError) as error:
        raise RunError(f"The costs of {speaker} cannot be read: {error}.") from None


def _read_costs(frames: Sequence[Frame]) -> Costs:
    loop = next((frame.fields for frame in frames if frame.type == "cost-loop"), None)
    if loop is None:
        raise ValueError("it does not say what an empty loop costs")
    nops, nanoseconds, step, calls, *empty = map(int, loop)
    if nanoseconds <= 0 or calls <= 0:
        raise ValueError("it does not say what an instruction takes")
    rate = nops / nanoseconds
    if step * rate > calls * _LARGEST_STEP_SHARE:
        return Costs(unknown=f"The guest's clock counts in steps of {step} ns, too coarse for a loop of {calls} calls.")
    return Costs(tuple(_cost(frame.fields, rate / calls, empty) for frame in frames if frame.type == "cost"))


def _cost(fields: Sequence[str], rate: float, empty: Sequence[int]) -> Cost:
    """One frame: symbol, clock or `-`, then the nanoseconds of a loop of each or `errno:N`; or why there are none."""
    symbol, clock, *took = fields
    cost = Cost(symbol, None if clock == "-" else int(clock))
    if took == ["lacking"]:
        return replace(cost, reason="the kernel has no random numbers yet, or the function no state that can be made")
    if len(took) == 1:
        return replace(cost, reason=f"the call ended in a {took[0]}")
    function, kernel = took
    failed = [
        f"the {what} returned {said}"
        for what, said in (("function", function), ("system call", kernel))
        if said.startswith("errno:")
    ]
    return replace(
        cost,
        vdso=_per_call(function, rate, empty[0]),
        syscall=_per_call(kernel, rate, empty[1]),
        reason=failed[0] if failed else None,
    )


def _per_call(took: str, rate: float, nothing: int) -> int | None:
    return None if took.startswith("errno:") else round((int(took) - nothing) * rate)
