"""A kill that comes by the control socket: pressed like the key, and told back phase by phase until the venue confirms.

It never believes itself: CONFIRMED is what the engine's state says of this press or of a later one.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Final, Protocol

from core.clock import SECOND_NS
from core.commands import Command, Flatten, KillPart, Rearm, RearmPart
from core.engine.control import Answer, Request
from core.scope import Scope
from core.state import EngineState, FlattenPhase, KillPhase, KillStatus

BY: Final = "the kill command"
REARMED_BY: Final = "the rearm command"
_LOOK_S: Final = 0.005
_REARM_LOOKS: Final = 400
_HELD_NS: Final = SECOND_NS
"""A press sooner after another command's counts as a held key (`core.engine.kill`); this is later than that."""
_REFUSED_NS: Final = SECOND_NS
"""Longer than the engine takes to begin a flatten that it was asked for."""
_OLDEST_NS: Final = 60 * SECOND_NS
"""A press older than this was not made on this machine's clock."""


class KillDoor(Protocol):
    """What of the engine is needed."""

    def kill(self, by: str, pressed_ns: int) -> None:
        """Halt at once, then cancel everything."""
        ...

    def submit(self, command: Command) -> None:
        """Hand over a wish."""
        ...

    def state(self) -> EngineState:
        """The newest snapshot."""
        ...


async def kill(engine: KillDoor, request: Request) -> AsyncIterator[Answer]:
    """Press, then answer with every phase reached; the last answer has `ok`, true only for CONFIRMED.

    `pressed_ns` of the request is the caller's monotonic clock, which all processes of a machine share; `market` (a
    symbol) and `strategy` narrow it to a part.
    """
    scope = _target(engine.state(), request)
    if isinstance(scope, str):
        yield {"error": scope}
        return
    pressed_ns = _pressed(request)
    if scope.is_everything:
        engine.kill(BY, pressed_ns)
    else:
        engine.submit(KillPart(scope=scope, by=BY, pressed_ns=pressed_ns))
    said: tuple[str, str] | None = None
    asked_ns = pressed_ns
    while True:
        state = engine.state()
        status = _status(state, scope)
        answer = _answer(status, pressed_ns)
        is_done = answer["phase"] == KillPhase.CONFIRMED.value
        is_ignored = scope.is_everything and not is_done and status.phase is KillPhase.CONFIRMED
        if is_ignored and time.monotonic_ns() - asked_ns >= _HELD_NS:
            asked_ns = time.monotonic_ns()
            engine.kill(BY, asked_ns)
        words = str(answer["phase"]), str(answer["detail"])
        if words != said:
            said = words
            yield answer | {"ok": True} if is_done and not request.get("flatten") else answer
        if is_done:
            break
        if state.is_over:
            yield {"phase": "ended", "ok": False, "detail": f"the engine ended: {state.phase_detail}"}
            return
        await asyncio.sleep(_LOOK_S)
    if request.get("flatten"):
        async for answer in _flatten(engine, scope, pressed_ns):
            yield answer


async def _flatten(engine: KillDoor, scope: Scope, pressed_ns: int) -> AsyncIterator[dict[str, object]]:
    """Close positions as well; the last answer has `ok`, true only when the venue shows none."""
    engine.submit(Flatten(by=BY, market_id=scope.market_id))
    said, asked_ns = "", time.monotonic_ns()
    while not (state := engine.state()).is_over:
        status = state.flatten
        is_other = status is not None and not status.is_over and status.started_ns < pressed_ns
        if is_other and time.monotonic_ns() - asked_ns >= _REFUSED_NS:
            yield {"phase": "flatten refused", "ok": False, "detail": "another flatten is under way"}
            return
        if status is not None and status.started_ns >= pressed_ns:
            answer: dict[str, object] = {
                "phase": "flat" if status.phase is FlattenPhase.CONFIRMED else f"flatten {status.phase.value}",
                "ms": str(Decimal((status.ended_ns or time.monotonic_ns()) - pressed_ns).scaleb(-6)),
                "detail": status.detail,
            }
            if status.is_over:
                yield answer | {"ok": status.phase is FlattenPhase.CONFIRMED}
                return
            if status.detail != said:
                said = status.detail
                yield answer
        await asyncio.sleep(_LOOK_S)
    yield {"phase": "ended", "ok": False, "detail": f"the engine ended: {state.phase_detail}"}


