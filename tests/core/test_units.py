from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.units import floor_to, from_units, is_on_grid, parse_decimal, round_to, to_units, unit

decimals = st.integers(min_value=0, max_value=8)
counts = st.integers(min_value=0, max_value=2**48 - 1)


@given(count=counts, places=decimals)
def test_units_survive_the_way_there_and_back(count, places):
    value = from_units(count, places)
    assert to_units(value, places) == count
    assert is_on_grid(value, places)
    assert -value.as_tuple().exponent == places


@given(value=st.decimals(min_value=0, max_value=10**9, places=9), places=decimals)
def test_off_grid_is_refused_never_rounded(value, places):
    if is_on_grid(value, places):
        assert from_units(to_units(value, places), places) == value
    else:
        with pytest.raises(ValueError, match="not a multiple"):
            to_units(value, places)


@pytest.mark.parametrize("text", ["100.00000000000000000000000000000000001", "0.0100000000000000000000000000000001"])
def test_more_digits_than_the_default_context_holds_are_not_rounded_onto_the_grid(text):
    assert not is_on_grid(Decimal(text), 2)
    with pytest.raises(ValueError, match="not a multiple"):
        to_units(Decimal(text), 2)


@given(value=st.decimals(min_value=-(10**9), max_value=10**9, places=9), places=decimals)
def test_floor_goes_towards_zero_and_round_to_the_nearest(value, places):
    assert abs(floor_to(value, places)) <= abs(value)
    assert abs(value - floor_to(value, places)) < unit(places)
    assert abs(value - round_to(value, places)) <= unit(places) / 2
    assert is_on_grid(floor_to(value, places), places)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1914.25", "1914.25"), (" 1000 ", "1000"), (".5", "0.5"), ("5.", "5"), ("0.10", "0.10"), ("+3", "3")],
)
def test_a_number_is_read_as_typed(text, value):
    assert str(parse_decimal(text, "size")) == value


@pytest.mark.parametrize(
    "text", ["", "  ", "x", "1,5", "1e5", "NaN", "Infinity", "-1", "0", "0.000", "1.2.3", "١٢", "9" * 41, "--1", "0x10"]
)
def test_anything_else_is_one_sentence(text):
    with pytest.raises(ValueError, match=r"^price: expected a number") as caught:
        parse_decimal(text, "price")
    assert len(str(caught.value)) < 120
    assert "\n" not in str(caught.value)
