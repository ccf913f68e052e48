"""What a change of a limit would make of all limits, and whether it may be. Pure.

The desk, the command line and the engine ask the same code. A change is text, as an operator types it; `off` takes a
limit away where that is possible. Whether a change loosens is known for each field; a field whose direction nobody can
tell counts as loosened by any change.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final

from pydantic import ValidationError

from core.commands import SetLimit
from core.limits import BreakerSettings, MarketLimits, RiskLimits, SelfTrade
from core.problems import problem
from core.state import BreakerStatus, EngineState, KillStatus, LimitOverride, LimitsInForce, LimitUse

OFF: Final = "off"
_BREAKER: Final = "breaker"
_MARKETS: Final = "markets"
_LISTS: Final = frozenset({"allowed_markets", "restricted_markets"})

LOOSER_WHEN_LARGER: Final = frozenset({
    "max_order_size", "max_position_size", "max_order_notional", "max_position_notional", "max_gross_notional",
    "max_open_orders", "max_open_notional", "max_mark_deviation_percent", "max_touch_deviation_percent",
    "max_resting_percent", "max_walk_percent", "max_messages", "max_strategy_messages", "max_strategy_fills",
    "max_margin_usage_percent", "max_capital", "max_daily_loss", "max_drawdown", "max_book_age_ms",
    "max_mark_gap_percent", "max_clock_skew_ms",
    "breaker.loss_streak", "breaker.reject_percent", "breaker.reject_min_orders", "breaker.max_strategy_denials",
    "breaker.bad_data_s", "breaker.link_lost_s", "breaker.mismatch_s", "breaker.price_gap_percent",
})  # fmt: skip
"""Without end when they are off."""
LOOSER_WHEN_SMALLER: Final = frozenset({
    "message_reserve", "message_window_s", "walk_window_s", "strategy_fills_window_s", "duplicate_window_ms",
    "breaker.rearm_after_s", "breaker.price_gap_window_s",
})  # fmt: skip
"""Windows in which things are counted: a longer one sees more of them. Off means for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitPreview:
    """What one change would do now."""

    name: str
    """The limit by its dotted name: `markets.ETH.max_order_size`."""
    old: str
    new: str
    is_raise: bool = False
    """Whether it lets anything pass that does not pass now."""
    refusal: str = ""
    """Why it may not be; empty when it may."""
    remark: str = ""
    """What is in use beyond the new limit: that stays, and only what shrinks it passes."""
    limits: RiskLimits | None = None
    """All limits as they would be; None when the change cannot be understood."""


def names() -> tuple[str, ...]:
    """Every limit that holds for all markets, by the name it is changed by."""
    plain = [name for name in RiskLimits.model_fields if name not in {_BREAKER, _MARKETS}]
    return (*plain, *(f"{_BREAKER}.{name}" for name in BreakerSettings.model_fields))


def market_names() -> tuple[str, ...]:
    """Every limit that a market may have of its own."""
    return tuple(MarketLimits.model_fields)


def path_of(name: str, market: str = "") -> str:
    """The dotted name of a limit, as the configuration file has it under `risk`."""
    return f"{_MARKETS}.{market}.{name}" if market else name


def shown(limits: RiskLimits, path: str) -> str:
    """One limit as text that `SetLimit` takes back; `off` when it is not set."""
    return _text(_value(limits, path))


def preview(change: SetLimit, state: EngineState) -> LimitPreview:
    """What the change would do to the engine that shows this state."""
    if state.rules is None:
        path = path_of(change.name, change.market)
        return LimitPreview(name=path, old="", new=change.value, refusal="the engine is starting: it has no limits yet")
    held = held_by(state.kill, state.kills, state.breakers)
    return judged(change, state.rules, state.limits, held)


def judged(change: SetLimit, rules: LimitsInForce, uses: Iterable[LimitUse], held: str) -> LimitPreview:
    """What the change would do; `held` says why nothing may be raised now, empty when it may."""
    path = path_of(change.name, change.market)
    old = shown(rules.limits, path) if _is_known(change.name, change.market) else ""
    after = amended(rules.limits, change.name, change.value, change.market)
    if isinstance(after, str):
        return LimitPreview(name=path, old=old, new=change.value, refusal=after)
    new, raised = shown(after, path), raises(rules.limits, after)
    refusal = ""
    if new == old and not rules.fault:
        refusal = f"{path} is {new} already"
    elif raised and held:
        refusal = f"{path}: not raised from {old} to {new} while {held}: re-arm first"
    elif raised and not change.reason.strip():
        refusal = f"{path}: expected a reason for raising it from {old} to {new}, got none"
    return LimitPreview(
        name=path,
        old=old,
        new=new,
        is_raise=bool(raised),
        refusal=refusal,
        remark=_beyond(change, after, uses),
        limits=after,
    )


def held_by(kill: KillStatus, kills: Iterable[KillStatus], breakers: Iterable[BreakerStatus]) -> str:
    """Why nothing may be loosened: a kill, of a part too, or a tripped breaker; empty when nothing does."""
    for one in (kill, *kills):
        if one.is_latched:
            return f"a kill by {one.by} is latched"
    tripped = next((breaker for breaker in breakers if breaker.is_tripped), None)
    return f"a breaker is tripped ({tripped.reason})" if tripped is not None else ""


def amended(limits: RiskLimits, name: str, text: str, market: str = "") -> RiskLimits | str:
    """All limits with one changed, valid as a whole; else one sentence that says what was expected."""
    if not _is_known(name, market):
        return f"limit: expected one of {', '.join(market_names() if market else names())}, got {name[:40]!r}"
    return _with(limits, {path_of(name, market): text})


