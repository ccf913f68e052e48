"""The venue's bodies and frames beside recordings of the real one: same fields, same JSON types."""

import json
import re
from pathlib import Path

import pytest

from core.connectors.venue.catalogue import listed
from core.connectors.venue.market import FundingRound
from core.connectors.venue.rest import Query, Rest
from core.connectors.venue.simulation import OPERATOR, TRADING_KEY, KeyOf, Simulation
from tests.support import venue_tx as tx

PAYLOADS = Path(__file__).parents[5] / "shared" / "payloads"
pytestmark = pytest.mark.skipif(
    not PAYLOADS.is_dir(), reason="the recorded venue payloads (../shared/payloads) are not beside the project"
)

# What recordings have and this venue does not, with the reason.
ABSENT = {
    "taker_fee": "omitted while zero: the generator trades free",
    "maker_fee": "omitted while zero: the generator trades free",
    "premium": "only sent when it changed",
    "total_funding_paid_out": "omitted while zero: no funding is settled yet",
    "total_discount": "omitted while zero",
    "last_funding_round": "sent at funding only",
    "last_funding_discount": "sent at funding only",
    "next_cursor": "only on a page that is not the last",
}


class Everything:
    def __contains__(self, key: object) -> bool:
        return True


def kind(value: object) -> str:
    match value:
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "decimal" if re.fullmatch(r"-?\d+(\.\d+)?", value) else "text"
        case None:
            return "null"
        case list():
            return "list"
        case _:
            return "object"


def differences(recorded: object, ours: object, path: str = "") -> list[str]:
    """Where `ours` lacks a field of `recorded`, or gives it another type."""
    if isinstance(recorded, dict) and isinstance(ours, dict):
        found: list[str] = []
        by_id = all(name.isdigit() for name in recorded)
        if by_id:
            return differences(next(iter(recorded.values()), None), next(iter(ours.values()), None), f"{path}.*")
        for name, value in recorded.items():
            if name in ours:
                found += differences(value, ours[name], f"{path}.{name}")
            elif name not in ABSENT:
                found.append(f"{path}.{name} is missing")
        return found
    if isinstance(recorded, list) and isinstance(ours, list):
        return differences(recorded[0], ours[0], f"{path}[]") if recorded and ours else []
    kinds = {kind(recorded), kind(ours)}
    interchangeable = {"null"} & kinds or kinds == {"decimal", "text"}
    return [] if len(kinds) == 1 or interchangeable else [f"{path}: recorded {kind(recorded)}, ours {kind(ours)}"]


