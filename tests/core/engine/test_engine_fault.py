"""An engine that breaks at a venue with orders and a position: only cancels, and what is left is said."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from core.commands import Command, ExitPolicy, SubmitOrder
from core.connectors.venue.child import PaperVenue
from core.state import EngineState, StrategyStatus
from tests.support.counterparty import open_orders, token
from tests.support.engine import seen
from tests.support.fake_connector import intent
from tests.support.venue_engine import parts_at, trading


class Breaking:
    """An autopilot that asks, when told to, for something that is no wish at all."""

    is_told = False

    def step(self, state: EngineState) -> Sequence[Command]:
        return (cast("Command", state),) if self.is_told else ()

    def statuses(self) -> tuple[StrategyStatus, ...]:
        return ()

    def set_running(self, name: str, running: bool) -> bool:
        del name, running
        return False


@pytest.mark.parametrize(
    ("policy", "said", "left"),
    [
        (ExitPolicy.CANCEL, "a cancel-all was sent, the venue then listed 0 open orders", 0),
        (ExitPolicy.FLATTEN, "positions were not closed: close them by hand", 0),
        (ExitPolicy.KEEP, "open orders were left as they are", 1),
    ],
)
def test_a_fault_only_cancels_and_says_what_is_left(tmp_path: Path, policy: ExitPolicy, said: str, left: int) -> None:
    pilot = Breaking()
    with PaperVenue() as venue:
        auth = token(venue.ready, venue.ready.trading)
        parts = replace(parts_at(venue.ready, tmp_path), autopilot=pilot)
        with trading(parts, policy) as handle:
            seen(handle, "a quote", lambda: handle.state().quotes[0].bid is not None, timeout=15.0)
            bid = handle.state().quotes[0].bid
            assert bid is not None
            handle.submit(SubmitOrder(intent=intent(price=f"{bid - 100:.2f}", size="0.05")))
            seen(handle, "at rest", lambda: open_orders(venue.ready, venue.ready.trading, auth), timeout=15.0)
            pilot.is_told = True
            seen(handle, "it ended", lambda: handle.exit_report() is not None, timeout=20.0)
        report = handle.exit_report()
        assert report is not None
        assert (report.is_clean, report.exit_code) == (False, 1)
        assert report.text.startswith("the engine failed: a fact that no room takes")
        assert said in report.text
        assert len(open_orders(venue.ready, venue.ready.trading, auth)) == left
