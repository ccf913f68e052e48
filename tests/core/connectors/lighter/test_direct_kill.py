"""The kill without an engine, against a paper venue with orders of ours and of strangers, and with faults."""

import json
import time
from decimal import Decimal

import pytest

from core.clock import SystemClock
from core.connectors.lighter.connector import LighterConnector, LighterSettings
from core.connectors.lighter.direct_kill import DirectKill
from core.connectors.venue.child import VenueReady
from core.connectors.venue.faults import parse
from core.decisions import Sent
from core.events import Noticed
from tests.support.orders import limit_order, no_gate
from tests.support.venue import HostedVenue, hosted_venue


def settings_of(ready: VenueReady, *, has_kill_key: bool = True) -> LighterSettings:
    return LighterSettings(
        name="test",
        world="test",
        url=ready.url,
        ws_url=ready.ws_url,
        chain_id=ready.chain_id,
        account_index=ready.trading.account_index,
        api_key_index=ready.trading.api_key_index,
        private_key=ready.trading.private_key,
        kill_api_key_index=ready.kill.api_key_index if has_kill_key else None,
        kill_private_key=ready.kill.private_key if has_kill_key else None,
        request_timeout_s=1,
    )


class Heard:
    def __init__(self) -> None:
        self.phases: list[str] = []
        self.lines: list[str] = []

    def __call__(self, phase: str, milliseconds: Decimal, detail: str) -> None:
        assert milliseconds >= 0
        self.phases.append(phase)
        self.lines.append(f"{phase} {detail}")


async def resting(venue: HostedVenue, engine: LighterConnector, count: int) -> None:
    for number in range(1, count + 1):
        assert isinstance(await engine.submit(limit_order(number, price="100.00", size="0.2"), no_gate), Sent)

    async def open_count() -> int:
        return len(await engine.open_orders())

    left = 0
    while left < count:
        left = await open_count()


@pytest.mark.parametrize("has_kill_key", [True, False])
async def test_it_cancels_what_another_process_placed_and_confirms(has_kill_key: bool) -> None:
    async with hosted_venue() as venue:
        settings = settings_of(venue.ready, has_kill_key=has_kill_key)
        engine = LighterConnector(settings, SystemClock())
        await engine.start(lambda _: None)
        try:
            await resting(venue, engine, 3)
            heard = Heard()
            end = await DirectKill(settings, SystemClock(), heard).run(time.monotonic_ns(), 10)
            assert end.is_confirmed, heard.lines
            assert heard.phases[:2] == ["requested", "sent"]
            assert heard.phases[-1] == "confirmed"
            assert await engine.open_orders() == ()
            # The engine beside it still has a working key: its stale nonce is refused, asked for anew, and taken.
            assert isinstance(await engine.submit(limit_order(9, price="100.00", size="0.2"), no_gate), Sent)
        finally:
            await engine.close()


FAULTS = {
    "too many requests": [{"fault": "http-429", "at": 0, "match": "*sendtx*", "count": 2}],
    "nonce refusals": [{"fault": "nonce-storm", "at": 0, "count": 4}],
    "a lost reply": [{"fault": "reply-lost", "at": 0, "count": 1}],
    "a lost request": [{"fault": "request-lost", "at": 0, "count": 2}],
    "lists that cannot be had": [{"fault": "http-503", "at": 0, "match": "*accountActiveOrders*", "count": 3}],
}


@pytest.mark.parametrize("name", FAULTS)
async def test_it_goes_on_under_faults_until_the_venue_obeys(name: str) -> None:
    async with hosted_venue() as venue:
        settings = settings_of(venue.ready)
        engine = LighterConnector(settings, SystemClock())
        await engine.start(lambda _: None)
        try:
            await resting(venue, engine, 2)
            schedule = parse(json.dumps({"faults": FAULTS[name]}).encode(), is_toml=False)
            venue.faults.replace(schedule, SystemClock().now().utc_us)
            heard = Heard()
            end = await DirectKill(settings, SystemClock(), heard).run(time.monotonic_ns(), 20)
            assert all(count for _, count in venue.faults.counts()), "the fault never struck"
            assert end.is_confirmed, heard.lines
            assert await engine.open_orders() == ()
        finally:
            await engine.close()


async def test_a_venue_that_is_gone_is_never_confirmed() -> None:
    async with hosted_venue() as venue:
        settings = settings_of(venue.ready)
    heard = Heard()
    end = await DirectKill(settings, SystemClock(), heard).run(time.monotonic_ns(), 1)
    assert not end.is_confirmed
    assert "not known" in end.detail
    assert "confirmed" not in heard.phases
    assert "failing" in heard.phases


@pytest.mark.parametrize("has_kill_key", [True, False])
async def test_a_connector_without_a_kill_key_says_what_that_means(has_kill_key: bool) -> None:
    async with hosted_venue(markets=1) as venue:
        told: list[str] = []

        def hear(event: object) -> None:
            if isinstance(event, Noticed):
                told.append(event.text)

        engine = LighterConnector(settings_of(venue.ready, has_kill_key=has_kill_key), SystemClock())
        try:
            await engine.start(hear)
        finally:
            await engine.close()
        assert any("no kill key" in text for text in told) is not has_kill_key
