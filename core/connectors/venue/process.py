"""The paper venue as a process: one JSON line on stdout when it is ready, then service until it is told to stop."""

import asyncio
import errno
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web

from core.connectors.venue import faults, recording
from core.connectors.venue.catalogue import CATALOGUE
from core.connectors.venue.control_clock import VirtualClock
from core.connectors.venue.identities import Identity, identities
from core.connectors.venue.options import Extras, Feeding
from core.connectors.venue.replay import LiveTape, RecordedTape, Replayer, recorded_specs
from core.connectors.venue.server import HOST, VenueServer
from core.connectors.venue.simulation import CHAIN_ID, KeyOf
from core.connectors.venue.tiers import Tier
from core.connectors.venue.upstream import Upstream, fetch_specs
from core.errors import ConfigError

USAGE: Final = 2
"""Exit code for what the operator can correct."""
_PARENT_POLL_S: Final = 0.5
_GRACE_S: Final = 2.0
_TOKEN_BYTES: Final = 24
_MAX_SCHEDULE: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueOptions:
    """How to run one venue."""

    port: int = 0
    """0 for a free one."""
    seed: int = 1
    markets: int = 12
    parent_pid: int | None = None
    """Stop when this process is no longer the parent."""
    rate: int | None = None
    """Book frames a second over all markets; None for the venue's own 20 a market."""
    volatility_percent: int = 100
    """Of what markets usually do."""
    price_band_percent: int | None = None
    """Prices worse than the market by more are refused as slips of the finger; None for no such check."""
    tier: str | None = None
    """By name; None for a venue without latency and budgets."""
    virtual_from_s: int | None = None
    """Time begins at this Unix second and moves by control requests alone; None for the machine's."""
    has_control: bool = False
    """Open the control endpoint; its token stands in the ready line."""
    verifies_signatures: bool = False
    """Refuse transactions and tokens that were not signed by the key they name."""
    replay: Path | None = None
    """A recording that moves the markets."""
    speed_percent: int = 100
    """Of the replay."""
    upstream: str | None = None
    """A live venue whose public data moves the markets."""
    faults: Path | None = None
    """A fault schedule, TOML when its name ends so."""


def serve(options: VenueOptions) -> int:
    """Run a venue until SIGTERM, SIGINT or the death of its parent; returns the exit code."""
    problem = _problem(options)
    if problem is not None:
        return _refuse(problem)
    try:
        live = LiveTape()
        extras = _extras(options, live)
    except ConfigError as error:
        return _refuse(str(error))
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, options.port))
            listening.listen(128)
        except OSError as error:
            return _refuse(_bind_problem(options.port, error))
        feed = None
        if options.upstream is not None and extras.feeding is not None:
            feed = Upstream(options.upstream, extras.feeding.specs, live)
        asyncio.run(_serve(options, extras, listening, feed))
    return 0


def list_faults() -> str:
    """What `--faults` can ask for."""
    return faults.describe()


def _extras(options: VenueOptions, live: LiveTape) -> Extras:
    return Extras(
        clock=None if options.virtual_from_s is None else VirtualClock(options.virtual_from_s * 1_000_000),
        faults=_schedule(options.faults),
        tier=Tier(options.tier) if options.tier is not None else None,
        control_token=secrets.token_urlsafe(_TOKEN_BYTES) if options.has_control else None,
        volatility_percent=options.volatility_percent,
        price_band_percent=options.price_band_percent,
        verifies_signatures=options.verifies_signatures,
        feeding=_feeding(options, live),
    )


def _feeding(options: VenueOptions, live: LiveTape) -> Feeding | None:
    """Markets from elsewhere, when they were asked for."""
    if options.replay is not None and options.upstream is not None:
        raise ConfigError("--replay and --upstream: expected one of them")
    if options.replay is not None:
        file, speed = options.replay, options.speed_percent
        specs = recorded_specs(recording.read(file), where=str(file))[: options.markets]
        return Feeding(specs=specs, source=lambda made: Replayer(made, RecordedTape(recording.read(file), speed)))
    if options.upstream is not None:
        specs = fetch_specs(options.upstream, options.markets)
        return Feeding(specs=specs, source=lambda made: Replayer(made, live))
    return None


def _schedule(file: Path | None) -> faults.Schedule:
    if file is None:
        return faults.NO_FAULTS
    try:
        with file.open("rb") as opened:
            text = opened.read(_MAX_SCHEDULE)
    except OSError as error:
        raise ConfigError(f"--faults: {file} cannot be read: {error.strerror}") from None
    return faults.parse(text, is_toml=file.suffix == ".toml")


def _problem(options: VenueOptions) -> str | None:
    if not 0 <= options.port <= 65_535:
        return f"--port: expected 0 to 65535, got {options.port}"
    if not 1 <= options.markets <= len(CATALOGUE):
        return f"--markets: expected 1 to {len(CATALOGUE)} for the paper venue, got {options.markets}"
    if options.virtual_from_s is not None and not options.has_control:
        return "--clock virtual: expected --control beside it, for nothing else moves that clock"
    if options.rate is not None and not 1 <= options.rate <= 100_000:
        return f"--rate: expected 1 to 100000 book frames a second, got {options.rate}"
    return None


def _bind_problem(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {HOST} is in use; choose another with --port, or 0 for a free one"
    if error.errno == errno.EACCES:
        return f"port {port} of {HOST} needs privileges; choose one above 1023 with --port, or 0 for a free one"
    return f"port {port} of {HOST} cannot be opened: {error.strerror}"


def _refuse(problem: str) -> int:
    sys.stderr.write(problem + "\n")
    return USAGE


async def _serve(options: VenueOptions, extras: Extras, listening: socket.socket, feed: Upstream | None) -> None:
    owners = identities(options.seed)
    keys = tuple(
        KeyOf(account_index=each.account_index, api_key_index=each.api_key_index, public_key=each.public_key)
        for each in owners
    )
    server = VenueServer(markets=options.markets, seed=options.seed, keys=keys, rate=options.rate, extras=extras)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stopped.set)
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=_GRACE_S)
    await runner.setup()
    feeding = asyncio.create_task(feed.run() if feed is not None else asyncio.Event().wait(), name="venue-upstream")
    feeding.add_done_callback(lambda _: server.stopped.set())
    try:
        await web.SockSite(runner, listening).start()
        _announce(listening.getsockname()[1], owners, extras.control_token)
        await _until(server.stopped, options.parent_pid, os.getppid)
    finally:
        feeding.cancel()
        await asyncio.wait([feeding])
        await runner.cleanup()
    if not feeding.cancelled():
        feeding.result()
    if server.failure is not None:
        raise server.failure


def _announce(port: int, owners: tuple[Identity, ...], control_token: str | None) -> None:
    ready: dict[str, object] = {
        "url": f"http://{HOST}:{port}",
        "ws_url": f"ws://{HOST}:{port}/stream",
        "chain_id": CHAIN_ID,
        "accounts": owners,
    }
    if control_token is not None:
        ready["control_token"] = control_token
    sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
    sys.stdout.flush()


async def _until(stop: asyncio.Event, parent_pid: int | None, parent: Callable[[], int]) -> None:
    """Wait for a signal or, when a parent was named, for its death.

    `PR_SET_PDEATHSIG` would be quicker, but it follows the parent's thread, not the parent.
    """
    while not stop.is_set() and (parent_pid is None or parent() == parent_pid):
        try:
            await asyncio.wait_for(stop.wait(), None if parent_pid is None else _PARENT_POLL_S)
        except TimeoutError:
            continue
