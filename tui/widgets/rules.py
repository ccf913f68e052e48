"""Every risk limit with what it is set to, and who set it where that is not the file."""

from dataclasses import dataclass
from typing import Final

from core.limit_changes import market_names, names, path_of, shown
from core.state import LimitOverride, LimitsInForce, LimitUse
from tui.view import View
from tui.widgets.grid import Column, Grid, Spec
from tui.widgets.lines import Span, Tone
from tui.widgets.seen import Seen


@dataclass(frozen=True, slots=True)
class RuleName:
    """One limit: its name, and the symbol of the market whose own it is; empty for what holds for all."""

    name: str
    market: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """One limit, as painted."""

    rule: RuleName
    value: str
    override: LimitOverride | None = None


def rule_rows(rules: LimitsInForce | None) -> list[RuleRow]:
    """What holds for all first, then what markets have of their own."""
    if rules is None:
        return []
    known = [RuleName(name) for name in names()]
    known += [RuleName(name, market) for market in sorted(rules.limits.markets) for name in market_names()]
    overrides = {one.name: one for one in rules.overrides}
    rows = []
    for rule in known:
        path = path_of(rule.name, rule.market)
        value = shown(rules.limits, path)
        if not rule.market or value != "off":
            rows.append(RuleRow(rule=rule, value=value, override=overrides.get(path)))
    return rows


def rule_of(use: LimitUse, rules: LimitsInForce | None) -> RuleName:
    """The limit that a gauge is about: the market's own where it has one, else what holds for all."""
    own = None if rules is None else rules.limits.markets.get(use.scope)
    is_own = own is not None and getattr(own, use.name, None) is not None
    return RuleName(use.name, use.scope if is_own or use.name not in names() else "")


def _name(row: RuleRow) -> Span:
    return Span(f"{row.rule.market} {row.rule.name}".strip())


def _origin(row: RuleRow) -> Span:
    own = row.override
    if own is None:
        return Span("file", Tone.DIM)
    return Span(f"{own.by} (file {own.file_value})", Tone.ARMED)


COLUMNS: Final[tuple[Column[RuleRow], ...]] = (
    Column(heading="LIMIT", render=_name, width=27, narrow=24),
    Column(
        heading="VALUE", render=lambda r: Span(r.value, Tone.DIM if r.value == "off" else Tone.STRONG), width=10, rank=1
    ),
    Column(heading="SET BY", render=_origin, width=12, narrow=6, rank=2, is_flexible=True),
)


class RulesPane(Grid[RuleRow]):
    """The grid of every limit."""

    def __init__(self) -> None:
        spec = Spec(title="every limit", columns=COLUMNS, key=lambda row: row.rule, empty="no limit yet")
        super().__init__(spec, id="rules")
        self._seen = Seen()

    def show(self, view: View) -> None:
        """Paint what changed."""
        rules = view.state.rules
        if self._seen.is_new(rules):
            changed = 0 if rules is None else len(rules.overrides)
            self.note = f"{changed} set at run time; enter edits" if changed else "enter edits"
            self.set_items(rule_rows(rules))

    @property
    def rule(self) -> RuleName | None:
        """The limit the cursor is on."""
        row = self.selected
        return None if row is None else row.rule
