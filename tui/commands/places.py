"""Where a run finds its venue, its keys and its folder."""

import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.errors import ConfigError

if TYPE_CHECKING:
    from core.config import Settings
    from core.connectors.lighter.connector import LighterSettings
    from core.connectors.venue.child import PaperVenue, VenueReady

PAPER: Final = "paper"
_PAPER_FILE: Final = "paper-venue.json"
TESTNET_CHAIN: Final = 300
"""Chain id of both testnets (endpoint profiles of lighter-sdk 1.1.8)."""


def is_live(settings: "Settings") -> bool:
    """Whether real money stands behind it: anything but the paper venue and the venue's testnets."""
    return settings.profile != PAPER and settings.venue_profile().chain_id != TESTNET_CHAIN


def start_paper(settings: "Settings", folder: Path, stack: ExitStack) -> "Future[PaperVenue]":
    """The paper venue as a child process, starting while others do something else; ended when `stack` unwinds."""
    from core.connectors.venue.child import PaperVenue  # noqa: PLC0415

    def start() -> PaperVenue:
        paper = settings.paper
        venue = PaperVenue(port=paper.port, seed=paper.seed, markets=paper.markets, log_file=folder / "venue.log")
        stack.callback(venue.stop)
        return venue

    starter = stack.enter_context(ThreadPoolExecutor(1, "paper venue"))
    return starter.submit(start)


def paper(settings: "Settings", ready: "VenueReady") -> "LighterSettings":
    """How to speak to that venue, with the keys it gave us."""
    from core.connectors.lighter.connector import LighterSettings  # noqa: PLC0415

    made = LighterSettings(
        name=PAPER,
        # A paper venue begins anew with every start: its ids are those of a world of their own.
        world=f"{PAPER} {time.time_ns()}",
        url=ready.url,
        ws_url=ready.ws_url,
        chain_id=ready.chain_id,
        account_index=ready.trading.account_index,
        api_key_index=ready.trading.api_key_index,
        private_key=ready.trading.private_key,
        kill_api_key_index=ready.kill.api_key_index,
        kill_private_key=ready.kill.private_key,
        markets=settings.markets,
        stale_after_ms=settings.stale_after_ms,
        book_silent_after_ms=settings.book_silent_after_ms,
    )
    return _tuned(made, settings)


def remember_paper(folder: Path, ready: "VenueReady", stack: ExitStack) -> None:
    """Leave the address and keys of a running paper venue where another command finds them, until `stack` unwinds."""
    from core.connectors.venue.child import written  # noqa: PLC0415

    file = folder / _PAPER_FILE
    with suppress(FileNotFoundError):
        file.unlink()
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(written(ready))
    stack.callback(file.unlink, missing_ok=True)


def found_paper(settings: "Settings", folder: Path) -> "LighterSettings | None":
    """How to speak to the paper venue that a running desk started; None when there is none."""
    from core.connectors.venue.child import read  # noqa: PLC0415

    try:
        ready = read((folder / _PAPER_FILE).read_bytes())
    except OSError:
        return None
    return None if ready is None else paper(settings, ready)


def engine_socket(folder: Path) -> Path:
    """Where the engine of a profile listens for other commands."""
    from core.engine.control import SOCKET_NAME  # noqa: PLC0415

    return folder / SOCKET_NAME


def live(settings: "Settings") -> "LighterSettings":
    """How to speak to the venue of a configured profile."""
    from core.connectors.lighter.connector import LighterSettings  # noqa: PLC0415

    chosen = settings.venue_profile()
    made = LighterSettings(
        name=settings.profile,
        world=f"chain {chosen.chain_id} account {chosen.account_index}",
        url=chosen.url.rstrip("/"),
        ws_url=chosen.ws_url,
        chain_id=chosen.chain_id,
        account_index=chosen.account_index,
        api_key_index=chosen.api_key_index,
        private_key=chosen.private_key,
        kill_api_key_index=chosen.kill_api_key_index,
        kill_private_key=chosen.kill_private_key,
        markets=settings.markets,
        stale_after_ms=settings.stale_after_ms,
        book_silent_after_ms=settings.book_silent_after_ms,
    )
    return _tuned(made, settings)


def _tuned(made: "LighterSettings", settings: "Settings") -> "LighterSettings":
    """The same with what the table `connector` says."""
    from core.connectors.lighter.budget import Tier  # noqa: PLC0415

    chosen = settings.connector
    return replace(
        made,
        market_connections=chosen.market_connections,
        has_public_trades=chosen.public_trades,
        has_drop_copy=chosen.drop_copy,
        tier=None if chosen.tier == "auto" else Tier(chosen.tier),
    )


def state_folder(folder: Path) -> Path:
    """The folder of one profile, made when it is missing, for this user alone.

    Raises:
        ConfigError: it cannot be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError(f"state_dir: expected a folder this user can write, got {folder}: {error.strerror}") from None
    return folder