async def rearm(engine: KillDoor, request: Request) -> AsyncIterator[Answer]:
    """Lift a confirmed kill, with the reason given; the one answer says whether it is lifted."""
    scope = scope_of(engine.state(), request)
    reason = str(request.get("reason") or "").strip()
    if isinstance(scope, str) or not reason:
        yield {"error": scope if isinstance(scope, str) else "reason: expected why trading may go on, got nothing"}
        return
    before = _status(engine.state(), scope)
    if before.phase is not KillPhase.CONFIRMED:
        text = "it is not killed" if before.phase is KillPhase.IDLE else f"its kill is {before.phase.value}"
        yield {"error": f"nothing to re-arm: {text}"}
        return
    engine.submit(
        Rearm(by=REARMED_BY, reason=reason)
        if scope.is_everything
        else RearmPart(scope=scope, by=REARMED_BY, reason=reason)
    )
    for _ in range(_REARM_LOOKS):
        if not _status(engine.state(), scope).is_latched:
            break
        await asyncio.sleep(_LOOK_S)
    status = _status(engine.state(), scope)
    yield {"ok": not status.is_latched, "phase": status.phase.value, "detail": status.detail}


def scope_of(state: EngineState, request: Request) -> Scope | str:
    """What part of the account is meant, or what was expected instead."""
    symbol, strategy = request.get("market"), request.get("strategy")
    market_id = next((market.id for market in state.markets if market.symbol == symbol), None)
    if symbol is not None and market_id is None:
        known = ", ".join(market.symbol for market in state.markets) or "nothing yet: the venue was not reached"
        return f"market: expected one of {known}, got {symbol!r}"
    if strategy is not None and not isinstance(strategy, str):
        return f"strategy: expected a name, got {json.dumps(strategy)[:80]}"
    names = {one.name for one in state.strategies} | {task.origin.name for task in state.tasks if task.origin.name}
    if strategy is not None and strategy not in names:
        return f"strategy: expected one of {', '.join(sorted(names)) or 'none, there is none'}, got {strategy!r}"
    return Scope(market_id=market_id, strategy=strategy or "")


def _target(state: EngineState, request: Request) -> Scope | str:
    """What is to be killed, and flattened if that is asked for; or what was expected instead."""
    scope = scope_of(state, request)
    if isinstance(scope, Scope) and scope.strategy and request.get("flatten"):
        return "flatten: expected everything or one market, got a strategy: positions belong to the account"
    return scope


def _status(state: EngineState, scope: Scope) -> KillStatus:
    if scope.is_everything:
        return state.kill
    return next((kill for kill in state.kills if kill.scope == scope), KillStatus(scope=scope))


def _pressed(request: Request) -> int:
    now_ns = time.monotonic_ns()
    pressed = request.get("pressed_ns")
    return pressed if isinstance(pressed, int) and now_ns - _OLDEST_NS <= pressed <= now_ns else now_ns


def _answer(status: KillStatus, pressed_ns: int) -> dict[str, object]:
    """The phase as it concerns this press: what an earlier one achieved does not count."""
    phase, detail, at_ns = status.phase, status.detail, pressed_ns
    if status.confirmed_ns is not None and status.confirmed_ns >= pressed_ns:
        phase, at_ns = KillPhase.CONFIRMED, status.confirmed_ns
    elif phase is KillPhase.FAILING:
        at_ns = time.monotonic_ns()
    elif status.sent_ns is not None and status.sent_ns >= pressed_ns:
        phase, at_ns = KillPhase.SENT, status.sent_ns
    else:
        phase, detail, at_ns = KillPhase.REQUESTED, "halted; the cancel-all is on its way", time.monotonic_ns()
    return {
        "phase": phase.value,
        "ms": str(Decimal(at_ns - pressed_ns).scaleb(-6)),
        "detail": detail,
        "may_be_live": status.may_be_live,
    }
