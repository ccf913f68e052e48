"""How long steps take, over the newest of each: percentiles for the screen. Pure: moments go in."""

from collections import deque
from enum import Enum
from typing import Final

from core.state import TimingUse

_KEPT: Final = 512
_PERCENT: Final = 99


class Step(Enum):
    """What is timed, in the order of the screen."""

    SUBMIT_TO_SENT = "order: submit to sent"
    """From the wish to its bytes on the wire: queue, risk, journal, signature, nonce."""
    SENT_TO_ACK = "order: sent to ack"
    """From the bytes to the API's answer, which is not yet the venue's acceptance."""
    LOOP_LAG = "engine loop: lag"
    """How late the engine's loop wakes from a pause."""


class Timings:
    """The newest samples of each step."""

    def __init__(self) -> None:
        self._samples: dict[Step, deque[int]] = {step: deque(maxlen=_KEPT) for step in Step}
        self._rows: dict[Step, TimingUse] = {}

    def add(self, step: Step, span_ns: int) -> None:
        """One more; a span below zero (two clocks) counts as none."""
        self._samples[step].append(max(0, span_ns))
        self._rows.pop(step, None)

    def rows(self) -> tuple[TimingUse, ...]:
        """Each step that was ever seen; summed up anew only where something was added."""
        for step, samples in self._samples.items():
            if samples and step not in self._rows:
                self._rows[step] = _summed_up(step.value, samples)
        return tuple(self._rows[step] for step in Step if step in self._rows)


def _summed_up(name: str, samples: "deque[int]") -> TimingUse:
    ordered = sorted(samples)
    last = len(ordered) - 1
    return TimingUse(
        name=name,
        count=len(ordered),
        median_us=ordered[last // 2] // 1_000,
        p99_us=ordered[-(-last * _PERCENT // 100)] // 1_000,
        most_us=ordered[last] // 1_000,
    )
