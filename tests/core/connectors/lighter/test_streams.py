"""The streams under trouble: gaps, silence, cuts, refused tokens, strange frames; and what the engine hears of it."""

import asyncio
from decimal import Decimal

import pytest

from core.connectors.lighter.stream import backoff_ms
from core.events import (
    AccountReported,
    FillReported,
    LinkChanged,
    LinkName,
    LinkStatus,
    MarketsListed,
    Noticed,
    OpenOrdersListed,
    OrdersReported,
    PositionsReported,
)
from core.model import BookStatus, OrderStatus
from core.units import MarketId
from tests.support.scripted_lighter import ACCOUNT, book_body, order_row, trade_row
from tests.support.waiting import eventually

ETH = MarketId(0)


def _of(events, kind):
    return [event for event in events if isinstance(event, kind)]


def _is_live(connector) -> bool:
    return all(link.status is LinkStatus.LIVE for link in connector.links())


def _status(connector, name) -> LinkStatus:
    return next(link.status for link in connector.links() if link.name is name)


async def _started(venue, start):
    connector, events = await start(venue.settings())
    await eventually(lambda: _is_live(connector), "every link to be live")
    return connector, events


def _asked_for(venue, channel):
    return [f for f in venue.heard if f["type"] == "subscribe" and str(f.get("channel", "")).startswith(channel)]


def _book_frame(kind: str, nonce: int, begin: int, bid: str) -> dict[str, object]:
    body = book_body(nonce, begin, [(bid, "1.0000")], [])
    return {"channel": "order_book:0", "order_book": body, "type": f"{kind}/order_book"}


async def test_start_tells_markets_first_then_money_then_the_snapshots_before_the_link_is_live(venue, start):
    venue.orders = [order_row(2**49, 5)]
    _, events = await _started(venue, start)
    assert isinstance(events[0], MarketsListed)
    listed = _of(events, OpenOrdersListed)
    assert [order.client_id for order in listed[0].orders] == [5]
    assert listed[0].asked_ns > 0
    links = [(event.link.name, event.link.status) if isinstance(event, LinkChanged) else None for event in events]
    live = links.index((LinkName.ACCOUNT, LinkStatus.LIVE))
    assert events.index(listed[0]) < live
    assert all(event.is_complete for event in _of(events, PositionsReported))
    assert _of(events, AccountReported)[-1].account.equity == Decimal("1001.0")


async def test_quotes_merge_the_book_with_partial_figures_and_come_once_a_change(venue, start):
    connector, _ = await _started(venue, start)
    await eventually(lambda: connector.quote(ETH).mark is not None, "figures")
    connector.drain_quotes()
    assert connector.drain_quotes() == ()
    stats = {"0": {"market_id": 0, "last_trade_price": "2000.70", "daily_price_change": -1.25, "mark_price": ""}}
    await venue.push({"channel": "market_stats:all", "market_stats": stats, "type": "update/market_stats"})
    await eventually(lambda: connector.quote(ETH).last is not None, "the last price")
    (quote,) = connector.drain_quotes()
    assert (quote.bid, quote.ask, quote.last) == (Decimal("2000.00"), Decimal("2001.00"), Decimal("2000.70"))
    assert (quote.mark, quote.change_24h) == (Decimal("2000.50"), Decimal("-1.25"))


async def test_a_gap_is_syncing_and_mends_itself_with_a_new_snapshot(venue, start):
    connector, events = await _started(venue, start)
    venue.silent_channels.add("order_book/0")
    await venue.push(_book_frame("update", 13, 12, "2000.90"))
    await eventually(lambda: connector.quote(ETH).status is BookStatus.SYNCING, "the gap to be noticed")
    assert connector.book(ETH, 5).bids == ()
    asked = [frame["type"] for frame in venue.heard if frame.get("channel") == "order_book/0"]
    assert asked[-2:] == ["unsubscribe", "subscribe"]
    await venue.push(_book_frame("subscribed", 50, 0, "1990.00"))
    await eventually(lambda: connector.quote(ETH).status is BookStatus.LIVE, "the new snapshot")
    assert connector.quote(ETH).bid == Decimal("1990.00")
    assert [event.text for event in _of(events, Noticed) if "order_book:0 lost its chain" in event.text]


