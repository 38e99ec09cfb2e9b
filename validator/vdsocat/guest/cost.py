"""From the frames of a boot under -icount to what the functions of each ABI cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vdsocat.capture import AbiCapture, Capture
from vdsocat.costs import Cost, Costs
from vdsocat.guest.console import Frame, Transcript
from vdsocat.guest.probe_files import probe_name

# Behind the name of a probe that measures; validator/probe/cost.h has the same word.
_SPEAKER = "/cost"
# A larger share of the clock's step would be more than half an instruction of a call, together with the empty loop's.
_LARGEST_STEP_SHARE = 0.25


def with_costs(abis: Sequence[AbiCapture], transcript: Transcript) -> tuple[AbiCapture, ...]:
    """The ABIs' records with what their functions cost, from the same transcript."""
    return tuple(replace(abi, costs=collect_costs(transcript, abi)) for abi in abis)


def without_costs(capture: Capture, reason: str) -> Capture:
    """The capture with the reason why nothing was measured."""
    return replace(capture, abis=tuple(replace(abi, costs=Costs(unknown=reason)) for abi in capture.abis))


def collect_costs(transcript: Transcript, abi: AbiCapture) -> Costs | None:
    """What the probe of an ABI measured; None for an ABI without a vDSO.

    What keeps its frames from being read is the reason in `Costs.unknown`.
    """
    if abi.image is None:
        return None
    speaker = probe_name(abi.abi, abi.endianness) + _SPEAKER
    frames = transcript.of(speaker)
    if not frames or frames[-1].type != "end":
        return Costs(unknown=f"{speaker} did not come to its end under -icount.")
    try:
        return _read_costs(frames)
    except (ValueError, IndexError) as error:
        return Costs(unknown=f"What {speaker} said cannot be read: {error}.")


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
