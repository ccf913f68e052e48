"""What an operator wants to know before trading: one finding a check, each with what to do about it. Sends nothing.

Every check is a function of its own; `examine` runs them in the order in which they build on each other.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

import aiohttp

from core.clock import MILLISECOND_NS, Clock
from core.connectors.lighter.assembly import chosen_markets
from core.connectors.lighter.bodies import Verdict
from core.connectors.lighter.budget import ALLOWANCES, Tier, tier_named
from core.connectors.lighter.rest import RestClient, describe
from core.connectors.lighter.settings import LighterSettings
from core.connectors.lighter.signer import Signer
from core.connectors.lighter.skew import Skew
from core.connectors.lighter.tokens import Tokens
from core.connectors.lighter.venue_api import VenueApi
from core.connectors.lighter.wire import STAMPED, decode_frame
from core.errors import AuthRejected, ConfigError, LighterTuiError, LinkDown
from core.model import MarketStatus

_FIRST_OWN_KEY: Final = 4
"""Key indexes 0 to 3 belong to the venue's web and mobile apps (apidocs.lighter.xyz/docs/api-keys)."""
_SUBSCRIBE: Final = '{"type":"subscribe","channel":"market_stats/all"}'


class Health(Enum):
    """How a check went."""

    GOOD = "ok"
    DOUBTFUL = "warn"
    """Trading works, but something deserves a look."""
    BAD = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line for the operator."""

    check: str
    health: Health
    text: str


async def examine(settings: LighterSettings, clock: Clock) -> AsyncIterator[Finding]:
    """Every check, in order; what cannot be checked because of an earlier failure is left out."""
    rest = RestClient(settings.url, settings.request_timeout_s, clock)
    signer = Signer(
        chain_id=settings.chain_id,
        account_index=settings.account_index,
        api_key_index=settings.api_key_index,
        private_key=settings.private_key,
    )
    api = VenueApi(rest, Tokens(signer, clock), settings.account_index, clock)
    rest.open()
    try:
        reached = await reachability(settings, rest, clock)
        yield reached
        if reached.health is Health.BAD:
            return
        yield await stream_and_clock(settings, clock)
        yield await markets(settings, api)
        key = await key_of_account(settings, signer, api)
        yield key
        yield await kill_key(settings, api)
        if key.health is not Health.BAD:
            yield await permissions(api)
            yield await tier(settings, api)
    finally:
        signer.close()
        await rest.close()


async def findings(settings: LighterSettings, clock: Clock) -> tuple[Finding, ...]:
    """All of `examine` at once."""
    return tuple([one async for one in examine(settings, clock)])


async def reachability(settings: LighterSettings, rest: RestClient, clock: Clock) -> Finding:
    """Whether the venue answers, and how fast."""
    asked_ns = clock.now().mono_ns
    try:
        await rest.get("/", Verdict)
    except LighterTuiError as error:
        return _bad("reachable", f"{settings.url}: {error}; check the address and the network")
    took_ms = (clock.now().mono_ns - asked_ns) // MILLISECOND_NS
    return _good("reachable", f"{settings.url} answered in {took_ms} ms")


async def stream_and_clock(settings: LighterSettings, clock: Clock) -> Finding:
    """Whether the stream speaks, and whether its stamps agree with our clock."""
    skew = Skew()
    try:
        async with asyncio.timeout(settings.request_timeout_s):
            await _first_stamp(settings.ws_url, clock, skew)
    except TimeoutError:
        return _bad("stream", f"{settings.ws_url}: no data in {settings.request_timeout_s} s")
    except (aiohttp.ClientError, OSError, LinkDown) as error:
        cause = str(error) if isinstance(error, LinkDown) else describe(error)
        return _bad("stream", f"{settings.ws_url}: {cause}")
    if skew.is_wrong:
        return _doubtful("clock", f"{skew.sentence}; correct it before trading")
    return _good("clock", f"the stream speaks; {skew.sentence}, its way included")


async def markets(settings: LighterSettings, api: VenueApi) -> Finding:
    """Whether the markets asked for exist and trade."""
    try:
        chosen = chosen_markets(await api.markets(), settings.markets)
    except LighterTuiError as error:
        return _bad("markets", str(error))
    resting = [one.symbol for one in chosen if one.status is not MarketStatus.ACTIVE]
    if resting:
        return _doubtful("markets", f"{len(chosen)} chosen, of which {', '.join(resting)} take no new exposure")
    return _good("markets", f"{len(chosen)} chosen, all active") if chosen else _bad("markets", "none to trade")


async def key_of_account(settings: LighterSettings, signer: Signer, api: VenueApi) -> Finding:
    """Whether the venue knows our key as this account's; the key is derived in the signer's thread."""
    try:
        await api.check_key(settings.api_key_index, await signer.start())
    except (LighterTuiError, ConfigError) as error:
        return _bad("key", str(error))
    if settings.api_key_index < _FIRST_OWN_KEY:
        return _doubtful(
            "key", f"index {settings.api_key_index} belongs to the venue's own apps; register one from 4 up"
        )
    return _good("key", f"API key {settings.api_key_index} is registered for account {settings.account_index}")


async def kill_key(settings: LighterSettings, api: VenueApi) -> Finding:
    """Whether the kill switch has a key of its own, and the venue knows it."""
    index, private_key = settings.kill_api_key_index, settings.kill_private_key
    if index is None or private_key is None:
        return _doubtful("kill key", "none: the kill switch waits for the answer to an order; register a second key")
    signer = Signer(
        chain_id=settings.chain_id,
        account_index=settings.account_index,
        api_key_index=index,
        private_key=private_key,
    )
    try:
        await api.check_key(index, await signer.start())
    except LighterTuiError as error:
        return _bad("kill key", str(error))
    finally:
        signer.close()
    return _good("kill key", f"API key {index} has a lane of its own")


async def permissions(api: VenueApi) -> Finding:
    """Whether our token opens the private reads."""
    try:
        orders = await api.open_orders()
        view = await api.account_view()
    except AuthRejected as error:
        return _bad("permissions", f"{error}; the key signs, but its token is not accepted")
    except LighterTuiError as error:
        return _bad("permissions", str(error))
    return _good("permissions", f"private reads are open: {len(orders)} open orders, {len(view.positions)} positions")


async def tier(settings: LighterSettings, api: VenueApi) -> Finding:
    """What the account is signed up for, and whether we know its budgets."""
    try:
        word = (await api.limits()).user_tier
    except LighterTuiError as error:
        return _doubtful("tier", f"the venue does not tell ({error}); the budgets of {Tier.STANDARD.value} are kept")
    told = tier_named(word)
    if told is None:
        return _doubtful("tier", f"{word!r} is not known here; the budgets of {Tier.STANDARD.value} are kept")
    if settings.tier not in {None, told}:
        return _doubtful("tier", f"the venue says {told.value}, the configuration {settings.tier}")
    allowance = ALLOWANCES[told]
    unit = "weight" if allowance.is_weighted else "requests"
    return _good("tier", f"{told.value}: {allowance.requests} {unit} a minute")


async def _first_stamp(url: str, clock: Clock, skew: Skew) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(url, decode_text=False) as socket:
        await socket.send_str(_SUBSCRIBE)
        async for message in socket:
            frame = decode_frame(message.data)
            if isinstance(frame, STAMPED) and frame.timestamp:
                now = clock.now()
                skew.note(frame.timestamp, now.utc_us, now.mono_ns)
                return
        raise LinkDown(f"closed by the venue (code {socket.close_code})")


def _good(check: str, text: str) -> Finding:
    return Finding(check=check, health=Health.GOOD, text=text)


def _doubtful(check: str, text: str) -> Finding:
    return Finding(check=check, health=Health.DOUBTFUL, text=text)


def _bad(check: str, text: str) -> Finding:
    return Finding(check=check, health=Health.BAD, text=text)
