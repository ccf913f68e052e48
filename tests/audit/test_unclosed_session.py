"""The audit's finding of a monitor that left its HTTP session open on exit: impossible here, and this says so.

Every session, connector and connection the HTTP client ever makes is watched; after `close` none may be open.
"""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from core.clock import SystemClock
from core.connectors.lighter.connector import LighterConnector
from core.errors import ConfigError
from core.events import LinkStatus
from tests.support.orders import limit_order, no_gate
from tests.support.scripted_lighter import ScriptedVenue, scripted_venue
from tests.support.waiting import eventually


@pytest.fixture
async def venue() -> AsyncIterator[ScriptedVenue]:
    async with scripted_venue() as made:
        yield made


@pytest.fixture
def sessions(monkeypatch) -> "list[aiohttp.ClientSession]":
    """Every HTTP session made while the test runs."""
    kept: list[aiohttp.ClientSession] = []  # alive, so that no garbage collection closes what we forgot
    inner = aiohttp.ClientSession.__init__

    def watched(self, *args: object, **kwargs: object):
        inner(self, *args, **kwargs)
        kept.append(self)

    monkeypatch.setattr(aiohttp.ClientSession, "__init__", watched)
    return kept


def _open(sessions) -> list[str]:
    return [repr(session) for session in sessions if not session.closed]


async def test_closing_the_connector_leaves_no_session_open(venue, sessions):
    connector = LighterConnector(venue.settings(), SystemClock())
    await connector.start(lambda _: None)
    await eventually(lambda: all(link.status is LinkStatus.LIVE for link in connector.links()), "links")
    await connector.submit(limit_order(1), no_gate)
    assert len(_open(sessions)) == 3, "REST and one a stream: what is watched is what is used"
    threads = [signer._thread._thread for signer in connector._signers]
    assert [thread.is_alive() for thread in threads] == [True, True], "one key to trade, one to kill"
    await connector.close()
    assert _open(sessions) == []
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("lighter")]
    assert not any(thread.is_alive() for thread in threads), "a signer's thread outlives the connector"
    await eventually(lambda: all(socket.closed for socket in venue.sockets), "the venue to see its sockets closed")


async def test_a_start_that_fails_leaves_no_session_open(venue, sessions):
    connector = LighterConnector(venue.settings(markets=("NOPE",)), SystemClock())
    with pytest.raises(ConfigError):
        await connector.start(lambda _: None)
    assert len(sessions) == 1
    assert _open(sessions) == []


async def test_a_start_that_is_cancelled_leaves_no_session_open(venue, sessions):
    reached, never = asyncio.Event(), asyncio.Event()

    async def stuck(request):
        reached.set()
        await never.wait()

    venue.answers["/api/v1/apikeys"] = stuck
    connector = LighterConnector(venue.settings(), SystemClock())
    starting = asyncio.create_task(connector.start(lambda _: None))
    await reached.wait()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    never.set()
    assert _open(sessions) == []


async def test_closing_while_the_line_is_down_leaves_no_session_open(venue, sessions):
    connector = LighterConnector(venue.settings(), SystemClock())
    await connector.start(lambda _: None)
    await eventually(lambda: all(link.status is LinkStatus.LIVE for link in connector.links()), "links")
    await venue.cut()
    await eventually(lambda: any(link.status is LinkStatus.DOWN for link in connector.links()), "the cut to be noticed")
    await connector.close()
    assert _open(sessions) == []
