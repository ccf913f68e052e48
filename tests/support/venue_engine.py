"""A whole engine, connector and journal included, at a paper venue of its own process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread

from core.clock import SystemClock
from core.commands import ExitPolicy
from core.connectors.lighter.connector import LighterConnector, LighterSettings
from core.connectors.venue.child import VenueReady
from core.engine.handle import EngineThread
from core.engine.runtime import EngineParts
from core.limits import RiskLimits
from core.risk import RiskManager
from core.state import EnginePhase
from tests.support.engine import seen

WORLD = "paper venue of this test"


def settings_of(ready: VenueReady) -> LighterSettings:
    """How to speak to that venue; one world for as long as it lives, so that restarts find their orders."""
    return LighterSettings(
        name="paper",
        world=WORLD,
        url=ready.url,
        ws_url=ready.ws_url,
        chain_id=ready.chain_id,
        account_index=ready.trading.account_index,
        api_key_index=ready.trading.api_key_index,
        private_key=ready.trading.private_key,
        kill_api_key_index=ready.kill.api_key_index,
        kill_private_key=ready.kill.private_key,
    )


def parts_at(ready: VenueReady, folder: Path, *, deadman_s: int | None = None) -> EngineParts:
    """What such an engine is made of."""
    clock = SystemClock()
    return EngineParts(
        connector=LighterConnector(settings_of(ready), clock),
        risk=RiskManager(RiskLimits()),
        journal_path=folder / "journal.sqlite",
        clock=clock,
        profile="paper",
        exit_policy=ExitPolicy.CANCEL,
        deadman_s=deadman_s,
    )


@contextmanager
def trading(parts: EngineParts, policy: ExitPolicy = ExitPolicy.CANCEL) -> Iterator[EngineThread]:
    """Run it, reconciled; at the end ask it to stop and see its thread end."""
    handle = EngineThread(replace(parts, exit_policy=policy))
    thread = Thread(target=handle.run, args=(lambda: False,), name="engine")
    thread.start()
    try:
        seen(handle, "the engine is running", lambda: handle.state().phase is EnginePhase.RUNNING, timeout=15.0)
        yield handle
    finally:
        handle.request_stop(policy, "the test is over")
        thread.join(30)
        assert not thread.is_alive(), "the engine did not end"
