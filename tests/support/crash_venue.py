"""A paper venue for many short lives: an account each, somebody who fills what asks for it, and the truth."""

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection

from aiohttp import web

from core.connectors.venue.accounts import VenueAccount
from core.connectors.venue.child import VenueKey, VenueReady
from core.connectors.venue.faults import FaultKind, parse
from core.connectors.venue.orders import OrderRequest, Tif, VenueOrder
from core.connectors.venue.server import HOST, VenueServer
from core.connectors.venue.simulation import CHAIN_ID, KILL_KEY, OPERATOR, TRADING_KEY, KeyOf
from tests.support.venue import venue_key

RESTS, HALF, WHOLE = 1, 2, 3
"""The last digit of an order's size in steps: what becomes of it."""
SKEW = FaultKind.CLOCK_SKEW.value
_LOOK_S = 0.005
_TAKER = 99


@dataclass(frozen=True, slots=True)
class TrueOrder:
    """An order as the venue holds it; sizes in steps."""

    index: int
    client_id: int
    price: int
    filled: int
    status: str
    is_live: bool


@dataclass(frozen=True, slots=True)
class Truth:
    """What the venue knows of one account."""

    orders: tuple[TrueOrder, ...] = ()
    trades: frozenset[tuple[int, int]] = frozenset()
    """Id and size in steps."""
    positions: dict[int, int] = field(default_factory=dict)
    nonces: dict[int, int] = field(default_factory=dict)
    switch_ms: int = 0
    """When its dead-man's switch fires, in Unix milliseconds; 0 for not armed."""
    struck: tuple[tuple[str, int], ...] = ()
    """Of the whole venue: each fault of the schedule that is on, and how often it struck since."""


def serve(parent: Connection, accounts: int, markets: int) -> None:
    """The body of the venue's process: says where it is, then answers until it is told to end."""
    asyncio.run(_serve(parent, accounts, markets))


async def _serve(parent: Connection, accounts: int, markets: int) -> None:
    trading, kill = venue_key(OPERATOR, TRADING_KEY), venue_key(OPERATOR, KILL_KEY)
    keys = tuple(
        KeyOf(account_index=OPERATOR + number, api_key_index=key.api_key_index, public_key=key.public_key)
        for number in range(accounts)
        for key in (trading, kill)
    )
    server = VenueServer(markets=markets, seed=1, keys=keys)
    taker = server.simulation.exchange.add_account(VenueAccount(index=_TAKER, collateral=0, is_internal=True))
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0).start()
        address = f"{HOST}:{runner.addresses[0][1]}"
        parent.send(_ready(address, trading, kill))
        await _answer(parent, server, taker)
    finally:
        await runner.cleanup()


def _ready(address: str, trading: VenueKey, kill: VenueKey) -> VenueReady:
    return VenueReady(
        url=f"http://{address}", ws_url=f"ws://{address}/stream", chain_id=CHAIN_ID, accounts=(trading, kill)
    )


async def _answer(parent: Connection, server: VenueServer, taker: VenueAccount) -> None:
    exchange = server.simulation.exchange
    done: set[int] = set()
    asked = asyncio.Event()
    asyncio.get_running_loop().add_reader(parent.fileno(), asked.set)
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asked.wait(), _LOOK_S)
        asked.clear()
        while parent.poll():
            try:
                wish, account_index = parent.recv()
            except EOFError:
                return
            if wish.startswith("{"):  # a schedule of faults, from now on
                server._meddlers.faults.replace(parse(wish.encode(), is_toml=False), server._clock.now_us())
            account = exchange.accounts[account_index]
            if wish == "retire":
                exchange.cancel_all(account, None, server._clock.now_us())
            parent.send(replace(_truth(account), struck=_struck(server)))
        for account in tuple(exchange.accounts.values()):
            for order in tuple(account.live.values()):
                if not account.is_internal and order.index not in done:
                    done.add(order.index)
                    _fill(server, taker, order)


def _struck(server: VenueServer) -> tuple[tuple[str, int], ...]:
    """A skewed clock is no event, so nobody counts it: it struck once the venue lives by it."""
    counts = server._meddlers.faults.counts()
    return tuple((name, int(bool(server._skew_us)) if name == SKEW else times) for name, times in counts)


def _fill(server: VenueServer, taker: VenueAccount, order: VenueOrder) -> None:
    """Sell through everything better, and then to this order what its size asks for."""
    wanted = {HALF: order.size // 2, WHOLE: order.size}.get(order.size % 10, 0)
    if not wanted or order.is_ask:
        return
    exchange, now_us = server.simulation.exchange, server._clock.now_us()
    for better in exchange.markets[order.market_id].book.side(is_ask=False).orders():
        if better is order:
            break
        wanted += better.remaining
    request = OrderRequest(
        market_id=order.market_id, client_index=0, is_ask=True, size=wanted, price=order.price, tif=Tif.IOC
    )
    exchange.create(taker, request, now_us)
    server.simulation._report(now_us)


def _truth(account: VenueAccount) -> Truth:
    orders = (*account.closed, *account.live.values())
    return Truth(
        orders=tuple(
            TrueOrder(one.index, one.client_index, one.price, one.filled, one.status.value, one.is_live)
            for one in orders
        ),
        trades=frozenset((trade.trade_id, trade.size) for trade in account.trades),
        positions={market: held.size for market, held in account.positions.items() if held.size},
        nonces={key: held.nonce for key, held in account.keys.items()},
        switch_ms=account.cancel_all_ms,
    )
