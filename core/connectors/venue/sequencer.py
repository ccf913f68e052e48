"""Admission and execution of transactions: nonces in strict order, a record of each that was admitted.

`admit` is what the API does, `execute` what the sequencer does; whoever carries them may let time pass between the two.
"""

from collections import OrderedDict
from collections.abc import Container
from dataclasses import dataclass
from typing import Final, assert_never

import msgspec

from core.connectors.venue import order_rules, rules, sub_accounts, tx
from core.connectors.venue.accounts import ApiKey, VenueAccount
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.exchange import Exchange
from core.connectors.venue.orders import Grouping, OrderStatus, VenueOrder

KEPT_TXS: Final = 50_000
_MAX_NONCE: Final = 2**47 - 1


@dataclass(slots=True)
class TxRecord:
    """One admitted transaction."""

    tx: tx.Tx
    tx_type: int
    tx_hash: str
    info: str
    sequence: int
    queued_us: int
    executed_us: int = 0
    event_info: str = ""
    """Set on execution: what became of it, as JSON with the compact keys of the venue."""


class Sequencer:
    """One venue's line of transactions."""

    def __init__(self, exchange: Exchange, chain_id: int) -> None:
        """Nothing admitted yet."""
        self._exchange: Final = exchange
        self._chain_id: Final = chain_id
        self._records: Final[OrderedDict[str, TxRecord]] = OrderedDict()
        self._sequence = 1_000_000

    def admit(self, tx_type: int, tx_info: str, now_us: int) -> TxRecord | Refusal:
        """Check one transaction and spend its nonce, or refuse it and spend nothing."""
        decoded = tx.decode(tx_type, tx_info)
        if isinstance(decoded, Refusal):
            return decoded
        refusal = self.refusal(decoded, now_us)
        if refusal is not None:
            return refusal
        self._sequence += 1
        record = TxRecord(
            tx=decoded,
            tx_type=tx_type,
            tx_hash=tx.tx_hash(decoded, self._chain_id),
            info=tx_info,
            sequence=self._sequence,
            queued_us=now_us,
        )
        self._key(decoded).nonce = decoded.nonce + 1
        self._records[record.tx_hash] = record
        if len(self._records) > KEPT_TXS:
            self._records.popitem(last=False)
        return record

    def refusal(self, decoded: tx.Tx, now_us: int, *, ahead: int = 0) -> Refusal | None:
        """Why the API would refuse a transaction now, `ahead` places behind others of the same key."""
        account = self._exchange.accounts.get(decoded.account_index)
        if account is None or account.is_internal:
            return Refusal(Code.ACCOUNT_NOT_FOUND, "account not found")
        key = account.keys.get(decoded.api_key_index)
        if key is None:
            return Refusal(Code.API_KEY_NOT_FOUND, "api key not found")
        if decoded.expired_at * 1_000 <= now_us:
            return Refusal(Code.INVALID_TX_INFO, "invalid tx info: transaction expired")
        if not self._is_next(decoded, key, ahead):
            return Refusal(Code.INVALID_NONCE, "invalid nonce")
        return rules.check(decoded, account, self._exchange, now_us // 1_000)

    def execute(self, record: TxRecord, now_us: int) -> None:
        """Run an admitted transaction; what it changed waits in the exchange."""
        record.executed_us = now_us
        account = self._exchange.accounts[record.tx.account_index]
        match record.tx:
            case tx.CreateTx() as create:
                outcome = self._exchange.create(account, order_rules.request_of_create(create), now_us)
                record.event_info = _event(create.market_index, outcome)
            case tx.CancelTx() as cancel:
                record.event_info = self._cancel(account, cancel, now_us)
            case tx.CancelAllTx() as cancel_all:
                record.event_info = self._cancel_all(account, cancel_all, now_us)
            case tx.ModifyTx() as modify:
                record.event_info = self._modify(account, modify, now_us)
            case tx.GroupTx() as group:
                requests = tuple(order_rules.request_of(order) for order in group.orders)
                outcome = self._exchange.create_group(account, Grouping(group.grouping_type), requests, now_us)
                record.event_info = _event(group.orders[0].market_index, outcome)
            case tx.LeverageTx() as leverage:
                market_id, imf, is_isolated = (
                    leverage.market_index,
                    leverage.initial_margin_fraction,
                    leverage.margin_mode == rules.ISOLATED,
                )
                refusal = self._exchange.set_leverage(account, market_id, imf, is_isolated=is_isolated)
                record.event_info = _json({"a": account.index, "m": leverage.market_index, "ae": _app_error(refusal)})
            case tx.MarginTx() as moved:
                amount = moved.usdc_amount if moved.direction == rules.ADD else -moved.usdc_amount
                refusal = self._exchange.move_margin(account, moved.market_index, amount)
                record.event_info = _json({"a": account.index, "m": moved.market_index, "ae": _app_error(refusal)})
            case tx.CreateSubTx():
                opened = sub_accounts.create(self._exchange, account, now_us)
                record.event_info = _json({"a": opened.index, "ae": ""})
            case tx.TransferTx() as moved:
                refusal = sub_accounts.transfer(self._exchange, account, moved)
                record.event_info = _json({"a": account.index, "ae": _app_error(refusal)})
            case never:
                assert_never(never)

    def of_account(self, account_index: int, after: int, types: Container[int]) -> list[TxRecord]:
        """An account's transactions of some types that came after place `after`, oldest first."""
        return [
            record
            for record in self._records.values()
            if record.sequence > after and record.tx_type in types and record.tx.account_index == account_index
        ]

    def by_hash(self, tx_hash: str) -> TxRecord | None:
        """An admitted transaction."""
        return self._records.get(tx_hash.lower().removeprefix("0x"))

    def by_sequence(self, sequence: int) -> TxRecord | None:
        """An admitted transaction, by its place in the line."""
        return next((record for record in self._records.values() if record.sequence == sequence), None)

    def _cancel(self, account: VenueAccount, cancel: tx.CancelTx, now_us: int) -> str:
        order = self._exchange.find(account, cancel.market_index, cancel.index)
        if order is None:
            return _json({"a": account.index, "i": cancel.index, "ae": _app_error(_NOT_ACTIVE)})
        self._exchange.cancel(order, OrderStatus.CANCELED, now_us)
        return _json({"a": account.index, "i": order.index, "u": order.client_index, "ae": ""})

    def _cancel_all(self, account: VenueAccount, cancel_all: tx.CancelAllTx, now_us: int) -> str:
        if cancel_all.time_in_force == rules.IMMEDIATE:
            chosen = cancel_all.attribute(tx.CANCEL_ALL_MARKET, tx.NO_MARKET)
            self._exchange.cancel_all(account, None if chosen == tx.NO_MARKET else chosen, now_us)
        else:
            account.cancel_all_ms = cancel_all.time  # zero when it aborts
        return _json({"a": account.index, "ae": ""})

    def _modify(self, account: VenueAccount, modify: tx.ModifyTx, now_us: int) -> str:
        order = self._exchange.find(account, modify.market_index, modify.index)
        if order is None:
            return _json({"m": modify.market_index, "ae": _app_error(_NOT_ACTIVE)})
        if modify.attribute(tx.ORDER_VERSION, order.version) != order.version:
            return _json({"m": modify.market_index, "ae": _app_error(_OTHER_VERSION)})
        before = _compact(order)
        self._exchange.modify(order, modify.base_amount, modify.price, now_us, modify.trigger_price)
        return _json({"m": modify.market_index, "oo": before, "no": _compact(order), "ae": ""})

    def _key(self, decoded: tx.Tx) -> ApiKey:
        return self._exchange.accounts[decoded.account_index].keys[decoded.api_key_index]

    @staticmethod
    def _is_next(decoded: tx.Tx, key: ApiKey, ahead: int) -> bool:
        if decoded.attribute(tx.SKIP_NONCE, 0) == 1:
            return key.nonce + ahead <= decoded.nonce < _MAX_NONCE
        return decoded.nonce == key.nonce + ahead


_OTHER_VERSION: Final = Refusal(Code.ORDER_NOT_ACTIVE, "order is not active: its version is another")
"""The venue has no published code for a change that was made for an older version of the order."""
_NOT_ACTIVE: Final = Refusal(Code.ORDER_NOT_ACTIVE, "order is not active")


def _event(market_id: int, outcome: VenueOrder | Refusal) -> str:
    """`OrderExecution`: the order, or the error that left none."""
    if isinstance(outcome, Refusal):
        return _json({"m": market_id, "ae": _app_error(outcome)})
    return _json({"m": market_id, "to": _compact(outcome), "ae": ""})


def _compact(order: VenueOrder) -> dict[str, int]:
    return {
        "i": order.index,
        "u": order.client_index,
        "a": order.account.index,
        "is": order.size,
        "p": order.price,
        "rs": order.remaining,
        "ia": int(order.is_ask),
        "ot": int(order.kind),
        "f": int(order.tif),
        "ro": int(order.reduce_only),
        "tp": order.trigger_price,
        "e": order.expiry_ms,
        "t0": order.children[0].index if order.children else 0,
        "t1": order.children[1].index if len(order.children) > 1 else 0,
        "c0": order.sibling.index if order.sibling is not None else 0,
    }


def _app_error(refusal: Refusal | None) -> str:
    if refusal is None:
        return ""
    return _json({"code": int(refusal.code), "message": refusal.message})


def _json(value: dict[str, object]) -> str:
    return msgspec.json.encode(value).decode()
