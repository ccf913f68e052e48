"""Everything that goes to the venue as a transaction. Orders and changes wait for the journal; cancels for nobody.

It decides nothing, but asks the gate at the last instruction before the bytes of an order or a change leave.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar, assert_never

from core.connectors.base import Connector, Leg, NewOrder, OrderRef
from core.decisions import Refused, TxOutcome, Unresolved
from core.engine import effects as fx
from core.engine.halt import HaltFlag
from core.engine.inbox import Inbox
from core.errors import JournalError, LighterTuiError
from core.events import CancelAllResolved, CancelSendResolved, ModifySendResolved, OrderSendResolved
from core.units import ClientOrderId, MarketId

_CANCELS_AT_ONCE: Final = 8

_T = TypeVar("_T")
Sending = fx.SendOrder | fx.SendGroup | fx.SendCancel | fx.SendModify | fx.SendCancelAll
Allowing = Callable[[ClientOrderId], str | None]


def _not_ready(client_id: ClientOrderId) -> str:
    return f"order {client_id} is not sent: the engine is not ready"


def _is_not(client_id: ClientOrderId) -> bool:
    del client_id
    return False


class Sender:
    """Sends, and puts each outcome into the inbox."""

    def __init__(self, connector: Connector, inbox: Inbox, halt: HaltFlag) -> None:
        self._connector = connector
        self._inbox = inbox
        self._halt = halt
        self._cancels = asyncio.Semaphore(_CANCELS_AT_ONCE)
        self.may_leave: Allowing = _not_ready
        """Why an order must not leave now, beside a kill; None when it may. Asked on the loop."""
        self.is_flattening: Callable[[ClientOrderId], bool] = _is_not
        """Whether it belongs to a flatten that was asked for after the newest press of the kill. Asked on the loop."""
        self._unsent_kills = 0
        self.kills_left: Final = asyncio.Event()
        """Set while no cancel-all that was begun still waits for its bytes to leave."""
        self.kills_left.set()
        self.may_change: Allowing = _not_ready
        """The same for a change of an order."""

    def work(self, effect: Sending, durable: "Future[None] | None") -> Coroutine[None, None, None]:
        """Sending it, once `durable` is done where that is needed."""
        match effect:
            case fx.SendOrder(order=order):
                work = self._send_order(order, durable)
            case fx.SendGroup(legs=legs):
                work = self._send_group(legs, durable)
            case fx.SendCancel(ref=ref):
                work = self._send_cancel(ref)
            case fx.SendModify():
                work = self._send_modify(effect, durable)
            case fx.SendCancelAll(market_id=market_id):
                work = self._send_cancel_all(market_id)
            case other:
                assert_never(other)
        return work

    async def _send_order(self, order: NewOrder, durable: "Future[None] | None") -> None:
        gate = partial(self._gate, self.may_leave, order.client_id)
        outcome = await self._outcome(lambda: self._connector.submit(order, gate), durable)
        self._inbox.put(OrderSendResolved(client_id=order.client_id, outcome=outcome))

    async def _send_group(self, legs: tuple[Leg, ...], durable: "Future[None] | None") -> None:
        """One outcome for all. Whether they may leave is asked of the lead: the others only shrink what it does."""
        gate = partial(self._gate, self.may_leave, legs[0].order.client_id)
        outcome = await self._outcome(lambda: self._connector.submit_group(legs, gate), durable)
        for leg in legs:
            self._inbox.put(OrderSendResolved(client_id=leg.order.client_id, outcome=outcome))

    async def _send_modify(self, change: fx.SendModify, durable: "Future[None] | None") -> None:
        gate = partial(self._gate, self.may_change, change.client_id)
        outcome = await self._outcome(
            lambda: self._connector.modify(change.ref, change.size, change.price, gate), durable
        )
        self._inbox.put(ModifySendResolved(client_id=change.client_id, outcome=outcome))

    async def _send_cancel(self, ref: OrderRef) -> None:
        async with self._cancels:
            outcome = await self._outcome(lambda: self._connector.cancel(ref))
        self._inbox.put(
            CancelSendResolved(market_id=ref.market_id, client_id=ref.client_id, venue_id=ref.venue_id, outcome=outcome)
        )

    async def _send_cancel_all(self, market_id: MarketId | None) -> None:
        is_unsent = True

        def leaves() -> None:
            nonlocal is_unsent
            self._unsent_kills -= is_unsent
            is_unsent = False
            if not self._unsent_kills:
                self.kills_left.set()

        def on_sent(sent_ns: int) -> None:
            leaves()
            self._inbox.post(fx.CancelAllSent(sent_ns=sent_ns, market_id=market_id))

        self._unsent_kills += 1
        self.kills_left.clear()
        try:
            outcome = await self._outcome(lambda: self._connector.cancel_all(market_id, on_sent))
        finally:
            leaves()
        self._inbox.put(CancelAllResolved(market_id=market_id, outcome=outcome))

    def _gate(self, may: Allowing, client_id: ClientOrderId) -> str | None:
        """Asked by the connector, on the loop, at the last instruction before the bytes leave.

        A kill pressed in any thread counts before the machine has heard of it.
        """
        is_halted = self._halt.is_set and not self.is_flattening(client_id)
        return "killed before it was sent" if is_halted else may(client_id)

    @staticmethod
    async def _outcome(send: Callable[[], Awaitable[TxOutcome]], durable: "Future[None] | None" = None) -> TxOutcome:
        """The outcome of what leaves once `durable` is done; a connector that raises leaves it unknown."""
        try:
            if durable is not None:
                await answer_of(durable)
        except JournalError as error:
            return Refused(0, f"not sent, because it could not be remembered: {error}")
        try:
            return await send()
        except LighterTuiError as error:
            return Unresolved(str(error))


async def answer_of(future: "Future[_T]") -> _T:
    """Wait for another thread; giving up on waiting does not take the work from its hands.

    One turn of the loop after it is done; a wrapped and shielded future takes two.
    """
    if not future.done():
        loop = asyncio.get_running_loop()
        woken = loop.create_future()

        def wake() -> None:
            if not woken.done():
                woken.set_result(None)

        def told(_: "Future[_T]") -> None:
            """Runs on the other thread."""
            with suppress(RuntimeError):  # the loop closed meanwhile: nobody waits any more
                loop.call_soon_threadsafe(wake)

        future.add_done_callback(told)
        await woken
    return future.result()
