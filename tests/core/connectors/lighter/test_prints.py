"""Public trades: told once, without a hole, of the markets that somebody looks at; and candles over REST."""

from decimal import Decimal

import msgspec
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from core.connectors.lighter.board import MAX_LOOKED_AT, Shard
from core.connectors.lighter.bodies import MarketRow
from core.connectors.lighter.convert import market
from core.connectors.lighter.market_data import MarketData
from core.connectors.lighter.prints import KEPT, Prints
from core.connectors.lighter.session import Send, Session, SessionPolicy
from core.connectors.lighter.wire import decode_frame
from core.errors import LinkDown, ProtocolViolation
from core.events import LinkName, LinkStatus
from core.model import BookStatus, Side
from core.tape import Resolution
from core.units import MarketId
from tests.support.scripted_lighter import book_body, market_row, trade_row
from tests.support.waiting import eventually

ETH = MarketId(0)


def _said(kind, trades, liquidations=(), market_id=0):
    said = {"channel": f"trade:{market_id}", "trades": trades, "liquidation_trades": list(liquidations) or None}
    return decode_frame(msgspec.json.encode({**said, "nonce": 1, "type": f"{kind}/trade"}))


def _ids(prints: Prints) -> list[int]:
    return [one.trade_id for one in prints.tape("").trades]


def _shard(count: int, *, has_trades: bool = False) -> tuple[Shard, Session]:
    rows = [msgspec.convert(market_row(at, f"M{at}"), MarketRow, strict=False) for at in range(count)]
    shard = Shard(MarketData({MarketId(row.market_id): market(row) for row in rows}, 3_000), has_trades=has_trades)
    session = Session(shard.channels, SessionPolicy(data_is_life=True))
    shard.subscribe_with(session)
    return shard, session


def _sent(outputs) -> list[tuple[str, str]]:
    frames = [msgspec.json.decode(output.text) for output in outputs if isinstance(output, Send)]
    return [(frame["type"], frame["channel"]) for frame in frames if "channel" in frame]


def _live(shard: Shard, session: Session) -> None:
    """Every channel the session was made with has its snapshot."""
    asked = _sent(session.opened(0))
    for _, channel in asked:
        name, _, of = channel.partition("/")
        body = {"order_book": book_body(1, 0, [], [])} if name == "order_book" else {"market_stats": {}}
        said = {"channel": f"{name}:{of}", **body, "type": f"subscribed/{name}"}
        frame = decode_frame(msgspec.json.encode(said))
        shard.on_frame(frame, 0)
        asked += _sent(session.heard(frame, 0))


def test_prints_are_told_once_newest_first_whatever_is_replayed():
    prints = Prints(ETH)
    assert prints.take(_said("subscribed", [trade_row(number) for number in (7, 5, 6)])) == 3
    assert prints.take(_said("update", [trade_row(7), trade_row(9)], [trade_row(8, type="liquidation")])) == 2
    assert prints.take(_said("subscribed", [trade_row(number) for number in (9, 8, 7, 6, 5)])) == 0
    assert _ids(prints) == [9, 8, 7, 6, 5]
    tape = prints.tape("")
    assert [one.is_liquidation for one in tape.trades] == [False, True, False, False, False]
    assert {one.taker for one in tape.trades} == {Side.BUY}
    assert {type(one.price) for one in tape.trades} == {Decimal}


def test_what_was_forgotten_is_not_news_when_it_is_replayed():
    prints = Prints(ETH)
    assert prints.take(_said("update", [trade_row(number) for number in range(1, 251)])) == 250
    assert prints.take(_said("subscribed", [trade_row(number) for number in range(1, 51)])) == 0
    assert _ids(prints) == list(range(250, 50, -1))


def test_a_replay_that_does_not_reach_back_to_what_is_here_leaves_no_hole_on_the_tape():
    prints = Prints(ETH)
    prints.take(_said("subscribed", [trade_row(number) for number in range(1, 11)]))
    prints.lose("link down: closed")
    assert prints.tape("").status is BookStatus.STALE
    prints.take(_said("subscribed", [trade_row(number) for number in range(40, 90)]))
    assert _ids(prints) == list(range(89, 39, -1))
    prints.lose("link down: closed")
    prints.take(_said("subscribed", [trade_row(number) for number in range(80, 130)]))
    assert _ids(prints) == list(range(129, 39, -1))


@given(st.lists(st.tuples(st.booleans(), st.lists(st.integers(1, 600), min_size=1, max_size=60)), max_size=30))
def test_no_print_is_ever_told_twice(frames):
    prints, told = Prints(ETH), 0
    for is_snapshot, numbers in frames:
        kind = "subscribed" if is_snapshot else "update"
        told += prints.take(_said(kind, [trade_row(number) for number in numbers]))
        ids = _ids(prints)
        assert ids == sorted(set(ids), reverse=True)
        assert len(ids) <= KEPT
    assert told <= len({number for _, numbers in frames for number in numbers})


def test_a_tape_is_subscribed_to_at_the_first_look_and_the_link_is_whole_without_it():
    shard, session = _shard(2)
    _live(shard, session)
    assert shard.tape(ETH, 1).status is BookStatus.SYNCING
    assert _sent(session.tick(1)) == [("subscribe", "trade/0")]
    assert session.status(1) == (LinkStatus.LIVE, "")
    shard.tape(ETH, 2)
    assert _sent(session.tick(2)) == []
    shard.on_frame(_said("subscribed", [trade_row(1)]), 3)
    assert shard.tape(ETH, 3).status is BookStatus.LIVE
    assert shard.tape(ETH, 10**10).status is BookStatus.STALE
    assert shard.tape(ETH, 10**10).reason == "link silent"
    shard.on_lost("closed")
    assert (shard.tape(ETH, 4).status, len(shard.tape(ETH, 4).trades)) == (BookStatus.STALE, 1)
    assert ("subscribe", "trade/0") in _sent(session.opened(5))


