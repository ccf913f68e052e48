"""Writes `docs/controls.md`: each control with its code, the tests that it acts, and its place on the desk.

`make docs` runs it; a test keeps the page in step, and fails when a named function or test does not exist.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.risk.reasons import REASONS
from tools.stopping_controls import ROWS

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "controls.md"
_CHECKS: Final = "core/risk/checks.py"
_CEILINGS: Final = "core/risk/ceilings.py"
_STANDING: Final = "core/risk/standing.py"
_TRIGGERS: Final = "core/risk/triggers.py"
_LIMIT_TESTS: Final = "tests/core/risk/test_checks.py"
_CONDUCT_TESTS: Final = "tests/core/risk/test_checks_conduct.py"
_WATCH_TESTS: Final = "tests/core/engine/test_watchman.py"
_FAULTY: Final = "tests/core/connectors/lighter/test_faulty_venue.py"
_SEQUENCES: Final = (
    "tests/core/risk/test_manager_sequences.py::test_no_sequence_of_orders_and_fills_adds_up_to_more_than_a_limit"
)
_GAUGE: Final = "limits pane"
_LOG: Final = "log, tasks pane"


@dataclass(frozen=True, slots=True)
class Control:
    """One row: `code` and `test` are `file::name`."""

    id: str
    name: str
    code: str
    test: str
    desk: str
    """Places of `PLACES`; empty for what has none."""
    fault: str = ""
    """A test of the same under faults, where one applies."""


PLACES: Final = {
    "breaker screen": "tui/screens/trip.py",
    "drill screen": "tui/screens/drill.py",
    "journal screen": "tui/screens/journal.py",
    "limit screen": "tui/screens/limit.py",
    "part screen": "tui/screens/part.py",
    "account pane": "tui/widgets/positions.py",
    "alerts": "tui/screens/alerts.py",
    "breakers pane": "tui/widgets/breakers.py",
    "header": "tui/widgets/header.py",
    "kill banner": "tui/widgets/kill_banner.py",
    "lighter-tui drill": "tui/commands/drill.py",
    "lighter-tui journal": "tui/commands/journal.py",
    "lighter-tui kill": "tui/commands/kill.py",
    "lighter-tui limits": "tui/commands/limits.py",
    "limits pane": "tui/widgets/limits.py",
    "log": "tui/widgets/log.py",
    "order map": "tui/widgets/order_map.py",
    "prices": "tui/widgets/prices.py",
    "re-arm screen": "tui/screens/rearm.py",
    "tasks pane": "tui/widgets/tasks.py",
}
"""What the operator calls it, and where it is painted."""


CONTROLS: Final = (
    Control("R1", "max order quantity", f"{_CEILINGS}::order_size", f"{_LIMIT_TESTS}::test_max_order_size", _LOG),
    Control(
        "R2",
        "max order notional, on mark or price, closed without a mark",
        f"{_CEILINGS}::order_notional",
        f"{_LIMIT_TESTS}::test_max_order_notional_takes_the_worse_of_mark_and_price",
        _LOG,
    ),
    Control(
        "R3",
        "price collar from the mark",
        f"{_CHECKS}::within_mark_collar",
        f"{_CONDUCT_TESTS}::test_a_buy_too_far_above_the_mark",
        _LOG,
    ),
    Control(
        "R3",
        "price collar from the book",
        f"{_CHECKS}::within_touch_collar",
        f"{_CONDUCT_TESTS}::test_the_touch_of_the_other_side",
        _LOG,
    ),
    Control(
        "R3",
        "price collar for resting far away (off until set)",
        f"{_CHECKS}::within_resting_collar",
        f"{_CONDUCT_TESTS}::test_resting_far_away_is_refused_where_that_is_set",
        _LOG,
    ),
    Control(
        "R3",
        "price collar over a window",
        f"{_CHECKS}::is_not_walking",
        f"{_CONDUCT_TESTS}::test_orders_that_walk_the_price_are_measured_from_where_it_was",
        _LOG,
    ),
    Control(
        "R4",
        "message rate with a reserve for cancels",
        f"{_CHECKS}::message_rate",
        f"{_CONDUCT_TESTS}::test_the_reserve_is_kept_for_cancels_and_what_shrinks",
        _GAUGE,
    ),
    Control(
        "R5",
        "repeated executions of a strategy, until a human lets it go on",
        f"{_TRIGGERS}::executions",
        f"{_WATCH_TESTS}::test_one_that_is_executed_again_and_again_is_stopped_alone",
        "breakers pane, limits pane",
    ),
    Control(
        "R6",
        "max position, worst case",
        f"{_CEILINGS}::position_notional",
        f"{_LIMIT_TESTS}::test_max_position_size_counts_position_and_everything_working_on_that_side",
        _GAUGE,
        _SEQUENCES,
    ),
    Control(
        "R6",
        "max gross, worst case",
        f"{_CEILINGS}::gross_notional",
        f"{_LIMIT_TESTS}::test_max_gross_sums_the_worst_case_of_every_market",
        _GAUGE,
        _SEQUENCES,
    ),
    Control(
        "R7",
        "max open orders",
        f"{_CEILINGS}::open_orders",
        f"{_LIMIT_TESTS}::test_max_open_orders_counts_only_orders_that_may_rest",
        _GAUGE,
        _SEQUENCES,
    ),
    Control(
        "R7",
        "unexecuted value",
        f"{_CEILINGS}::open_notional",
        f"{_CONDUCT_TESTS}::test_what_open_orders_still_want_is_limited_together",
        _GAUGE,
    ),
    Control(
        "R8",
        "margin headroom",
        f"{_CEILINGS}::margin_headroom",
        f"{_CONDUCT_TESTS}::test_margin_of_the_worst_case_must_fit_equity",
        _GAUGE,
    ),
    Control(
        "R8",
        "capital set aside",
        f"{_CEILINGS}::capital",
        f"{_CONDUCT_TESTS}::test_capital_set_aside_is_a_limit_whatever_the_equity",
        _GAUGE,
    ),
    Control(
        "R9",
        "daily loss",
        f"{_STANDING}::within_daily_loss",
        f"{_WATCH_TESTS}::test_the_days_loss_trips_everything_and_stays_over_a_restart",
        "limits pane, breakers pane",
    ),
    Control(
        "R9",
        "drawdown",
        f"{_STANDING}::within_drawdown",
        f"{_WATCH_TESTS}::test_a_drawdown_from_the_highest_equity_ever_trips",
        "limits pane, breakers pane",
    ),
    Control(
        "R10",
        "stale, broken or crossed book",
        f"{_CHECKS}::book_is_live",
        f"{_LIMIT_TESTS}::test_a_book_that_is_not_live_is_not_traded_on",
        "prices",
        f"{_FAULTY}::test_silence_is_stale_and_down_and_then_mended",
    ),
    Control(
        "R10",
        "mark and book far apart",
        f"{_CHECKS}::mark_is_reasonable",
        f"{_CONDUCT_TESTS}::test_a_mark_far_from_the_book_is_not_believed",
        _LOG,
    ),
    Control(
        "R11",
        "duplicate order",
        f"{_CHECKS}::is_no_duplicate",
        f"{_CONDUCT_TESTS}::test_the_same_order_of_the_same_origin_within_the_window",
        _LOG,
    ),
    Control(
        "R12",
        "self-trade, orders in flight included",
        f"{_CHECKS}::no_self_trade",
        f"{_WATCH_TESTS}::test_self_trades_are_denied_for_orders_that_are_still_on_their_way",
        _LOG,
        "tests/core/connectors/lighter/test_self_trade.py::test_a_taker_of_ours_goes_on_and_what_rested_in_its_way_ends",
    ),
    Control(
        "R13",
        "restricted markets",
        f"{_CHECKS}::market_is_allowed",
        f"{_CONDUCT_TESTS}::test_a_market_that_is_not_allowed_is_only_closed",
        _LOG,
    ),
    Control(
        "R14",
        "booked at send",
        "core/engine/working.py::note",
        f"{_WATCH_TESTS}::test_an_order_counts_as_exposure_from_the_moment_it_is_sent",
        _GAUGE,
    ),
    Control(
        "R15",
        "clock",
        f"{_STANDING}::clock_is_sane",
        f"{_WATCH_TESTS}::test_a_clock_that_is_wrong",
        "breakers pane",
        f"{_FAULTY}::test_a_venue_whose_clock_is_wrong_still_takes_orders_and_cancels",
    ),
    Control(
        "R15",
        "clock that nothing compares",
        f"{_STANDING}::clock_is_sane",
        f"{_WATCH_TESTS}::test_a_clock_that_nothing_compares_opens_no_position_after_a_minute",
        _LOG,
        "tests/core/connectors/lighter/test_skew.py::test_the_comparison_of_a_stream_that_died_ends",
    ),
    Control(
        "B1",
        "breakers per market, strategy and global, with their causes",
        f"{_TRIGGERS}::trips",
        "tests/core/risk/test_triggers.py::test_each_cause_trips_its_breaker_at_its_threshold_and_not_before",
        "breakers pane, breaker screen",
    ),
    Control(
        "B2",
        "re-armed by hand with a reason, or by cooldown with a notice",
        "core/engine/breakers.py::close",
        f"{_WATCH_TESTS}::test_it_closes_by_itself_where_that_was_chosen_and_says_so",
        "breakers pane, log",
    ),
    *(Control(id_, name, code, test, desk, fault) for id_, name, code, test, fault, desk in ROWS),
)


PROTECTIVE: Final = (
    "A bracket's take-profit and stop-loss are orders at the venue. They outlive this program, and whatever cancels",
    "all orders cancels them too: the kill switch, a kill of their market or strategy, the exit policies `cancel` and",
    "`flatten`, and the venue's dead-man's switch. Where a bought or sold size stays without them, an alert says so",
    "(`core/engine/brackets.py`, `tests/core/engine/test_brackets.py`); `flatten` closes it. With a dead-man's switch",
    "armed, each bracket is told so as it starts: after the machine died, positions stay open without stops once the",
    "switch fires. Who wants stops to survive the machine leaves `deadman` off; who wants no resting entry to survive",
    "it sets `engine.entry_expiry_s`, which does not touch exits. A restart leaves brackets where they are.",
)
"""What an operator must know of exits beside the dead-man's switch."""


