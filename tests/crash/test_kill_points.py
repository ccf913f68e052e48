"""SIGKILL at every point of the engine's life, the venue in another process: after a restart both agree on everything.

At every kind of point one life is killed at the first passing, the next at the second, and so on until a life passes it
no more: nothing is sampled. A point that only a race leads to is tried in life after life, and may be met in none.
"""

import signal
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Lock
from typing import Final

import pytest

from tests.support import crash_engine
from tests.support.crash_engine import Belief, Life
from tests.support.crash_ground import PATIENCE_S, WORKERS, Ground, Running, ground, same
from tests.support.crash_points import Point

__all__ = ["ground"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_500)]

TRIES: Final = 3
RARE_TRIES: Final = 8
"""Of a point that the undisturbed life passed and that no life was killed at yet."""
RACES: Final = 3
"""Kinds of points that one life may pass by a race (a look that fell into it, a frame that came late) and none of the
eight lives after it; more of them, and the enumeration itself is in doubt."""
SPAN_S: Final = 600


def test_killed_at_every_point_of_trading_nothing_is_lost_and_nothing_placed_twice(
    ground: Ground, capsys: pytest.CaptureFixture[str]
) -> None:
    def killed_at(fatal: Point, worker: int) -> Counter[str] | None:
        life = ground.life(worker, fatal)
        passed = lived(ground.live(crash_engine.trade, life))
        if passed is not None:
            agrees(ground, life, f"killed at {fatal} of trading")
        return passed

    running = ground.live(crash_engine.trade, ground.life(0, None))
    _, passed = running.hear()
    assert running.join() == 0
    tell(capsys, "trading", every_point(passed, killed_at))


def test_killed_at_every_point_of_recovering_the_next_life_recovers_all_the_same(
    ground: Ground, capsys: pytest.CaptureFixture[str]
) -> None:
    def killed_at(fatal: Point | None, worker: int) -> Counter[str] | None:
        """The life before dies with an order whose bytes have just left, others resting and filled in part."""
        life = ground.life(worker, ("submit: after the bytes left", 6))
        assert lived(ground.live(crash_engine.trade, life)) is not None
        passed = lived(ground.live(crash_engine.recover, replace(life, fatal=fatal)), "end")
        if passed is not None:
            agrees(ground, life, f"killed at {fatal} of recovering")
        return passed

    life = ground.life(0, ("submit: after the bytes left", 6))
    assert lived(ground.live(crash_engine.trade, life)) is not None
    running = ground.live(crash_engine.recover, replace(life, fatal=None))
    _, passed = running.hear()
    running.line.send("end")
    assert running.join() == 0
    tell(capsys, "recovering", every_point(passed, killed_at))


def test_killed_at_every_point_with_the_switch_armed_the_venue_and_the_next_life_agree_on_when_it_fires(
    ground: Ground, capsys: pytest.CaptureFixture[str]
) -> None:
    """From before it is armed for the first time to after it is disarmed as the last thing of a clean end."""

    def killed_at(fatal: Point, worker: int) -> Counter[str] | None:
        life = replace(ground.life(worker, fatal), deadman_s=SPAN_S)
        passed = lived(ground.live(crash_engine.guard, life))
        if passed is not None:
            agrees(ground, life, f"killed at {fatal} under the switch")
        return passed

    life = replace(ground.life(0, None), deadman_s=SPAN_S)
    running = ground.live(crash_engine.guard, life)
    _, passed = running.hear()
    assert running.join() == 0
    assert ground.truth(life).switch_ms == 0, "disarmed as the last thing of a clean end"
    armed = {label for label in passed if "arm the switch" in label}
    assert len(armed) == 8, f"{armed}: before and after the asking and the bytes, to arm and to disarm"
    tell(capsys, "guarding", every_point(passed, killed_at))


def every_point(passed: Counter[str], killed_at: Callable[[Point, int], Counter[str] | None]) -> Counter[str]:
    """How many lives were killed at each label: at its first passing, its second, until a life passes it no more.

    `passed` is what an undisturbed life passed; whatever else a killed one passed is taken up as well.
    """
    lock, todo, known, killed = Lock(), deque(sorted(passed)), set(passed), Counter[str]()

    def work(worker: int) -> None:
        while True:
            with lock:
                if not todo:
                    return
                label = todo.popleft()
            nth, tries = 1, RARE_TRIES if label in passed else TRIES
            while tries:
                seen = killed_at((label, nth), worker)
                if seen is None:  # some points lie on a road that only a race takes: they get another chance
                    tries = tries - 1 if nth == 1 else 0
                    continue
                nth, tries = nth + 1, TRIES
                with lock:
                    killed[label] += 1
                    todo.extend(seen.keys() - known)
                    known.update(seen)

    with ThreadPoolExecutor(WORKERS) as pool:
        for done in [pool.submit(work, worker) for worker in range(WORKERS)]:
            done.result()
    spared = passed.keys() - killed.keys()
    assert len(spared) <= RACES, f"never killed at {spared}"
    return killed


def lived(running: Running, last: str = "") -> Counter[str] | None:
    """What a life passed before it was killed; None when it came to its end, after the last word it waits for."""
    heard, passed = running.hear()
    if heard == "finished" and last:
        running.line.send(last)
    code = running.join()
    assert code == (0 if heard == "finished" else -signal.SIGKILL)
    return None if heard == "finished" else passed


def agrees(ground: Ground, life: Life, when: str) -> None:
    """A new life of that engine and the venue agree, and go on agreeing while it trades on."""
    running = ground.live(crash_engine.recover, replace(life, fatal=None))
    try:
        assert running.hear()[0] == "finished", when
        same(ground, life, running, when)
        same_switch(ground, life, running, when)
        assert running.ask("probe") in {"trades", "killed"}, when
        same(ground, life, running, f"{when}, trading on")
        last = running.ask("look")
        assert isinstance(last, Belief)
        running.line.send("end")
        assert running.join() == 0, when
        # With an order in doubt the end is not clean, and the switch is left to cancel what may live.
        is_in_doubt = any(shown[1] == "unknown" for shown in last.live.values())
        assert is_in_doubt or not ground.truth(life).switch_ms, f"{when}: left armed by a clean end"
    finally:
        if running.process.is_alive():
            running.process.kill()
            running.process.join()
        ground.truth(life, "retire")


def same_switch(ground: Ground, life: Life, running: Running, when: str) -> None:
    """The dead-man's switch is armed if it should be, for the moment that the new life shows."""
    until = time.monotonic() + PATIENCE_S
    while True:
        at_ms, belief = ground.truth(life).switch_ms, running.ask("look")
        assert isinstance(belief, Belief)
        if at_ms == belief.switch_ms and bool(at_ms) == (life.deadman_s is not None):
            return
        assert time.monotonic() < until, f"{when}: the switch fires at {at_ms}\n{belief}"


def tell(capsys: pytest.CaptureFixture[str], what: str, killed: Counter[str]) -> None:
    """How many lives were killed, and where; on the terminal also when the test passes."""
    lines = [f"  {times:4} {label}" for label, times in sorted(killed.items())]
    with capsys.disabled():
        sys.stdout.write("\n".join(["", f"{what}: killed at each of {killed.total()} points", *lines, ""]))