async def test_a_cut_line_is_down_and_stale_at_once_and_comes_back_by_itself(venue, start):
    connector, events = await _started(venue, start)
    hold = set(venue.silent_channels)
    venue.silent_channels |= {"order_book/0", "order_book/1"}
    await venue.cut()
    await eventually(lambda: connector.quote(ETH).status is BookStatus.STALE, "the quote to be stale")
    assert connector.quote(ETH).reason.startswith("link down")
    assert any(quote.status is BookStatus.STALE for quote in connector.drain_quotes())
    assert connector.book(ETH, 1).bids[0].price == Decimal("2000.00"), "still there to look at"
    venue.silent_channels = hold
    await venue.cut()
    await eventually(lambda: _is_live(connector) and connector.quote(ETH).status is BookStatus.LIVE, "recovery", 8)
    downs = [event.link for event in _of(events, LinkChanged) if event.link.status is LinkStatus.DOWN]
    assert {link.name for link in downs} >= {LinkName.MARKET_DATA, LinkName.ACCOUNT}
    assert len(_of(events, OpenOrdersListed)) >= 2


async def test_a_half_open_socket_is_noticed_by_its_silence(venue, start):
    connector, events = await _started(venue, start)
    venue.is_mute = True
    await eventually(lambda: connector.quote(ETH).reason == "link silent", "the silence to make books stale", 5)
    assert connector.quote(ETH).status is BookStatus.STALE
    await eventually(
        lambda: (
            {LinkName.MARKET_DATA, LinkName.ACCOUNT}
            <= {event.link.name for event in _of(events, LinkChanged) if event.link.detail.startswith("silent for")}
        ),
        "both connections to be given up",
        8,
    )
    assert {LinkStatus.DEGRADED, LinkStatus.DOWN} <= {event.link.status for event in _of(events, LinkChanged)}


async def test_fills_missed_while_the_line_was_down_are_fetched_and_older_history_is_no_news(venue, start):
    venue.trades = [trade_row(100), trade_row(101)]
    connector, events = await _started(venue, start)
    await venue.push({"channel": f"account_all_trades:{ACCOUNT}", "trades": {"0": [trade_row(102)]},
                      "type": "update/account_all_trades"})  # fmt: skip
    await eventually(lambda: _of(events, FillReported), "the live fill")
    venue.trades += [trade_row(102), trade_row(103), trade_row(104, bid_account_id=9, ask_account_id=ACCOUNT)]
    await venue.cut()
    await eventually(lambda: len({event.fill.trade_id for event in _of(events, FillReported)}) == 3, "missed fills", 8)
    assert {event.fill.trade_id for event in _of(events, FillReported)} == {102, 103, 104}
    await eventually(lambda: _is_live(connector), "recovery", 8)
    assert [fill.trade_id for fill in await connector.fills_after(101)] == [102, 103, 104]


async def test_fills_are_fetched_even_while_the_stream_cannot_come_back(venue, start):
    connector, events = await _started(venue, start)
    feed = connector._running.feed
    await eventually(lambda: 0 < feed.gap == feed.closed_gap, "the first snapshot's gap to be closed")
    venue.silent_channels |= {frame["channel"] for frame in venue.heard if "auth" in frame}
    venue.trades.append(trade_row(7))
    await venue.cut()
    await eventually(lambda: _of(events, FillReported), "the fill over REST")


async def test_an_account_stream_without_its_fills_is_never_good_enough_to_trade(venue, start):
    venue.silent_channels = {f"account_all_trades/{ACCOUNT}"}
    _, events = await start(venue.settings())
    waiting = f"waiting for account_all_trades:{ACCOUNT}"

    def account_links():
        return [event.link for event in _of(events, LinkChanged) if event.link.name is LinkName.ACCOUNT]

    await eventually(lambda: waiting in [link.detail for link in account_links()], "the channel to be named")
    await eventually(lambda: len(_asked_for(venue, "account_all_trades")) >= 2, "a second try", 8)
    assert {link.status for link in account_links()} == {LinkStatus.CONNECTING}


