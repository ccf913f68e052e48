"""Positions with what they are worth at the mark, and the account's money."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.assets import Asset
from core.clock import SECOND_NS
from core.model import Market, Position
from core.state import DeadmanStatus
from tui.format import HIDDEN, NOTHING, clean, decimal, money, seconds, signed, signed_money, trimmed, utc
from tui.view import View
from tui.widgets.grid import Column, Grid, Spec
from tui.widgets.lines import Line, Lines, Span, Tone
from tui.widgets.prices import direction
from tui.widgets.seen import Seen

_MICROSECOND_NS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRow:
    """One position, as painted."""

    position: Position
    market: Market | None
    mark: Decimal | None
    is_old: bool
    """Only the last one known: the account's stream does not live."""

    @property
    def symbol(self) -> str:
        """The market's symbol, or its id while the venue has not described it."""
        return self.market.symbol if self.market else f"#{self.position.market_id}"

    @property
    def size(self) -> str:
        """Signed, at the market's decimals."""
        size = self.position.size
        return signed(size, self.market.size_decimals) if self.market else trimmed(size)

    def price(self, value: Decimal | None) -> str:
        """A price at the market's decimals."""
        if value is None:
            return NOTHING
        return decimal(value, self.market.price_decimals) if self.market else trimmed(value)

    @property
    def worth(self) -> Decimal | None:
        """Size times mark, in USDC."""
        return None if self.mark is None else abs(self.position.size * self.mark)

    @property
    def unrealized(self) -> Decimal | None:
        """Gain or loss at the mark, in USDC."""
        return None if self.mark is None else (self.mark - self.position.entry_price) * self.position.size


def _size(row: PositionRow) -> Span:
    return Span(f"◌{row.size}", Tone.STALE) if row.is_old else Span(row.size, direction(row.position.size))


COLUMNS: Final[tuple[Column[PositionRow], ...]] = (
    Column(heading="MARKET", render=lambda r: Span(r.symbol, Tone.STRONG), width=8),
    Column(heading="SIZE", is_amount=True, render=_size, width=11, narrow=9, is_number=True),
    Column(heading="ENTRY", render=lambda r: Span(r.price(r.position.entry_price)), width=10, is_number=True, rank=1),
    Column(heading="MARK", render=lambda r: Span(r.price(r.mark)), width=10, is_number=True, rank=2),
    Column(
        heading="LIQUIDATION",
        render=lambda r: Span(r.price(r.position.liquidation_price), Tone.DIM),
        width=11,
        is_number=True,
        rank=4,
    ),
    Column(
        heading="VALUE USDC", is_amount=True, render=lambda r: Span(money(r.worth)), width=12, is_number=True, rank=3
    ),
    Column(
        heading="PnL USDC",
        is_amount=True,
        render=lambda r: Span(signed_money(r.unrealized), direction(r.unrealized)),
        width=11,
        is_number=True,
    ),
)


class PositionsPane(Grid[PositionRow]):
    """Positions that are not flat."""

    def __init__(self) -> None:
        spec = Spec(title="positions", columns=COLUMNS, key=lambda row: row.position.market_id, empty="flat")
        super().__init__(spec, id="positions")
        self._seen = Seen()

    def show(self, view: View) -> None:
        """Paint what changed."""
        state = view.state
        if self._seen.is_new(state.positions, state.quotes, state.markets, view.is_account_past, state.account):
            self.note = "◌ stale: the account stream does not live" if view.is_account_past else ""
            # An empty list is flat only once the venue has spoken of the account.
            self.empty = "flat" if state.account is not None and not view.is_account_past else "? not known now"
            markets = {market.id: market for market in state.markets}
            marks = {quote.market_id: quote.mark for quote in state.quotes}
            self.set_items(
                [
                    PositionRow(
                        position=position,
                        market=markets.get(position.market_id),
                        mark=marks.get(position.market_id),
                        is_old=view.is_account_past,
                    )
                    for position in state.positions
                ]
            )