@pytest.fixture(scope="module")
def world() -> tuple[Simulation, Rest, dict[str, dict]]:
    """A venue with a position and an open order, and the last frame of each type it sent."""
    key = KeyOf(account_index=OPERATOR, api_key_index=TRADING_KEY, public_key="ab" * 40)
    simulation = Simulation(listed(12), 1, [key], Everything())
    frames: dict[str, dict] = {}
    simulation.tick(50_000, tx.now_ms() * 1_000)
    for info in (
        tx.create(nonce=0, Type=tx.MARKET, TimeInForce=tx.IOC, Price=300_000, ClientOrderIndex=4),
        tx.create(nonce=1, ClientOrderIndex=5),
    ):
        simulation.send(tx.CREATE, info, tx.now_ms() * 1_000)
    simulation.tick(50_000, tx.now_ms() * 1_000 + 1_000_000)
    for frame in simulation.take_frames():
        body = json.loads(frame.body)
        frames[frame.key.split(":")[0] + (":all" if frame.key.endswith(":all") else "")] = body
    hour = FundingRound(time_s=tx.now_ms() // 3_600_000 * 3_600, rate_ppm=12, value=2_707_872)
    simulation.exchange.markets[0].fundings.append(hour)
    return simulation, Rest(simulation), frames


def rest_body(rest: Rest, path: str, **query: str) -> dict:
    status, body = rest.get(path, Query(params=query, token=tx.token(), now_us=tx.now_ms() * 1_000))
    assert status == 200, body
    return json.loads(body)


def schema(name: str) -> dict:
    return json.loads((PAYLOADS / "schema" / name).read_text())


EVER = {"start_timestamp": "0", "end_timestamp": str(2**42), "count_back": "5"}
BODIES = [
    ("http_account.json", "/api/v1/account", {"by": "index", "value": str(OPERATOR)}),
    ("http_candles.json", "/api/v1/candles", {"market_id": "0", "resolution": "1m", **EVER}),
    ("http_fundings.json", "/api/v1/fundings", {"market_id": "0", "resolution": "1h", **EVER}),
    ("http_next_nonce.json", "/api/v1/nextNonce", {"account_index": str(OPERATOR), "api_key_index": "5"}),
    ("http_order_book_details.json", "/api/v1/orderBookDetails", {}),
    ("http_order_book_orders.json", "/api/v1/orderBookOrders", {"market_id": "0", "limit": "5"}),
    ("http_order_books.json", "/api/v1/orderBooks", {}),
    ("http_orders.json", "/api/v1/accountActiveOrders", {"account_index": str(OPERATOR)}),
    ("http_recent_trades.json", "/api/v1/recentTrades", {"market_id": "0", "limit": "5"}),
]


@pytest.mark.parametrize(("name", "path", "query"), BODIES)
def test_rest_bodies(world, name, path, query):
    ours = rest_body(world[1], path, **query)
    assert differences(schema(name), ours) == []
    lists = [each for each in ours.values() if isinstance(each, list)]
    assert not lists or any(lists), "an empty list resembles everything"


FRAMES = [
    ("ws_account_all_assets_update.json", "account_all_assets"),
    ("ws_account_all_positions_update.json", "account_all_positions"),
    ("ws_account_all_trades_update.json", "account_all_trades"),
    ("ws_height_update.json", "height"),
    ("ws_market_stats_update_all.json", "market_stats:all"),
    ("ws_market_stats_update_single.json", "market_stats"),
    ("ws_order_book_update.json", "order_book"),
    ("ws_ticker_update.json", "ticker"),
    ("ws_trade_update.json", "trade"),
    ("ws_user_stats_update.json", "user_stats"),
]


@pytest.mark.parametrize(("name", "channel"), FRAMES)
def test_frames(world, name, channel):
    assert differences(schema(name), world[2][channel]) == []


def test_recorded_order_and_position_frames(world):
    lines = (PAYLOADS / "recorded" / "testnet_step4_place_then_cancel_2026-07-30.jsonl").read_text().splitlines()
    recorded = {frame["type"]: frame for frame in (json.loads(line)["f"] for line in lines)}
    for channel in ("account_all_orders", "account_all_positions"):
        assert differences(recorded[f"update/{channel}"], world[2][channel]) == []


def test_recorded_stream_frames(world):
    lines = (PAYLOADS / "recorded" / "mainnet_stream_eth_btc_2026-07-28.jsonl").read_text().splitlines()
    compared = 0
    for line in lines:
        frame = json.loads(line)
        name, _, rest = str(frame.get("channel", "")).partition(":")
        channel = "market_stats:all" if (name, rest) == ("market_stats", "all") else name
        if channel in world[2]:
            assert differences(frame, world[2][channel]) == [], frame["type"]
            compared += 1
    assert compared >= 4


def test_recorded_private_bodies(world):
    recorded = json.loads((PAYLOADS / "recorded" / "testnet_rest_private_bodies_2026-08-01.json").read_text())
    ours = rest_body(world[1], "/api/v1/accountActiveOrders", account_index=str(OPERATOR))
    assert differences(recorded["accountActiveOrders_one"]["body"], ours) == []
    for field, value in recorded["accountActiveOrders_one"]["body"]["orders"][0].items():
        if field.startswith(("integrator_", "trigger_status", "side", "to_", "parent_")):
            assert ours["orders"][0][field] == value
    ours = rest_body(world[1], "/api/v1/accountLimits", account_index=str(OPERATOR))
    assert differences(recorded["accountLimits_ok"]["body"], ours) == []
    status, body = world[1].get(
        "/api/v1/accountActiveOrders", Query(params={"account_index": str(OPERATOR)}, token=None, now_us=1)
    )
    assert (status, json.loads(body)) == (400, recorded["accountActiveOrders_no_token"]["body"])


def test_the_comparison_sees_what_is_wrong():
    recorded = {"a": 1, "b": {"7": {"c": "1.5"}}, "d": [{"e": True}]}
    assert differences(recorded, {"a": 2, "b": {"9": {"c": "2"}}, "d": [{"e": False}]}) == []
    ours = {"a": "2", "b": {"9": {}}, "d": [{"e": 1}]}
    assert differences(recorded, ours) == [
        ".a: recorded number, ours decimal",
        ".b.*.c is missing",
        ".d[].e: recorded bool, ours number",
    ]
