"""Orders that hang together, in the venue's integers: a lead with exits that wait for it, or a pair of exits.

What may be grouped: lighter-go, `L2CreateGroupedOrdersTxInfo.Validate`. Exits of a lead are signed with no size: the
venue sizes them by what the lead fills.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from core.connectors.base import ExitKind, Leg
from core.connectors.lighter.encode import CreateTx, GroupTx, LegTx, encode_order, encode_price
from core.decisions import Refused
from core.model import Market, OrderType

_LEAD_AND_ONE: Final = 1
_PAIR: Final = 2
_LEAD_AND_TWO: Final = 3
"""`GroupingType`: one triggers the other, one cancels the other, one triggers a pair."""
_KINDS: Final = {ExitKind.STOP_LOSS: 2, ExitKind.TAKE_PROFIT: 4}


def encode_group(legs: Sequence[Leg], market: Market | None) -> GroupTx | Refused:
    """A group in the venue's integers, or why it cannot be one."""
    leads = [leg for leg in legs if leg.exit is None]
    exits = [leg for leg in legs if leg.exit is not None]
    if sentence := _shape(legs, leads, exits):
        return Refused(0, f"group: {sentence}")
    encoded = []
    for leg in (*leads, *exits):
        tx = _encode(leg, market, is_led=bool(leads))
        if isinstance(tx, Refused):
            return tx
        encoded.append(tx)
    kind = (_LEAD_AND_TWO if len(exits) == 2 else _LEAD_AND_ONE) if leads else _PAIR
    return GroupTx(grouping=kind, orders=tuple(encoded))


def _shape(legs: Sequence[Leg], leads: Sequence[Leg], exits: Sequence[Leg]) -> str:
    """Why these do not hang together; empty when they do."""
    intents = [leg.order.intent for leg in exits]
    kinds = {leg.exit.kind for leg in exits if leg.exit is not None}
    sizes = {(intent.size, intent.side) for intent in intents}
    shape = f"{len(leads)} leads and {len(exits)} exits"
    problems = {
        f"expected a lead with one or two exits, or two exits, got {shape}": (len(leads), len(exits))
        not in {(1, 1), (1, 2), (0, 2)},
        "expected one market": len({leg.order.intent.market_id for leg in legs}) > 1,
        "expected a client order id of its own for each": len({leg.order.client_id for leg in legs}) != len(legs),
        "expected one take-profit and one stop-loss": len(kinds) != len(exits),
        "expected exits of one size and side": len(sizes) > 1,
        "expected exits that only reduce": not all(intent.reduce_only for intent in intents),
        "expected exits that are market orders": any(intent.type is not OrderType.MARKET for intent in intents),
        "expected one expiry of all that rest": len({leg.order.expires_us for leg in (*leads, *exits)}) > 1,
        "expected an expiry": any(leg.order.expires_us is None for leg in exits),
    }
    if leads and exits:
        problems["expected exits on the other side of the lead"] = leads[0].order.intent.side is intents[0].side
    return next((sentence for sentence, is_so in problems.items() if is_so), "")


def _encode(leg: Leg, market: Market | None, *, is_led: bool) -> LegTx | Refused:
    tx = encode_order(leg.order, market)
    if not isinstance(tx, CreateTx) or market is None:
        return tx if isinstance(tx, Refused) else Refused(0, "group: the market is not one of this venue's")
    if leg.exit is None:
        return LegTx(order=tx)
    trigger = encode_price(leg.exit.trigger, market)
    if isinstance(trigger, Refused):
        return Refused(0, f"trigger: {trigger.detail}")
    order = replace(
        tx,
        order_type=_KINDS[leg.exit.kind],
        base_amount=0 if is_led else tx.base_amount,
        order_expiry=(leg.order.expires_us or 0) // 1_000,
    )
    return LegTx(order=order, trigger_price=trigger)