def joined(base: RiskLimits, overrides: Iterable[LimitOverride]) -> RiskLimits | str:
    """The file's limits with those set at run time over them; one sentence when they do not fit each other."""
    return _with(base, {one.name: one.value for one in overrides})


def raises(old: RiskLimits, new: RiskLimits) -> tuple[str, ...]:
    """Every limit that `new` has looser than `old`, by its dotted name."""
    found = [name for name in names() if _is_looser(name, _value(old, name), _value(new, name))]
    for market in sorted({*old.markets, *new.markets}):
        for name in market_names():
            path = path_of(name, market)
            if _value(old, path) == _value(new, path):
                continue
            if _is_looser(name, _effective(old, name, market), _effective(new, name, market)):
                found.append(path)
    return tuple(found)


def differences(old: RiskLimits, new: RiskLimits) -> tuple[tuple[str, str, str], ...]:
    """Every limit that differs: its dotted name, what it was and what it is."""
    paths = [*names(), *(path_of(name, market) for market in _markets(old, new) for name in market_names())]
    return tuple((path, shown(old, path), shown(new, path)) for path in paths if shown(old, path) != shown(new, path))


def unknown_markets(limits: RiskLimits, known: Iterable[str]) -> tuple[str, ...]:
    """Limits of markets that do not exist, by the field that names them: `restricted_markets: ETHH`."""
    symbols = frozenset(known)
    named: dict[str, Iterable[str]] = {
        "allowed_markets": limits.allowed_markets,
        "restricted_markets": limits.restricted_markets,
        _MARKETS: limits.markets,
    }
    return tuple(f"{field}: {symbol}" for field, wanted in named.items() for symbol in wanted if symbol not in symbols)


def _markets(*limits: RiskLimits) -> list[str]:
    return sorted({symbol for one in limits for symbol in one.markets})


def _is_known(name: str, market: str) -> bool:
    return name in (market_names() if market else names())


def _with(limits: RiskLimits, texts: Mapping[str, str]) -> RiskLimits | str:
    tree = limits.model_dump()
    for path, text in texts.items():
        *tables, name = _parts(path)
        table = tree
        for inner in tables:
            table = table.setdefault(inner, {})
        table[name] = _read(name, text)
    tree[_MARKETS] = {
        symbol: own for symbol, own in tree[_MARKETS].items() if any(value is not None for value in own.values())
    }
    try:
        return RiskLimits.model_validate(tree)
    except ValidationError as error:
        return problem(error.errors(include_url=False)[0]).removeprefix("configuration: ")


def _read(name: str, text: str) -> object:
    """What the model is given: it knows the types and the ranges."""
    word = text.strip()
    if name in _LISTS:
        return [] if word == OFF else [part.strip() for part in word.split(",") if part.strip()]
    return None if word == OFF else word


def _parts(path: str) -> tuple[str, ...]:
    """A dotted name taken apart; a market's symbol may hold dots itself."""
    if path.startswith(f"{_MARKETS}."):
        symbol, _, name = path.removeprefix(f"{_MARKETS}.").rpartition(".")
        return _MARKETS, symbol, name
    return tuple(path.split("."))


def _value(limits: RiskLimits, path: str) -> object:
    parts = _parts(path)
    if parts[0] == _MARKETS:
        own = limits.markets.get(parts[1])
        return None if own is None else getattr(own, parts[2])
    return getattr(limits.breaker, parts[1]) if parts[0] == _BREAKER else getattr(limits, parts[0])


def _effective(limits: RiskLimits, name: str, market: str) -> object:
    """What holds for a market: its own, or what holds for all where the names mean the same."""
    own = _value(limits, path_of(name, market))
    stands_in = name in {
        "max_order_notional", "max_position_notional", "max_mark_deviation_percent", "max_touch_deviation_percent",
    }  # fmt: skip
    return getattr(limits, name) if own is None and stands_in else own


def _is_looser(name: str, old: object, new: object) -> bool:
    if old == new:
        return False
    if name in LOOSER_WHEN_LARGER:
        return new is None or (isinstance(old, Decimal | int) and isinstance(new, Decimal | int) and new > old)
    if name in LOOSER_WHEN_SMALLER:
        return old is None or (isinstance(old, Decimal | int) and isinstance(new, Decimal | int) and new < old)
    if isinstance(old, tuple) and isinstance(new, tuple):
        return not _is_narrower(name, frozenset(old), frozenset(new))
    return new is not SelfTrade.DENY and str(getattr(new, "value", "")) != "halted"


def _is_narrower(name: str, old: frozenset[str], new: frozenset[str]) -> bool:
    """Fewer markets to open positions in; none named means all."""
    if name == "restricted_markets":
        return new >= old
    return bool(new) and (not old or new <= old)


def _text(value: object) -> str:
    if value is None or value == ():
        return OFF
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, Enum):
        return str(value.value)
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _beyond(change: SetLimit, after: RiskLimits, uses: Iterable[LimitUse]) -> str:
    """Which present use is above the new limit, in words."""
    return "; ".join(
        f"{use.used.normalize():,f} {use.unit} in use ({use.scope}): beyond it only what shrinks passes"
        for use, limit in _limited(change, after, uses)
        if use.used > limit
    )


def _limited(change: SetLimit, after: RiskLimits, uses: Iterable[LimitUse]) -> Iterator[tuple[LimitUse, Decimal]]:
    for use in uses:
        if use.name != change.name or (change.market and use.scope != change.market):
            continue
        is_own = _value(after, path_of(use.name, use.scope)) is not None if use.name in market_names() else False
        if not change.market and is_own:  # the market has a limit of its own, which stands in place of this one
            continue
        if use.name == "max_margin_usage_percent":  # shown in USDC of equity: scaled like the limit itself
            continue
        value = _value(after, path_of(change.name, change.market))
        if isinstance(value, Decimal | int):
            yield use, Decimal(value)
