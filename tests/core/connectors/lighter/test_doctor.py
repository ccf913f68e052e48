"""The doctor: every check finds what it is for, says what to do, and sends nothing."""

import dataclasses

import pytest
from aiohttp import web
from pydantic import SecretStr

from core.clock import SystemClock
from core.connectors.lighter.budget import Tier
from core.connectors.lighter.doctor import Health, findings
from core.connectors.lighter.signer import generate_api_key
from tests.support.scripted_lighter import market_row


@pytest.fixture(autouse=True)
def stamped(venue):
    """The scripted stream's figures bear the present time."""
    stats = {"market_stats": {}, "timestamp": SystemClock().now().utc_us // 1_000}
    venue.snapshots["market_stats/all"] = stats


async def _found(settings):
    found = await findings(settings, SystemClock())
    return {one.check: (one.health, one.text) for one in found}


async def test_a_healthy_account_passes_every_check_and_nothing_is_sent(venue):
    found = await _found(venue.settings())
    assert {check: health for check, (health, _) in found.items()} == dict.fromkeys(
        ("reachable", "clock", "markets", "key", "kill key", "permissions", "tier"), Health.GOOD
    )
    assert venue.sent == []
    assert "2 chosen" in found["markets"][1]


async def test_a_venue_that_is_not_there_ends_it_at_once(venue):
    found = await _found(dataclasses.replace(venue.settings(), url="http://127.0.0.1:1"))
    assert list(found) == ["reachable"]
    assert found["reachable"][0] is Health.BAD
    assert "cannot connect to 127.0.0.1:1" in found["reachable"][1]


@pytest.mark.parametrize("ahead_ms", [-60_000, 60_000])
async def test_a_wrong_clock_is_said(venue, ahead_ms):
    venue.snapshots["market_stats/all"]["timestamp"] -= ahead_ms
    health, text = (await _found(venue.settings()))["clock"]
    assert health is Health.DOUBTFUL
    assert ("ahead of" if ahead_ms > 0 else "behind") in text


async def test_a_stream_that_is_mute_or_gone_is_said(venue):
    venue.silent_channels.add("market_stats/all")
    assert (await _found(venue.settings()))["stream"] == (Health.BAD, f"{venue.ws_url}: no data in 1 s")
    gone = await _found(dataclasses.replace(venue.settings(), ws_url="ws://127.0.0.1:1/stream"))
    assert "cannot connect to 127.0.0.1:1" in gone["stream"][1]


async def test_wrong_keys_are_said_each_with_its_remedy(venue):
    other = SecretStr(generate_api_key()[0])
    found = await _found(venue.settings(private_key=other, kill_private_key=other))
    assert (found["key"][0], found["kill key"][0]) == (Health.BAD, Health.BAD)
    assert "correct the key, the index or the account" in found["key"][1]
    assert "permissions" not in found, "a token of a wrong key proves nothing"
    alone = await _found(venue.settings(kill_api_key_index=None, kill_private_key=None))
    assert alone["kill key"][0] is Health.DOUBTFUL
    assert other.get_secret_value() not in repr(found)


async def test_a_key_that_belongs_to_the_venues_apps_is_said(venue):
    venue.keys[2] = venue.keys[5]
    assert (await _found(venue.settings(api_key_index=2)))["key"][0] is Health.DOUBTFUL


async def test_a_token_that_is_refused_is_said(venue):
    async def refused(request):
        return web.json_response({"code": 20013, "message": "invalid auth"}, status=401)

    venue.answers["/api/v1/accountActiveOrders"] = refused
    health, text = (await _found(venue.settings()))["permissions"]
    assert health is Health.BAD
    assert "20013" in text


async def test_an_unknown_tier_and_one_that_contradicts_the_configuration_are_said(venue):
    told = await _found(venue.settings(tier=Tier.STANDARD))
    assert told["tier"][0] is Health.DOUBTFUL
    venue.tier = "platinum"
    assert "'platinum' is not known" in (await _found(venue.settings()))["tier"][1]


async def test_markets_that_are_missing_or_closing_are_said(venue):
    missing = await _found(venue.settings(markets=("ETHH",)))
    assert missing["markets"][0] is Health.BAD
    venue.markets[1] = market_row(1, "BTC", market_config={"force_reduce_only": True})
    closing = await _found(venue.settings())
    assert closing["markets"] == (Health.DOUBTFUL, "2 chosen, of which BTC take no new exposure")
