"""How large an order should be: by Kelly, a fixed fraction or volatility, capped. It permits nothing: the gate does."""

from dataclasses import dataclass
from decimal import ROUND_UP, Decimal

from core.config import Sizing
from core.model import Market
from core.money import TrackRecord
from core.risk.volatility import UNSEEN, Volatility
from core.units import ZERO, floor_to


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """What a strategy believes of one kind of trade.

    Raises:
        ValueError: the probability is not within 0 to 1, the payoff is not above zero, or the count is negative.
    """

    win_probability: Decimal
    """0 to 1."""
    payoff: Decimal
    """Average win divided by average loss."""
    trades: int
    """How many observed trades the belief rests on."""

    def __post_init__(self) -> None:
        """Refuse what no market can offer."""
        if not ZERO <= self.win_probability <= 1:
            raise ValueError(f"win_probability: expected 0 to 1, got {self.win_probability}")
        if not self.payoff > 0:
            raise ValueError(f"payoff: expected above zero, got {self.payoff}")
        if self.trades < 0:
            raise ValueError(f"trades: expected zero or more, got {self.trades}")

    @property
    def kelly(self) -> Decimal:
        """The fraction of equity that grows it fastest: p - (1 - p) / b; negative when the trade loses."""
        return self.win_probability - (1 - self.win_probability) / self.payoff


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingContext:
    """The money at hand."""

    equity: Decimal
    """USDC."""
    price: Decimal
    """At which the order would trade, USDC per base unit; above zero."""
    headroom: Decimal
    """USDC that the limits still leave for this side of this market."""
    volatility: Volatility = UNSEEN
    """Of the market's mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeAdvice:
    """A size on the market's grid, and why it is not larger."""

    size: Decimal
    """Base units; zero means do not trade."""
    reason: str


class PositionSizer:
    """Turns an edge into a size. Advice only: hard limits are checked by somebody else, on the order itself."""

    def __init__(self, settings: Sizing) -> None:
        self._settings = settings

    def size(self, edge: Edge | TrackRecord, market: Market, context: SizingContext) -> SizeAdvice:
        """The size to trade with this edge; zero when there is no edge, no money, no room, or no valid size.

        A record of closed trades is turned into the edge it shows; one that shows none yet gets the smallest size.

        Raises:
            ValueError: `context.price` is not above zero.
        """
        if context.price <= 0:
            raise ValueError(f"price: expected above zero, got {context.price}")
        smallest = smallest_valid_size(market, context.price)
        shown = edge_of(edge, self._settings.min_trades) if isinstance(edge, TrackRecord) else edge
        if isinstance(shown, str):
            least = smallest * context.price if context.equity > 0 else ZERO
            wanted, reason = least, f"{shown}: smallest size" if least else _broke(context)
        elif shown.kelly <= 0:
            return SizeAdvice(size=ZERO, reason=f"no edge: Kelly says {shown.kelly:.4f} of equity")
        else:
            wanted, reason = self._wanted(shown, shown.kelly, context, smallest)
        notional, reason = _capped(wanted, reason, self._settings.max_notional, context.headroom)
        # Rounding to the grid must not push the smallest valid size below itself by way of the division.
        size = (
            smallest
            if notional == smallest * context.price
            else floor_to(notional / context.price, market.size_decimals)
        )
        if size < smallest or size <= 0:
            minimum = f"the smallest valid {market.symbol} order is {smallest}"
            return SizeAdvice(size=ZERO, reason=f"{reason}; {notional:.2f} USDC is too little, {minimum}")
        return SizeAdvice(size=size, reason=reason)

    def _wanted(self, edge: Edge, kelly: Decimal, context: SizingContext, smallest: Decimal) -> tuple[Decimal, str]:
        if context.equity <= 0:
            return ZERO, _broke(context)
        if edge.trades < self._settings.min_trades:
            few = f"only {edge.trades} of {self._settings.min_trades} trades observed: smallest size"
            return smallest * context.price, few
        if self._settings.method == "fixed":
            fixed = self._settings.fixed_fraction
            return fixed * context.equity, f"{fixed} of equity, fixed"
        if self._settings.method == "volatility":
            return self._by_volatility(context, smallest)
        fraction = kelly * self._settings.kelly_fraction
        return fraction * context.equity, f"{fraction:.4f} of equity by fractional Kelly"

    def _by_volatility(self, context: SizingContext, smallest: Decimal) -> tuple[Decimal, str]:
        seen, needed = context.volatility, self._settings.min_moves
        if seen.moves < needed:
            return smallest * context.price, f"only {seen.moves} of {needed} moves of the mark observed: smallest size"
        if seen.daily_move <= 0:
            return smallest * context.price, f"the mark stood still for {seen.moves} observations: smallest size"
        target = self._settings.volatility_target
        reason = f"a day's move of {seen.daily_move:.4f} is worth {target} of equity"
        return target * context.equity / seen.daily_move, reason


def edge_of(record: TrackRecord, min_trades: int) -> Edge | str:
    """The edge that closed trades show, for Kelly; why none can be told from them where there are too few."""
    if record.trades < min_trades:
        return f"only {record.trades} of {min_trades} trades of its own closed"
    if not record.losses:
        return f"{record.wins} closed trades and no loss yet, so no payoff is known"
    average_loss = record.lost / record.losses
    return Edge(
        win_probability=Decimal(record.wins) / record.trades,
        payoff=record.won / record.wins / average_loss if record.wins else Decimal(1),  # without a win it is not asked
        trades=record.trades,
    )


def _broke(context: SizingContext) -> str:
    return f"no equity ({context.equity:.2f} USDC)"


def smallest_valid_size(market: Market, price: Decimal) -> Decimal:
    """The least size that may rest at `price`: both minimums met, on the grid, at least one step."""
    by_notional = (market.min_notional / price).quantize(market.step, rounding=ROUND_UP)
    by_size = market.min_size.quantize(market.step, rounding=ROUND_UP)
    return max(by_notional, by_size, market.step)


def _capped(wanted: Decimal, reason: str, most: Decimal, headroom: Decimal) -> tuple[Decimal, str]:
    room = max(ZERO, headroom)
    if room < min(wanted, most):
        return room, f"{reason}; capped by {room:.2f} USDC of headroom"
    if most < wanted:
        return most, f"{reason}; capped by max_notional {most}"
    return wanted, reason
