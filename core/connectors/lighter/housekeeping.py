"""What has to be looked at now and then over REST: the link itself, missed fills, changed markets, lost nonces.

One task, one look a second; each duty decides by itself whether it is due, and none can keep the others from theirs.
A duty that the venue does not let us do is told once, since a link that answers looks well meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from core.clock import SECOND_NS, Clock
from core.connectors.base import EventSink
from core.connectors.lighter.account_feed import AccountFeed
from core.connectors.lighter.budget import Grade, Tier
from core.connectors.lighter.lane import Lane
from core.connectors.lighter.rest import Declined, RestClient
from core.connectors.lighter.venue_api import VenueApi
from core.errors import AuthRejected, LinkDown, ProtocolViolation
from core.events import LinkChanged, LinkHealth, LinkStatus, MarketsListed, Noticed, NoticeLevel
from core.model import Market
from core.units import MarketId

_LOOK_S: Final = 1
_IDLE_NS: Final = 3 * SECOND_NS
"""REST is asked for a sign of life when it gave none for this long."""
_IDLE_POOR_NS: Final = 15 * SECOND_NS
"""The same on a tier that counts requests: sixty a minute are for orders."""
_ACCOUNT_NS: Final = 30 * SECOND_NS
"""Only REST tells when the venue's dead-man's switch would fire."""
_MARKETS_NS: Final = 60 * SECOND_NS
"""There is no stream of market statuses; the list is read once a minute."""
_MAX_REST_NS: Final = 15 * SECOND_NS
"""A duty that fails with its link is tried again after one second, then two, and so on up to this."""
_MAX_REFUSED_REST_NS: Final = 300 * SECOND_NS
"""The same while the venue answers otherwise: trying costs budget that others need, and is likely to fail again."""
_PATIENCE: Final = 3
"""Failures in a row that the state of the link may explain by itself."""


@dataclass(slots=True)
class _Duty:
    """One duty, and how its last tries went."""

    what: str
    """For the operator."""
    level: NoticeLevel
    """How loud it is told when it cannot be done."""
    work: Callable[[int], Awaitable[bool]]
    """Does it if it is due, and says whether it was."""
    is_sign_of_life: bool = False
    """It finds out when the link is back, so it never rests meanwhile, and the link's health tells all."""
    told: set[type[Exception]] = field(default_factory=set)
    failures: int = 0
    not_before_ns: int = 0


