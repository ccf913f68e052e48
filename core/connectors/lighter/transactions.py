"""Everything a connector can send: each wish encoded and range-checked, then put on the lane where it belongs."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

from core.clock import Clock
from core.connectors.base import Leg, NewOrder, OrderRef, SendGate
from core.connectors.lighter.assembly import Running
from core.connectors.lighter.encode import (
    CANCEL_NEVER,
    CancelAllTx,
    CreateTx,
    encode_cancel,
    encode_cancel_all,
    encode_leverage,
    encode_modify,
    encode_order,
    encode_schedule,
)
from core.connectors.lighter.groups import encode_group
from core.connectors.lighter.lane import Urgency
from core.decisions import Refused, TxOutcome
from core.model import Market
from core.units import MarketId

_NOT_STARTED: Final = Refused(0, "not sent: the connector is not started")


class Transactions:
    """The sending half of the connector. Orders and changes ask the gate; cancels always pass."""

    def __init__(self, clock: Clock) -> None:
        """Nothing is running yet."""
        self._clock: Final = clock
        self._markets: dict[MarketId, Market] = {}
        self._running: Running | None = None

    async def submit(self, order: NewOrder, gate: SendGate) -> TxOutcome:
        """Sign and send one order; out-of-range values are refused before the signer sees them."""
        if self._running is None:
            return _NOT_STARTED
        tx = encode_order(order, self._markets.get(order.intent.market_id))
        return tx if isinstance(tx, Refused) else await self._running.trading.send(tx, gate, Urgency.ORDER)

    async def cancel(self, ref: OrderRef) -> TxOutcome:
        """Cancel one order; goes before waiting orders."""
        if self._running is None:
            return _NOT_STARTED
        tx = encode_cancel(ref)
        return tx if isinstance(tx, Refused) else await self._running.trading.send(tx, _open_gate, Urgency.CANCEL)

    async def cancel_all(self, market_id: MarketId | None, on_sent: Callable[[int], None]) -> TxOutcome:
        """The venue's native cancel-all, on the kill lane, or first in line on the trading lane without a kill key."""
        if self._running is None:
            return _NOT_STARTED
        tx = encode_cancel_all(market_id)
        if isinstance(tx, Refused):
            return tx
        return await self._running.kill.send(tx, _open_gate, Urgency.CANCEL_ALL, on_sent)

    async def submit_batch(self, orders: Sequence[NewOrder], gate: SendGate) -> tuple[TxOutcome, ...]:
        """Send up to 50 orders with one message; one that cannot be encoded is refused, and the others go."""
        if self._running is None:
            return (_NOT_STARTED,) * len(orders)
        encoded = [encode_order(order, self._markets.get(order.intent.market_id)) for order in orders]
        sendable = [tx for tx in encoded if isinstance(tx, CreateTx)]
        outcomes = iter(await self._running.trading.send_batch(sendable, gate))
        return tuple(tx if isinstance(tx, Refused) else next(outcomes) for tx in encoded)

    async def submit_group(self, legs: Sequence[Leg], gate: SendGate) -> TxOutcome:
        """Send orders that hang together as one transaction; see `Sending.submit_group`."""
        if self._running is None:
            return _NOT_STARTED
        tx = encode_group(legs, self._markets.get(legs[0].order.intent.market_id) if legs else None)
        return tx if isinstance(tx, Refused) else await self._running.trading.send(tx, gate, Urgency.ORDER)

    async def modify(self, ref: OrderRef, size: Decimal, price: Decimal, gate: SendGate) -> TxOutcome:
        """Give one order a new size and price, in base units and USDC."""
        if self._running is None:
            return _NOT_STARTED
        tx = encode_modify(ref, self._markets.get(ref.market_id), size=size, price=price)
        return tx if isinstance(tx, Refused) else await self._running.trading.send(tx, gate, Urgency.ORDER)

    async def schedule_cancel_all(self, at_us: int) -> TxOutcome:
        """Arm the venue's own dead-man's switch, or move it: every order of the account is cancelled at `at_us`."""
        if self._running is None:
            return _NOT_STARTED
        tx = encode_schedule(at_us, self._clock.now().utc_us)
        return tx if isinstance(tx, Refused) else await self._running.kill.send(tx, _open_gate, Urgency.CANCEL)

    async def abort_scheduled(self) -> TxOutcome:
        """Disarm the venue's dead-man's switch."""
        if self._running is None:
            return _NOT_STARTED
        return await self._running.kill.send(CancelAllTx(time_in_force=CANCEL_NEVER), _open_gate, Urgency.CANCEL)

    async def set_leverage(
        self, market_id: MarketId, leverage: int, gate: SendGate, *, is_isolated: bool = False
    ) -> TxOutcome:
        """Set a market's leverage (20 for twenty times), and whether its margin is kept apart from the others'."""
        if self._running is None:
            return _NOT_STARTED
        tx = encode_leverage(self._markets.get(market_id), leverage, is_isolated=is_isolated)
        return tx if isinstance(tx, Refused) else await self._running.trading.send(tx, gate, Urgency.ORDER)


def _open_gate() -> str | None:
    """Cancels always pass."""
    return None
