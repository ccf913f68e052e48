"""Keeps a drop copy honest: notes what both private streams tell, says when they differ, and asks REST who is right."""

import asyncio
from collections.abc import Sequence
from typing import Final

from core.clock import Clock
from core.connectors.base import EventSink
from core.connectors.lighter.account_feed import AccountFeed
from core.connectors.lighter.drop_copy import DropCopy, Source, describe_fact
from core.connectors.lighter.stream import Stream
from core.connectors.lighter.venue_api import VenueApi
from core.errors import AuthRejected, LinkDown, ProtocolViolation
from core.events import Event, LinkChanged, LinkStatus, Noticed, NoticeLevel, OpenOrdersListed

_LOOK_S: Final = 0.5
_SOURCE: Final = "drop copy"
_SHOWN: Final = 3


class DropCopyWatch:
    """The comparison of two streams of one account."""

    def __init__(self, api: VenueApi, sink: EventSink, clock: Clock) -> None:
        """Nothing is compared before `run`."""
        self._api: Final = api
        self._sink: Final = sink
        self._clock: Final = clock
        self._copy: Final = DropCopy()
        self._streams: Sequence[Stream] = ()
        self._feed: AccountFeed | None = None
        self._is_comparing = False
        self._status: LinkStatus | None = None
        self._is_owing = False

    def compare(self, streams: Sequence[Stream], feed: AccountFeed) -> None:
        """The two streams, and the feed of the first, whose missed fills REST supplies."""
        self._streams, self._feed = streams, feed

    def primary(self, event: Event) -> None:
        """A sink for the account stream: everything goes on to the engine."""
        if self._feed is not None and self._feed.is_recovering:
            self._copy.settle(event)
        else:
            self._copy.note(Source.PRIMARY, event, self._clock.now().mono_ns)
        self._sink(event)

    def second(self, event: Event) -> None:
        """A sink for the copy: nothing of it reaches the engine but the news that it is down, or back."""
        if isinstance(event, LinkChanged):
            self._tell_status(event.link.status, event.link.detail)
        else:
            self._copy.note(Source.COPY, event, self._clock.now().mono_ns)

    async def run(self) -> None:
        """Compare twice a second, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_S)
            await self.look()

    async def look(self) -> None:
        """Compare once; a difference while both streams were well is told, and REST is asked."""
        are_well = all(stream.health.status is LinkStatus.LIVE for stream in self._streams)
        if not (are_well and self._is_comparing):
            self._copy.forget()
        self._is_comparing = are_well
        late = self._copy.overdue(self._clock.now().mono_ns)
        if late:
            shown = "; ".join(describe_fact(*one) for one in late[:_SHOWN])
            more = f"; and {len(late) - _SHOWN} more" if len(late) > _SHOWN else ""
            self._notice(NoticeLevel.ALERT, f"{shown}{more}: asking the venue which is right")
            self._is_owing = True
        if self._is_owing:
            await self._reconcile()

    async def _reconcile(self) -> None:
        """The venue's own list of open orders, and its trades: whoever reads REST for the feed closes the gap."""
        asked_ns = self._clock.now().mono_ns
        try:
            orders = await self._api.open_orders()
        except (LinkDown, AuthRejected, ProtocolViolation) as error:
            self._notice(NoticeLevel.WARN, f"could not ask yet: {error}")
            return
        self._is_owing = False
        listed = OpenOrdersListed(orders=orders, asked_ns=asked_ns)
        self._copy.settle(listed)
        self._sink(listed)
        if self._feed is not None:
            self._feed.gap += 1

    def _tell_status(self, status: LinkStatus, detail: str) -> None:
        was, self._status = self._status, status
        if status is LinkStatus.DOWN and was is not LinkStatus.DOWN:
            self._notice(NoticeLevel.WARN, f"down: {detail}; the account stream is not compared")
        elif status is LinkStatus.LIVE and was is not LinkStatus.LIVE:
            self._notice(NoticeLevel.INFO, "comparing the account stream with a second connection")

    def _notice(self, level: NoticeLevel, text: str) -> None:
        self._sink(Noticed(level=level, source=_SOURCE, text=text))
