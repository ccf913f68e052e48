"""Starting against every wrong venue, and the reads that settle doubts."""

import pytest
from aiohttp import web
from pydantic import SecretStr

from core.clock import SECOND_NS, ManualClock, SystemClock
from core.connectors.lighter.connector import LighterConnector
from core.connectors.lighter.housekeeping import Housekeeper
from core.connectors.lighter.signer import generate_api_key
from core.errors import AuthRejected, ConfigError, LinkDown
from core.events import LinkName, LinkStatus, MarketsListed, Noticed, NoticeLevel
from core.model import MarketStatus, OrderStatus
from core.units import ClientOrderId, MarketId
from tests.support.scripted_lighter import ACCOUNT, market_row, order_row, trade_row
from tests.support.waiting import eventually

ETH = MarketId(0)


async def _failing_start(settings, error, words):
    connector = LighterConnector(settings, SystemClock())
    with pytest.raises(error, match=words):
        await connector.start(lambda _: None)
    assert {link.status for link in connector.links()} == {LinkStatus.DOWN}
    await connector.close()
    return connector


async def test_markets_are_those_asked_for_in_that_order_and_all_active_ones_otherwise(venue, start):
    venue.markets += [market_row(2, "OLD", status="inactive"), market_row(2048, "ETH/USDC", market_type="spot")]
    every, _ = await start(venue.settings())
    assert [market.symbol for market in every.markets.values()] == ["ETH", "BTC"]
    some, _ = await start(venue.settings(markets=("BTC", "ETH", "BTC")))
    assert [market.symbol for market in some.markets.values()] == ["BTC", "ETH"]


async def test_a_market_with_a_position_is_traded_along_whatever_was_asked_for(venue, start):
    venue.held = [
        {"market_id": 1, "symbol": "BTC", "sign": -1, "position": "0.00200", "avg_entry_price": "60000.0"},
        {"market_id": 0, "symbol": "ETH", "sign": 1, "position": "0.0000", "avg_entry_price": "0.00"},
    ]
    connector, events = await start(venue.settings(markets=("ETH",)))
    assert [market.symbol for market in connector.markets.values()] == ["ETH", "BTC"]
    [told] = [event.text for event in events if isinstance(event, Noticed) and "not asked for" in event.text]
    assert told.startswith("markets: BTC not asked for")


async def test_an_unknown_market_is_one_sentence_with_near_names(venue):
    venue.markets.append(market_row(7, "1000PEPE"))
    await _failing_start(venue.settings(markets=("ETHH",)), ConfigError, "no ETHH; did you mean ETH")
    await _failing_start(venue.settings(markets=("ETH", "PEPE")), ConfigError, "no PEPE; did you mean 1000PEPE")


async def test_a_key_that_is_not_ours_is_refused_before_anything_is_sent(venue):
    other = SecretStr(generate_api_key()[0])
    await _failing_start(venue.settings(private_key=other), AuthRejected, "API key 5 of account 65 is not ours")
    await _failing_start(venue.settings(kill_private_key=other), AuthRejected, "API key 6 of account 65 is not ours")
    await _failing_start(venue.settings(api_key_index=9), AuthRejected, "account 65 has no API key 9")
    assert venue.sent == []


@pytest.mark.parametrize(("keys", "count"), [({}, 0), ({"kill_api_key_index": None, "kill_private_key": None}, 1)])
async def test_without_a_kill_key_the_operator_is_told_what_that_costs(venue, start, keys, count):
    _, events = await start(venue.settings(**keys))
    told = [event for event in events if isinstance(event, Noticed) and event.text.startswith("no kill key")]
    assert [(one.level, one.text) for one in told] == count * [
        (
            NoticeLevel.WARN,
            "no kill key is configured: a kill waits for the answer to an order that is on its way",
        )
    ]


async def test_an_account_nobody_knows_is_refused(venue):
    async def unknown(request):
        return web.json_response({"code": 21100, "message": "account not found"}, status=400)

    venue.answers["/api/v1/apikeys"] = unknown
    await _failing_start(venue.settings(), AuthRejected, "21100 account not found")


