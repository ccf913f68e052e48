"""The desk in a browser: one token, one visitor, the loopback alone; keys act, read-only all but the kill do not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from textual.driver import Driver

from core.commands import TripBreaker
from tests.support.browser import WITHIN_S, Browser
from tests.support.fake_engine import FakeEngine
from tests.support.waiting import eventually
from tui.app import Desk, DeskOptions
from tui.web.server import HOST, DeskServer
from tui.web.watching import Watching

TOKEN = "only-once"


def origin_of(server: TestServer) -> str:
    return f"http://{HOST}:{server.port}"


@asynccontextmanager
async def served(engine: FakeEngine, *, may_act: bool = False) -> AsyncIterator[TestServer]:
    def make(driver: type[Driver]) -> Desk:
        options = DeskOptions(fps=10, clock=engine.clock, is_session=True, is_read_only=not may_act)
        return Desk(Watching(engine, may_act=may_act), options, driver)

    server = TestServer(DeskServer(make, TOKEN).application(), host=HOST)
    await server.start_server()
    try:
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def a_browser(engine: FakeEngine, *, may_act: bool = False) -> AsyncIterator[Browser]:
    async with served(engine, may_act=may_act) as server:
        browser = Browser(origin_of(server))
        try:
            assert await browser.enter(TOKEN) == 200
            await browser.connect()
            await browser.shows("1 prices", "3021.5", "UTC")
            yield browser
        finally:
            await browser.leave()


async def test_the_token_opens_once_and_only_for_the_browser_that_showed_it():
    async with served(FakeEngine()) as server:
        first, second = Browser(origin_of(server)), Browser(origin_of(server))
        try:
            assert await first.enter("guessed") == 403
            assert await first.enter(TOKEN) == 200
            async with first.session.get(first.origin) as page:
                text = await page.text()
                assert page.status == 200
                assert f"ws://{HOST}:{server.port}/ws" in text
                assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
            async with first.session.get(f"{first.origin}/static/js/textual.js") as script:
                assert script.status == 200
            assert await second.enter(TOKEN) == 403
            async with second.session.get(second.origin) as page:
                assert page.status == 403
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await second.connect()
        finally:
            await first.leave()
            await second.leave()


async def test_neither_another_page_nor_another_name_nor_another_tab_gets_in():
    async with a_browser(FakeEngine()) as browser:
        for headers in (
            {"Origin": "http://evil.example"},
            {"Host": f"evil.example:{1}", "Origin": "http://evil.example:1"},
        ):
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await browser.session.ws_connect(f"{browser.origin}/ws", headers=headers)
        with pytest.raises(aiohttp.WSServerHandshakeError, match="409"):
            await browser.session.ws_connect(f"{browser.origin}/ws", headers={"Origin": browser.origin})


async def test_read_only_every_key_but_the_kill_reaches_nobody():
    engine = FakeEngine()
    async with a_browser(engine) as browser:
        await browser.shows("READ-ONLY")
        for screen in "dmortelh":
            await browser.press(screen)
            await browser.press("ncasjix[]+-\t\x14\x1b[15~\x1b[17~\x1b[18~\x1b[19~\x1bOQ\x1bOS")
            if screen in "dmrt":  # elsewhere Enter opens a line in full, which is looking
                await browser.press("1\r")
        await browser.press("m")
        await browser.shows("1 ladder")
        await browser.press("j")
        await browser.shows("read-only: nothing was sent")
        assert engine.commands == []
        assert engine.stops == []
        await browser.press("\x0b")
        await browser.shows("KILL REQUESTED")
        assert len(engine.kills) == 1


async def test_told_to_act_keys_act():
    engine = FakeEngine()
    async with a_browser(engine, may_act=True) as browser:
        assert "READ-ONLY" not in browser.text
        await browser.press("\x14")
        await eventually(lambda: engine.commands, "the breaker", WITHIN_S)
        assert isinstance(engine.commands[0], TripBreaker)


async def test_leaving_ends_the_session_and_not_the_engine_and_one_may_come_back():
    engine = FakeEngine()
    async with a_browser(engine, may_act=True) as browser:
        await browser.press("\x11")
        socket = browser.socket
        assert socket is not None
        await eventually(lambda: socket.closed, "the session to end", WITHIN_S)
        assert engine.stops == []
        assert engine.report is None
        await browser.connect()
        await browser.press("h")
        await browser.shows("1 links", "desk loop: lag")


async def test_a_resize_is_followed_and_nonsense_harms_nothing():
    engine = FakeEngine()
    async with a_browser(engine) as browser:
        for nonsense in ("", "{", "[]", "7", '["stdin"]', '["stdin", 7]', '["resize", {"width": "x"}]', '["what", 1]'):
            await browser.say(nonsense)
        await browser.say(["resize", {"width": 60, "height": 20}])
        await browser.shows("expected at least 80x24")
        await browser.say(["resize", {"width": -5, "height": 10**9}])
        await browser.say(["resize", {"width": 80, "height": 24}])
        await browser.shows("1 prices", "6 log")
        await browser.press("x" * 10_000 + "\x00\x1b[200~ctrl\x0b\x1b[201~é漢👩‍👩‍👧")
        await browser.press("h")
        await browser.shows("1 links")
        assert engine.kills == []
