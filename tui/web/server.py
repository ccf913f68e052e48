"""Serves the desk to one browser at a time, on the loopback alone, behind a token that opens once.

The page and its terminal are textual-serve's. Its process for each visitor is not used: an engine must not begin and
end with a browser's tab, so each session is an App in this process, over the one engine that runs.
"""

import asyncio
import hmac
import json
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

import jinja2
from aiohttp import WSMsgType, web
from textual.driver import Driver

from tui.app import Desk
from tui.web.driver import BrowserDriver, Line, bound

HOST: Final = "127.0.0.1"
_NAMES: Final = frozenset({HOST, "localhost"})
_COOKIE: Final = "lighter-tui"
_TICK_S: Final = 0.1
_END_S: Final = 10.0
_LONGEST: Final = 65_536
"""Characters of one message of the browser: a larger one is no typing and ends the session."""
_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self' ws:; frame-ancestors 'none'"
)
_log: Final = logging.getLogger(__name__)


class DeskServer:
    """The web application. `make_desk` makes a desk that paints by the driver class it is given."""

    def __init__(self, make_desk: Callable[[type[Driver]], Desk], token: str) -> None:
        self._make_desk = make_desk
        self._token = token
        self._pass = secrets.token_urlsafe(32)
        """What the browser that opened it with the token shows from then on."""
        self._is_opened = False
        self._is_busy = False
        self._sessions: set[asyncio.Task[Any]] = set()

    def application(self) -> web.Application:
        """Page, static files and websocket."""
        with as_file(files("textual_serve")) as folder:
            root = Path(folder)
        loader = jinja2.FileSystemLoader(root / "templates")
        self._page = jinja2.Environment(loader=loader, autoescape=True).get_template("app_index.html")
        made = web.Application(middlewares=[_only_loopback])
        made.add_routes([web.get("/", self._index), web.get("/ws", self._websocket)])
        made.add_routes([web.static("/static", root / "static")])
        made.on_shutdown.append(self._end)
        return made

    async def _index(self, request: web.Request) -> web.StreamResponse:
        token = request.query.get("token")
        if token is not None:
            if self._is_opened or not hmac.compare_digest(token.encode(), self._token.encode()):
                raise web.HTTPForbidden(text="this token does not open the desk, or has been used; start it anew")
            self._is_opened = True
            entered = web.HTTPSeeOther("/")
            entered.set_cookie(_COOKIE, self._pass, httponly=True, samesite="Strict", path="/")
            raise entered
        self._check(request)
        text = self._page.render(
            font_size=16,
            app_websocket_url=f"ws://{request.host}/ws",
            config={"static": {"url": "/static/"}},
            application={"name": "lighter-tui"},
        )
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        return web.Response(text=text, content_type="text/html", headers=headers)

    def _check(self, request: web.Request) -> None:
        shown = request.cookies.get(_COOKIE, "")
        if not hmac.compare_digest(shown.encode(), self._pass.encode()):
            raise web.HTTPForbidden(text="open the desk with the address that was printed where it was started")

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        self._check(request)
        if request.headers.get("Origin") != f"http://{request.host}":
            raise web.HTTPForbidden(text="another page may not use the desk")
        if self._is_busy:
            raise web.HTTPConflict(text="the desk is open in another tab")
        socket = web.WebSocketResponse(heartbeat=15, max_msg_size=4 * _LONGEST)
        self._is_busy = True
        try:
            await socket.prepare(request)
            await self._session(socket, _cells(request, "width", 80), _cells(request, "height", 24))
        finally:
            self._is_busy = False
        return socket

    async def _session(self, socket: web.WebSocketResponse, width: int, height: int) -> None:
        line = Line()
        desk = self._make_desk(bound(line))
        running = asyncio.create_task(desk.run_async(size=(width, height)))
        around = [asyncio.create_task(_paint(line, socket)), asyncio.create_task(_listen(socket, desk))]
        self._sessions.add(running)
        try:
            await asyncio.wait([running, *around], return_when=asyncio.FIRST_COMPLETED)
        finally:
            desk.stop_painting()
            desk.exit()
            for task in around:
                task.cancel()
            await asyncio.wait([running, *around], timeout=_END_S)
            self._sessions.discard(running)
            ended: list[asyncio.Task[Any]] = [running, *around]
            for task in ended:
                if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                    _log.error("a browser's session broke", exc_info=error)
            await socket.close()

    async def _end(self, application: web.Application) -> None:
        del application
        for task in tuple(self._sessions):
            task.cancel()


@web.middleware
async def _only_loopback(request: web.Request, handler: Any) -> web.StreamResponse:
    """A name that somebody else's server resolved to the loopback is not ours."""
    if request.host.rpartition(":")[0] not in _NAMES:
        raise web.HTTPForbidden(text="the desk is served on the loopback alone")
    answer: web.StreamResponse = await handler(request)
    return answer


def _cells(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, "")
    return min(1_000, int(text)) if text.isascii() and text.isdigit() and len(text) < 5 else default


async def _paint(line: Line, socket: web.WebSocketResponse) -> None:
    while True:
        data = await line.take()
        await socket.send_bytes(data)
        line.taken(data)


async def _listen(socket: web.WebSocketResponse, desk: Desk) -> None:
    """Keys and sizes, until the browser leaves; what is neither ends nothing and does nothing."""
    while not socket.closed:
        driver = desk.browser
        try:
            message = await socket.receive(timeout=_TICK_S)
        except TimeoutError:
            if driver is not None:
                driver.feed("")
            continue
        if message.type is not WSMsgType.TEXT:
            return
        if driver is not None:
            with suppress(ValueError, TypeError, LookupError):
                await _take(json.loads(message.data), driver, socket)


async def _take(envelope: Any, driver: BrowserDriver, socket: web.WebSocketResponse) -> None:
    """One message as textual-serve's page sends it: a list of what and with which."""
    what, *rest = envelope
    match what:
        case "stdin" if isinstance(rest[0], str):
            driver.feed(rest[0][:_LONGEST])
        case "resize":
            driver.resize(int(rest[0]["width"]), int(rest[0]["height"]))
        case "ping":
            await socket.send_json(["pong", rest[0]])
        case _:  # whether it has the focus, or what a newer page may say
            pass
