from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import SECOND_NS
from core.limits import RiskLimits
from core.model import OPERATOR, Origin, OriginKind
from core.risk import Habits
from tests.support.risk_world import ETH_ID, SOL_ID, intent

LIMITS = RiskLimits()
MAKER = Origin(OriginKind.STRATEGY, "maker")
MARK = Decimal(2_000)


@pytest.fixture
def habits() -> Habits:
    return Habits()


def seen(habits, now_ns=0):
    return habits.conduct(LIMITS, now_ns, is_frozen=False)


def test_everything_sent_counts_for_all_and_for_its_strategy(habits):
    habits.on_order(intent(), MAKER, MARK, 0)
    habits.on_message(MAKER, 1)
    habits.on_message(OPERATOR, 2)
    conduct = seen(habits)
    assert conduct.messages == 3
    assert conduct.by_strategy["maker"] == 2


def test_what_is_older_than_its_window_is_forgotten_and_leaves_nothing_behind(habits):
    for number in range(50):
        habits.on_order(intent(), MAKER, MARK, number)
        habits.on_fill(MAKER, number)
        habits.on_denied(MAKER, number)
    conduct = seen(habits, 61 * SECOND_NS)
    assert (conduct.messages, dict(conduct.by_strategy), dict(conduct.fills)) == (0, {}, {})
    assert (dict(conduct.recent), dict(conduct.marks), dict(habits.denials)) == ({}, {}, {})


def test_marks_span_the_orders_still_within_the_window(habits):
    habits.on_order(intent(), OPERATOR, Decimal(1_900), 0)
    habits.on_order(intent(), OPERATOR, Decimal(2_100), 30 * SECOND_NS)
    habits.on_order(intent(), OPERATOR, Decimal(2_000), 40 * SECOND_NS)
    assert seen(habits, 50 * SECOND_NS).marks[ETH_ID] == (1_900, 2_100)
    assert seen(habits, 61 * SECOND_NS).marks[ETH_ID] == (2_000, 2_100)


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(1, 6), st.sampled_from([ETH_ID, SOL_ID]), st.booleans()), max_size=40
    )
)
def test_marks_are_the_extremes_of_exactly_the_orders_within_the_window(steps) -> None:
    habits, now_s, sent = Habits(), 0, []
    for pause_s, mark, market_id, is_looked_at in steps:
        now_s += pause_s
        habits.on_order(intent(market_id=market_id), OPERATOR, Decimal(mark), now_s * SECOND_NS)
        sent.append((now_s, market_id, mark))
        if is_looked_at:
            within = [(known, value) for at_s, known, value in sent if at_s >= now_s - LIMITS.walk_window_s]
            marks: dict[object, list[int]] = {}
            for known, value in within:
                marks.setdefault(known, []).append(value)
            expected = {known: (min(values), max(values)) for known, values in marks.items()}
            assert dict(seen(habits, now_s * SECOND_NS).marks) == expected


class Compared(Decimal):
    """A mark that counts how often it is compared."""

    times = 0

    def __le__(self, other: object) -> bool:
        Compared.times += 1
        return super().__le__(other)

    def __ge__(self, other: object) -> bool:
        Compared.times += 1
        return super().__ge__(other)

    def __lt__(self, other: object) -> bool:
        Compared.times += 1
        return super().__lt__(other)

    def __gt__(self, other: object) -> bool:
        Compared.times += 1
        return super().__gt__(other)


def test_an_order_that_leaves_the_window_does_not_have_all_others_looked_at_again(habits, monkeypatch):
    monkeypatch.setattr(Compared, "times", 0)
    count = 2_000
    for number in range(count):  # two looks for each: while the window fills, and while it empties
        habits.on_order(intent(), OPERATOR, Compared(number * 7919 % 1_000), number * SECOND_NS // 20)
        seen(habits, number * SECOND_NS // 20)
    for number in range(count):
        seen(habits, LIMITS.walk_window_s * SECOND_NS + number * SECOND_NS // 20)
    assert Compared.times <= 4 * count


def test_only_the_duplicate_window_is_remembered_order_by_order(habits):
    habits.on_order(intent(), OPERATOR, MARK, 0)
    habits.on_order(intent(size="2.0000"), OPERATOR, MARK, 400_000_000)
    assert len(seen(habits, 500_000_000).recent[ETH_ID]) == 2
    assert len(seen(habits, 500_000_001).recent[ETH_ID]) == 1
    assert ETH_ID not in seen(habits, 2 * SECOND_NS).recent


def test_only_executions_of_strategies_count_until_a_human_pardons(habits):
    habits.on_fill(OPERATOR, 0)
    habits.on_fill(MAKER, 0)
    habits.on_fill(Origin(OriginKind.STRATEGY, "other"), 0)
    assert dict(seen(habits).fills) == {"maker": 1, "other": 1}
    habits.pardon("maker")
    assert dict(seen(habits).fills) == {"other": 1}


def test_a_frozen_copy_does_not_change_under_its_reader(habits):
    frozen = habits.conduct(LIMITS, 0, is_frozen=True)
    habits.on_order(intent(), MAKER, MARK, 0)
    habits.on_fill(MAKER, 0)
    assert (dict(frozen.by_strategy), dict(frozen.fills), dict(frozen.recent), dict(frozen.marks)) == ({}, {}, {}, {})