async def test_trades_that_a_snapshot_replays_from_before_the_start_are_no_news(venue, start):
    venue.trades = [trade_row(100)]
    venue.snapshots[f"account_all_trades/{ACCOUNT}"] = {
        "trades": {"0": [trade_row(101), trade_row(100), trade_row(99)]}
    }
    _, events = await _started(venue, start)
    await eventually(lambda: _of(events, FillReported), "the fill that is new")
    assert {event.fill.trade_id for event in _of(events, FillReported)} == {101}


async def test_private_frames_become_events(venue, start):
    _, events = await _started(venue, start)
    gone = order_row(2**49, 5, status="canceled")
    await venue.push({"channel": f"account_all_orders:{ACCOUNT}", "orders": {"0": [gone]},
                      "type": "update/account_all_orders"})  # fmt: skip
    held = {"market_id": 0, "sign": -1, "position": "0.5000", "avg_entry_price": "1999.0"}
    await venue.push({"channel": f"account_all_positions:{ACCOUNT}", "positions": {"0": held},
                      "type": "update/account_all_positions"})  # fmt: skip
    await eventually(lambda: not _of(events, PositionsReported)[-1].is_complete, "the position")
    assert _of(events, OrdersReported)[0].orders[0].status is OrderStatus.CANCELED
    assert _of(events, PositionsReported)[-1].positions[0].size == Decimal("-0.5")


async def test_a_refused_token_is_replaced_by_a_fresh_one(venue, start):
    connector, _ = await _started(venue, start)
    before = len([frame for frame in venue.heard if "auth" in frame])
    await venue.push({"error": {"code": 20013, "message": "invalid auth: invalid deadline"}})
    await eventually(lambda: len([f for f in venue.heard if "auth" in f]) >= before + 4, "a new subscription", 8)
    await eventually(lambda: _is_live(connector), "recovery", 8)


async def test_frames_nobody_knows_are_reported_once_and_harm_nothing(venue, start):
    connector, events = await _started(venue, start)
    for _ in range(3):
        await venue.push({"type": "update/moon_phase", "channel": "moon", "phase": 1})
    await venue.push({"channel": f"account_all_orders:{ACCOUNT}", "orders": {"0": [order_row(2**49, 5)]},
                      "type": "update/account_all_orders"})  # fmt: skip
    await eventually(lambda: _of(events, OrdersReported), "the stream to go on")
    told = [event.text for event in _of(events, Noticed) if "moon_phase" in event.text]
    assert len(told) == 2, "once a stream: two of them heard it"
    assert connector.quote(ETH).status is BookStatus.LIVE


async def test_an_amount_that_is_no_number_is_an_alert_and_the_stream_goes_on(venue, start):
    _, events = await _started(venue, start)
    for row in (order_row(2**49, 5, filled_base_amount="NaN"), order_row(2**49, 6)):
        await venue.push({"channel": f"account_all_orders:{ACCOUNT}", "orders": {"0": [row]},
                          "type": "update/account_all_orders"})  # fmt: skip
    await eventually(lambda: _of(events, OrdersReported), "the good order")
    assert [event.orders[0].client_id for event in _of(events, OrdersReported)] == [6]
    assert any("expected a number, got NaN" in event.text for event in _of(events, Noticed))


async def test_a_death_of_a_background_task_is_an_alert_not_a_silence(venue, start):
    connector, events = await _started(venue, start)
    connector._running.shards[0]._session.tick = lambda _: 1 // 0
    await eventually(lambda: any("ended unexpectedly" in event.text for event in _of(events, Noticed)), "the alert")
    assert _of(events, LinkChanged)[-1].link.status is LinkStatus.DOWN


@pytest.mark.parametrize(("failures", "ceiling"), [(0, 250), (1, 500), (5, 8_000), (7, 30_000), (10**6, 30_000)])
def test_the_back_off_doubles_to_half_a_minute_and_is_half_random(failures, ceiling):
    waits = {backoff_ms(failures) for _ in range(200)}
    assert min(waits) >= ceiling // 2
    assert max(waits) <= ceiling
    assert len(waits) > 10


async def test_closing_in_the_middle_of_connecting_leaves_nothing(venue, start):
    connector, _ = await start(venue.settings())
    await connector.close()
    await connector.close()
    assert {link.status for link in connector.links()} == {LinkStatus.DOWN}
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("lighter")]
