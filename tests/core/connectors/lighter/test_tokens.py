"""Tokens come from whichever key answers: a signing library that hangs on one holds up neither reads nor a kill."""

import asyncio
import threading

import pytest

from core.clock import SECOND_NS, ManualClock
from core.connectors.lighter.account_feed import account_channels
from core.connectors.lighter.session import Session, SessionPolicy
from core.connectors.lighter.signer import Signer
from core.connectors.lighter.stream import Renewal
from core.connectors.lighter.tokens import Tokens
from core.decisions import Sent
from core.errors import AuthRejected, LinkDown
from core.events import LinkStatus, Noticed
from tests.support.orders import limit_order, no_gate
from tests.support.scripted_lighter import KEY, KILL_KEY
from tests.support.waiting import eventually

HOUR_NS = 3_600 * SECOND_NS


class Key:
    """A signer as far as tokens go: it mints at once, fails, or does not answer until it is let go."""

    def __init__(self, name: str, *, does_hang: bool = False, error: Exception | None = None) -> None:
        self.name, self.error = name, error
        self.release = asyncio.Event()
        self.minted = self.cancelled = 0
        if not does_hang:
            self.release.set()

    async def auth_token(self, deadline_s: int) -> str:
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        self.minted += 1
        return f"{deadline_s}:{self.name}:{self.minted}"


def _tokens(*keys: Key) -> tuple[Tokens, ManualClock]:
    clock = ManualClock(mono_ns=SECOND_NS, utc_us=1_700_000_000_000_000)
    tokens = Tokens(keys[0], clock)
    for key in keys[1:]:
        tokens.also(key)
    return tokens, clock


async def test_the_first_key_mints_while_it_answers_and_one_token_serves_for_six_hours():
    first, second = Key("first"), Key("second")
    tokens, clock = _tokens(first, second)
    token = await tokens.token()
    assert token == f"{1_700_000_000 + 7 * 3_600}:first:1"
    clock.advance(ns=6 * HOUR_NS - SECOND_NS)
    assert await tokens.token(is_urgent=True) == token, "what is there is used, however urgent"
    clock.advance(ns=SECOND_NS)
    assert await tokens.token() != token
    assert (first.minted, second.minted) == (2, 0)


@pytest.mark.parametrize("is_urgent", [False, True])
async def test_a_key_that_hangs_is_passed_over_and_given_up(is_urgent):
    hanging, second = Key("first", does_hang=True), Key("second")
    tokens, _ = _tokens(hanging, second)
    assert ":second:" in await tokens.token(is_urgent=is_urgent)
    assert hanging.cancelled == 1, "nobody waits for it any more"


async def test_what_a_kill_needs_gives_no_key_a_head_start(monkeypatch):
    monkeypatch.setattr("core.connectors.lighter.tokens._HEAD_START_S", 3_600)
    tokens, _ = _tokens(Key("first", does_hang=True), Key("second"))
    async with asyncio.timeout(10):
        assert ":second:" in await tokens.token(is_urgent=True)


@pytest.mark.parametrize("error", [AuthRejected("no"), LinkDown("closed")])
async def test_a_key_that_fails_is_passed_over_at_once_and_the_first_reason_is_told_when_all_do(error, monkeypatch):
    monkeypatch.setattr("core.connectors.lighter.tokens._HEAD_START_S", 3_600)
    failing, good = Key("first", error=error), Key("second")
    tokens, _ = _tokens(failing, good)
    async with asyncio.timeout(10):
        assert ":second:" in await tokens.token()
        good.error = AuthRejected("the second reason")
        with pytest.raises(type(error), match=str(error)):
            await tokens.fresh()


async def test_when_no_key_answers_whoever_asks_hears_of_it(monkeypatch):
    monkeypatch.setattr("core.connectors.lighter.tokens._PATIENCE_S", 0.0)
    keys = Key("first", does_hang=True), Key("second", does_hang=True)
    tokens, _ = _tokens(*keys)
    with pytest.raises(LinkDown, match="the signing library does not answer"):
        await tokens.token(is_urgent=True)
    assert [key.cancelled for key in keys] == [1, 1]


async def test_a_fault_of_ours_is_not_mistaken_for_a_key_that_fails():
    tokens, _ = _tokens(Key("first", error=ZeroDivisionError("ours")), Key("second"))
    with pytest.raises(ZeroDivisionError):
        await tokens.token()


async def test_while_a_fresh_one_is_minted_the_one_before_it_serves():
    only = Key("only")
    tokens, _ = _tokens(only)
    token = await tokens.token()
    only.release.clear()
    minting = asyncio.create_task(tokens.fresh())
    await asyncio.sleep(0)
    assert await tokens.token() == token
    only.release.set()
    assert await minting != token


async def test_a_cancelled_wait_leaves_no_task():
    keys = Key("first", does_hang=True), Key("second", does_hang=True)
    tokens, _ = _tokens(*keys)
    before = asyncio.all_tasks()
    waiting = asyncio.create_task(tokens.token(is_urgent=True))
    await eventually(lambda: len(asyncio.all_tasks() - before) == 3, "both keys to be asked")
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert asyncio.all_tasks() == before


@pytest.fixture
def hang(monkeypatch):
    """From when it is called the trading key's signer answers nothing, until the end of the test."""
    release, hanging = threading.Event(), threading.Event()
    signs, mints = Signer._sign, Signer._mint

    def held(real):
        def work(signer, *arguments: object):
            if hanging.is_set() and signer.api_key_index == KEY:
                release.wait(60)
            return real(signer, *arguments)

        return work

    monkeypatch.setattr(Signer, "_sign", held(signs))
    monkeypatch.setattr(Signer, "_mint", held(mints))
    yield hanging.set
    release.set()


