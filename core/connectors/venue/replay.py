"""Frames of another venue, or of a recording, moving the markets of this one. Pure.

Books, prints and statistics are taken. Private frames of a recording are kept in the file and not played: they tell
what an account had that traded then, with that account's orders in the very book and prints that are replayed. The
accounts here trade now, against the same book, and their frames come from what they do; served side by side on one
account, the two would add up to positions that nobody ever had, and there is no key here for an account of its own.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final, Protocol

import msgspec

from core.connectors.venue.catalogue import QUOTE_DECIMALS, MarketSpec
from core.connectors.venue.exchange import Exchange
from core.connectors.venue.market import MarketState
from core.connectors.venue.recording import Kind, Line
from core.connectors.venue.replay_street import Print, streets
from core.errors import ConfigError

DETAILS: Final = "/api/v1/orderBookDetails"
MOST_WAITING: Final = 200_000
"""Frames of a live venue that may wait for the next beat."""
SILENT_US: Final = 3_000_000
_MAX_STEPS: Final = 2**62


class _Level(msgspec.Struct, gc=False):
    price: str
    size: str


class _Book(msgspec.Struct, gc=False):
    nonce: int
    begin_nonce: int = 0
    asks: list[_Level] | None = None
    bids: list[_Level] | None = None


class _Trade(msgspec.Struct, gc=False):
    price: str
    size: str
    is_maker_ask: bool


class _Stats(msgspec.Struct, gc=False):
    market_id: int
    mark_price: str = ""
    index_price: str = ""
    open_interest: str = ""
    current_funding_rate: str = ""


class _Frame(msgspec.Struct, gc=False):
    type: str = ""
    channel: str = ""
    order_book: _Book | None = None
    trades: list[_Trade] | None = None
    market_stats: msgspec.Raw = msgspec.Raw()


class _Row(msgspec.Struct):
    symbol: str
    market_id: int
    supported_price_decimals: int
    supported_size_decimals: int
    min_base_amount: Decimal
    min_quote_amount: Decimal
    last_trade_price: Decimal
    default_initial_margin_fraction: int = 1_000
    min_initial_margin_fraction: int = 500
    maintenance_margin_fraction: int = 300
    closeout_margin_fraction: int = 200
    status: str = "active"


class _Details(msgspec.Struct):
    order_book_details: list[_Row]


class Tape(Protocol):
    """Where frames come from."""

    def due(self, now_us: int) -> Iterator[str]:
        """Every frame whose time has come, in order."""
        ...


class RecordedTape:
    """A recording, played from its beginning."""

    def __init__(self, lines: Iterator[Line], speed_percent: int) -> None:
        """Time starts at the first question."""
        self._lines: Final = lines
        self._speed: Final = speed_percent
        self._next: Line | None = None
        self._began_us: tuple[int, int] | None = None

    def due(self, now_us: int) -> Iterator[str]:
        """See `Tape`."""
        while True:
            line = self._next or next(self._lines, None)
            self._next = line
            if line is None:
                return
            if self._began_us is None:
                self._began_us = (now_us, line.time_us)
            here_us, there_us = self._began_us
            if (line.time_us - there_us) * 100 > (now_us - here_us) * self._speed:
                return
            self._next = None
            if line.kind is Kind.FRAME:
                yield line.body


class LiveTape:
    """Frames as they come from a live venue."""

    def __init__(self) -> None:
        """Nothing has come."""
        self._waiting: Final[deque[str]] = deque()

    def put(self, frame: str) -> bool:
        """Take a frame; whether there was room. What finds none breaks its book's chain, which mends itself."""
        if len(self._waiting) >= MOST_WAITING:
            return False
        self._waiting.append(frame)
        return True

    def due(self, _: int) -> Iterator[str]:
        """See `Tape`."""
        while self._waiting:
            yield self._waiting.popleft()


class Chains:
    """Whether books follow on: update by update, from a snapshot."""

    def __init__(self) -> None:
        """No snapshot yet."""
        self._nonces: Final[dict[str, int]] = {}

    def follows(self, channel: str, *, is_snapshot: bool, begin: int, nonce: int) -> bool:
        """Whether a frame may be used; after one that may not, only a snapshot may."""
        if not is_snapshot and self._nonces.get(channel) != begin:
            self._nonces.pop(channel, None)
            return False
        self._nonces[channel] = nonce
        return True

    def broken_by(self, text: str) -> str | None:
        """The channel of a book update that does not follow on, as requests spell it."""
        try:
            frame = msgspec.json.decode(text, type=_Frame)
        except (msgspec.DecodeError, UnicodeEncodeError):
            return None
        book = frame.order_book
        if book is None or not frame.channel.startswith("order_book:"):
            return None
        is_snapshot = frame.type.startswith("subscribed/")
        had = frame.channel in self._nonces
        is_good = self.follows(frame.channel, is_snapshot=is_snapshot, begin=book.begin_nonce, nonce=book.nonce)
        return frame.channel.replace(":", "/") if had and not is_good else None


