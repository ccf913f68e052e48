"""Recordings and live venues moving our markets: the same books and prints, with our own orders among them."""

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from itertools import islice
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.connectors.venue.catalogue import listed
from core.connectors.venue.child import PaperVenue
from core.connectors.venue.exchange import Exchange
from core.connectors.venue.feed import Feed
from core.connectors.venue.recording import Kind, Line, Recorder
from core.connectors.venue.replay import (
    DETAILS,
    MOST_WAITING,
    Chains,
    LiveTape,
    RecordedTape,
    Replayer,
    recorded_specs,
    specs_of,
)
from core.connectors.venue.rest import Query, Rest
from core.connectors.venue.simulation import OPERATOR, Simulation
from core.connectors.venue.upstream import fetch_specs, stream_of
from core.errors import ConfigError, LinkDown
from tests.support import venue_tx as tx
from tests.support.venue import rest_get
from tests.support.waiting import wait_until

STEP = 50_000


class Everything:
    def __contains__(self, key: object) -> bool:
        return True


def levels(simulation: Simulation, market_id: int = 0) -> list[dict[int, int]]:
    book = simulation.exchange.markets[market_id].book
    return [{price: level.size for price, level in side.levels.items()} for side in (book.asks, book.bids)]


def session(steps: int = 60) -> tuple[Simulation, list[Line]]:
    """A generated market and everything it says, from the snapshots on."""
    simulation = Simulation(listed(2), 3, (), Everything())
    simulation.tick(STEP, STEP)
    simulation.take_frames()
    body = Rest(simulation).get(DETAILS, Query(params={}, token=None, now_us=STEP))[1].decode()
    lines = [Line(STEP, Kind.REPLY, DETAILS, body)]
    for market_id in simulation.exchange.markets:
        names = (f"order_book/{market_id}", f"market_stats/{market_id}")
        lines += [Line(STEP, Kind.FRAME, "", snapshot(simulation, name)) for name in names]
    for step in range(2, steps):
        simulation.tick(STEP, step * STEP)
        lines += [Line(step * STEP, Kind.FRAME, "", frame.body.decode()) for frame in simulation.take_frames()]
    return simulation, lines


def snapshot(simulation: Simulation, name: str) -> str:
    from core.connectors.venue import channels

    channel = channels.parse(name, simulation.exchange.markets, simulation.exchange.accounts)
    feed: Feed = simulation.feed
    return feed.snapshot(channel, STEP).decode()


def replay(lines: list[Line], speed_percent: int = 100) -> Simulation:
    specs = recorded_specs(iter(lines), where="test")
    return Simulation(
        specs, 1, (), Everything(), source=lambda made: Replayer(made, RecordedTape(iter(lines), speed_percent))
    )


def test_a_recording_gives_the_same_books_prints_and_prices():
    original, lines = session()
    again = replay(lines)
    for step in range(1, 62):
        again.tick(STEP, step * STEP)
    assert [spec.symbol for spec in (market.spec for market in again.exchange.markets.values())] == ["ETH", "BTC"]
    for market_id, market in original.exchange.markets.items():
        assert levels(again, market_id) == levels(original, market_id)
        twin = again.exchange.markets[market_id]
        printed = [(each.price, each.size, each.is_maker_ask) for each in market.prints]
        assert len(printed) >= 3
        assert [(each.price, each.size, each.is_maker_ask) for each in twin.prints] == printed[-len(twin.prints) :]
        assert len(twin.prints) >= len(printed) - 2
        assert twin.market_id == market_id
        assert twin.mark > 0


@pytest.mark.parametrize(("speed", "beats"), [(100, 58), (1_000, 6), (50, 116)])
def test_speed(speed, beats):
    original, lines = session()
    again = replay(lines, speed)
    for step in range(1, beats):
        again.tick(STEP, step * STEP)
    assert levels(again) != levels(original)
    for step in range(beats, beats + 6):
        again.tick(STEP, step * STEP)
    assert levels(again) == levels(original)


def test_a_book_whose_chain_broke_stands_still_until_its_next_snapshot():
    _, lines = session()
    updates = [line for line in lines if '"type":"update/order_book"' in line.body and "order_book:0" in line.body]
    lost = updates[5]
    again = replay([line for line in lines if line is not lost])
    for step in range(1, 70):
        again.tick(STEP, step * STEP)
    before = replay(lines[: lines.index(lost)])
    for step in range(1, 70):
        before.tick(STEP, step * STEP)
    shown = again._source._streets[0]._sides
    assert [side.shown for side in shown] == [side.shown for side in before._source._streets[0]._sides]


