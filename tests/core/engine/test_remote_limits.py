"""Limits by the control socket and from the file, against a real engine thread."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.engine.control import ask
from core.engine.handle import EngineThread
from core.engine.limits_file import LimitsFile
from core.errors import ConfigError
from core.limits import RiskLimits
from tests.support.engine import parts_of, seen, started
from tests.support.fake_connector import FakeConnector


class File:
    """A configuration file of one number: the largest daily loss."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write("5000")

    def write(self, text: str) -> None:
        self.path.write_text(text)

    def read(self) -> RiskLimits:
        text = self.path.read_text()
        if not text.isdigit():
            raise ConfigError(f"expected a number, got {text!r}")
        return RiskLimits(max_daily_loss=Decimal(text))


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path / "config")


@pytest.fixture
def handle(tmp_path: Path, file: File) -> Iterator[EngineThread]:
    venue = FakeConnector()
    watched = LimitsFile(file.path, file.read, every_seconds=0.01)
    engine = EngineThread(
        replace(parts_of(tmp_path, venue), control_path=tmp_path / "control.sock", limits_file=watched)
    )
    with started(engine, venue):
        seen(engine, "running", lambda: engine.state().is_listed)
        yield engine


def asked(tmp_path: Path, op: str, **request: object) -> dict[str, Any]:
    (answer,) = ask(tmp_path / "control.sock", {"do": "limits", "op": op, **request}, 10.0)
    return dict(answer)


def limits(handle: EngineThread) -> RiskLimits:
    rules = handle.state().rules
    assert rules is not None
    return rules.limits


def test_a_limit_is_previewed_set_shown_and_reset(tmp_path: Path, handle: EngineThread) -> None:
    change = {"name": "max_daily_loss", "value": "400", "reason": "a quiet day"}
    told = asked(tmp_path, "preview", **change)
    assert (told["ok"], told["old"], told["new"], told["is_raise"]) == (True, "5000", "400", False)
    assert limits(handle).max_daily_loss == Decimal(5_000), "a preview changes nothing"
    done = asked(tmp_path, "set", **change)
    assert done["ok"] is True
    assert "max_daily_loss 5000 -> 400 (a quiet day)" in done["detail"]
    shown = asked(tmp_path, "show")
    assert shown["limits"]["max_daily_loss"] == "400"
    assert shown["overrides"]["max_daily_loss"]["file"] == "5000"
    assert any(use["name"] == "max_gross_notional" for use in shown["uses"])
    assert "a raise" not in asked(tmp_path, "reset", name="max_daily_loss")["detail"]
    assert limits(handle).max_daily_loss == Decimal(5_000)


def test_what_the_engine_refuses_is_answered_with_its_words(tmp_path: Path, handle: EngineThread) -> None:
    assert "expected one of" in asked(tmp_path, "set", name="max_loss", value="1")["error"]
    assert "expected a reason" in asked(tmp_path, "set", name="max_daily_loss", value="6000")["error"]
    assert "op: expected show" in asked(tmp_path, "raise")["error"]
    handle.kill("test", 0)
    seen(handle, "killed", lambda: handle.state().kill.is_latched)
    refused = asked(tmp_path, "set", name="max_daily_loss", value="6000", reason="more")
    assert refused["ok"] is False
    assert "a kill by test is latched" in refused["error"]


def test_a_changed_file_is_in_force_without_a_word_of_the_operator(handle: EngineThread, file: File) -> None:
    file.write("700")
    seen(handle, "the new limit", lambda: limits(handle).max_daily_loss == Decimal(700))


def test_a_file_that_cannot_be_used_is_told_and_changes_nothing(handle: EngineThread, file: File) -> None:
    file.write("many")
    seen(handle, "it is told", lambda: "expected a number" in " ".join(one.text for one in handle.state().notices))
    assert limits(handle).max_daily_loss == Decimal(5_000)
    file.path.unlink()
    file.write("800")
    seen(handle, "the next form", lambda: limits(handle).max_daily_loss == Decimal(800))


def test_a_reload_reads_the_file_now(tmp_path: Path, handle: EngineThread, file: File) -> None:
    del handle
    file.write("nothing")
    assert "expected a number" in asked(tmp_path, "reload")["error"]
    file.write("5000")
    assert asked(tmp_path, "reload")["ok"] is True
