"""The slow duties when the venue does not let one of them be done: the others go on, and somebody hears of it."""

from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web
from pydantic import SecretStr

from core.clock import SECOND_NS, ManualClock
from core.connectors.lighter.account_feed import AccountFeed
from core.connectors.lighter.budget import Tier
from core.connectors.lighter.housekeeping import Housekeeper
from core.connectors.lighter.rest import RestClient
from core.connectors.lighter.session import Session, SessionPolicy
from core.connectors.lighter.signer import Signer
from core.connectors.lighter.tokens import Tokens
from core.connectors.lighter.venue_api import VenueApi
from core.events import Event, FillReported, LinkStatus, Noticed, NoticeLevel
from core.units import AccountIndex
from tests.support.scripted_lighter import ACCOUNT, CHAIN, KEY, ScriptedVenue, refusal, trade_row

TRADES, MARKETS, VIEW = "/api/v1/trades", "/api/v1/orderBookDetails", "/api/v1/account"


class World:
    """A housekeeper on a scripted venue, whose time is a test's, budgets included."""

    def __init__(self, venue: ScriptedVenue, signer: Signer) -> None:
        self.venue = venue
        self.clock = ManualClock(mono_ns=SECOND_NS, utc_us=1_700_000_000_000_000)
        self.events: list[Event] = []
        self.rest = RestClient(venue.url, 1, self.clock)
        self.rest.open()
        self.rest.limiter.adopt(Tier.PREMIUM)
        session = Session((), SessionPolicy(data_is_life=False))
        self.feed = AccountFeed(AccountIndex(ACCOUNT), session, self.events.append, newest_trade=5)
        api = VenueApi(self.rest, Tokens(signer, self.clock), ACCOUNT, self.clock)
        self.keeper = Housekeeper(api, self.rest, self.feed, {}, self.events.append, self.clock)

    async def seconds(self, count: int) -> None:
        for _ in range(count):
            self.clock.advance(ns=SECOND_NS)
            await self.keeper._look()

    def asked(self, path: str) -> int:
        return len([one for one in self.venue.asked if one.partition("?")[0] == path])

    def told(self) -> list[tuple[NoticeLevel, str]]:
        return [(event.level, event.text) for event in self.events if isinstance(event, Noticed)]


@pytest.fixture
async def world(venue) -> AsyncIterator[World]:
    signer = Signer(chain_id=CHAIN, account_index=ACCOUNT, api_key_index=KEY, private_key=SecretStr(venue.keys[KEY][0]))
    await signer.start()
    made = World(venue, signer)
    yield made
    await made.rest.close()
    signer.close()


def _answers(made: Callable[[], web.Response]):
    async def handler(_: web.Request) -> web.StreamResponse:
        return made()

    return handler


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: web.Response(status=404, text="not found"), "HTTP 404 not found"),
        (lambda: refusal(23004, "not for you"), "23004 not for you"),
        (lambda: web.json_response({"code": 200, "trades": "x"}), "Trades body cannot be read"),
    ],
)
async def test_a_gap_that_cannot_be_closed_is_told_once_and_stops_no_other_duty(world, answer, words):
    world.feed.gap = 1
    world.venue.answers[TRADES] = _answers(answer)
    await world.seconds(130)
    ((level, text),) = world.told()
    assert level is NoticeLevel.ALERT
    assert text.startswith("fetching the fills that the stream may have missed fails: ")
    assert words in text
    assert world.asked(MARKETS) == 2
    assert world.asked(VIEW) >= 4

    del world.venue.answers[TRADES]
    world.venue.trades = [trade_row(6)]
    await world.seconds(300)
    assert [event.fill.trade_id for event in world.events if isinstance(event, FillReported)] == [6]
    assert world.feed.closed_gap == 1
    assert world.told()[1:] == [(NoticeLevel.INFO, "fetching the fills that the stream may have missed succeeds again")]
    await world.seconds(20)
    assert world.asked(TRADES) == 1, "closed is closed"


async def test_more_trades_than_are_read_in_one_go_are_told_and_not_asked_for_every_second(world, monkeypatch):
    monkeypatch.setattr("core.connectors.lighter.venue_api._MAX_PAGES", 2)
    world.feed.gap = 1
    pages = 0

    async def page(_: web.Request) -> web.Response:
        nonlocal pages
        pages += 1
        rows = [trade_row(1_000_000 - at) for at in range(100)]
        return web.json_response({"code": 200, "trades": rows, "next_cursor": "more"})

    world.venue.answers[TRADES] = page
    await world.seconds(10)
    assert [text for _, text in world.told()] == [
        "fetching the fills that the stream may have missed fails: more than 200 trades since trade 5"
    ]
    assert pages == 4 * 2, "after 1, 2, 4 and 8 s"


@pytest.mark.parametrize("path", [MARKETS, VIEW])
async def test_any_duty_that_is_refused_is_told_and_the_gap_is_closed_all_the_same(world, path):
    world.feed.gap = 1
    world.venue.answers[path] = _answers(lambda: refusal(23004, "not for you"))
    await world.seconds(100)
    assert world.feed.closed_gap == 1
    ((level, text),) = world.told()
    assert level is NoticeLevel.WARN
    assert f"{path}: 23004 not for you" in text


async def test_a_link_that_is_down_speaks_for_itself_and_is_asked_every_second_until_it_is_back(world):
    down = _answers(lambda: web.Response(status=503, text="maintenance"))
    world.venue.answers.update({MARKETS: down, VIEW: down})
    await world.seconds(60)
    assert world.told() == []
    assert world.rest.health.status is LinkStatus.DOWN
    world.venue.answers.clear()
    await world.seconds(1)
    assert world.rest.health.status is LinkStatus.LIVE