SELF_TRADES: Final = (
    "Risk denies an order that could meet one of ours, those on their way included, unless `risk.self_trade` leaves it",
    "to the venue. There every order carries *expire maker, same account* (`core/connectors/lighter/signer.py`,",
    "`tests/core/connectors/lighter/test_self_trade.py`): the resting order ends, the newer one goes on, nothing is",
    "traded between them. A stop that fires is therefore never stopped by an entry of ours. Orders of other accounts",
    "of the same owner are not touched: to keep those apart is up to whoever runs both.",
)
"""What becomes of two orders of ours that meet."""


def page() -> str:
    """The whole page."""
    rows = [
        f"| {c.id} | {c.name} | `{c.code}` | `{c.test}` | {f'`{c.fault}`' if c.fault else '-'} | {c.desk or '-'} |"
        for c in CONTROLS
    ]
    codes = [f"| {reason.value} | {text} |" for reason, text in REASONS.items()]
    return "\n".join(
        [
            "# Controls: before an order, breakers, stopping, proving",
            "",
            "Written by `make docs` from the code; do not edit.",
            "",
            "| id | control | code | test that it refuses or acts | test under faults | on the desk |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            "## Why an order was denied",
            "",
            "| code | what it means |",
            "|---|---|",
            *codes,
            "",
            "## When two orders of ours meet",
            "",
            *SELF_TRADES,
            "",
            "## Protective stops and what cancels them",
            "",
            *PROTECTIVE,
            "",
        ]
    )


def main() -> None:
    """Write it."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
