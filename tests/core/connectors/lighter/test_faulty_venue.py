"""The production connector against a venue that misbehaves: one group of faults at a time, and the state it ends in.

What must hold after each: links say what is true, no book is LIVE that differs from the venue's, outcomes of
transactions are never wrong, and when the fault has passed everything is LIVE again.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal

import aiohttp
import pytest

from core.clock import SECOND_NS, SystemClock
from core.connectors.lighter.connector import LighterConnector, LighterSettings
from core.connectors.venue.options import Extras
from core.decisions import Refused, Sent, TxOutcome, Unresolved
from core.events import (
    Event,
    FillReported,
    LinkName,
    LinkStatus,
    Noticed,
    OrdersReported,
    PositionsReported,
)
from core.model import BookStatus, OrderStatus, Side
from core.units import MarketId, round_to
from tests.support.orders import limit_order, no_gate
from tests.support.venue import HostedVenue, hosted_venue
from tests.support.waiting import eventually

ETH = MarketId(0)
HEADERS = {"authorization": "open"}


class World:
    """A venue that can be told to misbehave, and a connector to it."""

    def __init__(self, venue: HostedVenue, connector: LighterConnector, events: list[Event], http) -> None:
        self.venue = venue
        self.connector = connector
        self.events = events
        self._http = http

    async def faults(self, *rules: dict, seed: int = 1) -> None:
        url = f"{self.venue.ready.url}/control/faults"
        body = json.dumps({"faults": rules, "seed": seed})
        async with self._http.post(url, data=body, headers=HEADERS) as answer:
            assert answer.status == 200, await answer.text()

    async def strike(self, *rules: dict) -> None:
        """Switch faults on and wait until each of them has struck."""
        await self.faults(*rules)
        await eventually(lambda: all(count for _, count in self.venue.faults.counts()), "every fault to strike", 8)

    def link(self, name: LinkName) -> LinkStatus:
        return next(link.status for link in self.connector.links() if link.name is name)

    async def live(self, within: float = 15) -> None:
        """Everything is LIVE, and the book is the venue's."""
        await eventually(
            lambda: all(link.status is LinkStatus.LIVE for link in self.connector.links()), "links", within
        )
        await eventually(lambda: self.connector.quote(ETH).status is BookStatus.LIVE, "the book", within)
        await eventually(self.agrees, "the book to be the venue's", within)

    def agrees(self) -> bool:
        """Whether the newest frame we used is the venue's newest and the books are equal."""
        view, book = self.connector.book(ETH, 500), self.venue.simulation.exchange.markets[0].book
        ours = [{int(each.price * 100): int(each.size * 10_000) for each in side} for side in (view.bids, view.asks)]
        return view.status is BookStatus.LIVE and ours == [dict(side.published()) for side in (book.bids, book.asks)]

    def notices(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Noticed)]

    def statuses(self, client_id: int) -> list[OrderStatus]:
        told = [each for event in self.events if isinstance(event, OrdersReported) for each in event.orders]
        return [each.status for each in told if each.client_id == client_id]

    async def submit(self, client_id: int, *, away: str = "0.97") -> TxOutcome:
        price = round_to(self.connector.quote(ETH).bid * Decimal(away), 2)
        return await self.connector.submit(limit_order(client_id, str(price), "0.0500"), no_gate)


@asynccontextmanager
async def world(timeout_s: int = 2, *, by_socket: bool = True) -> AsyncIterator[World]:
    async with hosted_venue(markets=1, extras=Extras(control_token="open")) as venue, aiohttp.ClientSession() as http:
        ready = venue.ready
        settings = LighterSettings(
            name="paper",
            world="test",
            url=ready.url,
            ws_url=ready.ws_url,
            chain_id=ready.chain_id,
            account_index=ready.trading.account_index,
            api_key_index=ready.trading.api_key_index,
            private_key=ready.trading.private_key,
            kill_api_key_index=ready.kill.api_key_index,
            kill_private_key=ready.kill.private_key,
            stale_after_ms=1_000,
            request_timeout_s=timeout_s,
            is_sending_by_socket=by_socket,
        )
        events: list[Event] = []
        connector = LighterConnector(settings, SystemClock())
        try:
            await connector.start(events.append)
            made = World(venue, connector, events, http)
            await made.live()
            yield made
        finally:
            await connector.close()


