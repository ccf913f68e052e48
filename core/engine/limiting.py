"""Limits at run time: changed, reset, reloaded, remembered; never loosened while anything is killed or tripped. Pure.

What was set at run time holds over the file until the file's own value of that limit changes, or it is reset.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Final

from pydantic import ValidationError

from core.clock import Instant
from core.commands import ReloadLimits, ResetLimits, SetLimit
from core.engine.facts import Facts, Urgency
from core.events import NoticeLevel
from core.limit_changes import differences, held_by, joined, judged, path_of, raises, shown, unknown_markets
from core.limits import RiskLimits
from core.problems import problem
from core.risk import RiskManager
from core.state import LimitOverride, LimitsInForce

_KEY: Final = "limits"
_KIND: Final = "limits"
_RESET: Final = "lighter-tui limits reset"
_RELOAD: Final = "lighter-tui limits reload"


class Limiting:
    """The only room that replaces limits."""

    def __init__(self, facts: Facts) -> None:
        """Begin with the limits of the file."""
        self._facts = facts
        self._base = facts.risk.limits
        """What the file says, as far as it was taken over."""
        self._overrides: dict[str, LimitOverride] = {}
        self._known: frozenset[str] = frozenset()
        """Symbols of the venue's markets, once it told them."""
        facts.rules = LimitsInForce(limits=self._base)

    def restore(self, now: Instant) -> None:
        """Put what an earlier run set over the file; a looser file waits while anything is killed or tripped."""
        text = self._facts.meta.get(_KEY)
        if not text:
            self._remember()
            return
        try:
            before, overrides = _decoded(text)
        except (ValueError, TypeError, KeyError) as error:
            self._fail(f"what an earlier run set cannot be read ({type(error).__name__}); {_RESET} forgets it", now)
            return
        offered = self._base
        self._overrides = {one.name: one for one in overrides}
        self._drop_outdated(offered, now)
        limits = joined(offered, self._overrides.values())
        if isinstance(limits, str):
            self._fail(f"the file and what was set at run time contradict each other: {limits}; {_RESET}", now)
            return
        earlier = joined(before, overrides)
        if (held := self._held()) and not isinstance(earlier, str) and (raised := raises(earlier, limits)):
            self._base, self._overrides, limits = before, {one.name: one for one in overrides}, earlier
            text = (
                f"the file has {', '.join(raised)} looser, which is not in force while {held}: re-arm, then {_RELOAD}"
            )
            self._tell(NoticeLevel.ALERT, text, now)
        if self._overrides:
            names = ", ".join(f"{one.name} {one.value}" for one in self._overrides.values())
            self._facts.tell(NoticeLevel.WARN, f"limits set at run time hold over the file: {names}", now)
        self._take(limits)

    def wish(self, command: SetLimit | ResetLimits | ReloadLimits, now: Instant) -> None:
        """Decide one change."""
        match command:
            case SetLimit():
                self._set(command, now)
            case ResetLimits():
                self._reset(command, now)
            case ReloadLimits():
                self._reload(command, now)

    def on_markets(self, symbols: Iterable[str], now: Instant) -> None:
        """These exist at the venue, whether they are traded here or not."""
        self._known |= {*symbols, *(market.symbol for market in self._facts.markets.values())}
        self._check_markets(now)

    def _check_markets(self, now: Instant) -> None:
        """A limit for a market that does not exist limits nothing: nothing trades until that is corrected."""
        known = self._known
        unknown = unknown_markets(self._facts.risk.limits, known) if known else ()
        fault = ""
        if unknown:
            fault = f"risk.{', risk.'.join(unknown)}: expected one of {', '.join(sorted(known))}"
        if fault == self._facts.rules.fault or (not fault and not self._facts.rules.fault.startswith("risk.")):
            return
        self._facts.rules = replace(self._facts.rules, fault=fault)
        if fault:
            self._tell(NoticeLevel.ALERT, f"nothing trades, a limit names a market that does not exist: {fault}", now)
        self._facts.changed(Urgency.NOW)

    def _set(self, command: SetLimit, now: Instant) -> None:
        rules = self._facts.rules
        verdict = judged(command, rules, (), self._held())
        if verdict.refusal or verdict.limits is None:
            self._answer(f"limit not changed by {command.by}: {verdict.refusal}", now, is_refused=True)
            return
        path, file_value = verdict.name, shown(self._base, verdict.name)
        overrides = {name: one for name, one in self._overrides.items() if name != path}
        if verdict.new != file_value:
            overrides[path] = LimitOverride(
                name=path,
                value=verdict.new,
                file_value=file_value,
                by=command.by,
                reason=command.reason,
                at_us=now.utc_us,
            )
        self._replace(self._base, overrides, command.by, command.reason, now)

    def _reset(self, command: ResetLimits, now: Instant) -> None:
        path = path_of(command.name, command.market)
        kept = {name: one for name, one in self._overrides.items() if command.name and name != path}
        if command.name and path not in self._overrides:
            text = f"limits not reset by {command.by}: {path or 'nothing'} was not set at run time"
            self._answer(text, now, is_refused=True)
            return
        self._replace(self._base, kept, command.by, command.reason, now)

    def _reload(self, command: ReloadLimits, now: Instant) -> None:
        try:
            offered = RiskLimits.model_validate_json(command.limits)
        except ValidationError as error:
            text = f"limits not changed by {command.by}: {problem(error.errors(include_url=False)[0])}"
            self._answer(text, now, is_refused=True)
            return
        # Where the file was edited, it holds: whoever edited it saw what had been set.
        kept = {name: one for name, one in self._overrides.items() if shown(offered, name) == one.file_value}
        self._replace(offered, kept, command.by, "", now)

    def _replace(
        self, base: RiskLimits, overrides: dict[str, LimitOverride], by: str, reason: str, now: Instant
    ) -> None:
        limits = joined(base, overrides.values())
        if isinstance(limits, str):
            self._answer(f"limits not changed by {by}: {limits}", now, is_refused=True)
            return
        raised, held = raises(self._facts.risk.limits, limits), self._held()
        if raised and held:
            self._answer(f"limits not raised by {by} while {held}: {', '.join(raised)}", now, is_refused=True)
            return
        self._base, self._overrides = base, overrides
        self._change(limits, by, reason, now)

    def _change(self, limits: RiskLimits, by: str, reason: str, now: Instant) -> None:
        changed = differences(self._facts.risk.limits, limits)
        told = ", ".join(f"{name} {old} -> {new}" for name, old, new in changed) or "as they were"
        self._facts.rules = replace(self._facts.rules, fault="")
        self._take(limits)
        self._check_markets(now)
        because = f" ({reason})" if reason else ""
        self._answer(f"limits changed by {by}: {told}{because}", now)

    def _take(self, limits: RiskLimits) -> None:
        """From here on everybody reads these."""
        facts = self._facts
        if limits != facts.risk.limits:
            facts.risk = RiskManager(limits)
            facts.breakers = facts.breakers.aimed(limits.breaker_trips_to)
        facts.rules = replace(facts.rules, limits=limits, overrides=tuple(self._overrides.values()))
        self._remember()
        facts.changed(Urgency.NOW)

    def _remember(self) -> None:
        saved = {
            "base": self._base.model_dump(mode="json"),
            "overrides": [asdict(one) for one in self._overrides.values()],
        }
        text = json.dumps(saved)
        if self._facts.meta.get(_KEY) != text:
            self._facts.store(_KEY, text)

    def _drop_outdated(self, offered: RiskLimits, now: Instant) -> None:
        for name, one in tuple(self._overrides.items()):
            if (value := shown(offered, name)) != one.file_value:
                del self._overrides[name]
                self._tell(NoticeLevel.WARN, f"{name}: the file now says {value}, what {one.by} set is over", now)

    def _held(self) -> str:
        facts = self._facts
        tripped = (status for _, status in facts.breakers.tripped())
        return held_by(facts.standing.kill, facts.standing.kills, tripped)

    def _fail(self, fault: str, now: Instant) -> None:
        self._facts.rules = replace(
            self._facts.rules, fault=f"limits: {fault}", overrides=tuple(self._overrides.values())
        )
        self._tell(NoticeLevel.ALERT, f"nothing trades, limits: {fault}", now)
        self._facts.changed(Urgency.NOW)

    def _answer(self, text: str, now: Instant, *, is_refused: bool = False) -> None:
        rules = self._facts.rules
        self._facts.rules = replace(rules, answered=rules.answered + 1, answer=text, is_refused=is_refused)
        self._tell(NoticeLevel.WARN, text, now)
        self._facts.changed(Urgency.NOW)

    def _tell(self, level: NoticeLevel, text: str, now: Instant) -> None:
        self._facts.audit(_KIND, text, now)
        self._facts.tell(level, text, now, "risk")


def _decoded(text: str) -> tuple[RiskLimits, Iterable[LimitOverride]]:
    """What was remembered.

    Raises:
        ValueError, TypeError, KeyError: it is not what this version remembers.
    """
    saved = json.loads(text)
    overrides = [LimitOverride(**one) for one in saved["overrides"]]
    try:
        return RiskLimits.model_validate(saved["base"]), overrides
    except ValidationError:  # of a version with other limits: there is nothing to compare the file with
        return RiskLimits(), overrides
