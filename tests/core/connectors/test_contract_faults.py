"""What holds of every connector when the venue misbehaves: one body against the paper venue, a replay and a script.

The first two are processes of their own, told over their control endpoint what to do wrong.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Protocol, TypeVar

import aiohttp
import pytest
from aiohttp import web

from core.clock import SECOND_NS, SystemClock
from core.connectors.lighter.account_feed import account_channels
from core.connectors.lighter.connector import LighterConnector, LighterSettings
from core.connectors.lighter.session import Session
from core.connectors.recorder import record
from core.connectors.venue.child import PaperVenue, VenueReady
from core.connectors.venue.recording import Recorder
from core.decisions import Refused, Sent, TxOutcome, Unresolved
from core.events import (
    Event,
    LinkChanged,
    LinkName,
    LinkStatus,
    Noticed,
    NoticeLevel,
    OpenOrdersListed,
    OrdersReported,
)
from core.model import BookStatus
from core.units import ClientOrderId, MarketId, from_units, round_to
from tests.support.obedient_lighter import ObedientVenue, obedient_venue
from tests.support.orders import limit_order, no_gate
from tests.support.scripted_lighter import book_body, refusal
from tests.support.waiting import eventually

ETH = MarketId(0)
_RECORDED_S = 4
_SEND = "/api/v1/sendTx"
_Kind = TypeVar("_Kind", bound=Event)


class Trouble(Protocol):
    """What a venue can be made to do wrong."""

    async def gap(self) -> None:
        """Miss an update of the first book."""

    async def silence(self) -> None:
        """Keep every connection open, and say nothing of the market any more."""

    async def reset(self) -> None:
        """Drop the connection of market data in the middle of a frame."""

    async def refuse_tokens(self) -> None:
        """Drop the account's connection at its next frame, and refuse every token."""

    async def refuse_next_token(self) -> None:
        """Refuse one subscription for its token."""

    async def tell_one(self) -> None:
        """Keep the next frame of the account's orders from one of its two connections."""

    async def lose_reply(self) -> None:
        """Take the next transaction, and drop the connection instead of answering."""

    async def throttle(self) -> None:
        """Refuse transactions with 429."""

    async def calm(self) -> None:
        """Do nothing wrong any more."""


