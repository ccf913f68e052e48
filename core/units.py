"""Identifiers and exact arithmetic: venue integers to `Decimal` and back, never through `float`.

The next room is `core.model`, which builds the domain's values from these.
"""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Final, NewType

MarketId = NewType("MarketId", int)
"""The venue's market index."""
ClientOrderId = NewType("ClientOrderId", int)
"""Ours: `client_order_index`, 1 to 2**48 - 1, never reused by one journal."""
VenueOrderId = NewType("VenueOrderId", int)
"""Theirs: `order_index`, at least 2**48."""
TaskId = NewType("TaskId", int)
TradeId = NewType("TradeId", int)
AccountIndex = NewType("AccountIndex", int)
ApiKeyIndex = NewType("ApiKeyIndex", int)

ZERO: Final = Decimal(0)
MAX_CLIENT_ORDER_ID: Final = ClientOrderId(2**48 - 1)
MAX_PRICE_TICKS: Final = 2**32 - 1
MAX_SIZE_STEPS: Final = 2**48 - 1
_MAX_TEXT: Final = 40
_PLAIN: Final = frozenset("+-.0123456789")
# The default context keeps 28 digits and would round a longer value onto the grid it is being tested against.
_EXACT: Final = Context(prec=100)
_STEPS: Final = tuple(Decimal(1).scaleb(-decimals) for decimals in range(19))


def parse_decimal(text: str, what: str) -> Decimal:
    """Read a plain positive decimal number as an operator types it ("1914.25", " .5 ").

    Raises:
        ValueError: a sentence fit for the screen: what was expected, what came.
    """
    cleaned = text.strip()
    if not cleaned:
        raise ValueError(f"{what}: expected a number such as 12.5, nothing was typed")
    shown = cleaned if len(cleaned) <= _MAX_TEXT else cleaned[: _MAX_TEXT - 1] + "…"
    try:
        value = Decimal(cleaned) if cleaned.isascii() else None
    except InvalidOperation:
        value = None
    if value is None or not value.is_finite() or not _PLAIN.issuperset(cleaned) or len(cleaned) > _MAX_TEXT:
        raise ValueError(f"{what}: expected a number such as 12.5, got {shown!r}")
    if value <= 0:
        raise ValueError(f"{what}: expected a number above zero, got {shown!r}")
    return value


def unit(decimals: int) -> Decimal:
    """The smallest step at this many decimals: `unit(2) == Decimal("0.01")`."""
    return Decimal(1).scaleb(-decimals)


def to_units(value: Decimal, decimals: int) -> int:
    """An exact decimal as a count of `10**-decimals`.

    Raises:
        ValueError: `value` is not on the grid; rounding is the caller's decision, never made here.
    """
    scaled = value.scaleb(decimals, _EXACT)
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"{value} is not a multiple of {unit(decimals)}")
    return whole


def from_units(units: int, decimals: int) -> Decimal:
    """A count of `10**-decimals` as an exact decimal that keeps its trailing zeros."""
    if 0 <= decimals < len(_STEPS):
        return _EXACT.multiply(Decimal(units), _STEPS[decimals])
    return Decimal(units).scaleb(-decimals)


def is_on_grid(value: Decimal, decimals: int) -> bool:
    """Whether `value` is a whole number of `10**-decimals`."""
    scaled = value.scaleb(decimals, _EXACT)
    return scaled == scaled.to_integral_value()


def floor_to(value: Decimal, decimals: int) -> Decimal:
    """Round towards zero on the grid of `decimals`."""
    return value.quantize(unit(decimals), rounding=ROUND_DOWN)


def round_to(value: Decimal, decimals: int) -> Decimal:
    """Round to the nearest step of `decimals`; for display and for prices a strategy derives, never for fills."""
    return value.quantize(unit(decimals), rounding=ROUND_HALF_EVEN)
