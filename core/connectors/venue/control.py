"""The operator's hand on a running venue: switch faults, move virtual time, see what struck.

Open only when the venue was started with it, and only to whoever knows the token of the ready line.
"""

import hmac
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from aiohttp import web

from core.connectors.venue.control_clock import VenueClock
from core.connectors.venue.faults import Faults, parse
from core.connectors.venue.views import Json, encode
from core.errors import ConfigError

MOST_MS: Final = 3_600_000
"""Longest step of virtual time in one request."""
_JSON: Final = "application/json"


class _Advance(msgspec.Struct, forbid_unknown_fields=True):
    ms: int


class Control:
    """The endpoint under `/control/`."""

    def __init__(
        self, token: str, faults: Faults, clock: VenueClock, advance: Callable[[int], Awaitable[None]]
    ) -> None:
        """`advance` moves virtual time by microseconds, and returns when everything on the way has been done."""
        self._token: Final = token.encode()
        self._faults: Final = faults
        self._clock: Final = clock
        self._advance: Final = advance

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Open the endpoint."""
        router.add_post("/control/faults", self._set_faults)
        router.add_post("/control/advance", self._move)
        router.add_get("/control/state", self._state)

    async def _set_faults(self, request: web.Request) -> web.Response:
        if not self._is_known(request):
            return _answer(401, {"code": 401, "message": "wrong control token"})
        try:
            schedule = parse(await request.read(), is_toml="toml" in request.content_type)
        except ConfigError as error:
            return _answer(400, {"code": 400, "message": str(error)})
        self._faults.replace(schedule, self._clock.now_us())
        return self._said()

    async def _move(self, request: web.Request) -> web.Response:
        if not self._is_known(request):
            return _answer(401, {"code": 401, "message": "wrong control token"})
        if not self._clock.is_virtual:
            return _answer(400, {"code": 400, "message": "this venue runs on the machine's clock"})
        try:
            by_ms = msgspec.json.decode(await request.read(), type=_Advance).ms
        except msgspec.DecodeError as error:
            return _answer(400, {"code": 400, "message": str(error)})
        if not 0 <= by_ms <= MOST_MS:
            return _answer(400, {"code": 400, "message": f"ms: expected 0 to {MOST_MS}, got {by_ms}"})
        await self._advance(by_ms * 1_000)
        return self._said()

    async def _state(self, request: web.Request) -> web.Response:
        if not self._is_known(request):
            return _answer(401, {"code": 401, "message": "wrong control token"})
        return self._said()

    def _said(self) -> web.Response:
        struck = [{"fault": name, "struck": count} for name, count in self._faults.counts()]
        return _answer(200, {"code": 200, "now_us": self._clock.now_us(), "faults": struck})

    def _is_known(self, request: web.Request) -> bool:
        given = request.headers.get("authorization", "").encode("utf-8", "replace")
        return hmac.compare_digest(given, self._token)


def _answer(status: int, body: Json) -> web.Response:
    return web.Response(status=status, body=encode(body), content_type=_JSON)
