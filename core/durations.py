"""Spans of time as an operator writes them: `90s`, `5m`, `12h`, `15d`. Pure."""

import re
from typing import Final

_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SPAN: Final = re.compile(r"([1-9][0-9]{0,8})([smhd])")


def span_s(text: str) -> int:
    """Seconds of a span such as `5m`.

    Raises:
        ValueError: it is not a whole number and one of s, m, h, d.
    """
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError("expected a whole number and one of s, m, h, d, such as 30m")
    return int(found[1]) * _SECONDS[found[2]]


def span_text(seconds: int) -> str:
    """The same in the largest unit that leaves no rest: 300 is `5m`."""
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"