def test_a_recording_that_is_over_is_silent():
    _, lines = session(20)
    again = replay(lines)

    def kinds(first: int, last: int) -> set[str]:
        for step in range(first, last):
            again.tick(STEP, step * STEP)
        return {json.loads(frame.body)["type"] for frame in again.take_frames()}

    assert {"update/order_book", "update/market_stats"} <= kinds(1, 30)
    kinds(30, 90)
    assert kinds(90, 160) == set()


class TestChains:
    def test_only_a_snapshot_mends_a_gap(self):
        chains = Chains()
        assert not chains.follows("a", is_snapshot=False, begin=1, nonce=2)
        assert chains.follows("a", is_snapshot=True, begin=0, nonce=5)
        assert chains.follows("a", is_snapshot=False, begin=5, nonce=9)
        assert not chains.follows("a", is_snapshot=False, begin=8, nonce=12)
        assert not chains.follows("a", is_snapshot=False, begin=12, nonce=13)
        assert chains.follows("a", is_snapshot=True, begin=0, nonce=13)

    def test_a_break_is_told_once(self):
        def book(kind: str, begin: int, nonce: int) -> str:
            inner = {"begin_nonce": begin, "nonce": nonce}
            return json.dumps({"type": f"{kind}/order_book", "channel": "order_book:3", "order_book": inner})

        chains = Chains()
        told = [
            chains.broken_by(text) for text in (book("subscribed", 0, 1), book("update", 2, 3), book("update", 9, 9))
        ]
        assert told == [None, "order_book/3", None]


@given(
    st.lists(
        st.one_of(
            st.text(max_size=60),
            st.builds(
                json.dumps,
                st.dictionaries(
                    st.sampled_from(["type", "channel", "order_book", "trades", "market_stats"]),
                    st.one_of(
                        st.sampled_from(
                            [
                                "update/order_book",
                                "order_book:0",
                                "update/trade",
                                "subscribed/order_book",
                                "market_stats:all",
                            ]
                        ),
                        st.dictionaries(
                            st.sampled_from(["nonce", "asks", "mark_price", "market_id"]), st.integers() | st.none()
                        ),
                        st.lists(
                            st.fixed_dictionaries(
                                {
                                    "price": st.sampled_from(["1", "0", "-5", "NaN", "1e999", "x", ""]),
                                    "size": st.sampled_from(["1", "0", "-5", "Infinity", "1e400"]),
                                    "is_maker_ask": st.booleans(),
                                }
                            ),
                            max_size=3,
                        ),
                    ),
                ),
            ),
        ),
        max_size=6,
    )
)
def test_no_frame_of_another_venue_breaks_ours(frames):
    tape = LiveTape()
    exchange = Exchange(listed(1))
    replayer = Replayer(exchange, tape)
    for frame in frames:
        tape.put(frame)
    for _ in replayer.step(0, STEP, 1):
        pass
    assert not exchange.markets[0].book.is_crossed


def test_a_tape_that_nobody_plays_is_bounded():
    tape = LiveTape()
    assert all(tape.put("x") for _ in range(MOST_WAITING))
    assert not tape.put("x")
    assert sum(1 for _ in tape.due(0)) == MOST_WAITING


@pytest.mark.parametrize("body", ["", "{}", '{"order_book_details":[]}', '{"order_book_details":[{"symbol":1}]}'])
def test_a_list_of_markets_that_is_none(body):
    with pytest.raises(ConfigError, match="here: "):
        specs_of(body, where="here")


def test_where_a_venue_streams():
    assert stream_of("https://mainnet.zklighter.elliot.ai") == "wss://mainnet.zklighter.elliot.ai/stream"
    assert stream_of("http://127.0.0.1:8080/") == "ws://127.0.0.1:8080/stream"
    for wrong in ("ftp://x", "nothing", "http://"):
        with pytest.raises(ConfigError, match="expected an http"):
            fetch_specs(wrong, 1)


async def talk(ready, on_frame: Callable[[dict], bool], *channels: str) -> None:
    """Listen to a venue until `on_frame` is content."""
    async with aiohttp.ClientSession() as http, http.ws_connect(ready.ws_url) as socket, asyncio.timeout(10):
        for channel in channels:
            await socket.send_json({"type": "subscribe", "channel": channel})
        async for message in socket:
            if on_frame(json.loads(message.data)):
                return


