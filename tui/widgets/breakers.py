"""Circuit breakers: the global one and every market's that is tripped, with who, why and when."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.scope import Scope
from core.state import BreakerStatus
from core.units import MarketId
from tui.format import utc
from tui.view import View
from tui.widgets.grid import Column, Grid, Spec
from tui.widgets.lines import Span, Tone
from tui.widgets.seen import Seen
from tui.widgets.words import TRADING


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRow:
    """One breaker, as painted."""

    breaker: BreakerStatus
    symbol: str
    since: str

    @property
    def scope(self) -> Scope:
        """What it holds back."""
        return Scope(market_id=self.breaker.market_id, strategy=self.breaker.strategy)


def _state(row: BreakerRow) -> Span:
    return TRADING[row.breaker.trips_to] if row.breaker.is_tripped else Span("○ closed", Tone.GAIN)


def _why(row: BreakerRow) -> Span:
    if not row.breaker.is_tripped:
        return Span("ctrl+t trips it" if row.scope.is_everything else "enter trips it", Tone.DIM)
    until = f" (until {utc(row.breaker.until_us)})" if row.breaker.until_us is not None else ""
    return Span(f"{row.breaker.by}: {row.breaker.reason}{until}")


COLUMNS: Final[tuple[Column[BreakerRow], ...]] = (
    Column(heading="MARKET", render=lambda r: Span(r.symbol, Tone.STRONG), width=8, narrow=6),
    Column(heading="STATE", render=_state, width=12, narrow=10),
    Column(heading="SINCE", render=lambda r: Span(r.since), width=8, rank=2),
    Column(heading="BY: WHY", render=_why, width=24, narrow=13, rank=1, is_flexible=True),
)


class BreakersPane(Grid[BreakerRow]):
    """The grid of breakers."""

    def __init__(self, *, is_complete: bool = False) -> None:
        """`is_complete` shows the closed breakers of markets as well."""
        spec = Spec(
            title="circuit breaker",
            columns=COLUMNS,
            key=lambda row: (row.breaker.market_id, row.breaker.strategy),
            empty="not known yet",
        )
        super().__init__(spec, id="breakers")
        self._seen = Seen()
        self._is_complete = is_complete

    def show(self, view: View) -> None:
        """Paint what changed."""
        state = view.state
        if self._seen.is_new(state.breakers, state.markets):
            symbols = {market.id: market.symbol for market in state.markets}
            self.set_items(
                [
                    BreakerRow(
                        breaker=breaker,
                        symbol=_scope(breaker, symbols),
                        since=utc(breaker.at_us) if breaker.is_tripped else "",
                    )
                    for breaker in state.breakers
                    if self._is_complete or breaker.is_tripped or breaker.market_id is None
                ]
            )

    @property
    def scope(self) -> Scope | None:
        """Whose breaker the cursor is on."""
        row = self.selected
        return None if row is None else row.scope


def _scope(breaker: BreakerStatus, symbols: Mapping[MarketId, str]) -> str:
    """Whose breaker it is, as its row begins."""
    if breaker.strategy:
        return breaker.strategy
    return "all" if breaker.market_id is None else symbols.get(breaker.market_id, f"#{breaker.market_id}")


def global_breaker(breakers: tuple[BreakerStatus, ...]) -> BreakerStatus | None:
    """The breaker of everything; None before the engine has one."""
    return next((breaker for breaker in breakers if breaker.market_id is None), None)
