"""The real process in a real terminal, the paper venue beside it as a process of its own."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.connectors.venue.child import PaperVenue
from tests.support.terminal import Terminal
from tests.support.venue import paper_venue

__all__ = ["paper_venue"]

COMMAND = (sys.executable, "-X", "dev", "-m", "tui")


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment with a configuration and state of its own, in which every warning is shown."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIGHTER_TUI_")}
    return kept | {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "PYTHONWARNINGS": "default",
    }


@pytest.fixture
def configured(home: dict[str, str], tmp_path: Path, paper_venue: PaperVenue) -> dict[str, str]:
    """The same with a profile `stage` that points at the running venue."""
    ready = paper_venue.ready
    file = tmp_path / "lighter-tui.toml"
    file.write_text(
        f"""
profile = "stage"
[profiles.stage]
url = "{ready.url}"
ws_url = "{ready.ws_url}"
chain_id = {ready.chain_id}
account_index = {ready.trading.account_index}
api_key_index = {ready.trading.api_key_index}
private_key = "{ready.trading.private_key.get_secret_value()}"
kill_api_key_index = {ready.kill.api_key_index}
kill_private_key = "{ready.kill.private_key.get_secret_value()}"
"""
    )
    file.chmod(0o600)
    return home | {"LIGHTER_TUI_CONFIG": str(file)}


@pytest.fixture
def desk(configured: dict[str, str]) -> Iterator[Terminal]:
    """The desk at 200x50 on the venue of this test."""
    with Terminal(COMMAND, env=configured) as terminal:
        yield terminal