def book_is_honest(made: World) -> Callable[[], bool]:
    """Whether a LIVE book is never one whose nonce lies beyond a missed frame."""
    return lambda: made.connector.quote(ETH).status is not BookStatus.LIVE or made.agrees()


@pytest.mark.parametrize("fault", ["drop", "book-gap", "reorder", "delay", "duplicate"])
async def test_frames_lost_or_out_of_order_never_leave_a_wrong_book(fault):
    async with world() as made:
        await made.strike({"fault": fault, "match": "order_book:*", "count": 2, "ms": 200})
        await eventually(book_is_honest(made), "an honest book")
        await made.faults()
        await made.live()
        assert all("unexpectedly" not in text for text in made.notices())
        if fault != "duplicate":
            assert any("lost its chain" in text for text in made.notices())


async def test_a_snapshot_older_than_the_stream_ends_in_the_right_book():
    async with world() as made:
        await made.strike(
            {"fault": "book-gap", "count": 1},
            {"fault": "late-snapshot", "match": "order_book:*", "ms": 300, "count": 1},
        )
        await made.live()


@pytest.mark.parametrize("fault", ["silent", "half-open"])
async def test_silence_is_stale_and_down_and_then_mended(fault):
    async with world() as made:
        await made.faults({"fault": fault})
        await eventually(lambda: made.connector.quote(ETH).status is BookStatus.STALE, "a stale quote", 4)
        await eventually(lambda: made.link(LinkName.MARKET_DATA) is LinkStatus.DOWN, "the link to be down", 8)
        await made.faults()
        await made.live()


@pytest.mark.parametrize("fault", ["close", "cut", "shutdown"])
async def test_a_connection_that_ends_is_down_at_once_and_comes_back(fault):
    async with world() as made:
        await made.strike({"fault": fault, "count": 1, "ms": 50, "match": "order_book:*"})
        await eventually(lambda: made.link(LinkName.MARKET_DATA) is LinkStatus.DOWN, "the link to be down", 3)
        assert made.connector.quote(ETH).status is not BookStatus.LIVE
        await made.live()
        assert all("unexpectedly" not in text for text in made.notices())


@pytest.mark.parametrize("fault", ["null-arrays", "extra-fields", "stale-updated-at"])
async def test_odd_bodies_cost_no_link_and_no_order(fault):
    async with world() as made:
        await made.faults({"fault": fault})
        assert isinstance(await made.submit(1), Sent)
        await eventually(lambda: made.statuses(1)[-1:] == [OrderStatus.ACCEPTED], "the order to rest")
        assert isinstance(await made.connector.cancel_all(None, lambda _: None), Sent)
        await eventually(lambda: made.statuses(1)[-1:] == [OrderStatus.CANCELED], "the cancel")
        assert await made.connector.open_orders() == ()
        await made.live()
        assert [text for text in made.notices() if "unreadable" in text or "unexpectedly" in text] == []


async def test_unreadable_positions_are_said_and_never_flat():
    async with world() as made:
        order = limit_order(1, str(round_to(made.connector.quote(ETH).ask * Decimal("1.01"), 2)), "0.0500")
        assert isinstance(await made.connector.submit(order, no_gate), Sent)
        await eventually(lambda: made.statuses(1)[-1:] == [OrderStatus.FILLED], "the fill")
        told = len(made.events)
        await made.faults({"fault": "broken-positions"})
        assert isinstance(await made.submit(2), Sent)
        await eventually(lambda: any("has no size" in text for text in made.notices()), "the notice")
        after = [event for event in made.events[told:] if isinstance(event, PositionsReported)]
        held = [position for event in after for position in event.positions if position.market_id == ETH]
        assert all(position.size == Decimal("0.0500") for position in held)
        assert not [event for event in after if event.is_complete and not event.positions]


