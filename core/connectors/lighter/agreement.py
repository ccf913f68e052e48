"""Whether what the account stream told of orders, money and assets agrees with what REST shows. Pure.

A frame that the venue or the network lost leaves a figure behind that nothing on its channel corrects. REST shows it:
a difference that stays the same while the stream says nothing of that figure. The cure is a new list on that channel;
a difference that a new list leaves as it was is one of meaning, not of loss, and is taken for granted from then on.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

from core.assets import Asset
from core.clock import SECOND_NS
from core.connectors.lighter.bodies import AccountRow
from core.connectors.lighter.convert import asset
from core.connectors.lighter.objects import WireAsset, WireOrder
from core.model import Account
from core.units import ZERO

LASTING_NS: Final = 5 * SECOND_NS
"""REST and stream may differ for so long without anything being wrong."""
_REMEMBERED: Final = 20_000
"""Orders: an older frame of one that ended, come late, opens nothing."""
_OPEN: Final = "open"
"""What REST counts as `open_order_count`; orders that wait for a trigger are counted apart."""
_rest_assets: Final = msgspec.json.Decoder(list[WireAsset] | None, strict=False)
Key: TypeAlias = int | str


class Agreement:
    """The figures of one channel."""

    def __init__(self) -> None:
        """Nothing told."""
        self._told: dict[Key, Decimal] = {}
        self._has_list = False
        self._since: dict[Key, tuple[Decimal, int]] = {}
        self._asked: dict[Key, Decimal] = {}
        self._answered: dict[Key, Decimal] = {}

    def told(self, figures: Mapping[Key, Decimal], *, is_complete: bool) -> None:
        """The stream told of these figures; of all of them when it `is_complete`."""
        if is_complete:
            self._has_list = True
            self._told.clear()
            self._since.clear()
            self._answered |= self._asked
            self._asked.clear()
        self._told.update(figures)
        for key in figures:
            self._since.pop(key, None)

    def forget(self) -> None:
        """The stream is gone: there is nothing to compare before its next complete list."""
        self._has_list = False
        self._asked.clear()

    def differing(self, shown: Mapping[Key, Decimal], now_ns: int) -> Key | None:
        """A figure that REST has been showing otherwise for a while, and that no new list was asked for yet."""
        if not self._has_list:
            return None
        gaps = {key: shown.get(key, ZERO) - self._told.get(key, ZERO) for key in {*shown, *self._told}}
        self._answered = {key: gap for key, gap in self._answered.items() if gaps.get(key) == gap}
        open_gaps = {key: gap for key, gap in gaps.items() if gap and key not in self._answered}
        before = self._since
        self._since = {
            key: before[key] if before.get(key, (None, 0))[0] == gap else (gap, now_ns)
            for key, gap in open_gaps.items()
        }
        lasting = (key for key, (_, since_ns) in self._since.items() if now_ns - since_ns >= LASTING_NS)
        return next((key for key in lasting if key not in self._asked), None)

    def asked(self) -> None:
        """A new list was asked for: what differs now and still does after it is taken for granted."""
        self._asked = {key: gap for key, (gap, _) in self._since.items()}


class Figures:
    """Orders, money and assets of one account."""

    def __init__(self) -> None:
        """Nothing told."""
        self.orders: Final = Agreement()
        self.money: Final = Agreement()
        self.assets: Final = Agreement()
        self._open: dict[int, int] = {}
        """Markets of the orders that rest."""
        self._times: dict[int, int] = {}
        """When each order was last changed; the newest told stand last."""
        self._counts: Counter[int] = Counter()

    def on_orders(self, rows: Iterable[WireOrder], *, is_complete: bool) -> None:
        """Orders as the stream told them; all that are open when it `is_complete`."""
        told = tuple(rows)
        touched = {row.market_index for row in told}
        if is_complete:
            for index in self._open.keys() - {row.order_index for row in told}:
                self._counts[self._open.pop(index)] -= 1
        for row in told:
            self._on_order(row)
        figures: dict[Key, Decimal] = {market_id: Decimal(self._counts[market_id]) for market_id in touched}
        self.orders.told(figures, is_complete=is_complete)
        while len(self._times) > _REMEMBERED:
            del self._times[next(iter(self._times))]

    def on_money(self, account: Account) -> None:
        """The account's money as the stream told it."""
        self.money.told(_money(account), is_complete=True)

    def on_assets(self, assets: Iterable[Asset]) -> None:
        """All assets, as the stream told them."""
        self.assets.told(_assets(assets), is_complete=True)

    def forget(self) -> None:
        """The stream is gone."""
        for one in (self.orders, self.money, self.assets):
            one.forget()

    def compare(self, account: Account, row: AccountRow, now_ns: int) -> tuple[tuple[Agreement, str, str], ...]:
        """What differs from REST for a while: the agreement, the channel that should tell it anew, and a sentence."""
        counts: dict[Key, Decimal] = {
            one.market_id: Decimal(
                self._counts[one.market_id] if one.open_order_count is None else one.open_order_count
            )  # a number that is left out proves nothing
            for one in row.positions or ()
        }
        found = (
            (self.orders, "account_all_orders", "the open orders in market {}", counts),
            (self.money, "user_stats", "the account's {}", _money(account)),
            (self.assets, "account_all_assets", "the balance of asset {}", _shown_assets(row)),
        )
        return tuple(
            (one, channel, f"{what.format(key)} as the stream told it is not what REST shows")
            for one, channel, what, shown in found
            if shown is not None and (key := one.differing(shown, now_ns)) is not None
        )

    def _on_order(self, row: WireOrder) -> None:
        index, time_us = row.order_index, row.transaction_time or 0
        if time_us < self._times.get(index, 0):
            return
        self._times.pop(index, None)
        self._times[index] = time_us
        market_id = self._open.pop(index, None)
        if market_id is not None:
            self._counts[market_id] -= 1
        if row.status == _OPEN:
            self._open[index] = row.market_index
            self._counts[row.market_index] += 1


def _money(account: Account) -> dict[Key, Decimal]:
    return {"equity": account.equity, "collateral": account.collateral, "available balance": account.available}


def _assets(assets: Iterable[Asset]) -> dict[Key, Decimal]:
    return {one.asset_id: one.balance + one.margin for one in assets}


def _shown_assets(row: AccountRow) -> dict[Key, Decimal] | None:
    """None where REST does not say, or not in a way that is known here."""
    try:
        told = _rest_assets.decode(row.assets) if bytes(row.assets) else None
    except msgspec.DecodeError:
        return None
    return None if told is None else _assets(map(asset, told))
