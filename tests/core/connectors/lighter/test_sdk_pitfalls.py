"""What the vendor's SDK 1.1.8 does wrong, one test a pitfall: each fails on a connector that does the same.

The numbers are those of the list of pitfalls this connector was built against; what needs more than one test to be
proven is proven in the module of its room, and only its core stands here.
"""

import asyncio
import base64
import json
import logging
import subprocess
import sys
import threading
from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest
from aiohttp import web
from typed_lighter.core.signer import schnorr

from core.clock import SECOND_NS
from core.connectors.lighter import signer as signer_module
from core.connectors.lighter.bodies import AccountRow, Accounts, MarketRow, Orders, decode_body
from core.connectors.lighter.book import Applied, OrderBook
from core.connectors.lighter.convert import account_of_row, fills, market, order_report
from core.connectors.lighter.lane import Lane
from core.connectors.lighter.objects import WireBook, WireOrder, WireTrade
from core.connectors.lighter.session import Send, Session, SessionPolicy
from core.connectors.lighter.settings import LighterSettings
from core.connectors.lighter.signer import generate_api_key, public_key_of
from core.connectors.lighter.wire import ErrorFrame, decode_frame
from core.decisions import Refused, Sent, Unresolved
from core.errors import ConfigError, LinkDown, ProtocolViolation
from core.events import LinkStatus, OrdersReported, PositionsReported
from core.model import BookStatus, OrderType
from core.units import AccountIndex, MarketId
from tests.support.orders import limit_order, no_gate
from tests.support.scripted_lighter import ACCOUNT, KEY, KILL_KEY, book_body, market_row, order_row, refusal, trade_row
from tests.support.waiting import eventually

SEND, NONCE = "/api/v1/sendTx", "/api/v1/nextNonce"
ETH = MarketId(0)


def _is_live(connector) -> bool:
    return all(link.status is LinkStatus.LIVE for link in connector.links())


def _book() -> OrderBook:
    return OrderBook(market(msgspec.convert(market_row(0, "ETH"), MarketRow, strict=False)))


def _wire(nonce: int, begin: int, bids, asks) -> WireBook:
    return msgspec.convert(book_body(nonce, begin, bids, asks), WireBook, strict=False)


def _nonce_reads(venue) -> int:
    return sum("nextNonce" in path for path in venue.asked)