async def test_a_venue_that_is_not_there_is_a_link_down_and_may_be_tried_again(venue):
    settings = venue.settings()
    connector = LighterConnector(settings, SystemClock())
    connector._rest._url = "http://127.0.0.1:1"
    with pytest.raises(LinkDown, match=r"cannot connect to 127\.0\.0\.1:1"):
        await connector.start(lambda _: None)
    connector._rest._url = settings.url
    await connector.start(lambda _: None)
    await eventually(lambda: all(link.status is LinkStatus.LIVE for link in connector.links()), "links")
    await connector.close()


@pytest.mark.parametrize(
    ("status", "text", "words"),
    [(503, "<html>maintenance</html>", "HTTP 503 <html>"), (405, "<html>firewall</html>", "HTTP 405"),
     (429, '{"code":23000,"message":"Too Many Requests!"}', "HTTP 429"), (403, "", "HTTP 403 without a body")],
)  # fmt: skip
async def test_pages_of_proxies_and_firewalls_are_a_link_down(venue, status, text, words):
    async def page(request):
        return web.Response(status=status, text=text)

    venue.answers["/api/v1/orderBookDetails"] = page
    await _failing_start(venue.settings(), LinkDown, words)


async def test_after_a_throttling_answer_reads_wait_for_the_end_of_the_window(venue, start):
    connector, _ = await start(venue.settings())

    async def firewall(request):
        return web.Response(status=405, text="<html>firewall</html>")

    venue.answers["/api/v1/accountActiveOrders"] = firewall
    with pytest.raises(LinkDown, match="HTTP 405"):
        await connector.open_orders()
    venue.answers.clear()
    asked = len(venue.asked)
    with pytest.raises(LinkDown, match=r"throttles this address; silent for (60|59) s"):
        await connector.open_orders()
    assert not [path for path in venue.asked[asked:] if "accountActiveOrders" in path]


async def test_open_orders_are_the_venues_list(venue, start):
    venue.orders = [order_row(2**49, 5), order_row(2**50, 0, market_index=1, filled_base_amount="0.0010")]
    connector, _ = await start(venue.settings())
    reports = await connector.open_orders()
    assert [(one.client_id, one.status) for one in reports] == [
        (5, OrderStatus.ACCEPTED), (None, OrderStatus.PARTIALLY_FILLED),
    ]  # fmt: skip


async def test_an_order_is_found_by_lookup_or_without_one_among_open_and_closed(venue, start):
    connector, _ = await start(venue.settings())
    venue.orders = [order_row(2**49, 5), order_row(2**49 + 1, 8, market_index=1)]
    venue.closed_orders = [
        order_row(2**49 + 2, 6, status="filled", transaction_time=2),
        order_row(2**49 + 3, 6, status="canceled", transaction_time=3),
    ]

    async def find(client_id):
        return await connector.find_order(ClientOrderId(client_id), ETH)

    assert (await find(5)).venue_id == 2**49
    newest = await find(6)
    assert (newest.venue_id, newest.status) == (2**49 + 3, OrderStatus.CANCELED)
    assert await find(7) is None
    assert await find(8) is None, "the same id in another market is another order"
    assert sum("accountOrders" in path for path in venue.asked) == 1, "a path that is not served is asked for once"

    asked = []

    async def lookup(request):
        asked.append(dict(request.query))
        return web.json_response({"code": 200, "orders": [order_row(2**49 + 9, 7)]})

    other, _ = await start(venue.settings())
    venue.answers["/api/v1/accountOrders"] = lookup
    found = await other.find_order(ClientOrderId(7), ETH)
    assert found is not None
    assert (found.venue_id, asked) == (2**49 + 9, [{"account_index": str(ACCOUNT), "client_order_indexes": "7"}])


async def test_private_reads_carry_a_bare_token_and_mint_a_new_one_when_it_is_refused(venue, start):
    connector, _ = await start(venue.settings())
    tokens = []

    async def picky(request):
        tokens.append(request.headers.get("authorization", ""))
        if len(tokens) == 1:
            return web.json_response({"code": 20013, "message": "invalid auth"}, status=401)
        return web.json_response({"code": 200, "orders": None})

    venue.answers["/api/v1/accountActiveOrders"] = picky
    assert await connector.open_orders() == ()
    assert len(tokens) == 2
    assert all(token.split(":")[1] == str(ACCOUNT) for token in tokens)
    assert tokens[0] != tokens[1]