@pytest.mark.parametrize(
    ("fault", "by_socket"),
    [("http-429", False), ("http-405", False), ("http-503", False), ("nonce-storm", False), ("refuse", False),
     ("nonce-storm", True), ("refuse", True)],
)  # fmt: skip
async def test_refusals_of_every_form_are_never_taken_for_sent(fault, by_socket):
    async with world(by_socket=by_socket) as made:
        await made.faults({"fault": fault, "match": "*sendtx"})
        outcome = await made.submit(1)
        assert isinstance(outcome, Refused | Unresolved), outcome
        await made.faults()
        assert made.statuses(1) == []
        assert made.venue.simulation.exchange.accounts[made.venue.ready.trading.account_index].live == {}


@pytest.mark.parametrize(
    ("fault", "by_socket", "landed"),
    [("reply-lost", False, True), ("http-502", False, True), ("request-lost", False, False),
     ("refusal-lost", False, False), ("slow-ack", False, True),
     ("reply-lost", True, True), ("request-lost", True, False), ("slow-ack", True, True)],
)  # fmt: skip
async def test_an_outcome_nobody_told_is_unresolved_or_proven_and_the_order_is_there_once_at_most(
    fault, by_socket, landed
):
    async with world(by_socket=by_socket) as made:
        await made.faults({"fault": fault, "match": "*sendtx", "count": 1, "ms": 2_500})
        outcome = await made.submit(1)
        assert not isinstance(outcome, Refused), outcome
        if landed or isinstance(outcome, Sent):  # what was lost on its way may have been sent again, byte for byte
            await eventually(lambda: made.statuses(1) == [OrderStatus.ACCEPTED], "the stream to tell")
        found = await made.connector.find_order(limit_order(1, "1", "1").client_id, ETH)
        assert (found is not None) is (landed or isinstance(outcome, Sent))
        account = made.venue.simulation.exchange.accounts[made.venue.ready.trading.account_index]
        assert len(account.live) == (1 if found else 0)
        assert isinstance(await made.submit(2), Sent), "the lane goes on"
        await made.live()


async def test_fills_before_the_ack_and_after_the_cancel_are_each_told_once():
    async with world() as made:
        await made.faults({"fault": "fills-before-ack"}, {"fault": "fills-after-cancel", "ms": 600})
        order = limit_order(1, str(round_to(made.connector.quote(ETH).ask * Decimal("1.01"), 2)), "0.0500")
        assert isinstance(await made.connector.submit(order, no_gate), Sent)
        assert isinstance(await made.connector.cancel_all(None, lambda _: None), Sent)

        def fills() -> list:
            return [event.fill for event in made.events if isinstance(event, FillReported)]

        await eventually(lambda: sum(fill.size for fill in fills()) == Decimal("0.0500"), "the fills")
        assert len({fill.trade_id for fill in fills()}) == len(fills())
        assert {fill.side for fill in fills()} == {Side.BUY}


async def test_an_account_stream_that_says_nothing_hides_no_order():
    async with world() as made:
        await made.faults({"fault": "silent", "match": "account_*"})
        assert isinstance(await made.submit(1), Sent)
        assert [each.client_id for each in await made.connector.open_orders()] == [1]
        assert made.statuses(1) == [], "what the stream does not tell is not made up"
        await made.faults()
        assert isinstance(await made.connector.cancel_all(None, lambda _: None), Sent)
        await eventually(lambda: made.statuses(1) == [OrderStatus.CANCELED], "the end of the order")