class Replayer:
    """Moves the markets as the frames say; a source of the simulation."""

    def __init__(self, exchange: Exchange, tape: Tape) -> None:
        """Books begin empty, and fill with the first snapshots."""
        self._exchange: Final = exchange
        self._tape: Final = tape
        self._streets: Final = streets(exchange)
        self._chains: Final = Chains()
        self._done_us = -1
        self._heard_us = 0
        self.unreadable = 0
        """Frames that were no frames."""

    def shock(self, _: int) -> None:
        """Nothing is drawn here."""

    def step(self, _: int, __: int, now_us: int) -> Iterator[None]:
        """Use every frame that is due, of all markets, at the first market of a beat."""
        if now_us == self._done_us:
            return
        self._done_us = now_us
        for text in self._tape.due(now_us):
            self._heard_us = now_us
            yield from self._use(text, now_us)

    def is_moving(self, now_us: int) -> bool:
        """Until nothing has come for a while: the recording is over, or the live venue out of reach."""
        return now_us - self._heard_us < SILENT_US

    def _use(self, text: str, now_us: int) -> Iterator[None]:
        try:
            frame = msgspec.json.decode(text, type=_Frame)
            if frame.type.endswith("/market_stats"):
                self._take_stats(frame)
            market = self._market_of(frame.channel)
            if market is None:
                return
            if frame.order_book is not None and frame.type.endswith("/order_book"):
                yield from self._take_book(market, frame, frame.order_book, now_us)
            if frame.type == "update/trade":
                for trade in frame.trades or ():
                    yield from self._streets[market.market_id].trade(_print(trade, market.spec), now_us)
        except (msgspec.DecodeError, InvalidOperation, UnicodeEncodeError, ValueError):
            self.unreadable += 1

    def _take_book(self, market: MarketState, frame: _Frame, book: _Book, now_us: int) -> Iterator[None]:
        is_snapshot = frame.type.startswith("subscribed/")
        follows = self._chains.follows(frame.channel, is_snapshot=is_snapshot, begin=book.begin_nonce, nonce=book.nonce)
        if not follows:
            return
        asks, bids = (dict(_levels(side, market.spec)) for side in (book.asks, book.bids))
        street = self._streets[market.market_id]
        yield from street.replace(asks, bids, now_us) if is_snapshot else street.update(asks, bids, now_us)

    def _take_stats(self, frame: _Frame) -> None:
        rows = [frame.market_stats]
        if frame.channel.endswith(":all"):
            rows = list(msgspec.json.decode(frame.market_stats, type=dict[str, msgspec.Raw]).values())
        for raw in rows:
            row = msgspec.json.decode(raw, type=_Stats)
            market = self._exchange.markets.get(row.market_id)
            if market is None:
                continue
            decimals = market.spec.price_decimals
            market.mark = max(1, _units(row.mark_price, decimals)) if row.mark_price else market.mark
            market.index = max(1, _units(row.index_price, decimals)) if row.index_price else market.index
            if row.open_interest:
                market.open_interest = _units(row.open_interest, QUOTE_DECIMALS) // market.mark
            if row.current_funding_rate:
                market.funding_ppm = _units(row.current_funding_rate, 4)

    def _market_of(self, channel: str) -> MarketState | None:
        number = channel.rpartition(":")[2]
        return self._exchange.markets.get(int(number)) if number.isascii() and number.isdigit() else None


def specs_of(body: str | bytes, *, where: str) -> tuple[MarketSpec, ...]:
    """The active perpetuals of a reply to `orderBookDetails`.

    Raises:
        ConfigError: there are none, or it is no such reply.
    """
    try:
        rows = msgspec.json.decode(body, type=_Details).order_book_details
    except msgspec.DecodeError as error:
        raise ConfigError(f"{where}: the list of markets cannot be read: {error}") from None
    specs = tuple(_spec(row) for row in rows if _is_usable(row))
    if not specs:
        raise ConfigError(f"{where}: no active market in it")
    return specs


def recorded_specs(lines: Iterator[Line], *, where: str) -> tuple[MarketSpec, ...]:
    """The markets that a recording begins with.

    Raises:
        ConfigError: it does not say.
    """
    for line in lines:
        if line.kind is Kind.REPLY and line.about == DETAILS:
            return specs_of(line.body, where=where)
    raise ConfigError(f"{where}: holds no list of markets")


def _is_usable(row: _Row) -> bool:
    total = row.supported_price_decimals + row.supported_size_decimals
    return row.status == "active" and total == QUOTE_DECIMALS and row.last_trade_price > 0


def _spec(row: _Row) -> MarketSpec:
    decimals = row.supported_price_decimals
    return MarketSpec(
        market_id=row.market_id,
        symbol=row.symbol,
        price_decimals=decimals,
        reference_price=max(1, int(row.last_trade_price.scaleb(decimals))),
        min_base=int(row.min_base_amount.scaleb(QUOTE_DECIMALS - decimals)),
        min_quote=int(row.min_quote_amount.scaleb(QUOTE_DECIMALS)),
        daily_volatility_bp=0,
        common_percent=0,
        gap_ppm=1,
        default_imf=row.default_initial_margin_fraction,
        min_imf=row.min_initial_margin_fraction,
        maintenance_mf=row.maintenance_margin_fraction,
        closeout_mf=row.closeout_margin_fraction,
    )


def _print(trade: _Trade, spec: MarketSpec) -> Print:
    size = _units(trade.size, spec.size_decimals)
    return Print(price=_units(trade.price, spec.price_decimals), size=size, is_maker_ask=trade.is_maker_ask)


def _levels(side: Sequence[_Level] | None, spec: MarketSpec) -> Iterator[tuple[int, int]]:
    for level in side or ():
        price = _units(level.price, spec.price_decimals)
        if price > 0:
            yield price, max(0, _units(level.size, spec.size_decimals))


def _units(text: str, decimals: int) -> int:
    value = int(Decimal(text).scaleb(decimals))
    if not -_MAX_STEPS < value < _MAX_STEPS:
        raise ValueError(text)
    return value
