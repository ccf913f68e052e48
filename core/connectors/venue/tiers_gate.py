"""The gate before the venue's API: budgets, quota and commits of one tier, or none of them. Pure.

All clients of a paper venue come from one address, so there is one budget.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from core.connectors.venue import replies
from core.connectors.venue.codes import Code
from core.connectors.venue.conversation import SEND, SEND_BATCH, OrderData, listed_batch
from core.connectors.venue.exchange import Exchange
from core.connectors.venue.faults_requests import (
    FIREWALL,
    MESSAGE_RATE,
    THROTTLED,
    TOO_MANY,
    Answer,
    refusal,
)
from core.connectors.venue.sequencer import TxRecord
from core.connectors.venue.simulation import MAX_BATCH
from core.connectors.venue.tiers import (
    COMMIT_US,
    FIREWALL_AFTER,
    FIREWALL_US,
    MESSAGES_PER_MINUTE,
    MINUTE_US,
    TERMS,
    Budget,
    Quota,
    Tier,
    cost_of,
    latency_us,
    weight_of,
)
from core.connectors.venue.views import Json, encode

SEND_PATH: Final = "/api/v1/sendTx"


class _Owner(msgspec.Struct, rename="pascal"):
    account_index: int = -1
    api_key_index: int = -1


class _Message(msgspec.Struct):
    type: str = ""
    data: msgspec.Raw = msgspec.Raw()


class _Sending(NamedTuple):
    """Transactions in one message of a socket."""

    kind: str
    types: list[int]
    infos: list[str]
    id: str | int | None


class Gate:
    """What one address and its accounts may still ask."""

    def __init__(self, tier: Tier | None, exchange: Exchange) -> None:
        """Without a tier everything passes, at once."""
        self._terms: Final = TERMS[tier] if tier is not None else None
        self._exchange: Final = exchange
        self._quota: Final = Quota()
        self._committing: Final[dict[tuple[int, int], int]] = {}
        self._refused: Final[deque[int]] = deque(maxlen=FIREWALL_AFTER)
        self._firewall_until_us = 0
        self._fresh: Final[deque[TxRecord]] = deque(maxlen=MAX_BATCH)
        self._messages: Final = Budget(MESSAGES_PER_MINUTE)
        terms = self._terms
        self._requests: Final = Budget(terms.requests if terms else 1)
        self._transactions: Final = Budget(terms.transactions) if terms and terms.transactions else None
        if terms is not None:
            for account in exchange.accounts.values():
                if not account.is_internal:
                    account.maker_fee, account.taker_fee = terms.maker_fee, terms.taker_fee
                    account.tier = tier.value if tier is not None else account.tier

    @property
    def commit_us(self) -> int:
        """How long an acknowledgement takes."""
        return COMMIT_US if self._terms else 0

    @property
    def has_fresh(self) -> bool:
        """Whether something was admitted since the last receipt."""
        return bool(self._fresh)

    def request(self, path: str, now_us: int) -> Answer | None:
        """Why a request is not served, if so: 429 within a cool-down, the firewall's 405 after many of them."""
        if self._terms is None:
            return None
        if now_us < self._firewall_until_us:
            return FIREWALL
        if self._requests.spend(weight_of(path, self._terms), now_us):
            return None
        return self._throttled(now_us)

    def sending(self, types: list[int], infos: Sequence[str], now_us: int, *, is_batch: bool = False) -> Answer | None:
        """Why transactions are not admitted, if so: budgets, the quota, or one of the key still committing."""
        if self._terms is None:
            return None
        refused = self.request(SEND_PATH, now_us)
        if refused is None and self._transactions and not self._transactions.spend(max(1, len(types)), now_us):
            refused = self._throttled(now_us)
        if refused is not None:
            return refused
        for owner in map(_owner, infos):
            key = (owner.account_index, owner.api_key_index)
            if now_us < self._committing.get(key, 0):
                return refusal(int(Code.INVALID_NONCE), "invalid nonce")
            if not self._has_quota(owner.account_index, cost_of(types, is_batch=is_batch), now_us):
                return THROTTLED
        return None

    def admitted(self, record: TxRecord, now_us: int) -> int:
        """Note an admitted transaction; how long it waits for the sequencer."""
        if self._terms is None:
            return 0
        self._fresh.append(record)
        self._committing[record.tx.account_index, record.tx.api_key_index] = now_us + COMMIT_US
        return latency_us(record, self._exchange, self._terms)

    def receipt(self, now_us: int, *, is_batch: bool = False) -> Json:
        """Charge what was admitted since the last receipt; what the reply says of it."""
        records = list(self._fresh)
        self._fresh.clear()
        if self._terms is None or not records or not self._terms.has_quota:
            return {"message": replies.QUOTA}
        index = records[0].tx.account_index
        cost = cost_of([record.tx_type for record in records], is_batch=is_batch or len(records) > 1)
        if not self._quota.spend(index, cost, now_us):
            return {"message": replies.QUOTA}
        left = self._quota.remaining(index, self._exchange.accounts[index].volume)
        text = encode({"ratelimit": f"{left} volume quota remaining"}).decode()
        return {"message": text, "volume_quota_remaining": left}

    def message(self, text: str, now_us: int) -> bytes | None:
        """The answer to a client's message on its socket that is not served, if so; transactions have budgets alone."""
        if self._terms is None:
            return None
        sending = _sending_of(text)
        if sending is None:
            if self._messages.spend(1, now_us):
                return None
            return encode({"error": {"code": MESSAGE_RATE, "message": "Too Many Websocket Messages!"}})
        refused = self.sending(sending.types, sending.infos, now_us, is_batch=sending.kind == SEND_BATCH)
        if refused is None:
            return None
        is_json = refused.status != FIREWALL.status
        body = msgspec.json.decode(refused.body, type=dict) if is_json else {"code": TOO_MANY, "message": "firewall"}
        head: Json = {"type": sending.kind} if sending.id is None else {"type": sending.kind, "id": str(sending.id)}
        return encode({**head, **body})

    def _throttled(self, now_us: int) -> Answer:
        self._refused.append(now_us)
        if len(self._refused) == FIREWALL_AFTER and now_us - self._refused[0] < MINUTE_US:
            self._firewall_until_us = now_us + FIREWALL_US
            self._refused.clear()
        return THROTTLED

    def _has_quota(self, account_index: int, cost: int, now_us: int) -> bool:
        account = self._exchange.accounts.get(account_index)
        if self._terms is None or not self._terms.has_quota or account is None or not cost:
            return True
        spare = 1 if self._quota.is_free(account_index, now_us) else 0
        return self._quota.remaining(account_index, account.volume) + spare >= cost


def _sending_of(text: str) -> _Sending | None:
    """The transactions of a message, when it is well formed and carries any."""
    try:
        message = msgspec.json.decode(text, type=_Message)
        if message.type == SEND:
            order = msgspec.json.decode(message.data, type=OrderData)
            return _Sending(SEND, [order.tx_type], [bytes(order.tx_info).decode()], order.id)
        return _Sending(SEND_BATCH, *listed_batch(message.data)) if message.type == SEND_BATCH else None
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None


def _owner(info: str) -> _Owner:
    try:
        return msgspec.json.decode(info, type=_Owner)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return _Owner()
