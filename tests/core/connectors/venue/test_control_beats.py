"""The venue's beat on the machine's time: what a stall costs, with a loop whose time is the test's."""

import asyncio

import pytest

from core.connectors.venue.control_beats import Beats
from core.connectors.venue.control_clock import WallClock

STEP_S = 0.01


class Timed(asyncio.SelectorEventLoop):
    """Its time is the next timer's; work takes as long as it says."""

    now = 0.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:
            self.now = max(self.now, self._scheduled[0]._when)
        super()._run_once()


def beats_in_a_second(made_up_us: int, stall_s: float) -> int:
    """How many there are when the third takes `stall_s`."""
    count = 0

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Timed)

        def beat() -> None:
            nonlocal count
            count += 1
            loop.now += stall_s if count == 3 else 0

        clock = WallClock()
        running = asyncio.create_task(
            Beats(clock, int(STEP_S * 1_000_000), beat, lambda: True, made_up_us=made_up_us).run()
        )
        over = asyncio.Event()
        loop.call_later(1 + STEP_S / 2, over.set)
        await over.wait()
        running.cancel()
        await asyncio.wait([running])
        clock.close()

    with asyncio.Runner(loop_factory=Timed) as runner:
        runner.run(main())
    return count


@pytest.mark.parametrize(
    ("made_up_us", "stall_s", "expected"),
    [(0, 0.0, 100), (0, 0.035, 97), (50_000, 0.035, 100), (50_000, 0.5, 56), (0, 0.5, 51)],
)
def test_beats_that_are_late_are_made_up_for_as_far_as_was_asked(made_up_us, stall_s, expected):
    assert beats_in_a_second(made_up_us, stall_s) == expected