def test_the_tape_looked_at_longest_ago_makes_room_and_the_venue_is_told():
    shard, session = _shard(MAX_LOOKED_AT + 2)
    _live(shard, session)
    for at in range(MAX_LOOKED_AT):
        shard.tape(MarketId(at), 1)
        session.tick(1)
        session.heard(_said("subscribed", [], market_id=at), 1)
    shard.tape(ETH, 2)
    shard.tape(MarketId(MAX_LOOKED_AT), 3)
    assert _sent(session.tick(3)) == [("unsubscribe", "trade/1"), ("subscribe", f"trade/{MAX_LOOKED_AT}")]
    assert shard.on_frame(_said("update", [trade_row(9, market_id=1)], market_id=1), 4) is None
    session.closed("closed")
    again = {channel for _, channel in _sent(session.opened(5))}
    assert "trade/1" not in again


def test_a_tape_that_was_dropped_before_it_was_asked_for_costs_no_message():
    _, session = _shard(1)
    session.want("trade/0")
    session.drop("trade/0")
    session.drop("trade/9")
    assert ("subscribe", "trade/0") not in _sent(session.opened(1))


async def test_the_connector_tells_the_trades_of_a_market_that_is_looked_at(venue, start):
    connector, _ = await start(venue.settings())
    assert connector.trades(ETH).status is BookStatus.SYNCING
    await eventually(lambda: connector.trades(ETH).status is BookStatus.LIVE, "the tape")
    await venue.push({"channel": "trade:0", "trades": [trade_row(5)], "type": "update/trade"})
    await eventually(lambda: connector.trades(ETH).trades, "the trade")
    assert connector.trades(MarketId(77)).status is BookStatus.EMPTY
    await connector.close()
    assert connector.trades(ETH).status is BookStatus.EMPTY


def _answers(venue, rows, seen):
    async def handler(request):
        seen.append(dict(request.query))
        return web.json_response(rows)

    venue.answers["/api/v1/candles"] = handler


async def test_candles_are_decimals_oldest_first_and_no_more_than_asked_for(venue, start):
    connector, _ = await start(venue.settings())
    seen: list[dict[str, str]] = []
    rows = [
        {"t": 60_000 * at, "o": 1900.1, "h": 1910, "l": "1899.95", "c": 1905.5, "v": 2.5, "V": 4763.75}
        for at in range(1, 5)
    ]
    _answers(venue, {"code": 200, "r": "1m", "c": [{"t": 0, "i": 7}, *rows]}, seen)
    found = await connector.candles(ETH, Resolution.M1, 3)
    assert [one.start_us for one in found] == [120_000_000, 180_000_000, 240_000_000]
    assert (found[0].open, found[0].low, found[0].volume) == (Decimal("1900.1"), Decimal("1899.95"), Decimal("2.5"))
    assert len(await connector.candles(ETH, Resolution.M1, 500)) == 4
    [first, _] = seen
    assert (first["market_id"], first["resolution"], first["count_back"]) == ("0", "1m", "3")
    assert int(first["end_timestamp"]) - int(first["start_timestamp"]) == 180_000


async def test_a_market_in_which_nothing_traded_has_no_candles_and_other_refusals_are_errors(venue, start):
    connector, _ = await start(venue.settings())
    seen: list[dict[str, str]] = []
    for body, expected in [
        ({"code": 22400, "message": "invalid timestamps"}, None),
        ({"code": 200, "r": "1m", "c": None}, None),
        ({"code": 20001, "message": "invalid param"}, Exception),
        ({"code": 29500, "message": "internal"}, LinkDown),
        ({"code": 200, "c": [{"t": 1, "o": "5", "h": "4", "l": "3", "c": "4"}]}, ProtocolViolation),
        ({"code": 200, "c": [{"t": 1, "o": "NaN", "h": "4", "l": "3", "c": "4"}]}, ProtocolViolation),
    ]:
        _answers(venue, body, seen)
        if expected is None:
            assert await connector.candles(ETH, Resolution.H1, 10) == ()
        else:
            with pytest.raises(expected):
                await connector.candles(ETH, Resolution.H1, 10)
    with pytest.raises(ValueError, match="expected a count from 1 to 500, got 0"):
        await connector.candles(ETH, Resolution.H1, 0)


async def test_candles_stop_at_half_of_the_budget_for_requests(venue, start):
    connector, _ = await start(venue.settings())
    _answers(venue, {"code": 200, "c": []}, [])

    async def ask_often() -> None:
        for _ in range(60):
            await connector.candles(ETH, Resolution.M1, 1)

    with pytest.raises(LinkDown, match="budget of requests"):
        await ask_often()
    requests = next(use for use in connector.budgets() if use.name == "requests")
    assert requests.left >= requests.limit // 2
    assert {link.status for link in connector.links() if link.name is LinkName.REST} == {LinkStatus.LIVE}


@pytest.mark.parametrize(("resolution", "minutes"), [(Resolution.M1, 1), (Resolution.H4, 240), (Resolution.D1, 1_440)])
def test_a_resolution_knows_its_length(resolution, minutes):
    assert resolution.span_us == minutes * 60_000_000
