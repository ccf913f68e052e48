"""Market data over several connections, read as one."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import SECOND_NS
from core.connectors.lighter.board import MAX_LOOKED_AT, MAX_SUBSCRIPTIONS, Board, OneLink, Shard, deal, worst
from core.connectors.lighter.bodies import MarketRow
from core.connectors.lighter.budget import Window
from core.connectors.lighter.convert import market
from core.connectors.lighter.market_data import MarketData
from core.connectors.lighter.session import Send, Session, SessionPolicy
from core.connectors.lighter.wire import decode_frame
from core.events import LinkChanged, LinkHealth, LinkName, LinkStatus
from core.model import BookStatus
from core.units import MarketId
from tests.support.scripted_lighter import book_body, market_row, trade_row
from tests.support.waiting import eventually


def _markets(count: int):
    rows = [msgspec.convert(market_row(at, f"M{at}"), MarketRow, strict=False) for at in range(count)]
    return {MarketId(row.market_id): market(row) for row in rows}


@given(count=st.integers(1, 240), connections=st.integers(1, 12), has_trades=st.booleans())
def test_every_market_is_dealt_once_evenly_and_within_the_venues_limit(count, connections, has_trades):
    hands = deal(_markets(count), connections, has_trades=has_trades)
    assert sorted(key for hand in hands for key in hand) == list(range(count))
    assert max(map(len, hands)) - min(map(len, hands)) <= 1
    for hand in hands:
        channels = len(Shard(MarketData(hand, 3_000), has_trades=has_trades).channels)
        assert channels + MAX_LOOKED_AT <= MAX_SUBSCRIPTIONS
    assert len(hands) == max(min(connections, count), -(-count * (2 if has_trades else 1) // 491))


def test_two_hundred_markets_subscribe_within_the_messages_of_one_minute_whatever_the_connections():
    for connections in (1, 4):
        messages = Window(200)
        shards = [
            Shard(MarketData(hand, 3_000), has_trades=False)
            for hand in deal(_markets(200), connections, has_trades=False)
        ]
        policy = SessionPolicy(data_is_life=True)
        sessions = [Session(shard.channels, policy, messages) for shard in shards]
        now, sent, asked = 0, [], []
        for session in sessions:
            asked += [(session, out) for out in session.opened(now) if isinstance(out, Send)]
        while now < 150 * SECOND_NS:
            sent += [(now, msgspec.json.decode(out.text)) for _, out in asked]
            asked = [
                (session, more)
                for session, out in asked
                if msgspec.json.decode(out.text)["type"] == "subscribe"
                for more in session.heard(_snapshot(msgspec.json.decode(out.text)["channel"]), now)
                if isinstance(more, Send)
            ]
            if not asked:
                now += SECOND_NS
                for session in sessions:
                    session.heard(_update(), now)
                    asked += [(session, out) for out in session.tick(now) if isinstance(out, Send)]
        moments = [at for at, _ in sent]
        assert max(sum(at <= one < at + 60 * SECOND_NS for one in moments) for at in set(moments)) <= 200
        subscribed = [request["channel"] for _, request in sent if request["type"] == "subscribe"]
        assert len(subscribed) == len(set(subscribed)) + connections - 1 == 200 + connections
        assert all(session.status(now)[0] is LinkStatus.LIVE for session in sessions)


def _snapshot(channel: str):
    name, _, of = channel.partition("/")
    body = {"market_stats": {}} if name == "market_stats" else {"order_book": book_body(1, 0, [], [])}
    return decode_frame(msgspec.json.encode({"channel": f"{name}:{of}", **body, "type": f"subscribed/{name}"}))


def _update():
    body = book_body(2, 1, [], [])
    return decode_frame(
        msgspec.json.encode({"channel": "order_book:0", "order_book": body, "type": "update/order_book"})
    )


def test_a_silent_connection_takes_only_its_own_books():
    shards = [Shard(MarketData(hand, 3_000), has_trades=False) for hand in deal(_markets(4), 2, has_trades=False)]
    board = Board(shards)
    for shard in shards:
        for market_id in shard.data.markets:
            body = book_body(10, 0, [("2000.00", "1.0000")], [("2001.00", "1.0000")])
            said = {"channel": f"order_book:{market_id}", "order_book": body, "type": "subscribed/order_book"}
            shard.on_frame(decode_frame(msgspec.json.encode(said)), 1)
    assert {quote.status for quote in board.drain(1)} == {BookStatus.LIVE}
    shards[1].on_lost("closed")
    assert [board.quote(MarketId(at), 1).status for at in range(4)] == [BookStatus.LIVE, BookStatus.STALE] * 2
    assert board.book(MarketId(1), 5, 1).status is BookStatus.STALE
    assert board.quote(MarketId(9), 1).status is BookStatus.EMPTY
    assert board.tape(MarketId(9), 1).status is BookStatus.EMPTY


def test_several_connections_are_one_link_as_good_as_the_worst():
    told = []
    healths = [LinkHealth(name=LinkName.MARKET_DATA, status=LinkStatus.CONNECTING) for _ in range(2)]
    whole = OneLink(told.append)
    whole.watch(lambda: healths)

    def become(at: int, status: LinkStatus) -> None:
        healths[at] = LinkHealth(name=LinkName.MARKET_DATA, status=status)
        whole(LinkChanged(link=healths[at]))

    become(0, LinkStatus.LIVE)
    become(1, LinkStatus.LIVE)
    become(1, LinkStatus.DOWN)
    become(0, LinkStatus.DEGRADED)
    become(1, LinkStatus.LIVE)
    assert [event.link.status for event in told] == [
        LinkStatus.CONNECTING, LinkStatus.LIVE, LinkStatus.DOWN, LinkStatus.DEGRADED,
    ]  # fmt: skip
    assert worst(()) is None


@pytest.mark.parametrize("connections", [1, 2])
async def test_the_connector_spreads_its_books_and_tells_trades_when_asked(venue, start, connections):
    connector, events = await start(venue.settings(market_connections=connections, has_public_trades=True))
    await eventually(lambda: all(link.status is LinkStatus.LIVE for link in connector.links()), "links")
    assert len(venue.sockets) == connections + 1
    assert len(connector.links()) == 3
    assert {quote.status for quote in connector.drain_quotes()} == {BookStatus.LIVE}
    for _ in range(2):
        await venue.push({"channel": "trade:1", "trades": [trade_row(5, market_id=1)], "type": "update/trade"})
    await eventually(lambda: connector.trades(MarketId(1)).trades, "the trade")
    assert [one.trade_id for one in connector.trades(MarketId(1)).trades] == [5]
    assert connector.trades(MarketId(0)).trades == ()
    live = [event for event in events if isinstance(event, LinkChanged) and event.link.name is LinkName.MARKET_DATA]
    assert [event.link.status for event in live] == [LinkStatus.CONNECTING, LinkStatus.LIVE]
