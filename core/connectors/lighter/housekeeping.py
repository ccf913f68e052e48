"""What has to be looked at now and then over REST: whether the venue answers, missed fills, markets that change status.

One task, one look a second; each duty decides by itself whether it is due.
"""

import asyncio
from typing import Final

from core.clock import SECOND_NS, Clock
from core.connectors.base import EventSink
from core.connectors.lighter.account_feed import AccountFeed
from core.connectors.lighter.budget import Grade, Tier
from core.connectors.lighter.rest import RestClient
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
        self._told = ""

    async def run(self) -> None:
        """Look once a second until cancelled."""
        while True:
            self._announce()
            try:
                await self._look()
                self._told = ""
            except LinkDown:
                pass  # the link's health says so
            except (AuthRejected, ProtocolViolation) as error:
                self._tell(str(error))
            self._announce()
            await asyncio.sleep(_LOOK_S)

    async def _look(self) -> None:
        now_ns = self._clock.now().mono_ns
        gap = self._feed.gap
        if gap != self._feed.closed_gap:
            self._feed.recovered(await self._api.trades_after(self._feed.whole_until), gap)
        if now_ns - self._markets_ns >= _MARKETS_NS:
            self._markets_ns = now_ns
            self._update(await self._api.markets(Grade.CHORE))
        health = self._rest.health
        is_idle = health.status is not LinkStatus.LIVE or now_ns - health.last_message_ns >= self._patience_ns
        if is_idle or now_ns - self._account_ns >= _ACCOUNT_NS:
            self._feed.cancel_all_us = (await self._api.account_view(Grade.CHORE)).account.cancel_all_us
            self._account_ns = now_ns

    @property
    def _patience_ns(self) -> int:
        return _IDLE_POOR_NS if self._rest.limiter.tier is Tier.STANDARD else _IDLE_NS

    def _update(self, listed: tuple[Market, ...]) -> None:
        """Take over what the venue changed of the markets traded; new markets wait for the next start."""
        changed = {one.id: one for one in listed if one.id in self._markets and self._markets[one.id] != one}
        if changed:
            self._markets.update(changed)
            self._sink(MarketsListed(markets=tuple(self._markets.values())))

    def _tell(self, text: str) -> None:
        if text != self._told:
            self._told = text
            self._sink(Noticed(level=NoticeLevel.ALERT, source="rest", text=text))

    def _announce(self) -> None:
        health: LinkHealth = self._rest.health
        if (health.status, health.detail) != self._announced:
            self._announced = (health.status, health.detail)
            self._sink(LinkChanged(link=health))
