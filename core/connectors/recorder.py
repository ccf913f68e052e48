"""Records a session of any profile: what its venue streams, in public and to the account, and what it answers.

It sends no transaction. The token it shows the venue is never written.
"""

import asyncio
import logging
import signal
from typing import Final

import aiohttp

from core.clock import Clock
from core.connectors.lighter.session import Close, Output, Send, Session, SessionPolicy, Tell
from core.connectors.lighter.settings import LighterSettings
from core.connectors.lighter.signer import Signer
from core.connectors.lighter.stream import backoff_ms
from core.connectors.lighter.wire import decode_frame
from core.connectors.venue.recording import Kind, Line, Recorder
from core.connectors.venue.replay import DETAILS, Chains, specs_of
from core.errors import ConfigError, LinkDown

_log: Final = logging.getLogger(__name__)
_TICK_S: Final = 0.25
_FLUSH_S: Final = 1.0
_TOKEN_LIFE_S: Final = 7 * 3_600
_MAX_FRAME: Final = 16 * 1024 * 1024
_PUBLIC: Final = ("order_book", "trade", "ticker", "market_stats")
_PRIVATE: Final = (
    "account_all_orders",
    "account_all_trades",
    "account_all_positions",
    "account_all_assets",
    "user_stats",
)


class SessionRecorder:
    """One recording under way."""

    def __init__(self, settings: LighterSettings, recorder: Recorder, clock: Clock) -> None:
        """Opens nothing but what it was given."""
        self._settings: Final = settings
        self._recorder: Final = recorder
        self._clock: Final = clock

    async def run(self) -> None:
        """Record until cancelled; reconnects for ever.

        Raises:
            ConfigError: a market asked for does not exist, or the key is malformed.
            LinkDown: the venue does not answer when the recording begins.
        """
        settings = self._settings
        signer = Signer(
            chain_id=settings.chain_id,
            account_index=settings.account_index,
            api_key_index=settings.api_key_index,
            private_key=settings.private_key,
        )
        try:
            await signer.start()
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(settings.request_timeout_s)) as http:
                numbers = await self._replies(http, signer)
                channels = [f"{name}/{number}" for number in numbers for name in _PUBLIC]
                channels += [f"{name}/{settings.account_index}" for name in _PRIVATE]
                policy = SessionPolicy(data_is_life=True, token_life_ns=_TOKEN_LIFE_S * 10**9)
                await self._stream_for_ever(http, signer, Session(channels, policy))
        finally:
            signer.close()
            self._recorder.close()

    async def _replies(self, http: aiohttp.ClientSession, signer: Signer) -> list[int]:
        """What a client asks first; returns the markets to listen to."""
        account = self._settings.account_index
        details = await self._reply(http, DETAILS, {})
        specs = specs_of(details, where=self._settings.name)
        wanted = set(self._settings.markets) or {spec.symbol for spec in specs}
        unknown = wanted - {spec.symbol for spec in specs}
        if unknown:
            raise ConfigError(f"markets: this venue has no {', '.join(sorted(unknown))}")
        await self._reply(http, "/api/v1/account", {"by": "index", "value": str(account)})
        token = await self._token(signer)
        for path, extra in (("accountActiveOrders", {"market_id": "255"}), ("accountInactiveOrders", {"limit": "100"})):
            await self._reply(http, f"/api/v1/{path}", {"account_index": str(account), **extra}, token)
        return [spec.market_id for spec in specs if spec.symbol in wanted]

    async def _reply(
        self, http: aiohttp.ClientSession, path: str, params: dict[str, str], token: str | None = None
    ) -> str:
        headers = {"authorization": token} if token else None
        try:
            async with http.get(self._settings.url + path, params=params, headers=headers) as answer:
                body = await answer.text()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise LinkDown(f"{path}: {type(error).__name__}") from None
        self._add(Kind.REPLY, path, body)
        return body

    async def _stream_for_ever(self, http: aiohttp.ClientSession, signer: Signer, session: Session) -> None:
        failures = 0
        while True:
            begun_ns = self._clock.now().mono_ns
            try:
                token = await self._token(signer)
                async with http.ws_connect(self._settings.ws_url, max_msg_size=_MAX_FRAME) as socket:
                    reason = await self._converse(socket, session, token)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                reason = type(error).__name__
            session.closed(reason)
            _log.warning("the stream ended: %s", reason)
            failures = 0 if self._clock.now().mono_ns - begun_ns > 10**10 else failures + 1
            await asyncio.sleep(backoff_ms(failures) / 1_000)

    async def _converse(self, socket: "aiohttp.ClientWebSocketResponse[bool]", session: Session, token: str) -> str:
        chains = Chains()
        outputs = session.opened(self._clock.now().mono_ns, token)
        while True:
            for output in outputs:
                ended = await _carry_out(socket, output)
                if ended is not None:
                    return ended
            try:
                message = await socket.receive(timeout=_TICK_S)
            except TimeoutError:
                outputs = session.tick(self._clock.now().mono_ns)
                continue
            if message.type is not aiohttp.WSMsgType.TEXT:
                return f"closed (code {socket.close_code})"
            text, now_ns = str(message.data), self._clock.now().mono_ns
            self._add(Kind.FRAME, "", text)
            outputs = session.heard(decode_frame(text.encode()), now_ns)
            broken = chains.broken_by(text)
            if broken is not None:
                outputs += session.resubscribe(broken.replace("/", ":"), now_ns)
            outputs += session.tick(self._clock.now().mono_ns)

    def _add(self, kind: Kind, about: str, body: str) -> None:
        self._recorder.add(Line(self._clock.now().utc_us, kind, about, body))

    async def _token(self, signer: Signer) -> str:
        return await signer.auth_token(self._clock.now().utc_us // 1_000_000 + _TOKEN_LIFE_S)


async def record(settings: LighterSettings, recorder: Recorder, clock: Clock, for_s: int | None) -> None:
    """Record for so many seconds, or until SIGINT or SIGTERM; what was taken is on the disk within a second.

    Raises:
        ConfigError: a market asked for does not exist, or the key is malformed.
        LinkDown: the venue does not answer when the recording begins, or the disk does not take what it says.
    """
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    works = {
        asyncio.create_task(SessionRecorder(settings, recorder, clock).run()),
        asyncio.create_task(_flush_for_ever(recorder)),
        asyncio.create_task(stopped.wait()),
    }
    try:
        done, _ = await asyncio.wait(works, timeout=for_s, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    except OSError as error:
        raise LinkDown(f"the recording cannot be written: {error.strerror}") from None
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        for task in works:
            task.cancel()
        await asyncio.gather(*works, return_exceptions=True)


async def _flush_for_ever(recorder: Recorder) -> None:
    while True:
        await asyncio.sleep(_FLUSH_S)
        recorder.flush()


async def _carry_out(socket: "aiohttp.ClientWebSocketResponse[bool]", output: Output) -> str | None:
    match output:
        case Send(text):
            await socket.send_str(text)
        case Tell(_, text):
            _log.info("%s", text)
        case Close(reason):
            return reason
    return None
