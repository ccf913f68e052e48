"""A scripted venue that does what it is told: orders rest, are changed and cancelled, and its streams say so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.support.scripted_lighter import ACCOUNT, ScriptedVenue, order_row, scripted_venue

_AT_ONCE, _SCHEDULED = 0, 1
_BEAT_S = 0.2


@dataclass
class ObedientVenue(ScriptedVenue):
    """Nothing ever trades in it."""

    cancel_all_ms: int = 0
    _numbers: Any = field(default_factory=lambda: iter(range(2**49, 2**50)))
    _time_us: int = 1_700_000_000_000_000

    async def _send_tx(self, request: web.Request) -> web.StreamResponse:
        before = len(self.sent)
        response = await super()._send_tx(request)
        await self._carry_out(self.sent[before:] if response.status == 200 else [])
        return response

    async def _send_batch(self, request: web.Request) -> web.StreamResponse:
        before = len(self.sent)
        response = await super()._send_batch(request)
        await self._carry_out(self.sent[before:] if response.status == 200 else [])
        return response

    def _account(self) -> dict[str, Any]:
        return super()._account() | {"cancel_all_time": self.cancel_all_ms}

    async def _carry_out(self, infos: list[dict[str, Any]]) -> None:
        """Change what is open, and tell of each transaction with one frame."""
        for info in infos:
            touched = self._touched(info)
            by_market: dict[str, list[dict[str, Any]]] = {}
            for row in touched:
                by_market.setdefault(str(row["market_index"]), []).append(row)
            if touched:
                channel = f"account_all_orders:{ACCOUNT}"
                await self.push({"channel": channel, "orders": by_market, "type": "update/account_all_orders"})

    def _touched(self, info: dict[str, Any]) -> list[dict[str, Any]]:
        self._time_us += 1
        match info["tx_type"]:
            case 14:
                row = self._row(info, next(self._numbers), info["ClientOrderIndex"], bool(info["IsAsk"]))
                self.orders.append(row)
                return [row]
            case 28:
                rows = [
                    self._row(one, next(self._numbers), one["ClientOrderIndex"], bool(one["IsAsk"]))
                    for one in info["Orders"]
                ]
                self.orders += rows
                return rows
            case 15:
                return [self._end(row) for row in self._named(info)]
            case 16 if info["TimeInForce"] == _AT_ONCE:
                market = (info["L2TxAttributes"] or {}).get("5")
                return [self._end(row) for row in list(self.orders) if market in {None, row["market_index"]}]
            case 16:
                self.cancel_all_ms = info["Time"] if info["TimeInForce"] == _SCHEDULED else 0
            case 17:
                return [row.update(self._amounts(info)) or row for row in self._named(info)]
        return []

    def _named(self, info: dict[str, Any]) -> list[dict[str, Any]]:
        return [row for row in self.orders if info["Index"] in {row["order_index"], row["client_order_index"]}]

    def _end(self, row: dict[str, Any]) -> dict[str, Any]:
        self.orders.remove(row)
        ended = row | {"status": "canceled", "remaining_base_amount": "0.0000", "transaction_time": self._time_us}
        self.closed_orders.append(ended)
        return ended

    def _row(self, info: dict[str, Any], index: int, client: int, is_ask: bool) -> dict[str, Any]:
        row = order_row(index, client, market_index=info["MarketIndex"], is_ask=is_ask)
        return row | self._amounts(info)

    def _amounts(self, info: dict[str, Any]) -> dict[str, Any]:
        size = f"{info['BaseAmount'] / 10_000:.4f}"
        return {
            "price": f"{info['Price'] / 100:.2f}",
            "initial_base_amount": size,
            "remaining_base_amount": size,
            "transaction_time": self._time_us,
        }


@asynccontextmanager
async def obedient_venue() -> AsyncIterator[ObedientVenue]:
    """One on a free port of the loopback address, whose market data never falls silent."""

    async def candles(_: web.Request) -> web.StreamResponse:
        rows = [{"t": 60_000 * at, "o": "2000", "h": "2001", "l": "1999", "c": "2000.5", "v": "1"} for at in (1, 2)]
        return web.json_response({"code": 200, "r": "1m", "c": rows})

    async def beat() -> None:
        body = {"0": {"market_id": 0, "mark_price": "2000.50"}}
        while not over.is_set():
            await venue.push({"channel": "market_stats:all", "market_stats": body, "type": "update/market_stats"})
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), _BEAT_S)

    async with scripted_venue(ObedientVenue()) as venue:
        venue.answers["/api/v1/candles"] = candles
        over = asyncio.Event()
        beating = asyncio.create_task(beat())
        try:
            yield venue
        finally:
            over.set()
            await asyncio.gather(beating, return_exceptions=True)
