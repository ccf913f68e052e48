"""The pump: newest state, fixed pace, an end from any thread."""

import asyncio

from core.clock import SECOND_NS
from core.state import EnginePhase, KillPhase, KillStatus
from tests.support.fake_engine import FakeEngine
from tests.support.waiting import eventually
from tui.pump import DeskOptions, Pump


def a_pump(engine: FakeEngine) -> Pump:
    return Pump(engine, DeskOptions(fps=100, clock=engine.clock, stale_after_ms=3_000, is_live=False))


async def test_it_shows_the_newest_state_until_it_is_stopped():
    engine = FakeEngine()
    pump = a_pump(engine)
    seen: list[int] = []
    task = asyncio.create_task(pump.run(lambda view: seen.append(view.state.seq)))
    await eventually(lambda: seen, "a view")
    for _ in range(5):
        engine.publish()
    await eventually(lambda: seen[-1] == 6, "the newest state")
    pump.stop()
    await asyncio.wait_for(task, 5)
    assert seen == sorted(seen)


def test_a_press_shows_until_the_engine_took_it_up_and_not_after_it_was_lifted():
    engine = FakeEngine()
    engine.takes_up_kills = False
    pump = a_pump(engine)
    pump.press_kill("operator", 42)
    assert (pump.view().kill.phase, pump.view().kill.pressed_ns) == (KillPhase.REQUESTED, 42)
    engine.publish(kill=KillStatus(phase=KillPhase.CONFIRMED, pressed_ns=42))
    assert pump.view().kill.phase is KillPhase.CONFIRMED
    engine.publish(kill=KillStatus())
    assert pump.view().kill.phase is KillPhase.IDLE


def test_silence_counts_only_while_an_engine_should_speak():
    engine = FakeEngine()
    pump = a_pump(engine)
    assert pump.view().silent_ns == 0
    engine.clock.advance(seconds=3)
    assert pump.view().silent_ns == 3 * SECOND_NS
    pump.ended = "it ended"
    assert pump.view().silent_ns == 0
    pump.ended = ""
    engine.publish(phase=EnginePhase.STOPPED)
    engine.clock.advance(seconds=9)
    assert pump.view().silent_ns == 0


async def test_a_kill_is_shown_at_once_however_slow_the_pace():
    engine = FakeEngine()
    engine.takes_up_kills = False
    pump = Pump(engine, DeskOptions(fps=1, clock=engine.clock, bytes_a_second=1))
    seen: list[KillPhase] = []
    task = asyncio.create_task(pump.run(lambda view: seen.append(view.kill.phase)))
    await eventually(lambda: seen, "the first view")
    await asyncio.to_thread(pump.press_kill, "operator", 42)
    await eventually(lambda: seen[-1] is KillPhase.REQUESTED, "the kill", timeout=0.5)
    pump.stop()
    pump.press_kill("operator", 43)
    await asyncio.wait_for(task, 5)


async def test_painting_keeps_its_budget_of_bytes():
    engine = FakeEngine()
    pump = Pump(engine, DeskOptions(fps=30, clock=engine.clock, bytes_a_second=100_000))
    written = [0]
    pump.watch_terminal(lambda: written[0], lambda: 0)

    def paint(_view: object) -> None:
        written[0] += 20_000

    loop = asyncio.get_running_loop()
    began = loop.time()
    task = asyncio.create_task(pump.run(paint))
    await eventually(lambda: written[0] >= 100_000, "five paints")
    assert loop.time() - began >= 0.5
    pump.stop()
    await asyncio.wait_for(task, 5)
