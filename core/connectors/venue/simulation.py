"""The whole venue without its wires: time and transactions in, frames and replies out.

Pure and deterministic for a seed, its steps and its transactions. `core.connectors.venue.server` carries the bytes.
"""

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random
from typing import Final, Protocol

from core.connectors.venue import liquidation, tx
from core.connectors.venue.accounts import ApiKey, VenueAccount
from core.connectors.venue.catalogue import MarketSpec
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.exchange import Exchange
from core.connectors.venue.feed import Feed, Frame
from core.connectors.venue.generator import Generator
from core.connectors.venue.sequencer import Sequencer, TxRecord

CHAIN_ID: Final = 300
OPERATOR: Final = 71_240
COUNTERPARTY: Final = 71_241
TRADING_KEY: Final = 5
KILL_KEY: Final = 6
START_COLLATERAL: Final = 100_000_000_000
"""100,000 USDC."""
MAKER_FEE: Final = 40
TAKER_FEE: Final = 280
"""In 1e-6 of the notional: the premium tier without stake, 0.40 and 2.80 basis points (apidocs, account types)."""
MAX_BATCH: Final = 50
_STATS_EVERY_US: Final = 500_000
_EXPIRE_EVERY_US: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOf:
    """A public key to register."""

    account_index: int
    api_key_index: int
    public_key: str


class Source(Protocol):
    """What moves the markets: the generator, or a recording."""

    def shock(self, elapsed_us: int) -> None:
        """A step of this length begins."""
        ...

    def step(self, market_id: int, elapsed_us: int, now_us: int) -> Iterable[None]:
        """Move one market; yields after each transaction that traded."""
        ...

    def is_moving(self, now_us: int) -> bool:
        """Whether what the markets show is of now; statistics of a market that stands still are not repeated."""
        ...


def at_once(_: TxRecord, __: int) -> int | None:
    """The route without latency."""
    return 0


