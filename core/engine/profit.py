"""Profit and loss by average cost, per market and per strategy: exact, and kept over restarts. Pure.

What came in and went out is summed exactly, so both together never depend on the order of fills. Only where the line
between the two is drawn rests on a division, rounded at the eighteenth decimal.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from core.engine.records import SavedMeta
from core.model import Fill, Origin, OriginKind, Position
from core.state import PnlRow
from core.units import ZERO, MarketId

_EXACT: Final = Context(prec=100)
_PLACES: Final = Decimal(1).scaleb(-18)
_KEY: Final = "pnl:"
_SEEDED: Final = "pnl seeded"


@dataclass(slots=True)
class Account:
    """One position through its life; sizes in base units, money in USDC."""

    size: Decimal = ZERO
    """Signed: positive is long."""
    cash: Decimal = ZERO
    """Paid and received for it, fees apart: negative after a buy."""
    basis: Decimal = ZERO
    """What the open size was bought or sold for, signed like it."""
    fees: Decimal = ZERO
    fills: int = 0
    losses: int = 0
    """Losing closes in a row."""

    @property
    def realised(self) -> Decimal:
        """Profit of what was closed, before fees."""
        return _EXACT.add(self.cash, self.basis)

    def unrealised(self, mark: Decimal) -> Decimal:
        """Profit of what is open, on the mark."""
        return _EXACT.subtract(_EXACT.multiply(self.size, mark), self.basis)

    def book(self, fill: Fill) -> None:
        """Take in one execution that was not taken in before."""
        before = self.realised
        signed = fill.size * fill.side.sign
        worth = _EXACT.multiply(signed, fill.price)
        is_closing = self.size * signed < 0
        if not is_closing:
            self.basis = _EXACT.add(self.basis, worth)
        elif abs(signed) > abs(self.size):
            self.basis = _EXACT.multiply(_EXACT.add(self.size, signed), fill.price)
        elif abs(signed) == abs(self.size):
            self.basis = ZERO
        else:
            kept = _EXACT.divide(_EXACT.multiply(self.basis, _EXACT.add(self.size, signed)), self.size)
            self.basis = kept.quantize(_PLACES, rounding=ROUND_HALF_EVEN, context=_EXACT)
        self.size = _EXACT.add(self.size, signed)
        self.cash = _EXACT.subtract(self.cash, worth)
        self.fees = _EXACT.add(self.fees, fill.fee)
        self.fills += 1
        if is_closing:
            self.losses = self.losses + 1 if self.realised < before else 0


_Scope = tuple[MarketId, str]
"""A market, and a strategy in it; the empty name is everything in the market."""


class Profit:
    """Every account of one world."""

    def __init__(self, world: str) -> None:
        self._world = world
        self._accounts: dict[_Scope, Account] = {}
        self._is_seeded = False

    def restore(self, meta: dict[str, str]) -> None:
        """What earlier runs in this world booked."""
        self._is_seeded = meta.get(_SEEDED) == self._world
        for key, value in meta.items():
            saved = json.loads(value) if key.startswith(_KEY) and value else {}
            if saved.get("world") != self._world:
                continue
            market_id, _, name = key.removeprefix(_KEY).partition(":")
            self._accounts[MarketId(int(market_id)), name] = Account(
                size=Decimal(saved["size"]),
                cash=Decimal(saved["cash"]),
                basis=Decimal(saved["basis"]),
                fees=Decimal(saved["fees"]),
                fills=saved["fills"],
                losses=saved["losses"],
            )

    def book(self, fill: Fill, origin: Origin) -> tuple[SavedMeta, ...]:
        """Take in one execution; what must become durable together with it."""
        names = ["", origin.name] if origin.kind is OriginKind.STRATEGY and origin.name else [""]
        saved = []
        for name in names:
            scope = (fill.market_id, name)
            account = self._accounts.setdefault(scope, Account())
            account.book(fill)
            saved.append(self._saved(scope, account))
        return tuple(saved)

    def of(self, market_id: MarketId, strategy: str = "") -> Account:
        """One account; a new one where nothing was booked."""
        return self._accounts.get((market_id, strategy)) or Account()

    def losses(self) -> dict[str, int]:
        """Losing closes in a row of each strategy, in its worst market."""
        found: dict[str, int] = {}
        for (_, name), account in self._accounts.items():
            if name:
                found[name] = max(found.get(name, 0), account.losses)
        return found

    def pardon(self, strategy: str) -> None:
        """A human lets a strategy go on: its losses count anew."""
        for (_, name), account in self._accounts.items():
            if name == strategy:
                account.losses = 0

    def seed(self, positions: Iterable[Position]) -> tuple[SavedMeta, ...]:
        """Take in what is held at the first sight of this world, at the venue's average; what must become durable.

        Later sights change nothing: from then on fills tell.
        """
        if self._is_seeded:
            return ()
        self._is_seeded = True
        saved = [SavedMeta(key=_SEEDED, value=self._world)]
        for position in positions:
            scope = (position.market_id, "")
            if position.size and position.entry_price > 0 and scope not in self._accounts:
                basis = _EXACT.multiply(position.size, position.entry_price)
                account = Account(size=position.size, basis=basis, cash=-basis)
                self._accounts[scope] = account
                saved.append(self._saved(scope, account))
        return tuple(saved)

    def rows(self, marks: Mapping[MarketId, Decimal | None], venue: Mapping[MarketId, Position]) -> tuple[PnlRow, ...]:
        """One row an account, markets first; `venue` holds the positions as the venue states them."""
        ordered = sorted(self._accounts.items(), key=lambda item: (item[0][1], item[0][0]))
        return tuple(_row(scope, account, marks.get(scope[0]), venue.get(scope[0])) for scope, account in ordered)

    def _saved(self, scope: _Scope, account: Account) -> SavedMeta:
        saved = {
            "world": self._world,
            "size": str(account.size),
            "cash": str(account.cash),
            "basis": str(account.basis),
            "fees": str(account.fees),
            "fills": account.fills,
            "losses": account.losses,
        }
        return SavedMeta(key=f"{_KEY}{scope[0]}:{scope[1]}", value=json.dumps(saved))


def _row(scope: _Scope, account: Account, mark: Decimal | None, stated: Position | None) -> PnlRow:
    """Where the venue's position is the one that our fills add up to, its profit is put beside ours."""
    unrealised = None if mark is None else account.unrealised(mark)
    venue = None if scope[1] else stated  # the venue knows nothing of strategies
    is_same = venue is not None and venue.size == account.size
    return PnlRow(
        market_id=scope[0],
        strategy=scope[1],
        size=account.size,
        average_price=account.basis / account.size if account.size else None,
        realised=account.realised,
        unrealised=unrealised,
        fees=account.fees,
        fills=account.fills,
        venue_difference=unrealised - venue.unrealized_pnl if venue and is_same and unrealised is not None else None,
        funding=None if venue is None else venue.funding_paid,
        venue_realised=None if venue is None else venue.realized_pnl,
    )
