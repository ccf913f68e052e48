"""The rows of `docs/controls.md` on stopping and proving: kill switch, dead-man's switch, records, conformance."""

from typing import Final

_ENGINE: Final = "tests/core/engine"
_SWEEP: Final = f"{_ENGINE}/test_sweep.py"
_KILL_FAULTS: Final = (
    f"{_ENGINE}/test_kill_faults.py::test_a_kill_under_faults_ends_with_nothing_open_and_is_never_confirmed_early"
)
_CRASH: Final = "tests/crash/test_faults.py::test_after_the_fault_both_sides_agree"
_INTERLEAVED: Final = f"{_ENGINE}/test_kill_interleavings.py::test_no_interleaving_lets_an_order_out_or_confirms_early"
_WALKED_AROUND: Final = "tests/e2e/test_kill_channels.py::test_an_engine_that_hangs_is_walked_around"
_COPY: Final = "tests/core/connectors/lighter/test_drop_copy.py"
_BANNER: Final = "kill banner"

ROWS: Final = (
    ("K1", "new orders are blocked first, at the last instruction before the wire", "core/engine/halt.py::press",
     f"{_ENGINE}/test_kill_races.py::test_a_press_at_the_very_last_instruction_still_stops_the_order", _INTERLEAVED,
     _BANNER),
    ("K2", "all, one market or one strategy", "core/engine/part_kill.py::press",
     f"{_ENGINE}/test_part_kill.py::test_it_stays_blocked_and_the_others_trade",
     f"{_ENGINE}/test_part_kill.py::test_a_refused_cancel_all_fails_and_is_repeated_then_joined_by_single_cancels",
     f"{_BANNER}, part screen"),
    ("K3", "orders that nobody here knows are cancelled too", "core/engine/sweep.py::on_list",
     f"{_SWEEP}::test_an_order_that_appears_while_killed_is_cancelled_too", _KILL_FAULTS, f"{_BANNER}, order map"),
    ("K4", "creates in flight hold confirmation back", "core/engine/sweep.py::tick",
     f"{_SWEEP}::test_an_order_on_its_way_holds_confirmation_back", _KILL_FAULTS, _BANNER),
    ("K5", "flatten: reduce-only, through the gate, capped and sliced", "core/engine/flatten.py::tick",
     f"{_ENGINE}/test_flatten.py::test_a_slice_is_reduce_only_immediate_and_capped_from_the_mark",
     f"{_ENGINE}/test_flatten.py::test_the_position_only_ever_shrinks_to_zero_whatever_fills", "part screen"),
    ("K6", "confirmed only by the venue's empty list", "core/engine/sweep.py::is_confirmed",
     f"{_SWEEP}::test_an_answer_alone_confirms_nothing", _KILL_FAULTS, _BANNER),
    ("K7", "latched over restarts until re-armed with a word and a reason", "core/engine/kill.py::rearm",
     f"{_ENGINE}/test_kill.py::test_only_with_a_reason",
     f"{_ENGINE}/test_kill.py::test_a_killed_bot_starts_killed_and_sweeps_again", "re-arm screen"),
    ("K8", "without the screen, the main thread or the engine", "core/connectors/lighter/direct_kill.py::run",
     "tests/tui/test_kill_signal.py::test_it_kills_while_the_main_thread_is_stuck_in_foreign_code", _WALKED_AROUND,
     "lighter-tui kill"),
    ("K9", "measured from the press", "core/state.py::sent_ms", f"{_SWEEP}::test_milliseconds_count_from_the_press",
     f"{_ENGINE}/test_kill_races.py::test_what_is_told_of_a_kill_is_measured_from_the_press_to_the_bytes",
     f"{_BANNER}, lighter-tui drill"),
    ("K10", "a drill on the paper venue", "tui/commands/drill.py::run",
     "tests/tui/commands/test_drill.py::test_every_round_is_confirmed_measured_and_recorded",
     "tests/tui/commands/test_drill.py::test_under_faults_that_pass_every_round_is_confirmed",
     "lighter-tui drill, drill screen"),
    ("D1", "dead-man's switch: armed, renewed, read back, disarmed last", "core/engine/deadman.py::tick",
     f"{_ENGINE}/test_deadman.py::test_too_long_without_a_proven_renewal_halts_until_there_is_one",
     f"{_ENGINE}/test_deadman.py::test_a_reply_that_was_lost_counts_when_the_account_shows_it", "header"),
    ("D2", "what becomes of protective stops is said as they begin", "core/engine/brackets.py::place",
     f"{_ENGINE}/test_brackets.py::test_with_a_dead_mans_switch_its_end_is_foretold",
     f"{_ENGINE}/test_brackets.py::test_a_position_whose_exits_vanish_is_said_aloud", "log"),
    ("A1", "each order names its plan, strategy or operator", "core/engine/entries.py::command_entry",
     f"{_ENGINE}/test_entries.py::test_a_command_names_its_order_and_whoever_wanted_it", "", "tasks pane"),
    ("A2", "every wish, denial, outcome and limit change is in a chained log", "core/engine/verify.py::verify",
     f"{_ENGINE}/test_entries.py::test_every_command_is_journalled_with_all_its_fields",
     f"{_ENGINE}/test_verify.py::test_the_first_thing_that_is_wrong_is_named", "journal screen, lighter-tui journal"),
    ("A3", "drop copy: a second private stream compared with the first",
     "core/connectors/lighter/drop_copy.py::overdue",
     f"{_COPY}::test_exactly_what_one_told_and_the_other_did_not_is_overdue",
     f"{_COPY}::test_a_fill_only_the_copy_tells_of_is_an_alert_and_comes_from_rest",
     "alerts"),
    ("A4", "orders, fills and positions compared with the venue's", "core/engine/reconciling.py::on_list",
     f"{_ENGINE}/test_reconciling.py::test_a_position_that_differs_does_until_the_venue_confirms_it", _CRASH, "header"),
    ("A4", "collateral compared with what our fills, fees and funding make of it",
     "core/engine/settlement.py::tick",
     f"{_ENGINE}/test_settlement.py::test_money_that_moves_by_itself_is_shown_at_once_and_said_once_when_it_lasts",
     f"{_ENGINE}/test_settlement.py::test_news_that_comes_late_is_no_alert", "account pane, alerts"),
    ("A5", "alerts at once, kept until acknowledged", "tui/alerts.py::take",
     "tests/tui/test_alerts.py::test_each_alert_counts_once_until_it_is_acknowledged", "", "alerts"),
    ("A6", "limits at run time: checked as a whole, journalled, no raise while killed or tripped",
     "core/engine/limiting.py::wish",
     f"{_ENGINE}/test_limiting.py::test_nothing_is_raised_while_killed_and_lowering_is_allowed",
     f"{_ENGINE}/test_limiting.py::test_what_cannot_be_read_halts_until_reset",
     "lighter-tui limits, limits pane, limit screen"),
    ("A7", "files of their owner alone, no secret in any word", "core/engine/journal_file.py::open_files",
     f"{_ENGINE}/test_journal.py::test_files_are_readable_by_their_owner_alone",
     "tests/core/connectors/lighter/test_secrets.py::test_no_secret_is_told_or_logged_at_any_level_in_any_trouble", ""),
    ("T1", "the vendor's own client against our venue", "core/connectors/venue/simulation.py::send",
     "tests/conformance/test_sdk_orders.py::test_conditional_orders_of_every_kind", _CRASH, ""),
)  # fmt: skip
"""Id, control, code, test that it acts, test under faults, places on the desk."""