class Simulation:
    """Markets that move, accounts that trade."""

    def __init__(
        self,
        specs: Sequence[MarketSpec],
        seed: int,
        keys: Sequence[KeyOf],
        listened: Container[str],
        first_id: int = 0,
        *,
        source: Callable[[Exchange], Source] | None = None,
    ) -> None:
        """Open everything; `listened` is asked which channels anybody hears, `first_id` is as in `Exchange`.

        Markets are moved by `source`, or by a generator of this `seed`.
        """
        self.exchange: Final = Exchange(specs, first_id)
        self.sequencer: Final = Sequencer(self.exchange, CHAIN_ID)
        self.feed: Final = Feed(self.exchange, listened)
        for key in keys:
            self._register(key)
        # The seed makes a market, not a secret.
        self._source: Final = source(self.exchange) if source else Generator(self.exchange, Random(seed))  # noqa: S311
        self.route: Callable[[TxRecord, int], int | None] = at_once
        """How long an admitted transaction waits before it is executed, in microseconds; None for ever."""
        self._waiting: list[tuple[int, int, TxRecord]] = []
        self._outbox: list[Frame] = []
        self._now_us = 0
        self._stats_us = 0
        self._expired_us = 0

    def tick(self, elapsed_us: int, now_us: int) -> None:
        """Move every market by `elapsed_us` and publish its batch."""
        now_us = self._forward(now_us)
        self.run_due(now_us)
        self._source.shock(elapsed_us)
        step, publish, outbox = self._source.step, self.feed.batch, self._outbox
        for market_id, market in self.exchange.markets.items():
            for _ in step(market_id, elapsed_us, now_us):
                self._report(now_us)
            if market.watching:
                for _ in self.exchange.trigger(market, now_us):
                    self._report(now_us)
            publish(market, now_us, outbox)
        for _ in self.exchange.cancel_scheduled(now_us):
            self._report(now_us)
        if now_us - self._expired_us >= _EXPIRE_EVERY_US:
            self._expired_us = now_us
            self._audit(now_us)
        if now_us - self._stats_us >= _STATS_EVERY_US and self._source.is_moving(now_us):
            self._stats_us = now_us
            self._outbox.extend(self.feed.stats(now_us))
            self._outbox.extend(self.feed.height(now_us))

    def _audit(self, now_us: int) -> None:
        """What happens to accounts by themselves: orders expire, funding is paid, failed accounts are liquidated."""
        self.exchange.expire(now_us)
        self._report(now_us)
        self.exchange.fund_positions(now_us)
        self._report(now_us)
        for _ in liquidation.check(self.exchange, now_us):
            self._report(now_us)

    def send(self, tx_type: int, tx_info: str, now_us: int) -> TxRecord | Refusal:
        """Admit and run one transaction; its frames wait in the outbox."""
        now_us = self._forward(now_us)
        self.run_due(now_us)
        record = self.sequencer.admit(tx_type, tx_info, now_us)
        if isinstance(record, TxRecord):
            delay_us = self.route(record, now_us)
            if delay_us is not None:
                heappush(self._waiting, (now_us + delay_us, record.sequence, record))
                self.run_due(now_us)
        return record

    def run_due(self, now_us: int) -> int | None:
        """Execute what has waited long enough; the moment at which the next is due, if any waits."""
        while self._waiting and self._waiting[0][0] <= now_us:
            _, _, record = heappop(self._waiting)
            self.sequencer.execute(record, self._forward(now_us))
            self._report(self._now_us)
            self._outbox.extend(self.feed.accounts.transaction(record))
        return self._waiting[0][0] if self._waiting else None

    def jump(self, now_us: int) -> None:
        """Set the venue's clock, back too: for clocks that are wrong on purpose. What waits, waits as before."""
        ahead_us = now_us - self._now_us
        self._waiting = [(due_us + ahead_us, place, record) for due_us, place, record in self._waiting]
        self._now_us = self._stats_us = self._expired_us = now_us

    def send_batch(self, types: Sequence[int], infos: Sequence[str], now_us: int) -> list[TxRecord] | Refusal:
        """Admit and run several transactions of one key, in order; one refusal before the first refuses them all."""
        if len(types) != len(infos) or not types:
            return Refusal(Code.BATCH_LENGTHS, "tx types and tx infos lengths do not match")
        if len(types) > MAX_BATCH:
            return Refusal(Code.BATCH_TOO_LONG, "too many txs in batch")
        refusal = self._batch_refusal(types, infos, self._forward(now_us))
        if refusal is not None:
            return refusal
        done: list[TxRecord] = []
        for tx_type, info in zip(types, infos, strict=True):
            record = self.send(tx_type, info, now_us)
            if isinstance(record, Refusal):
                return record
            done.append(record)
        return done

    def take_frames(self) -> list[Frame]:
        """Everything to be sent since the last call, in order."""
        frames, self._outbox = self._outbox, []
        return frames

    def _batch_refusal(self, types: Sequence[int], infos: Sequence[str], now_us: int) -> Refusal | None:
        owners: set[tuple[int, int]] = set()
        for place, (tx_type, info) in enumerate(zip(types, infos, strict=True)):
            decoded = tx.decode(tx_type, info)
            if isinstance(decoded, Refusal):
                return decoded
            owners.add((decoded.account_index, decoded.api_key_index))
            if len(owners) > 1:
                return Refusal(Code.MIXED_BATCH, "all txs of a batch must be of one account and api key")
            refusal = self.sequencer.refusal(decoded, now_us, ahead=place)
            if refusal is not None:
                is_late = place > 0 and refusal.code is Code.INVALID_NONCE
                return Refusal(Code.NONCES_NOT_INCREASING, "nonces must be increasing") if is_late else refusal
        return None

    def _report(self, now_us: int) -> None:
        changes = self.exchange.take_changes()
        if changes:
            self._outbox.extend(self.feed.changes(changes, now_us))

    def _forward(self, now_us: int) -> int:
        """Venue time never runs backwards, whatever the machine's clock does."""
        self._now_us = max(self._now_us, now_us)
        return self._now_us

    def _register(self, key: KeyOf) -> None:
        account = self.exchange.accounts.get(key.account_index)
        if account is None:
            account = self.exchange.add_account(
                VenueAccount(
                    index=key.account_index, collateral=START_COLLATERAL, maker_fee=MAKER_FEE, taker_fee=TAKER_FEE
                )
            )
        account.keys[key.api_key_index] = ApiKey(public_key=key.public_key)
