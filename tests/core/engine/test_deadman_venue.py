"""The dead-man's switch of a whole engine at the paper venue: armed, moved where it is not replaced, disarmed last."""

import time
from pathlib import Path

import pytest

from core.commands import ExitPolicy
from core.connectors.venue.child import PaperVenue, VenueReady
from core.decisions import TradingState
from core.engine.handle import EngineThread
from tests.support.engine import seen
from tests.support.venue import rest_get
from tests.support.venue_engine import parts_at, trading

SPAN_S = 300
NOT_REPLACED = '{"faults": [{"fault": "refuse", "code": 21712, "count": 1}]}'


@pytest.mark.parametrize("faults", ["{}", NOT_REPLACED], ids=["a venue that replaces", "21712, then abort"])
def test_it_is_armed_before_anything_trades_and_disarmed_last(tmp_path: Path, faults: str) -> None:
    schedule = tmp_path / "faults.json"
    schedule.write_text(faults)
    with PaperVenue(options=["--faults", str(schedule)]) as venue:
        parts = parts_at(venue.ready, tmp_path, deadman_s=SPAN_S)
        with trading(parts, ExitPolicy.KEEP) as handle:
            armed_us = _armed_us(handle)
            assert armed_us == _venue_ms(venue.ready) * 1_000
            assert SPAN_S - 5 <= armed_us // 1_000_000 - time.time() <= SPAN_S + 15
            assert handle.state().deadman.missed == 0
        report = handle.exit_report()
        assert report is not None
        assert (report.is_clean, report.exit_code) == (True, 0), report.text
        assert _venue_ms(venue.ready) == 0


def _armed_us(handle: EngineThread) -> int:
    seen(handle, "trading, so it is armed", lambda: handle.state().trading is TradingState.ACTIVE, timeout=10.0)
    status = handle.state().deadman
    assert status is not None
    assert status.armed_us is not None
    return status.armed_us


def _venue_ms(ready: VenueReady) -> int:
    status, body = rest_get(ready.url, "/api/v1/account", by="index", value=ready.trading.account_index)
    assert status == 200, body
    (account,) = body["accounts"]
    return account["cancel_all_time"]