def test_01_neither_the_sdk_nor_its_websocket_library_is_imported():
    code = (
        "import sys, core.connectors.lighter.connector as c\n"
        "sys.exit(any(name.partition('.')[0] in {'lighter', 'websockets', 'requests'} for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


async def test_02_a_lost_connection_is_made_again_and_pinged(venue, start):
    connector, _ = await start(venue.settings())
    await eventually(lambda: _is_live(connector), "links")
    await venue.cut()
    await eventually(lambda: not _is_live(connector), "the loss to be noticed")
    await eventually(lambda: _is_live(connector), "links again")
    session = Session(("order_book/0",), SessionPolicy(data_is_life=True, down_after_ns=99 * SECOND_NS))
    session.opened(0)
    assert Send('{"type":"ping"}') in session.tick(30 * SECOND_NS)


def test_03_a_missed_update_empties_the_book():
    book = _book()
    book.snapshot(_wire(10, 0, [("2000.00", "1.0000")], []), 1)
    assert book.update(_wire(13, 12, [("1999.00", "1.0000")], []), 2) is Applied.RESUBSCRIBE
    assert (book.status, book.touch()) == (BookStatus.SYNCING, (None, None))


def test_04_levels_are_sorted_exact_and_one_a_price_however_it_is_spelled():
    book = _book()
    book.snapshot(_wire(10, 0, [("1999.00", "0.3000"), ("2000.00", "0.1000")], []), 1)
    book.update(_wire(11, 10, [("2000.0", "0.3000"), ("1999.50", "0.1000")], []), 2)
    view = book.view(5)
    assert [(level.price, level.size) for level in view.bids] == [
        (Decimal("2000.00"), Decimal("0.3000")),
        (Decimal("1999.50"), Decimal("0.1000")),
        (Decimal("1999.00"), Decimal("0.3000")),
    ]


async def test_05_an_update_of_the_account_replaces_nothing_it_does_not_name(venue, start):
    connector, events = await start(venue.settings())
    await eventually(lambda: _is_live(connector), "links")
    position = {"market_id": 1, "sign": 1, "position": "2.0", "avg_entry_price": "10"}
    frame = {"channel": f"account_all_positions:{ACCOUNT}", "positions": {"1": position}}
    await venue.push({**frame, "type": "update/account_all_positions"})

    def partial():
        return [one for one in events if isinstance(one, PositionsReported) and not one.is_complete]

    await eventually(partial, "the update")
    assert [position.market_id for position in partial()[0].positions] == [1]


async def test_06_private_channels_carry_a_token_errors_are_values_and_sessions_share_nothing(venue, start):
    await start(venue.settings())
    await eventually(lambda: sum("auth" in frame for frame in venue.heard) == 5, "the private subscriptions")
    assert decode_frame(b'{"error":{"code":30005,"message":"Invalid Channel"}}') == ErrorFrame(
        code=30005, message="Invalid Channel"
    )
    one, other = (Session(("order_book/0",), SessionPolicy(data_is_life=True)) for _ in range(2))
    one.opened(0)
    assert other.status(0)[0] is LinkStatus.CONNECTING
    assert other.resubscribe("order_book:0", 1) == []


async def test_07_no_nonce_is_read_for_an_order_that_follows_another(venue, start):
    connector, _ = await start(venue.settings())
    before = _nonce_reads(venue)
    for number in range(1, 6):
        assert isinstance(await connector.submit(limit_order(number), no_gate), Sent)
    assert _nonce_reads(venue) == before


async def test_08_a_refusal_with_http_200_is_no_success(venue, start):
    connector, _ = await start(venue.settings())

    async def refuse(request):
        await venue.take(request)
        return refusal(21733, "price too far", status=200)

    venue.answers[SEND] = refuse
    assert await connector.submit(limit_order(1), no_gate) == Refused(21733, "price too far")


@pytest.mark.parametrize("status", [429, 502, 503])
async def test_09_no_failure_leaves_a_nonce_behind(venue, start, status):
    connector, _ = await start(venue.settings())

    async def fail(request):
        if request.path == SEND:
            await venue.take(request)
        return web.Response(status=status, text="<html>no</html>")

    venue.answers |= {SEND: fail, NONCE: fail}  # nobody can be asked what became of the nonce
    assert isinstance(await connector.submit(limit_order(1), no_gate), Unresolved)
    venue.answers.clear()
    await eventually(lambda: connector._rest.cooling_s() == 0, "the end of any pause")
    assert isinstance(await connector.submit(limit_order(2), no_gate), Sent)
    assert {info["Nonce"] for info in venue.sent} == {1}, "no gap, and no 21104 to heal it"


async def test_10_nothing_is_signed_on_the_loops_thread(venue, start):
    connector, _ = await start(venue.settings())
    lane: Lane = connector._running.trading
    assert await lane._signer._run(threading.get_ident) != threading.get_ident()


async def test_11_checking_the_key_leaves_the_loop_free(venue, start):
    waits = asyncio.Event()
    keys = venue._read

    async def slow(request):
        await asyncio.wait_for(waits.wait(), 5)
        return keys(request)

    venue.answers["/api/v1/apikeys"] = slow
    starting = asyncio.create_task(start(venue.settings(request_timeout_s=5)))
    await eventually(lambda: venue.asked, "the start to be under way")  # this loop serves the venue as well
    waits.set()
    await starting


def test_12_keys_can_be_generated():
    private, public = generate_api_key()
    assert public_key_of(private) == public.removeprefix("0x")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"price": Decimal("42949673.01")}, "price: expected 0.01 to 42949672.95"),  # would be signed as 5 ticks
        ({"price": Decimal(-1)}, "price: expected 0.01 to"),  # as 2**32 - 100
        ({"size": Decimal(0)}, "size: expected 0.0001 to"),
        ({"price": Decimal("NaN")}, "price: expected a number, got NaN"),
    ],
)
async def test_13_what_the_signer_would_wrap_is_refused_before_it(venue, start, changes, words):
    connector, _ = await start(venue.settings())
    order = limit_order(1)
    outcome = await connector.submit(replace(order, intent=replace(order.intent, **changes)), no_gate)
    assert isinstance(outcome, Refused)
    assert words in outcome.detail, "refused here, not by what the signer makes of it"
    assert venue.sent == []