class Housekeeper:
    """The connector's slow duties."""

    def __init__(
        self,
        api: VenueApi,
        rest: RestClient,
        feed: AccountFeed,
        markets: dict[MarketId, Market],
        sink: EventSink,
        clock: Clock,
    ) -> None:
        """`markets` is the connector's own map: it is updated in place when the venue changes a market."""
        self._api: Final = api
        self._rest: Final = rest
        self._feed: Final = feed
        self._markets: Final = markets
        self._sink: Final = sink
        self._clock: Final = clock
        self._markets_ns = self._account_ns = clock.now().mono_ns
        self._announced: tuple[LinkStatus, str] | None = None
        self.on_back: Callable[[], None] = _nothing
        """Called when REST answers after a failure."""
        self.lanes: tuple[Lane, ...] = ()
        """Lanes whose nonces are read again once they are lost, so that no order or kill has to do it first."""
        self._duties: Final = (
            _Duty("fetching the fills that the stream may have missed", NoticeLevel.ALERT, self._close_gap),
            _Duty("reading which markets changed", NoticeLevel.WARN, self._read_markets),
            _Duty("reading the account", NoticeLevel.WARN, self._read_account, is_sign_of_life=True),
            _Duty("reading the next nonce", NoticeLevel.WARN, self._read_nonces),
        )

    async def run(self) -> None:
        """Look once a second until cancelled."""
        while True:
            self._announce()
            await self._look()
            self._announce()
            await asyncio.sleep(_LOOK_S)

    async def _look(self) -> None:
        for duty in self._duties:
            if self._clock.now().mono_ns >= duty.not_before_ns:
                await self._attend(duty)

    async def _attend(self, duty: _Duty) -> None:
        try:
            was_due = await duty.work(self._clock.now().mono_ns)
        except (LinkDown, AuthRejected, ProtocolViolation) as error:
            self._failed(duty, error)
            return
        if was_due:
            if duty.told:
                self._tell(NoticeLevel.INFO, f"{duty.what} succeeds again")
            duty.told.clear()
            duty.failures = 0

    def _failed(self, duty: _Duty, error: Exception) -> None:
        """Rest before the next try, unless it is the link that fails; tell it once, unless the link's health does."""
        is_link = isinstance(error, LinkDown) and self._rest.health.status is LinkStatus.DOWN
        if is_link and duty.is_sign_of_life:
            return
        rest_ns = min(SECOND_NS << min(duty.failures, 9), _MAX_REST_NS if is_link else _MAX_REFUSED_REST_NS)
        duty.not_before_ns = self._clock.now().mono_ns + rest_ns
        duty.failures += 1
        # A refused request costs budget: what follows is a want of budget, and no news.
        kind = LinkDown if isinstance(error, Declined) else type(error)
        if kind not in duty.told and not (is_link and duty.failures < _PATIENCE):
            duty.told.add(kind)
            self._tell(duty.level, f"{duty.what} fails: {error}")

    async def _close_gap(self, now_ns: int) -> bool:
        missed = self._feed.missed(now_ns)
        if missed:
            self._tell(NoticeLevel.ALERT, f"{missed}: fetching the fills that the stream did not tell")
        gap = self._feed.gap
        if gap == self._feed.closed_gap:
            return False
        self._feed.recovered(await self._api.trades_after(self._feed.whole_until), gap)
        return True

    async def _read_markets(self, now_ns: int) -> bool:
        """Take over what the venue changed of the markets traded; new markets wait for the next start."""
        if now_ns - self._markets_ns < _MARKETS_NS:
            return False
        listed = await self._api.markets(Grade.CHORE)
        self._markets_ns = now_ns
        changed = {one.id: one for one in listed if one.id in self._markets and self._markets[one.id] != one}
        if changed:
            self._markets.update(changed)
            self._sink(MarketsListed(markets=tuple(self._markets.values())))
        return True

    async def _read_account(self, now_ns: int) -> bool:
        health = self._rest.health
        is_idle = health.status is not LinkStatus.LIVE or now_ns - health.last_message_ns >= self._patience_ns
        if not is_idle and now_ns - self._account_ns < _ACCOUNT_NS:
            return False
        view, row = await self._api.account_look(Grade.CHORE)
        self._feed.cancel_all_us = view.account.cancel_all_us
        self._account_ns = now_ns
        now_ns = self._clock.now().mono_ns
        silence = self._feed.witness.compare(row.positions or (), now_ns)
        if silence:
            self._tell(NoticeLevel.ALERT, f"{silence}: connecting anew")
            self._feed.distrust(silence)
        else:
            for text in self._feed.compare(view.account, row, now_ns):
                self._tell(NoticeLevel.WARN, text)
        return True

    async def _read_nonces(self, now_ns: int) -> bool:
        del now_ns
        due = [lane for lane in self.lanes if lane.is_forgetful]
        if not due or self._rest.health.status is not LinkStatus.LIVE:
            return False
        for lane in due:
            await lane.learn()
        return True

    @property
    def _patience_ns(self) -> int:
        return _IDLE_POOR_NS if self._rest.limiter.tier is Tier.STANDARD else _IDLE_NS

    def _tell(self, level: NoticeLevel, text: str) -> None:
        self._sink(Noticed(level=level, source="rest", text=text))

    def _announce(self) -> None:
        health: LinkHealth = self._rest.health
        if (health.status, health.detail) != self._announced:
            if health.status is LinkStatus.LIVE and self._announced and self._announced[0] is LinkStatus.DOWN:
                self.on_back()
            self._announced = (health.status, health.detail)
            self._sink(LinkChanged(link=health))


def _nothing() -> None:
    """Nobody wants to know."""
