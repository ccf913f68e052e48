"""A scripted venue, a paper venue, and connectors that are closed whatever a test does."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from core.clock import SystemClock
from core.connectors.lighter.connector import LighterConnector, LighterSettings
from core.events import Event
from tests.support.scripted_lighter import ScriptedVenue, scripted_venue
from tests.support.venue import paper_venue

__all__ = ["paper_venue"]

Starter = Callable[[LighterSettings], Awaitable[tuple[LighterConnector, list[Event]]]]


@pytest.fixture
async def venue() -> AsyncIterator[ScriptedVenue]:
    async with scripted_venue() as made:
        yield made


@pytest.fixture
async def start() -> AsyncIterator[Starter]:
    """Starts connectors, gives each with the list its events go to, and closes them at the end."""
    async with AsyncExitStack() as stack:

        async def starter(settings: LighterSettings) -> tuple[LighterConnector, list[Event]]:
            events: list[Event] = []
            connector = LighterConnector(settings, SystemClock())
            stack.push_async_callback(connector.close)
            await connector.start(events.append)
            return connector, events

        yield starter
