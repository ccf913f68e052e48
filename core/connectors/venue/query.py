"""One REST request as the venue reads it: typed parameters, and the refusals that unusable ones earn.

Pure; the endpoints are in `core.connectors.venue.rest` and its two rooms.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.views import Json, encode

NIL: Final = 255
"""As a market or key index: all of them."""
MAX_DIGITS: Final = 18
_OPEN_END: Final = 10**15


class BadRequest(Exception):
    """A parameter that cannot be used; `core.connectors.venue.rest` turns it into a refusal."""

    def __init__(self, name: str) -> None:
        """Name the parameter."""
        super().__init__(name)
        self.refusal: Final = Refusal(Code.INVALID_PARAM, f"invalid param : {name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One request: its query string or its form."""

    params: Mapping[str, str]
    token: str | None
    now_us: int

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number.

        Raises:
            BadRequest: it is missing and has no default, or is no number.
        """
        text = self.params.get(name)
        if text is None or not text:
            if default is None:
                raise BadRequest(name)
            return default
        if not is_number(text):
            raise BadRequest(name)
        return int(text)

    def numbers(self, name: str) -> list[int]:
        """A list of whole numbers, as `1,2`, `[1,2]` or nothing.

        Raises:
            BadRequest: an element is no number.
        """
        text = self.params.get(name, "").removeprefix("[").removesuffix("]")
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if not all(is_number(part) for part in parts):
            raise BadRequest(name)
        return [int(part) for part in parts]

    def limit(self, most: int) -> int:
        """How many rows, 1 to `most`.

        Raises:
            BadRequest: it is missing or outside.
        """
        found = self.number("limit")
        if not 1 <= found <= most:
            raise BadRequest("limit")
        return found

    def choice(self, name: str, allowed: frozenset[str], default: str | None = None) -> str:
        """One of a few words.

        Raises:
            BadRequest: it is another, or is missing and has no default.
        """
        found = self.params.get(name) or default
        if found is None or found not in allowed:
            raise BadRequest(name)
        return found

    def flag(self, name: str) -> bool:
        """A truth, as any language spells it: the vendor's SDK sends `True`.

        Raises:
            BadRequest: it is missing, or is no truth.
        """
        word = self.params.get(name, "").lower()
        if word not in {"true", "false", "1", "0"}:
            raise BadRequest(name)
        return word in {"true", "1"}

    def period(self, *, is_open: bool) -> tuple[int, int]:
        """`start_timestamp` and `end_timestamp` in milliseconds, which may be missing when it `is_open`.

        Raises:
            BadRequest: one is missing or is no number.
        """
        first, last = (0, _OPEN_END) if is_open else (None, None)
        return self.number("start_timestamp", first), self.number("end_timestamp", last)


Answer: TypeAlias = Json | Refusal
Route: TypeAlias = Callable[[Query], Answer]


def is_number(text: str) -> bool:
    """Whether a parameter is a whole number of a length that any field of the venue has."""
    return text.isascii() and text.removeprefix("-").isdigit() and len(text) <= MAX_DIGITS


def refused(refusal: Refusal) -> tuple[int, bytes]:
    """Status and body of a refusal."""
    return refusal.http_status, encode({"code": int(refusal.code), "message": refusal.message})


def cursor(value: int | None) -> Json:
    """`next_cursor`, when there is another page."""
    return {} if value is None else {"next_cursor": str(value)}
