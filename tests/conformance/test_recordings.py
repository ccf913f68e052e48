"""The sessions recorded from the real venue, played again: the same calls give the same frames, values aside.

Same means: the same events in the same order, each with the same fields, JSON types, decimals and units of time.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from typed_lighter import Lighter

from tests.support.strangers import typed_client

RECORDED = Path(__file__).parents[3] / "shared" / "payloads" / "recorded"
pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="the recorded sessions (../shared/payloads/recorded) are not beside the project"
)
BTC = 1
NEWER = {
    "order_version": "added to orders after the recording",
    "transaction_time": "added to position frames after the recording",
    "ask_order_version": "added to trades after the recording",
    "bid_order_version": "added to trades after the recording",
    "bo_positions": "binary options; absent on testnet",
    "premium": "added to market_stats after the recording; partial there",
}
OPTIONAL = {"taker_fee", "maker_fee", "taker_position_sign_changed", "maker_position_sign_changed", "premium"}
OPTIONAL |= {"taker_initial_margin_fraction_before", "maker_initial_margin_fraction_before", "integrator_taker_fee"}
OPTIONAL |= {"integrator_taker_fee_collector_index", "integrator_maker_fee", "integrator_maker_fee_collector_index"}
TIMES = {"timestamp", "created_at", "updated_at", "transaction_time", "last_updated_at", "order_expiry"}
TIMES |= {"predicted_execution_time_ms", "funding_timestamp", "queued_at"}


def kind(name: str, value: object) -> str:
    """Type and unit: times by their number of digits, decimal strings as such."""
    match value:
        case bool() | None | list() | dict():
            return type(value).__name__
        case int() | float() if name in TIMES:
            return f"time of {len(str(value))} digits" if value else "time"
        case int() | float():
            return "number"
        case _:
            return "decimal" if re.fullmatch(r"-?\d+\.\d+", str(value)) else "text"


def differences(theirs: object, ours: object, path: str = "") -> list[str]:
    """Where a frame of ours is not shaped like the recorded one."""
    name = path.rpartition(".")[2]
    if isinstance(theirs, dict) and isinstance(ours, dict):
        if theirs and ours and all(key.isdigit() for key in (*theirs, *ours)):
            return differences(next(iter(theirs.values())), next(iter(ours.values())), f"{path}.*")
        missing = theirs.keys() - ours.keys() - OPTIONAL
        extra = ours.keys() - theirs.keys() - OPTIONAL - NEWER.keys()
        found = [f"{path}.{key} is missing" for key in missing] + [f"{path}.{key} is extra" for key in extra]
        for key in theirs.keys() & ours.keys():
            found += differences(theirs[key], ours[key], f"{path}.{key}")
        return found
    if isinstance(theirs, list) and isinstance(ours, list):
        return differences(theirs[0], ours[0], f"{path}[]") if theirs and ours else []
    their_kind, our_kind = kind(name, theirs), kind(name, ours)
    is_zero_time = "time" in {their_kind, our_kind} and {their_kind[:4], our_kind[:4]} == {"time"}
    return [] if their_kind == our_kind or is_zero_time else [f"{path}: recorded {their_kind}, ours {our_kind}"]


def recorded(name: str) -> list[dict]:
    lines = (RECORDED / name).read_text().splitlines()
    return [frame.get("f", frame) for frame in map(json.loads, lines)]


class Session:
    """A raw socket and raw requests, signed for by typed-lighter."""

    def __init__(self, client: Lighter, http: aiohttp.ClientSession, socket, ready) -> None:
        self.client, self.http, self.socket, self.ready = client, http, socket, ready
        self.frames: list[dict] = []

    @property
    def account(self) -> int:
        return self.ready.trading.account_index

    async def next(self) -> dict:
        frame = await self.socket.receive_json(timeout=5)
        self.frames.append(frame)
        return frame

    async def subscribe(self, *names: str) -> None:
        token = self.client.http.tokens.token()
        for name in names:
            await self.socket.send_json({"type": "subscribe", "channel": f"{name}/{self.account}", "auth": token})
        for _ in names:
            await self.next()

    async def post(self, signed) -> tuple[int, dict]:
        form = {"tx_type": str(signed.tx_type), "tx_info": signed.tx_info}
        async with self.http.post(self.ready.url + "/api/v1/sendTx", data=form) as answer:
            return answer.status, await answer.json()

    async def nonce(self) -> int:
        query = {"account_index": self.account, "api_key_index": 5}
        async with self.http.get(self.ready.url + "/api/v1/nextNonce", params=query) as answer:
            return (await answer.json())["nonce"]

    def order(self, client_index: int, price: int, nonce: int):
        terms = {"order_type": "limit", "time_in_force": "post-only", "is_ask": False, "base_amount": 100}
        where = {"market_index": BTC, "client_order_index": client_index, "price": price}
        expiry = {"order_expiry": datetime.now(UTC) + timedelta(days=28)}
        return self.client.signer.create_order(terms | where | expiry, nonce=nonce)


@pytest_asyncio.fixture
async def session(venue) -> AsyncIterator[Session]:
    async with typed_client(venue.ready) as client, aiohttp.ClientSession() as http:
        async with http.ws_connect(venue.ready.ws_url) as socket:
            made = Session(client, http, socket, venue.ready)
            await made.next()
            yield made
        await client.tx.cancel_all_orders({"mode": "immediate"})


CHANNELS = ("account_all_orders", "account_all_trades", "account_all_positions")


async def test_place_then_cancel(session):
    theirs = recorded("testnet_step4_place_then_cancel_2026-07-30.jsonl")
    calls = json.loads((RECORDED / "testnet_step4_rest_2026-07-30.json").read_text())
    await session.subscribe(*CHANNELS)
    answers: list[tuple[int, dict] | int] = []
    nonce = await session.nonce()
    placing = session.order(424_242_424_242, 583_000, nonce)
    answers.append(await session.post(placing))
    await session.next()
    await session.next()
    answers += [await session.nonce(), await session.post(placing), await session.nonce()]
    cancel = session.client.signer.cancel_order(market_index=BTC, order_index=424_242_424_242, nonce=nonce + 1)
    answers.append(await session.post(cancel))
    await session.next()
    await session.next()
    answers.append(await session.nonce())
    assert [frame["type"] for frame in session.frames] == [frame["type"] for frame in theirs]
    for their, our in zip(theirs, session.frames, strict=True):
        assert differences(their, our) == [], our["type"]
    for call, answer in zip(calls, answers, strict=True):
        if "body" in call:
            assert isinstance(answer, tuple)
            assert answer[0] == call["http"]
            assert answer[1]["code"] == call["body"]["code"]
            assert differences(call["body"], answer[1]) == []
        else:
            assert answer - nonce == call["nonce"] - calls[1]["nonce"] + 1
    ours = [
        frame["orders"][str(BTC)][0] for frame in session.frames if frame.get("type") == "update/account_all_orders"
    ]
    recorded_orders = [frame["orders"]["1"][0] for frame in theirs if frame.get("type") == "update/account_all_orders"]
    same = (
        "client_order_index",
        "initial_base_amount",
        "price",
        "status",
        "remaining_base_amount",
        "base_size",
        "side",
        "type",
        "time_in_force",
        "integrator_maker_fee",
        "trigger_status",
        "filled_base_amount",
    )
    for their, our in zip(recorded_orders, ours, strict=True):
        assert {name: our[name] for name in same} == {name: their[name] for name in same}


async def test_snapshot_then_cancel_all(session):
    theirs = recorded("testnet_step6b_snapshot_then_cancel_all_2026-07-30.jsonl")
    nonce = await session.nonce()
    for number, (client_index, price) in enumerate([(424_242_424_249, 581_000), (424_242_424_242, 583_000)]):
        assert (await session.post(session.order(client_index, price, nonce + number)))[0] == 200
    await session.subscribe(*CHANNELS)
    cancel = session.client.signer.cancel_all_orders({"mode": "immediate"}, nonce=nonce + 2)
    assert (await session.post(cancel))[0] == 200
    await session.next()
    await session.next()
    assert [frame["type"] for frame in session.frames] == [frame["type"] for frame in theirs]
    for their, our in zip(theirs, session.frames, strict=True):
        assert differences(their, our) == [], our["type"]
    for place in (1, 4):  # the snapshot, and the one frame of the cancel-all
        seen = [
            [(each["client_order_index"], each["status"]) for each in frame[place]["orders"]["1"]]
            for frame in (theirs, session.frames)
        ]
        assert sorted(seen[0]) == sorted(seen[1])
    counts = [frame["positions"]["1"]["open_order_count"] for frame in session.frames if "positions" in frame]
    assert counts == [2, 0]


async def test_public_streams_and_errors(session):
    theirs = recorded("mainnet_stream_eth_btc_2026-07-28.jsonl")
    wanted = {frame["type"]: frame for frame in theirs if "channel" in frame and frame["type"] != "unsubscribed"}
    for channel in ("order_book/0", "market_stats/0", "market_stats/all", "ticker/1", "height", "trade/0"):
        await session.socket.send_json({"type": "subscribe", "channel": channel})
    seen: dict[str, dict] = {}
    async with asyncio.timeout(20):
        while not wanted.keys() <= seen.keys():
            frame = await session.next()
            is_full = frame.get("trades", [1]) and frame.get("order_book", {}).get("asks", [1])
            if frame.get("type") in wanted and is_full:
                seen[frame["type"]] = frame
    for their in theirs:
        if their.get("type") in seen:
            both_all = str(their.get("channel", "")).endswith(":all")
            our = next(
                frame
                for frame in reversed(session.frames)
                if frame.get("type") == their["type"] and str(frame.get("channel", "")).endswith(":all") == both_all
            )
            assert differences(their, our) == [], their["type"]
    for channel in ("order_book/99", "nothing", "order_book/0"):
        await session.socket.send_json({"type": "subscribe", "channel": channel})
    await session.socket.send_json({"type": "ping"})
    await session.socket.send_json({"type": "unsubscribe", "channel": "order_book/0"})
    answers: list[dict] = []
    async with asyncio.timeout(10):
        while len(answers) < 5:
            frame = await session.next()
            if "error" in frame or frame.get("type") in {"pong", "unsubscribed"}:
                answers.append(frame)
    errors = [frame for frame in theirs if "error" in frame]
    assert [frame for frame in answers if "error" in frame] == errors
    assert [frame for frame in answers if "error" not in frame] == [
        {"type": "pong"},
        {"type": "unsubscribed", "channel": "order_book:0"},
    ]


async def test_rest_bodies(session):
    for name in ("testnet_rest_orderBooks_2026-07-30.json", "mainnet_rest_orderBooks_5rows_2026-07-31.json"):
        theirs = json.loads((RECORDED / name).read_text())
        async with session.http.get(session.ready.url + "/api/v1/orderBooks") as answer:
            ours = await answer.json()
        perps = [row for row in theirs["order_books"] if row["market_type"] == "perp"]
        options = {"start_timestamp", "end_timestamp", "settlement_price", "settlement_cap", "settlement_type"}
        options |= {"outcome", "default_price", "operator_account_index", "is_frozen", "open_interest"}
        for row in perps:
            plain = {key: value for key, value in row.items() if key not in options}
            assert differences(plain, ours["order_books"][0]) == []


def test_the_comparison_sees_what_is_wrong():
    theirs = {"a": "1.5", "timestamp": 1_785_431_667, "orders": {"1": [{"x": True}]}}
    assert differences(theirs, {"a": "2.25", "timestamp": 1_785_431_999, "orders": {"0": [{"x": False}]}}) == []
    assert differences(theirs, {"a": "2", "timestamp": 1_785_431_999_000, "orders": {"0": [{"x": 1, "y": 2}]}}) != []
    assert differences({"a": 1}, {"a": 1, "b": 2}) == [".b is extra"]
    assert differences({"timestamp": 1_785_431_667}, {"timestamp": 1_785_431_667_000}) == [
        ".timestamp: recorded time of 10 digits, ours time of 13 digits"
    ]
