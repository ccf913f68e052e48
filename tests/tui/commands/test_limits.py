"""`lighter-tui limits` from outside of an engine: what is asked, what is printed, what the exit code says."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from core.engine.handle import EngineThread
from tests.support.engine import parts_of, seen, started
from tests.support.fake_connector import FakeConnector
from tui.__main__ import main


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(f'state_dir = "{tmp_path}/state"\n[risk]\nmax_daily_loss = "500"\n')
    return path


def test_a_file_is_checked_without_an_engine(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["limits", "check", str(file)]) == 0
    assert "can be used" in capsys.readouterr().out
    file.write_text('[risk]\nmax_daily_loss = "-5"\n')
    assert main(["limits", "check", str(file)]) == 2
    assert "risk.max_daily_loss: expected a value greater than 0" in capsys.readouterr().err


def test_without_an_engine_nothing_is_changed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["limits", "set", "max_daily_loss", "5", "--yes", "--config", str(file)]) == 1
    assert "no engine answers" in capsys.readouterr().err


def test_a_limit_is_set_and_shown(tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "state" / "paper"
    folder.mkdir(parents=True)
    venue = FakeConnector()
    handle = EngineThread(replace(parts_of(tmp_path, venue), control_path=folder / "control.sock"))
    with started(handle, venue):
        seen(handle, "running", lambda: handle.state().is_listed)
        config = ["--config", str(file)]
        assert main(["limits", "set", "max_daily_loss", "400", "--yes", *config]) == 0
        assert "max_daily_loss 5000 -> 400" in capsys.readouterr().out
        assert main(["limits", "show", *config]) == 0
        assert "max_daily_loss = 400" in (out := capsys.readouterr().out)
        assert "set by the limits command, the file says 5000" in out
        assert main(["limits", "set", "max_daily_loss", "600", "--yes", *config]) == 1
        assert "expected a reason" in capsys.readouterr().err
        assert main(["limits", "set", "max_daily_loss", "300", *config]) == 2, "nobody can be asked"
        assert "--yes" in capsys.readouterr().err
        assert main(["limits", "reset", "--reason", "done", *config]) == 0
        assert main(["limits", "reload", *config]) == 1
        assert "without a configuration file" in capsys.readouterr().err
        rules = handle.state().rules
        assert rules is not None
        assert rules.limits.max_daily_loss == Decimal(5_000)