async def _kill(connector, venue) -> None:
    async with asyncio.timeout(30):
        assert isinstance(await connector.cancel_all(None, lambda _: None), Sent)
        assert await connector.open_orders() == ()
    assert [info["ApiKeyIndex"] for info in venue.sent] == [KILL_KEY]


@pytest.mark.parametrize("has_token", [True, False], ids=["a token was minted before", "none was"])
async def test_a_kill_is_sent_and_confirmed_while_the_trading_keys_signer_hangs(
    venue, start, hang, has_token, monkeypatch
):
    monkeypatch.setattr("core.connectors.lighter.tokens._HEAD_START_S", 3_600)
    connector, _ = await start(venue.settings())
    await eventually(lambda: all(link.status is LinkStatus.LIVE for link in connector.links()), "links")
    tokens = connector._running.api._tokens
    assert await tokens.token()
    if not has_token:
        tokens._token = ""
    hang()
    stuck = asyncio.create_task(connector.submit(limit_order(1), no_gate))
    try:
        await eventually(lambda: connector._running.trading._turn._is_taken, "the order to be in the signer's hands")
        await _kill(connector, venue)
    finally:
        stuck.cancel()
        await asyncio.gather(stuck, return_exceptions=True)


async def test_the_account_stream_comes_back_while_the_trading_keys_signer_hangs(venue, start, hang):
    connector, _ = await start(venue.settings())
    await eventually(lambda: all(link.status is LinkStatus.LIVE for link in connector.links()), "links")
    hang()
    await venue.cut()
    await eventually(lambda: len(venue.private_sockets) == 2, "the account to be subscribed to again", 20)
    await eventually(lambda: all(link.status is LinkStatus.LIVE for link in connector.links()), "links", 20)
    token = [frame["auth"] for frame in venue.heard if "auth" in frame][-1]
    assert token.split(":")[2] == str(KILL_KEY)
    await _kill(connector, venue)


@pytest.fixture
def hold(monkeypatch):
    """From when it is called no key mints, until the event is set; with the list of the keys that were asked."""
    released, holding, asked, mints = threading.Event(), threading.Event(), [], Signer._mint

    def held(signer, *arguments: object):
        if holding.is_set():
            asked.append(signer.api_key_index)
            released.wait(60)
        return mints(signer, *arguments)

    def begin() -> tuple[threading.Event, list[int]]:
        holding.set()
        return released, asked

    monkeypatch.setattr(Signer, "_mint", held)
    yield begin
    released.set()


async def _started(venue, start):
    connector, events = await start(venue.settings())
    await eventually(lambda: all(link.status is LinkStatus.LIVE for link in connector.links()), "links")
    return connector, events


def _let_token_age(connector) -> None:
    session = connector._running.account._session
    session._token_ns -= session._policy.token_life_ns


def _pings(venue) -> int:
    return sum(frame["type"] == "ping" for frame in venue.heard)


def _auths(venue) -> list[str]:
    return [frame["auth"] for frame in venue.heard if "auth" in frame]


async def test_while_no_key_renews_the_token_pings_go_on_and_the_connection_stays(venue, start, hold, monkeypatch):
    connector, events = await _started(venue, start)
    monkeypatch.setattr("core.connectors.lighter.tokens._PATIENCE_S", 0.3)
    monkeypatch.setattr("core.connectors.lighter.stream._MINT_AGAIN_NS", 0)
    old = _auths(venue)
    released, asked = hold()
    _let_token_age(connector)

    def told() -> list[str]:
        return [one.text for one in events if isinstance(one, Noticed) and "no new token yet" in one.text]

    await eventually(told, "the first failure")
    assert {*asked} == {KEY, KILL_KEY}
    before = _pings(venue)
    await eventually(lambda: _pings(venue) >= before + 2, "pings meanwhile", 20)
    monkeypatch.setattr("core.connectors.lighter.tokens._PATIENCE_S", 60)
    before = _pings(venue)
    await eventually(lambda: _pings(venue) >= before + 2, "pings while one attempt lasts", 20)
    assert _auths(venue) == old, "nothing was subscribed anew"
    released.set()
    await eventually(lambda: len(_auths(venue)) == 2 * len(old), "new subscriptions", 20)
    assert {*_auths(venue)[len(old) :]}.isdisjoint(old)
    assert len(told()) == 1, "once, however many attempts failed"
    assert len({*venue.private_sockets}) == 1, "on one and the same connection"


async def test_a_renewal_under_way_ends_with_its_connection(venue, start, hold, monkeypatch):
    connector, _ = await _started(venue, start)
    monkeypatch.setattr("core.connectors.lighter.tokens._PATIENCE_S", 60)

    def renewals() -> list[str]:
        return [task.get_name() for task in asyncio.all_tasks() if "Tokens.fresh" in task.get_coro().__qualname__]

    hold()
    _let_token_age(connector)
    await eventually(renewals, "the renewal")
    await venue.cut()
    await eventually(lambda: not renewals(), "its end")


async def test_a_renewal_that_failed_is_tried_again_after_five_seconds_not_at_every_tick():
    tried, session = [], Session(account_channels(1), SessionPolicy(data_is_life=False, token_life_ns=0))
    session.opened(0, "old")

    async def fails() -> str:
        tried.append(1)
        raise AuthRejected("no")

    renewal = Renewal(fails)
    for quarters in range(41):
        renewal.step(session, quarters * SECOND_NS // 4)
        await asyncio.sleep(0)
    assert len(tried) == 2, "at once, and after five seconds; ten are not over since"
