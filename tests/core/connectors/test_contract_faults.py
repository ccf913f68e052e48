"""What holds of every connector when the venue misbehaves: one body against the paper venue, a replay and a script.

The first two are processes of their own, told over their control endpoint what to do wrong.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import aiohttp
import pytest
from aiohttp import web

from core.clock import SystemClock
from core.connectors.lighter.connector import LighterConnector, LighterSettings
from core.connectors.recorder import record
from core.connectors.venue.child import PaperVenue, VenueReady
from core.connectors.venue.recording import Recorder
from core.decisions import Refused, Sent, TxOutcome, Unresolved
from core.events import Event, LinkName, LinkStatus, Noticed
from core.model import BookStatus
from core.units import ClientOrderId, MarketId, from_units, round_to
from tests.support.obedient_lighter import ObedientVenue, obedient_venue
from tests.support.orders import limit_order, no_gate
from tests.support.scripted_lighter import book_body, refusal
from tests.support.waiting import eventually

ETH = MarketId(0)
_RECORDED_S = 4
_SEND = "/api/v1/sendTx"


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
        async def answer(socket: web.WebSocketResponse, frame: dict) -> None:
            if "auth" in frame:
                await socket.send_str('{"error":{"code":20013,"message":"invalid auth: invalid deadline"}}')
            else:
                await self._answer(socket, frame)

        self._venue._answer = answer
        await self._venue.cut()

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

    def __init__(self, connector: LighterConnector, trouble: Trouble, events: list[Event]) -> None:
        self.connector, self.trouble, self.events = connector, trouble, events

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

    async def open_ids(self) -> list[int | None]:
        return [report.client_id for report in await self.connector.open_orders()]


@pytest.fixture(params=["the paper venue", "a replay", "a scripted venue"])
async def world(request: pytest.FixtureRequest, recording: Path, paper: PaperVenue) -> AsyncIterator[World]:
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
        connector = LighterConnector(settings, SystemClock())
        stack.push_async_callback(connector.close)
        events: list[Event] = []
        await connector.start(events.append)
        made = World(connector, trouble, events)
        await made.live()
        await eventually(lambda: connector.quote(ETH).bid, "somebody to bid")
        yield made
        await trouble.calm()
        assert isinstance(await connector.cancel_all(None, lambda _: None), Sent)


async def test_a_missed_update_is_said_and_mended(world: World):
    await world.trouble.gap()
    told = "order_book:0 lost its chain: asking for a new snapshot"
    await eventually(lambda: told in [one.text for one in world.events if isinstance(one, Noticed)], "the gap told")
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
