"""The contract between the engine and any venue: facts out through one sink, transactions in, outcomes back as values.

All methods run on the engine's event loop. A connector owns its reconnecting, its books and its nonces; it decides
nothing about trading.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Protocol

from core.decisions import TxOutcome
from core.events import Event, LinkHealth, OrderReport
from core.model import Account, BookView, Fill, Market, OrderIntent, Position, Quote
from core.state import BudgetUse
from core.tape import Candle, Resolution, Tape
from core.units import ClientOrderId, MarketId, VenueOrderId

EventSink = Callable[[Event], None]
"""Called on the engine's loop, in order; never blocks, never raises."""

SendGate = Callable[[], str | None]
"""Asked at the last instruction before bytes leave: None lets them go, a sentence stops them (`Refused(0, sentence)`).
Asked on the engine's loop, as often as the connector likes: what it says may change while an order waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An intent with our identity, ready to be signed."""

    client_id: ClientOrderId
    intent: OrderIntent
    expires_us: int | None = None
    """UTC moment at which the venue itself ends it if it rests; None for the venue's longest."""


class ExitKind(Enum):
    """On which side of the market an exit waits."""

    TAKE_PROFIT = "take-profit"
    STOP_LOSS = "stop-loss"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """What makes an order wait."""

    kind: ExitKind
    trigger: Decimal
    """USDC: the mark price at which it becomes a market order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One order of a group: its lead, or an exit."""

    order: NewOrder
    exit: Exit | None = None
    """None for the lead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRef:
    """An order at the venue, by whichever id is known; the venue's wins when both are."""

    market_id: MarketId
    client_id: ClientOrderId | None = None
    venue_id: VenueOrderId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """One consistent look at the account over REST."""

    account: Account
    positions: tuple[Position, ...]
    """Complete: a market that is missing is flat."""


class Sending(Protocol):
    """What can be sent to a venue: each outcome comes back as a value. Orders ask the gate, cancels do not."""

    async def submit(self, order: NewOrder, gate: SendGate) -> TxOutcome:
        """Sign and send one order. Out-of-range values are `Refused` before the signer sees them."""
        ...

    async def cancel(self, ref: OrderRef) -> TxOutcome:
        """Cancel one order."""
        ...

    async def cancel_all(self, market_id: MarketId | None, on_sent: Callable[[int], None]) -> TxOutcome:
        """The venue's native cancel-all, of one market or the account, on the kill lane when a kill key is configured.

        `on_sent` receives the monotonic nanosecond at which the bytes were handed to the transport.
        """
        ...

    async def submit_batch(self, orders: Sequence[NewOrder], gate: SendGate) -> tuple[TxOutcome, ...]:
        """Sign and send several orders with one message; the outcome of each, in order."""
        ...

    async def submit_group(self, legs: Sequence[Leg], gate: SendGate) -> TxOutcome:
        """Sign and send orders that hang together as one transaction, with one outcome for all.

        A lead and one or two exits, which live once it fills and are sized by that; or two exits without one. Of two
        exits, the end of one cancels the other. What does not fit together is `Refused` before the signer sees it.
        """
        ...

    async def modify(self, ref: OrderRef, size: Decimal, price: Decimal, gate: SendGate) -> TxOutcome:
        """Give one order a new size and price, in base units and USDC."""
        ...

    async def schedule_cancel_all(self, at_us: int) -> TxOutcome:
        """Arm the venue's own dead-man's switch, or move it: every order of the account is cancelled at `at_us`.

        A moment that the venue does not take is `Refused`. `Account.cancel_all_us` shows what is armed.
        """
        ...

    async def abort_scheduled(self) -> TxOutcome:
        """Disarm the venue's dead-man's switch."""
        ...

    async def set_leverage(
        self, market_id: MarketId, leverage: int, gate: SendGate, *, is_isolated: bool = False
    ) -> TxOutcome:
        """Set a market's leverage (20 for twenty times), and whether its margin is kept apart from the others'."""
        ...


class Connector(Sending, Protocol):
    """One venue, one account."""

    @property
    def name(self) -> str:
        """Name and address for the header."""
        ...

    @property
    def identity(self) -> str:
        """Which world this is, known before `start`: the journal's ids are valid within it alone.

        Chain and account for a lasting venue; for a paper venue, which starts anew each time, its public key too.
        """
        ...

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """The markets traded; empty before `start`."""
        ...

    async def start(self, sink: EventSink) -> None:
        """Load markets, check the key, open the streams; streams reconnect by themselves from then on.

        Emits `MarketsListed`, `FillsBegin`, then `LinkChanged`, `OrdersReported`, `OpenOrdersListed` (on each
        subscription's snapshot), `FillReported`, `PositionsReported`, `AccountReported`, `TransactionSigned` and
        `Noticed` for as long as it runs. Quotes are not emitted: they are read with `drain_quotes` at the reader's
        pace.

        Raises:
            LinkDown: the venue does not answer; `start` may be called again.
            AuthRejected: it does not know the account, or the key is not registered for it.
            ConfigError: a market asked for does not exist.
        """
        ...

    async def close(self) -> None:
        """End every task, socket and thread; idempotent, also after a failed `start`."""
        ...

    def drain_quotes(self) -> tuple[Quote, ...]:
        """Quotes that changed since the last call, at most one per market; notices silence and turns books STALE."""
        ...

    def quote(self, market_id: MarketId) -> Quote:
        """The newest quote of one market; EMPTY when there is none."""
        ...

    def book(self, market_id: MarketId, depth: int) -> BookView:
        """A frozen view of one book, `depth` levels a side."""
        ...

    def trades(self, market_id: MarketId) -> Tape:
        """The newest public trades of one market, at most 200.

        The first look at a market subscribes to them, so it shows SYNCING for a moment; a market that nobody looks at
        any more may be dropped for others.
        """
        ...

    async def candles(self, market_id: MarketId, resolution: Resolution, count: int) -> tuple[Candle, ...]:
        """The newest `count` (1 to 500) candles of one market over REST, oldest first; the last may still be running.

        Fewer when the venue has no more; a span in which nothing traded has none. Waits for nobody: when the budget
        for chores is spent, it fails.

        Raises:
            LinkDown: they could not be had.
            ProtocolViolation: the venue's answer cannot be read.
            ValueError: a count outside that range.
        """
        ...

    def links(self) -> tuple[LinkHealth, ...]:
        """Every stream with the moment of its last message."""
        ...

    def budgets(self) -> tuple[BudgetUse, ...]:
        """What is left of the venue's budgets; empty before `start`."""
        ...

    async def open_orders(self) -> tuple[OrderReport, ...]:
        """The venue's complete list of open orders, over REST.

        Raises:
            LinkDown: it could not be had.
        """
        ...

    async def find_order(self, client_id: ClientOrderId, market_id: MarketId) -> OrderReport | None:
        """Look one of our orders up among open and recently closed ones; None when the venue shows no trace of it.

        Raises:
            LinkDown: it could not be had.
        """
        ...

    async def fills_after(self, trade_id: int) -> tuple[Fill, ...]:
        """Our fills newer than this trade, oldest first: what happened while nobody here listened.

        Raises:
            LinkDown: they could not be had.
        """
        ...

    async def account_view(self) -> AccountView:
        """Collateral and all positions, over REST.

        Raises:
            LinkDown: it could not be had.
        """
        ...