def test_14_the_chain_is_never_guessed():
    with pytest.raises(TypeError, match="chain_id"):
        LighterSettings(name="x", world="x", url="", ws_url="", account_index=1, api_key_index=5, private_key=None)


async def test_15_each_key_signs_for_itself_in_one_process(venue, start):
    connector, _ = await start(venue.settings())
    await connector.submit(limit_order(1), no_gate)
    sent = await connector.cancel_all(None, lambda _: None)
    signature = base64.b64decode(venue.sent[1]["Sig"])
    public = {key: bytes.fromhex(pair[1].removeprefix("0x")) for key, pair in venue.keys.items()}
    digest = bytes.fromhex(sent.tx_hash)
    assert schnorr.verify(pk=public[KILL_KEY], msg_hash=digest, sig=signature)
    assert not schnorr.verify(pk=public[KEY], msg_hash=digest, sig=signature)


async def test_16_requests_end_in_time_and_no_proxy_of_the_environment_sees_them(venue, start, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):  # an exception for the loopback address would hide what is tested
        monkeypatch.delenv(name, raising=False)
    connector, _ = await start(venue.settings())
    never = asyncio.Event()

    async def hang(request):
        await never.wait()

    venue.answers["/api/v1/accountActiveOrders"] = hang
    with pytest.raises(LinkDown, match="no answer in time"):
        await asyncio.wait_for(connector.open_orders(), 4)
    never.set()


def test_17_bodies_are_checked_and_tolerant():
    with pytest.raises(ProtocolViolation):
        decode_body(b'{"code":200,"accounts":[{"index":1}]}', Accounts)
    row = json.dumps(order_row(2**60, 5, order_index=str(2**60), surprise={"a": 1}))
    (order,) = decode_body(b'{"code":200,"orders":[%s]}' % row.encode(), Orders).orders
    assert order.order_index == 2**60, "beyond 2**53, and spelled as text"
    assert decode_body(b'{"code":200,"orders":null}', Orders).orders is None
    with pytest.raises(ProtocolViolation) as caught:
        decode_body(b'{"orders":[' + b"x" * 5_000, Orders)
    assert len(str(caught.value)) < 400, "the offending text is cut"


async def test_18_the_content_type_decides_nothing(venue, start):
    connector, _ = await start(venue.settings())

    async def plain(request):
        return web.Response(text='{"code":200,"orders":[]}', content_type="text/plain")

    async def page(request):
        return web.Response(text="<html>maintenance</html>", content_type="text/html")

    venue.answers["/api/v1/accountActiveOrders"] = plain
    assert await connector.open_orders() == ()
    venue.answers["/api/v1/accountActiveOrders"] = page
    with pytest.raises(ProtocolViolation, match="maintenance"):
        await connector.open_orders()


@pytest.mark.parametrize("by_socket", [False, True])
async def test_19_no_signature_is_logged_at_any_level(venue, start, caplog, by_socket):
    caplog.set_level(logging.DEBUG)
    connector, _ = await start(venue.settings(is_sending_by_socket=by_socket))
    await eventually(lambda: _is_live(connector), "links")
    await connector.submit(limit_order(1), no_gate)
    assert venue.sent[0]["Sig"] not in caplog.text
    assert "tx_info" not in caplog.text