async def test_a_reduce_only_order_that_vanishes_leaves_no_trace():
    async with world() as made:
        await made.faults({"fault": "reduce-only-drop"})
        made.venue.simulation.exchange.accounts[made.venue.ready.trading.account_index].position(0, 500).size = 1_000
        order = limit_order(1, str(round_to(made.connector.quote(ETH).ask * Decimal("1.03"), 2)), "0.0500")
        order = replace(order, intent=replace(order.intent, side=Side.SELL, reduce_only=True))
        assert isinstance(await made.connector.submit(order, no_gate), Sent)
        assert await made.connector.find_order(order.client_id, ETH) is None


async def test_an_expired_token_ends_the_account_link_only_and_a_good_one_mends_it():
    async with world() as made:
        await made.faults({"fault": "token-expired"}, {"fault": "close", "match": "account_all_orders:*", "count": 1})
        assert isinstance(await made.submit(1), Sent)
        await eventually(lambda: made.link(LinkName.ACCOUNT) is not LinkStatus.LIVE, "the account link to fall")
        assert made.connector.quote(ETH).status is BookStatus.LIVE
        await made.faults()
        await made.live()


@pytest.mark.parametrize("fault", ["ws-30009", "ws-30010", "ws-23000"])
async def test_a_book_whose_subscription_is_refused_stays_untradable(fault):
    async with world() as made:
        for stream in made.connector._running.shards:
            stream._session._policy = replace(stream._session._policy, pause_ns=SECOND_NS, ack_after_ns=SECOND_NS)
        await made.strike({"fault": "book-gap", "count": 1}, {"fault": fault, "match": "subscribe", "count": 1})
        await eventually(lambda: any("the venue answers" in text for text in made.notices()), "the refusal told", 8)
        assert made.connector.quote(ETH).status is not BookStatus.LIVE
        await made.live()


@pytest.mark.parametrize("code", [21712, 21728, 21733, 21734])
async def test_a_refusal_keeps_its_code_and_is_not_repeated(code):
    async with world() as made:
        await made.faults({"fault": "refuse", "match": "*sendtx", "code": code, "count": 1})
        outcome = await made.submit(1)
        assert isinstance(outcome, Refused)
        assert outcome.code == code
        assert await made.connector.open_orders() == ()
        assert isinstance(await made.submit(2), Sent), "the lane goes on"
        await eventually(lambda: made.statuses(2) == [OrderStatus.ACCEPTED], "the order to rest")
        assert made.statuses(1) == []


@pytest.mark.parametrize("fault", ["close", "cut", "shutdown"])
async def test_a_fill_that_its_connection_ends_with_is_told_once(fault):
    async with world() as made:
        await made.faults({"fault": fault, "match": "account_all_trades:*", "ms": 50, "count": 1})
        order = limit_order(1, str(round_to(made.connector.quote(ETH).ask * Decimal("1.01"), 2)), "0.0500")
        outcome = await made.connector.submit(order, no_gate)
        assert not isinstance(outcome, Refused)
        await eventually(lambda: all(count for _, count in made.venue.faults.counts()), "the fault to strike", 8)
        await made.faults()

        def fills() -> list:
            return [event.fill for event in made.events if isinstance(event, FillReported)]

        await eventually(lambda: sum(fill.size for fill in fills()) == Decimal("0.0500"), "the fills", 20)
        await made.live()
        assert len({fill.trade_id for fill in fills()}) == len(fills())
        assert {fill.side for fill in fills()} == {Side.BUY}
        assert sum(fill.size for fill in fills()) == Decimal("0.0500")


@pytest.mark.parametrize("ms", [60_000, -60_000])
async def test_a_venue_whose_clock_is_wrong_still_takes_orders_and_cancels(ms):
    async with world() as made:
        await made.faults({"fault": "clock-skew", "ms": ms})
        assert isinstance(await made.submit(1), Sent)
        await eventually(lambda: made.statuses(1)[-1:] == [OrderStatus.ACCEPTED], "the order to rest")
        assert isinstance(await made.connector.cancel_all(None, lambda _: None), Sent)
        await eventually(lambda: made.statuses(1)[-1:] == [OrderStatus.CANCELED], "the cancel")
        await made.live()