def test_the_process_replays_a_file_and_fills_an_order_of_ours(tmp_path):
    file = tmp_path / "session.ltrec"
    recorder = Recorder(file)
    original, lines = session(400)
    for line in lines:
        recorder.add(line)
    recorder.close()
    with PaperVenue(markets=2, options=("--replay", str(file), "--speed", "20")) as venue:
        heard: list[dict] = []
        asyncio.run(
            talk(venue.ready, lambda frame: bool(heard.append(frame)) or len(heard) > 30, "trade/0", "order_book/0")
        )
        assert any(frame["type"] == "update/trade" for frame in heard)
        info = tx.create(nonce=0, ClientOrderIndex=4, Price=300_000, Type=tx.MARKET, TimeInForce=tx.IOC, BaseAmount=100)
        asyncio.run(post(venue.ready.url, info))
        _, body = rest_get(venue.ready.url, "/api/v1/account", by="index", value=OPERATOR)
        assert body["accounts"][0]["positions"][0]["position"] == "0.0100"
        wanted = {original.exchange.markets[0].spec.symbol}

        def is_over() -> bool:
            _, found = rest_get(venue.ready.url, "/api/v1/orderBookOrders", market_id=0, limit=250)
            best = original.exchange.markets[0].book.bids.best()
            return found["bids"][0]["price"] == f"{best / 100:.2f}" and wanted == {"ETH"}

        wait_until(is_over, "the end of the recording", 10)


async def post(url: str, info: str) -> None:
    async with aiohttp.ClientSession() as http:
        form = {"tx_type": "14", "tx_info": info}
        async with http.post(f"{url}/api/v1/sendTx", data=form) as answer:
            assert answer.status == 200, await answer.text()


def test_the_process_follows_a_live_venue_and_finds_it_again():
    def best(venue: PaperVenue) -> str:
        _, found = rest_get(venue.ready.url, "/api/v1/orderBookOrders", market_id=0, limit=1)
        return found["bids"][0]["price"] if found["bids"] else ""

    with PaperVenue(seed=9, markets=2) as live:
        port = int(live.ready.url.rpartition(":")[2])
        with PaperVenue(markets=2, options=("--upstream", live.ready.url)) as venue:
            for _ in islice(iter(int, 1), 3):
                wait_until(lambda: best(venue) == best(live) != "", "our book to be the live venue's", 10)
            asyncio.run(post(venue.ready.url, tx.create(nonce=0, ClientOrderIndex=4, Price=150_000)))
            auth = tx.token()
            _, mine = rest_get(venue.ready.url, "/api/v1/accountActiveOrders", account_index=OPERATOR, auth=auth)
            _, theirs = rest_get(live.ready.url, "/api/v1/accountActiveOrders", account_index=OPERATOR, auth=auth)
            assert (len(mine["orders"]), theirs["orders"]) == (1, []), "no transaction of ours goes upstream"
            live.stop()
            with PaperVenue(seed=10, markets=2, port=port) as again:
                wait_until(lambda: best(venue) == best(again) != "", "our book to be the returned venue's", 15)
            assert rest_get(venue.ready.url, "/")[0] == 200


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--replay", "/nonexistent"), "cannot be read"),
        (("--upstream", "http://127.0.0.1:9"), "does not answer"),
        (("--upstream", "http://127.0.0.1:9", "--replay", "/nonexistent"), "expected one of them"),
        (("--faults", "/nonexistent"), "--faults: /nonexistent cannot be read"),
    ],
)
def test_what_cannot_be_served_is_a_sentence(options, sentence):
    with pytest.raises(LinkDown, match=sentence):
        PaperVenue(options=options)


RECORDED = Path(__file__).parents[5] / "shared" / "payloads" / "recorded" / "mainnet_stream_eth_btc_2026-07-28.jsonl"


@pytest.mark.skipif(
    not RECORDED.exists(), reason="the recorded venue payloads (../shared/payloads) are not beside the project"
)
def test_frames_of_the_real_venue_give_the_real_venues_book():
    frames = [json.loads(line) for line in RECORDED.read_text().splitlines()]
    frames = [frame.get("f", frame) for frame in frames]
    exchange, tape = Exchange(listed(2)), LiveTape()
    replayer = Replayer(exchange, tape)
    shown: dict[tuple[str, str], dict[str, str]] = {}
    trades = 0
    for number, frame in enumerate(frames):
        tape.put(json.dumps(frame))
        for _ in replayer.step(0, STEP, number):
            pass
        trades += len(frame.get("trades") or ()) if frame.get("type") == "update/trade" else 0
        for side in ("asks", "bids") if "order_book" in frame else ():
            levels = shown.setdefault((frame["channel"], side), {})
            if frame["type"].startswith("subscribed"):
                levels.clear()
            levels |= {level["price"]: level["size"] for level in frame["order_book"][side]}
    assert replayer.unreadable == 0
    assert shown
    for (channel, side), levels in shown.items():
        market = exchange.markets[int(channel.rpartition(":")[2])]
        spec = market.spec
        expected = {
            int(Decimal(price).scaleb(spec.price_decimals)): int(Decimal(size).scaleb(spec.size_decimals))
            for price, size in levels.items()
            if Decimal(size)
        }
        book_side = market.book.side(is_ask=side == "asks")
        assert {price: level.size for price, level in book_side.levels.items()} == expected
    assert sum(len(market.prints) for market in exchange.markets.values()) >= trades
