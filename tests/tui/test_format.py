"""How values look, whatever the value: exact, of the width promised, harmless."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from core.clock import SECOND_NS, SECOND_US
from tui import format as look
from tui.format import Align

values = st.decimals(allow_nan=False, allow_infinity=False, min_value=Decimal("-1e15"), max_value=Decimal("1e15"))
positive = st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=Decimal("1e15"))
widths = st.integers(min_value=0, max_value=60)


@given(st.text(max_size=200), widths, st.sampled_from(Align))
def test_fit_is_exactly_as_wide_as_asked(text: str, width: int, align: Align):
    assert cell_len(look.fit(look.clean(text), width, align)) == width


@given(st.text(max_size=2_000))
def test_clean_leaves_nothing_a_terminal_obeys(text: str):
    cleaned = look.clean(text)
    assert all(letter.isprintable() or letter.isspace() for letter in cleaned)
    assert not set(cleaned) & set(map(chr, [*range(0x20), *range(0x7F, 0xA0), 0x202E, 0x2066, 0x200B, 0x2028]))
    assert len(cleaned) <= 1_000


@given(values, st.integers(min_value=0, max_value=8), st.integers(min_value=1, max_value=30))
def test_a_figure_is_shown_whole_or_not_at_all(value: Decimal, decimals: int, width: int):
    shown = look.fit_number(look.decimal(value, decimals), width)
    assert len(shown) == width
    assert shown == "#" * width or Decimal(shown.strip()) == Decimal(look.decimal(value, decimals))


@given(values, st.integers(min_value=0, max_value=8))
def test_decimals_have_no_exponent_no_minus_zero_and_the_right_value(value: Decimal, decimals: int):
    shown = look.decimal(value, decimals)
    assert "e" not in shown.lower()
    assert abs(Decimal(shown) - value) <= Decimal(1).scaleb(-decimals) / 2
    assert not (shown.startswith("-") and not Decimal(shown))


@given(values)
def test_a_gain_has_a_plus_and_a_loss_a_minus(value: Decimal):
    for shown in (look.signed(value, 2), look.signed_money(value)):
        number = Decimal(shown.replace(",", ""))
        assert shown.startswith("+") == (number > 0)
        assert shown.startswith("-") == (number < 0)


@given(positive, positive, st.integers(min_value=0, max_value=40))
def test_a_gauge_keeps_its_width_and_is_full_only_at_the_limit(used: Decimal, limit: Decimal, width: int):
    drawn = look.bar(used, limit, width)
    assert len(drawn) == width
    if width and limit:
        assert (drawn == "█" * width) == (used >= limit)


@given(positive, positive)
def test_hundred_percent_means_reached(used: Decimal, limit: Decimal):
    percent = look.percent_used(used, limit)
    if limit:
        assert (percent >= 100) == (used >= limit)
        assert (percent == 0) == (used == 0)


@given(values)
def test_trimmed_is_the_same_number(value: Decimal):
    assert Decimal(look.trimmed(value)) == value
    assert "e" not in look.trimmed(value).lower()


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (look.decimal(None, 2), "\u2013"),
        (look.decimal(Decimal("-0.001"), 2), "0.00"),
        (look.decimal(Decimal("1E+5"), 1), "100000.0"),
        (look.signed(Decimal("2.313"), 2), "+2.31"),
        (look.signed(Decimal(0), 2), "0.00"),
        (look.money(Decimal("1234567.891")), "1,234,567.89"),
        (look.signed_money(Decimal("-1234.5")), "-1,234.50"),
        (look.milliseconds(Decimal("3.14159")), "3.1 ms"),
        (look.milliseconds(None), "\u2013"),
        (look.seconds(-5), "0s"),
        (look.seconds(59 * SECOND_NS), "59s"),
        (look.seconds(60 * SECOND_NS), "1m"),
        (look.seconds(7_200 * SECOND_NS), "2h"),
        (look.seconds(10**25), "999d"),
        (look.utc(0), "\u2013"),
        (look.utc(1_790_000_000 * SECOND_US), "14:13:20"),
        (look.utc(1_790_000_000 * SECOND_US, 1_790_000_001 * SECOND_US), "14:13:20"),
        (look.utc(1_790_000_000 * SECOND_US, 1_790_100_000 * SECOND_US), "2026-09-21 14:13:20"),
        (look.trimmed(Decimal("1200.500")), "1200.5"),
        (look.trimmed(Decimal("1E+3")), "1000"),
        (look.trimmed(Decimal("0.00")), "0"),
        (look.fit("价格abc", 4), "价 …"),
        (look.fit("abc", 5, Align.RIGHT), "  abc"),
        (look.fit("abc", 0), ""),
        (look.spread_bps(Decimal("99.5"), Decimal("100.5")), Decimal(100)),
        (look.spread_bps(None, Decimal(1)), None),
        (look.spread_bps(Decimal(0), Decimal(0)), None),
    ],
)
def test_examples(shown: object, expected: object):
    assert shown == expected