class Money(Lines):
    """The account's money, one figure a line."""

    def __init__(self) -> None:
        super().__init__(id="money")
        self.border_title = "account"

    def show(self, view: View) -> None:
        """Paint what changed."""
        self.set_lines(money_lines(view))


def deadman(view: View, tone: Tone = Tone.PLAIN) -> list[tuple[str, Tone]]:
    """The venue's dead-man's switch: when it fires by the venue's own time, how it is kept, and what is wrong."""
    switch, now_us = view.state.deadman, view.now.utc_us
    if switch is None:
        account = view.state.account
        armed = None if account is None else account.cancel_all_us
        return [(f"■ armed: fires at {utc(armed, now_us)} UTC" if armed else "○ not armed", tone)]
    if switch.fired_us is not None:
        return [(f"■ FIRED at {utc(switch.fired_us, now_us)} UTC", Tone.HALTED), *_kept(switch, now_us)]
    if switch.armed_us is None:
        return [("! NOT ARMED at the venue", Tone.HALTED), *_kept(switch, now_us)]
    left = seconds((switch.armed_us - now_us) * _MICROSECOND_NS)
    when = f"■ fires at {utc(switch.armed_us, now_us)} UTC, in {left}"
    return [(when, Tone.HALTED if switch.missed else tone), *_kept(switch, now_us)]


def _kept(switch: DeadmanStatus, now_us: int) -> list[tuple[str, Tone]]:
    """Who keeps it, when it was read back from the account, and which renewals failed."""
    ahead = "nobody here renews it" if switch.span_s is None else f"kept {seconds(switch.span_s * SECOND_NS)} ahead"
    read = "" if switch.read_us is None else f", read {seconds((now_us - switch.read_us) * _MICROSECOND_NS)} ago"
    lines = [(f"{ahead}{read}", Tone.ARMED if switch.span_s is None else Tone.DIM)]
    if switch.missed:
        lines.append((f"! {switch.missed} renewals missed: {clean(switch.detail)}", Tone.HALTED))
    return lines


def _is_told_nowhere_else(asset: Asset) -> bool:
    """Margin in USDC is the collateral."""
    return bool(asset.balance or (asset.margin and asset.symbol != "USDC"))


def _holding(asset: Asset) -> str:
    """How much of an asset there is, and how much of that is locked in orders."""
    locked = f" ({trimmed(asset.locked)} locked)" if asset.locked else ""
    return f"{trimmed(asset.balance + asset.margin)}{locked}"


def money_lines(view: View) -> Sequence[Line]:
    """The figures with their units; an age's mark when they are only the last known."""
    account = view.state.account
    if account is None:
        return ((Span(" ? the account is not known yet", Tone.DIM),),)
    head = Span(" ◌ stale: the account stream does not live", Tone.STALE)
    tone = Tone.STALE if view.is_account_past else Tone.PLAIN
    rows: tuple[tuple[str, str, Tone], ...] = (
        ("equity USDC", money(account.equity), tone),
        ("collateral USDC", money(account.collateral), tone),
        ("available USDC", money(account.available), tone),
        ("day PnL USDC", signed_money(view.state.day_pnl), tone),
        ("unexplained USDC", signed_money(view.state.unexplained), tone),
        ("leverage x", decimal(account.leverage, 2), tone),
        ("margin used %", decimal(account.margin_usage, 2), tone),
    )
    rows += tuple((clean(one.symbol), _holding(one), tone) for one in view.state.assets if _is_told_nowhere_else(one))
    if view.is_private:
        rows = tuple((name, HIDDEN, shown) for name, _text, shown in rows)
    lines: list[Line] = [(Span(f" {name:<18}", Tone.DIM), Span(f"{text:>16}", tone)) for name, text, tone in rows]
    for name, (text, mood) in zip(("dead-man switch", "", ""), deadman(view, tone), strict=False):
        lines.append((Span(f" {name:<18}", Tone.DIM), Span(f" {text}", mood)))
    return [(head,), *lines] if view.is_account_past else lines