async def test_the_account_is_read_with_its_positions_and_none_that_is_flat(venue, start):
    connector, _ = await start(venue.settings())

    async def account(request):
        held = {"market_id": 0, "sign": -1, "position": "2.0", "unrealized_pnl": "-5", "avg_entry_price": "10"}
        flat = {"market_id": 1, "sign": 1, "position": "0.00000", "avg_entry_price": ""}
        row = {"index": ACCOUNT, "collateral": "100.0", "available_balance": "1", "positions": [held, flat]}
        return web.json_response({"code": 200, "accounts": [row]})

    venue.answers["/api/v1/account"] = account
    view = await connector.account_view()
    assert [position.market_id for position in view.positions] == [0]
    assert (view.account.equity, view.account.index) == (95, ACCOUNT)


async def test_trades_are_paged_until_known_ones_come(venue, start):
    connector, _ = await start(venue.settings())
    everything = [trade_row(number) for number in range(1, 351)]
    pages = []

    async def trades(request):
        start_at = int(request.query.get("cursor", "350"))
        pages.append(start_at)
        page = [row for row in reversed(everything) if row["trade_id"] <= start_at][:100]
        return web.json_response({"code": 200, "trades": page, "next_cursor": str(page[-1]["trade_id"] - 1)})

    venue.answers["/api/v1/trades"] = trades
    fills = await connector.fills_after(190)
    assert [fill.trade_id for fill in fills] == list(range(191, 351))
    assert pages == [350, 250]


async def test_rest_tells_down_when_the_venue_stops_answering_and_live_when_it_returns(venue, start):
    connector, _ = await start(venue.settings())

    def rest():
        return next(link for link in connector.links() if link.name is LinkName.REST).status

    async def gone(request):
        return web.Response(status=503, text="maintenance")

    venue.answers["/api/v1/account"] = gone
    await eventually(lambda: rest() is LinkStatus.DOWN, "the idle check to notice", 6)
    venue.answers.clear()
    await eventually(lambda: rest() is LinkStatus.LIVE, "the check to notice the return", 4)


async def test_a_read_follows_no_redirect_and_its_token_stays_here(venue, start):
    connector, _ = await start(venue.settings())
    landed = []

    async def points_away(_):
        return web.Response(status=307, headers={"Location": "/api/v1/elsewhere"})

    async def elsewhere(request):
        landed.append(request.headers.get("authorization"))
        return web.json_response({"code": 200, "orders": []})

    venue.answers.update({"/api/v1/accountActiveOrders": points_away, "/api/v1/elsewhere": elsewhere})
    with pytest.raises(LinkDown, match="HTTP 307"):
        await connector.open_orders()
    assert landed == []


async def test_a_market_that_changes_its_status_is_listed_anew(venue, start):
    connector, events = await start(venue.settings())
    clock = ManualClock()
    running = connector._running
    keeper = Housekeeper(running.api, connector._rest, running.feed, connector._markets, events.append, clock)
    listed = len([event for event in events if isinstance(event, MarketsListed)])
    venue.markets[0] = market_row(0, "ETH", status="inactive")
    venue.markets.append(market_row(9, "NEW"))
    await keeper._look()
    assert len([event for event in events if isinstance(event, MarketsListed)]) == listed, "not due yet"
    clock.advance(ns=60 * SECOND_NS)
    await keeper._look()
    assert connector.markets[ETH].status is MarketStatus.INACTIVE
    assert len([event for event in events if isinstance(event, MarketsListed)]) == listed + 1
    assert MarketId(9) not in connector.markets


async def test_the_venues_dead_mans_switch_is_read_twice_a_minute_however_busy_rest_is(venue, start):
    connector, events = await start(venue.settings())
    clock = ManualClock()
    running = connector._running
    keeper = Housekeeper(running.api, connector._rest, running.feed, connector._markets, events.append, clock)

    async def armed(request):
        row = {"index": ACCOUNT, "collateral": "1", "available_balance": "1", "cancel_all_time": 1_700_000_000_000}
        return web.json_response({"code": 200, "accounts": [row]})

    venue.answers["/api/v1/account"] = armed
    clock.advance(ns=30 * SECOND_NS)
    await keeper._look()
    assert running.feed.cancel_all_us == 1_700_000_000_000_000
