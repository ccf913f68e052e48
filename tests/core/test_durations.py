import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.durations import span_s, span_text


@given(st.integers(1, 10**8), st.sampled_from("smhd"))
def test_what_is_written_is_what_is_meant(count: int, unit: str) -> None:
    seconds = span_s(f"{count}{unit}")
    assert seconds == count * {"s": 1, "m": 60, "h": 3_600, "d": 86_400}[unit]
    assert span_s(span_text(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "0m", "-5m", "5 m", "1.5h", "5w", "5m5s", "\u0665m"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="such as 30m"):
        span_s(text)