async def test_20_a_market_order_reads_nothing_on_its_way(venue, start):
    connector, _ = await start(venue.settings())
    await eventually(lambda: _is_live(connector), "links")
    order = limit_order(1)
    asked = len(venue.asked)
    outcome = await connector.submit(replace(order, intent=replace(order.intent, type=OrderType.MARKET)), no_gate)
    assert isinstance(outcome, Sent)
    assert len(venue.asked) == asked
    assert (venue.sent[0]["Type"], venue.sent[0]["Price"]) == (1, 200_000)


async def test_21_a_cancel_all_of_one_market_is_of_one_market(venue, start):
    connector, _ = await start(venue.settings())
    await connector.cancel_all(MarketId(1), lambda _: None)
    await connector.cancel_all(None, lambda _: None)
    assert [info["L2TxAttributes"] for info in venue.sent] == [{"5": 1}, None]


async def test_22_a_batch_has_an_outcome_for_each(venue, start):
    connector, _ = await start(venue.settings())

    async def first_only(request):
        venue.nonces[KEY] += 1
        return refusal(21733, "price too far")

    venue.answers["/api/v1/sendTxBatch"] = first_only
    outcomes = await connector.submit_batch([limit_order(1), limit_order(2)], no_gate)
    assert [type(one) for one in outcomes] == [Sent, Refused]


async def test_23_an_acknowledgement_is_no_order(venue, start):
    connector, events = await start(venue.settings())
    await eventually(lambda: _is_live(connector), "links")
    assert isinstance(await connector.submit(limit_order(5), no_gate), Sent)
    assert not [one for one in events if isinstance(one, OrdersReported)], "only the stream makes it one"
    frame = {"channel": f"account_all_orders:{ACCOUNT}", "orders": {"0": [order_row(2**49, 5)]}}
    await venue.push({**frame, "type": "update/account_all_orders"})
    await eventually(lambda: [one for one in events if isinstance(one, OrdersReported)], "the stream")


def test_24_every_time_is_in_microseconds_whatever_unit_it_came_in():
    order = msgspec.convert(order_row(2**49, 5, timestamp=1_700_000_000), WireOrder, strict=False)
    assert order_report(order).time_us == 1_700_000_000_000_000
    trade = msgspec.convert(trade_row(1, transaction_time=None), WireTrade, strict=False)
    assert [fill.time_us for fill in fills(trade, AccountIndex(ACCOUNT))] == [1_700_000_000_000_000]
    row = AccountRow(collateral=Decimal(1), available_balance=Decimal(1), cancel_all_time=1_700_000_000_000)
    assert account_of_row(row, ()).cancel_all_us == 1_700_000_000_000_000


def test_25_offsets_are_not_believed_and_the_version_is_pinned(monkeypatch):
    book = _book()
    book.snapshot(_wire(10, 0, [("2000.00", "1.0000")], []), 1)
    backwards = msgspec.convert({**book_body(11, 10, [], []), "offset": -7}, WireBook, strict=False)
    assert book.update(backwards, 2) is not Applied.RESUBSCRIBE
    monkeypatch.setattr(signer_module.importlib.metadata, "version", lambda _: "1.2.0")
    with pytest.raises(ConfigError, match="expected version"):
        signer_module._find_library()


async def test_26_a_wrong_nonce_is_known_by_its_number_whatever_the_text(venue, start):
    connector, _ = await start(venue.settings())
    venue.nonces[KEY] = 40
    ordinary = venue._send_tx

    async def reworded(request):
        answer = await ordinary(request)
        return refusal(21104, "Nonce mismatch") if answer.status == 400 else answer

    venue.answers[SEND] = reworded
    assert isinstance(await connector.submit(limit_order(1), no_gate), Sent)
    assert [info["Nonce"] for info in venue.sent] == [1, 40]
