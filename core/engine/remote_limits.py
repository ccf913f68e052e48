"""Limits by the control socket: shown, set, reset and reloaded as on the desk, and answered with what became of it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final, Protocol

from core.commands import Command, ReloadLimits, ResetLimits, SetLimit
from core.engine.control import Answer, Request
from core.engine.limits_file import LimitsFile
from core.errors import ConfigError
from core.limit_changes import market_names, names, path_of, preview, shown
from core.state import EngineState, LimitsInForce

BY: Final = "the limits command"
_LOOK_S: Final = 0.005
_LOOKS: Final = 1_000
_NOT_YET: Final = "the engine is starting: it has no limits yet"


class LimitsDoor(Protocol):
    """What of the engine is needed."""

    def submit(self, command: Command) -> None:
        """Hand over a wish."""
        ...

    def state(self) -> EngineState:
        """The newest snapshot."""
        ...


async def limits(engine: LimitsDoor, file: LimitsFile | None, request: Request) -> AsyncIterator[Answer]:
    """Carry out `op` of the request: `show`, `preview`, `set`, `reset` or `reload`; the last answer has `ok`."""
    state, op = engine.state(), request.get("op")
    name, market, reason = (str(request.get(field) or "") for field in ("name", "market", "reason"))
    if state.rules is None:
        yield {"ok": False, "error": _NOT_YET}
        return
    change = SetLimit(name=name, value=str(request.get("value") or ""), by=BY, reason=reason, market=market)
    match op:
        case "show":
            yield _shown(state, state.rules)
        case "preview":
            verdict = preview(change, state)
            yield {
                "ok": not verdict.refusal,
                "old": verdict.old,
                "new": verdict.new,
                "is_raise": verdict.is_raise,
                "error": verdict.refusal,
                "remark": verdict.remark,
            }
        case "set":
            remark = preview(change, state).remark
            yield {**await _asked(engine, change, state.rules.answered), "remark": remark}
        case "reset":
            reset = ResetLimits(by=BY, reason=reason, name=name, market=market)
            yield await _asked(engine, reset, state.rules.answered)
        case "reload":
            yield await _reloaded(engine, file, state.rules.answered)
        case _:
            yield {"ok": False, "error": f"op: expected show, preview, set, reset or reload, got {op!r}"}


async def _reloaded(engine: LimitsDoor, file: LimitsFile | None, answered: int) -> Answer:
    if file is None:
        return {"ok": False, "error": "this engine was started without a configuration file"}
    try:
        read = await file.read()
    except ConfigError as error:
        return {"ok": False, "error": str(error)}
    return await _asked(engine, ReloadLimits(limits=read.model_dump_json(), by=BY), answered)


async def _asked(engine: LimitsDoor, command: Command, answered: int) -> Answer:
    """Hand over the wish and wait until the engine decided it."""
    engine.submit(command)
    for _ in range(_LOOKS):
        rules = engine.state().rules
        if rules is not None and rules.answered > answered:
            return {"ok": not rules.is_refused, "error" if rules.is_refused else "detail": rules.answer}
        await asyncio.sleep(_LOOK_S)
    return {"ok": False, "error": "the engine did not answer in time: look at `lighter-tui limits show`"}


def _shown(state: EngineState, rules: LimitsInForce) -> Answer:
    own = [path_of(name, market) for market in sorted(rules.limits.markets) for name in market_names()]
    in_force = {path: shown(rules.limits, path) for path in (*names(), *own)}
    return {
        "ok": True,
        "limits": {path: value for path, value in in_force.items() if path in names() or value != "off"},
        "overrides": {
            one.name: {"value": one.value, "file": one.file_value, "by": one.by, "reason": one.reason}
            for one in rules.overrides
        },
        "uses": [
            {"name": use.name, "scope": use.scope, "used": f"{use.used:f}", "limit": f"{use.limit:f}", "unit": use.unit}
            for use in state.limits
        ],
        "fault": rules.fault,
    }
