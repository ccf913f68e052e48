"""Whatever goes wrong, no key, token or signature is in the log, in what the engine is told, or in a value's text."""

import logging
from contextlib import nullcontext

import pytest
from aiohttp import web

from core.connectors.lighter.connector import LighterConnector
from core.errors import AuthRejected, LinkDown
from core.events import LinkStatus
from core.units import MarketId
from tests.support.orders import limit_order, no_gate
from tests.support.scripted_lighter import ScriptedVenue, refusal
from tests.support.waiting import eventually


def _is_live(connector: LighterConnector) -> bool:
    return all(link.status is LinkStatus.LIVE for link in connector.links())


def _secrets(venue: ScriptedVenue) -> set[str]:
    keys = {digits.removeprefix("0x") for pair in venue.keys.values() for digits in pair[:1]}
    tokens = {frame["auth"] for frame in venue.heard if "auth" in frame}
    signatures = {info["Sig"] for info in venue.sent}
    assert keys
    assert tokens
    assert signatures
    return keys | tokens | signatures


@pytest.mark.parametrize("by_socket", [False, True])
async def test_no_secret_is_told_or_logged_at_any_level_in_any_trouble(venue, start, caplog, by_socket):
    caplog.set_level(logging.DEBUG)
    connector, events = await start(venue.settings(is_sending_by_socket=by_socket))
    await eventually(lambda: _is_live(connector), "links")
    told = [repr(await connector.submit(limit_order(1), no_gate))]
    told.append(repr(await connector.cancel_all(MarketId(0), lambda _: None)))

    async def page(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503, text="<html>maintenance</html>")

    async def unwelcome(_: web.Request) -> web.StreamResponse:
        return refusal(20013, "invalid auth: invalid auth string", status=401)

    for path, answer in (("sendTx", page), ("accountActiveOrders", unwelcome), ("accountActiveOrders", page)):
        venue.answers[f"/api/v1/{path}"] = answer
        told.append(repr(await connector.submit(limit_order(2), no_gate)))
        with (
            pytest.raises((AuthRejected, LinkDown), match="accountActiveOrders") if "Active" in path else nullcontext()
        ):
            await connector.open_orders()
    venue.answers.clear()
    await venue.push({"error": {"code": 20013, "message": "invalid auth"}})
    await venue.push({"type": "update/account_all_orders", "channel": "account_all_orders:65", "orders": "x"})
    await venue.cut()
    await eventually(lambda: len(venue.private_sockets) > 1 and _is_live(connector), "links again", 10)
    told += [repr(event) for event in events] + [repr(connector), repr(connector._settings), connector.name]
    everything = "\n".join([caplog.text, *told])
    assert [one for one in _secrets(venue) if one in everything] == []
    assert "tx_info" not in caplog.text
