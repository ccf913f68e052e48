"""A kill by the control socket, against a real engine thread."""

import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from core.commands import SubmitOrder
from core.engine.control import Answer, ask
from core.engine.handle import EngineThread
from core.state import KillPhase
from tests.support.engine import parts_of, seen, started
from tests.support.fake_connector import BTC, FakeConnector, intent


def engine(tmp_path: Path, venue: FakeConnector) -> EngineThread:
    return EngineThread(replace(parts_of(tmp_path, venue), control_path=tmp_path / "control.sock"))


def killed(tmp_path: Path, timeout_seconds: float = 10.0) -> list[Answer]:
    request = {"do": "kill", "pressed_ns": time.monotonic_ns()}
    return list(ask(tmp_path / "control.sock", request, timeout_seconds))


def test_it_halts_cancels_and_tells_every_phase(tmp_path: Path) -> None:
    venue = FakeConnector()
    handle = engine(tmp_path, venue)
    with started(handle, venue):
        seen(handle, "running", lambda: handle.state().is_listed)
        handle.submit(SubmitOrder(intent=intent()))
        seen(handle, "it rests", lambda: venue.open)
        answers = killed(tmp_path)
        phases = [answer["phase"] for answer in answers]
        assert phases[0] == "requested"
        assert phases[-1] == "confirmed"
        assert answers[-1]["ok"] is True
        assert not venue.open
        assert handle.state().kill.by == "the kill command"
        assert all(float(str(answer["ms"])) < 10_000 for answer in answers)
    assert not (tmp_path / "control.sock").exists()


def test_what_an_earlier_kill_achieved_is_not_counted(tmp_path: Path) -> None:
    venue = FakeConnector()
    handle = engine(tmp_path, venue)
    with started(handle, venue):
        seen(handle, "running", lambda: handle.state().is_listed)
        handle.kill("test", time.monotonic_ns())
        seen(handle, "confirmed", lambda: handle.state().kill.phase is KillPhase.CONFIRMED)
        before = len(venue.cancel_alls)
        venue.place_elsewhere(intent(), is_told=False)
        answers = killed(tmp_path)
        assert answers[0]["phase"] == "requested"
        assert answers[-1]["ok"] is True
        assert len(venue.cancel_alls) > before
        assert not venue.open


def test_it_is_never_confirmed_while_an_order_lives(tmp_path: Path) -> None:
    venue = FakeConnector()
    venue.is_cancelling = False
    handle = engine(tmp_path, venue)
    with started(handle, venue):
        seen(handle, "running", lambda: handle.state().is_listed)
        venue.place_elsewhere(intent())
        answers: list[Answer] = []
        asking = threading.Thread(target=lambda: answers.extend(killed(tmp_path)))
        asking.start()
        seen(handle, "failing", lambda: handle.state().kill.phase is KillPhase.FAILING)
        assert asking.is_alive()
        venue.is_cancelling = True
        asking.join(10)
        phases = [answer["phase"] for answer in answers]
        assert phases.index("failing") < phases.index("confirmed")
        assert answers[-1]["ok"] is True


def test_a_command_right_after_another_is_carried_out_as_well(tmp_path: Path) -> None:
    venue = FakeConnector()
    handle = engine(tmp_path, venue)
    with started(handle, venue):
        seen(handle, "running", lambda: handle.state().is_listed)
        assert killed(tmp_path)[-1]["ok"] is True
        before = len(venue.cancel_alls)
        assert killed(tmp_path)[-1]["ok"] is True
        assert len(venue.cancel_alls) > before


def test_an_engine_that_cannot_open_its_socket_trades_and_says_so(tmp_path: Path) -> None:
    venue = FakeConnector()
    parts = replace(parts_of(tmp_path, venue), control_path=tmp_path / "missing" / "control.sock")
    handle = EngineThread(parts)
    with started(handle, venue):
        seen(handle, "it is said", lambda: "will not reach" in " ".join(n.text for n in handle.state().notices))
        seen(handle, "running", lambda: handle.state().is_listed)


def asked(tmp_path: Path, **request: object) -> list[Answer]:
    return list(ask(tmp_path / "control.sock", request, 10.0))


def test_one_market_is_killed_and_rearmed_by_its_symbol(tmp_path: Path) -> None:
    venue = FakeConnector()
    handle = engine(tmp_path, venue)
    with started(handle, venue):
        seen(handle, "running", lambda: handle.state().is_listed)
        handle.submit(SubmitOrder(intent=intent()))
        handle.submit(SubmitOrder(intent=intent(size="0.01", price="2000.0", market_id=BTC)))
        seen(handle, "both rest", lambda: len(venue.open) == 2)
        answers = asked(tmp_path, do="kill", market="ETH")
        assert answers[-1]["ok"] is True
        assert [report.market_id for report in venue.open.values()] == [BTC]
        assert not handle.state().kill.is_latched
        (refused,) = asked(tmp_path, do="rearm", market="BTC", reason="x")
        assert "it is not killed" in str(refused["error"])
        (mute,) = asked(tmp_path, do="rearm", market="ETH", reason=" ")
        assert "expected why" in str(mute["error"])
        (lifted,) = asked(tmp_path, do="rearm", market="ETH", reason="rehearsed")
        assert lifted["ok"] is True
        assert handle.state().kills == ()


def test_what_it_does_not_know_is_refused_with_what_it_knows(tmp_path: Path) -> None:
    venue = FakeConnector()
    handle = engine(tmp_path, venue)
    with started(handle, venue):
        seen(handle, "running", lambda: handle.state().is_listed)
        (market,) = asked(tmp_path, do="kill", market="DOGE")
        assert market["error"] == "market: expected one of ETH, BTC, got 'DOGE'"
        (strategy,) = asked(tmp_path, do="kill", strategy="maker")
        assert "got 'maker'" in str(strategy["error"])
        assert not handle.state().kill.is_latched
        assert venue.cancel_alls == []


@pytest.mark.parametrize("name", [["maker"], {"maker": 1}, 7, True, []])
def test_a_strategy_that_is_no_name_is_refused_and_kills_nothing(tmp_path: Path, name: object) -> None:
    venue = FakeConnector()
    handle = engine(tmp_path, venue)
    with started(handle, venue):
        seen(handle, "running", lambda: handle.state().is_listed)
        for wish in ("kill", "rearm"):
            (answer,) = asked(tmp_path, do=wish, strategy=name, reason="x")
            assert answer["error"] == f"strategy: expected a name, got {json.dumps(name)}"
        assert not handle.state().kill.is_latched
        assert venue.cancel_alls == []