class ToldVenue:
    """A venue process."""

    def __init__(self, ready: VenueReady, http: aiohttp.ClientSession) -> None:
        self._ready, self._http = ready, http

    async def gap(self) -> None:
        await self._faults({"fault": "book-gap", "match": "order_book:0", "count": 1})

    async def silence(self) -> None:
        await self._faults(*({"fault": "silent", "match": match} for match in ("order_book:*", "market_stats:*")))

    async def reset(self) -> None:
        await self._faults({"fault": "cut", "match": "order_book:*", "count": 1})

    async def refuse_tokens(self) -> None:
        cut = {"fault": "cut", "match": "account_all_orders:*", "count": 1}
        await self._faults({"fault": "token-expired"}, cut)

    async def refuse_next_token(self) -> None:
        await self._faults({"fault": "token-expired", "match": "subscribe", "count": 1})

    async def tell_one(self) -> None:
        await self._faults({"fault": "drop", "match": "account_all_orders:*", "count": 1})

    async def lose_reply(self) -> None:
        await self._faults({"fault": "reply-lost", "match": "*sendtx", "count": 1})

    async def throttle(self) -> None:
        await self._faults({"fault": "http-429", "match": "*sendtx"})

    async def calm(self) -> None:
        await self._faults()

    async def _faults(self, *rules: dict) -> None:
        assert self._ready.control_token is not None
        headers = {"authorization": self._ready.control_token.get_secret_value()}
        url, body = f"{self._ready.url}/control/faults", json.dumps({"seed": 7, "faults": rules})
        async with self._http.post(url, data=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()


class ScriptedTrouble:
    """The scripted venue."""

    def __init__(self, venue: ObedientVenue) -> None:
        self._venue = venue
        self._push, self._answer = venue.push, venue._answer

    async def gap(self) -> None:
        body = book_body(99, 98, [("1999.00", "1.0000")], [])
        await self._venue.push({"channel": "order_book:0", "order_book": body, "type": "update/order_book"})

    async def silence(self) -> None:
        async def nothing(frame: dict) -> None:
            del frame

        self._venue.push = nothing

    async def reset(self) -> None:
        await self._venue.cut()

    async def refuse_tokens(self) -> None:
        self._refuse(10**6)
        await self._venue.cut()

    async def refuse_next_token(self) -> None:
        self._refuse(1)

    def _refuse(self, times: int) -> None:
        left = times

        async def answer(socket: web.WebSocketResponse, frame: dict) -> None:
            nonlocal left
            if "auth" in frame and left:
                left -= 1
                await socket.send_str('{"error":{"code":20013,"message":"invalid auth: invalid deadline"}}')
            else:
                await self._answer(socket, frame)

        self._venue._answer = answer

    async def tell_one(self) -> None:
        async def push(frame: dict) -> None:
            if not frame["channel"].startswith("account_all_orders"):
                await self._push(frame)
                return
            self._venue.push = self._push
            await self._venue.private_sockets[-1].send_str(json.dumps(frame))

        self._venue.push = push

    async def lose_reply(self) -> None:
        async def take(request: web.Request) -> web.StreamResponse:
            self._venue.answers.pop(_SEND)
            response = await self._venue._send_tx(request)
            assert request.transport is not None
            request.transport.abort()
            return response

        self._venue.answers[_SEND] = take

    async def throttle(self) -> None:
        async def refuse(_: web.Request) -> web.StreamResponse:
            return refusal(23000, "Too Many Requests!", status=429)

        self._venue.answers[_SEND] = refuse

    async def calm(self) -> None:
        self._venue.answers.pop(_SEND, None)
        self._venue.push, self._venue._answer = self._push, self._answer


def _settings(ready: VenueReady) -> LighterSettings:
    return LighterSettings(
        name="paper",
        world="contract",
        url=ready.url,
        ws_url=ready.ws_url,
        chain_id=ready.chain_id,
        account_index=ready.trading.account_index,
        api_key_index=ready.trading.api_key_index,
        private_key=ready.trading.private_key,
        kill_api_key_index=ready.kill.api_key_index,
        kill_private_key=ready.kill.private_key,
        stale_after_ms=1_000,
        request_timeout_s=2,
        is_sending_by_socket=False,  # as the script does, so that one fault is one fault everywhere
    )


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session of a paper venue, as the command records it."""
    file = tmp_path_factory.mktemp("recording") / "session.ltrec"
    with PaperVenue(markets=1) as venue:
        recorder = Recorder(file)
        asyncio.run(record(_settings(venue.ready), recorder, SystemClock(), _RECORDED_S))
        recorder.close()
    return file


@pytest.fixture(scope="module")
def paper() -> Iterator[PaperVenue]:
    """One process for all tests of this module."""
    with PaperVenue(markets=1, options=("--control",)) as venue:
        yield venue


class World:
    """A started connector, its links live and its book believed, and the venue's dark side."""

    def __init__(self, connector: LighterConnector, trouble: Trouble) -> None:
        self.connector, self.trouble = connector, trouble
        self.events: list[Event] = []
        self.refused: list[str | None] = []
        """Each token that the venue refused, in that order."""

    def hear(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, LinkChanged) and "token refused" in event.link.detail:
            self.refused.append(self.account._token)

    @property
    def account(self) -> Session:
        """The session of the account's stream."""
        assert self.connector._running is not None
        return self.connector._running.account._session

    def let_token_age(self) -> None:
        """The token of the account's stream reaches its age."""
        self.account._token_ns -= self.account._policy.token_life_ns

    def told(self, kind: type[_Kind]) -> list[_Kind]:
        return [event for event in self.events if isinstance(event, kind)]

    def link(self, name: LinkName) -> LinkStatus:
        return next(link.status for link in self.connector.links() if link.name is name)

    async def live(self) -> None:
        """Everything is LIVE (again)."""
        links = self.connector.links
        await eventually(lambda: all(link.status is LinkStatus.LIVE for link in links()), "links", 15)
        await eventually(lambda: self.connector.quote(ETH).status is BookStatus.LIVE, "a book", 15)

    async def submit(self, client_id: int) -> TxOutcome:
        """A bid far below the market: it rests."""
        market, bid = self.connector.markets[ETH], self.connector.quote(ETH).bid
        assert bid is not None
        price = round_to(bid * Decimal("0.97"), market.price_decimals)
        size = max(market.min_size, from_units(100, market.size_decimals))
        return await self.connector.submit(limit_order(client_id, str(price), str(size)), no_gate)

    def alerts(self) -> list[str]:
        return [one.text for one in self.told(Noticed) if one.level is NoticeLevel.ALERT]

    async def open_ids(self) -> list[int | None]:
        return [report.client_id for report in await self.connector.open_orders()]


@pytest.fixture
def has_drop_copy() -> bool:
    return False


@pytest.fixture(params=["the paper venue", "a replay", "a scripted venue"])
async def world(
    request: pytest.FixtureRequest, recording: Path, paper: PaperVenue, has_drop_copy: bool
) -> AsyncIterator[World]:
    """A world whose venue is calm and without orders of ours at the end."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        if request.param == "a scripted venue":
            venue = await stack.enter_async_context(obedient_venue())
            trouble: Trouble = ScriptedTrouble(venue)
            settings = venue.settings(stale_after_ms=1_000, request_timeout_s=2)
        elif request.param == "a replay":
            words = ("--replay", str(recording), "--speed", "0.3", "--control")
            child = stack.enter_context(PaperVenue(markets=1, options=words))
            trouble, settings = ToldVenue(child.ready, http), _settings(child.ready)
        else:
            trouble, settings = ToldVenue(paper.ready, http), _settings(paper.ready)
        connector = LighterConnector(replace(settings, has_drop_copy=has_drop_copy), SystemClock())
        stack.push_async_callback(connector.close)
        made = World(connector, trouble)
        await connector.start(made.hear)
        await made.live()
        await eventually(lambda: connector.quote(ETH).bid, "somebody to bid")
        yield made
        await trouble.calm()
        assert isinstance(await connector.cancel_all(None, lambda _: None), Sent)


async def test_a_missed_update_is_said_and_mended(world: World):
    await world.trouble.gap()
    told = "order_book:0 lost its chain: asking for a new snapshot"
    await eventually(lambda: told in [one.text for one in world.told(Noticed)], "the gap told")
    await world.live()


async def test_silence_is_stale_then_down_and_mended_by_a_new_connection(world: World):
    await world.trouble.silence()
    await eventually(lambda: world.connector.quote(ETH).status is BookStatus.STALE, "a stale quote", 5)
    await eventually(lambda: world.link(LinkName.MARKET_DATA) is LinkStatus.DOWN, "the link to be down", 10)
    await world.trouble.calm()
    await world.live()


async def test_a_reset_connection_is_down_at_once_and_comes_back(world: World):
    await world.trouble.reset()
    await eventually(lambda: world.link(LinkName.MARKET_DATA) is LinkStatus.DOWN, "the link to be down")
    assert world.connector.quote(ETH).status is not BookStatus.LIVE
    await world.live()


async def test_a_refused_token_takes_the_account_link_and_a_good_one_brings_it_back(world: World):
    await world.trouble.refuse_tokens()
    await world.submit(301)
    await eventually(lambda: world.link(LinkName.ACCOUNT) is not LinkStatus.LIVE, "the account link to fall")
    await world.trouble.calm()
    await world.live()


async def test_an_old_token_is_minted_anew_and_every_private_stream_goes_on_with_it(world: World):
    session, old, began_ns = world.account, world.account._token, SystemClock().now().mono_ns
    labels = [name.replace("/", ":") for name in account_channels(world.connector._settings.account_index)]
    world.let_token_age()
    await eventually(lambda: all(session.asked_ns(label) > began_ns for label in labels), "new subscriptions")
    await eventually(lambda: all(one.state == "live" for one in session._channels.values()), "their snapshots")
    assert session._token not in {old, None}
    assert not session.wants_token(SystemClock().now().mono_ns)
    assert isinstance(await world.submit(601), Sent)
    await eventually(
        lambda: 601 in [one.orders[0].client_id for one in world.told(OrdersReported)], "the stream to go on"
    )
    assert world.refused == []


async def test_a_token_refused_while_it_is_renewed_is_minted_once_more(world: World):
    await world.trouble.refuse_next_token()
    world.let_token_age()
    await eventually(lambda: world.refused, "the refusal")
    await world.live()
    assert len(world.refused) == 1
    assert world.account._token not in {None, *world.refused}
    assert isinstance(await world.submit(602), Sent)
    await eventually(
        lambda: 602 in [one.orders[0].client_id for one in world.told(OrdersReported)], "the stream to go on"
    )


@pytest.mark.parametrize("has_drop_copy", [True])
async def test_what_one_private_connection_keeps_back_is_an_alert_and_the_venues_list_decides(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("core.connectors.lighter.drop_copy.GRACE_NS", SECOND_NS)
    monkeypatch.setattr("core.connectors.lighter.agreement.LASTING_NS", 3_600 * SECOND_NS)  # which would mend it too
    running = world.connector._running
    assert running is not None
    assert running.watch is not None
    await eventually(lambda: running.watch._is_comparing, "the comparison", 10)
    lists = len(world.told(OpenOrdersListed))
    await world.trouble.tell_one()
    assert isinstance(await world.submit(701), Sent)
    [order] = await world.connector.open_orders()
    await eventually(
        lambda: any(f"told order {order.venue_id} as accepted" in one for one in world.alerts()), "an alert", 10
    )
    await eventually(lambda: len(world.told(OpenOrdersListed)) > lists, "the venue's list", 10)
    assert [one.client_id for one in world.told(OpenOrdersListed)[-1].orders] == [701]


async def test_a_lost_reply_is_never_a_refusal_and_the_order_is_there_once(world: World):
    await world.trouble.lose_reply()
    assert not isinstance(await world.submit(401), Refused)
    await eventually(lambda: world.link(LinkName.ACCOUNT) is LinkStatus.LIVE, "the account link")
    assert await world.open_ids() == [401]
    found = await world.connector.find_order(ClientOrderId(401), ETH)
    assert found is not None
    assert isinstance(await world.submit(402), Sent), "the lane goes on"
    assert sorted(await world.open_ids()) == [401, 402]


async def test_429_is_never_taken_for_sent_and_leaves_no_order(world: World):
    await world.trouble.throttle()
    assert isinstance(await world.submit(501), Refused | Unresolved)
    await world.trouble.calm()
    await eventually(lambda: world.connector._rest.cooling_s() == 0, "the end of the pause", 10)
    assert await world.open_ids() == []
    assert isinstance(await world.submit(502), Sent), "the lane goes on"
