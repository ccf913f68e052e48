"""What is wrong with a setting, in one line: the field, what was expected, and what came unless it may be a secret."""

from typing import Final

from pydantic import BaseModel
from pydantic_core import ErrorDetails

_MAX_SHOWN: Final = 60

_PATTERNS: Final = {
    "url": "an address such as https://host or http://127.0.0.1:8080",
    "ws_url": "an address such as wss://host/stream",
    "profile": "a name of lower-case letters, digits, '-' and '_'",
    "markets": "a market's symbol such as ETH",
    "load": "a module and a name in it, such as my_bot:Maker",
}


def problem(detail: ErrorDetails) -> str:
    """One problem that a model found, without a line of its own around it."""
    field = ".".join(str(part) for part in detail["loc"]) or "configuration"
    expected = detail["msg"].removeprefix("Value error, ")
    rest = expected.removeprefix("Input should be ")
    if rest != expected:
        expected = f"expected {rest}" if rest.startswith(("a ", "an ", "'")) else f"expected a value {rest}"
    if detail["type"] == "string_pattern_mismatch":
        name = next((str(part) for part in reversed(detail["loc"]) if str(part) in _PATTERNS), "markets")
        expected = f"expected {_PATTERNS[name]}"
    if detail["type"] == "extra_forbidden":
        return f"{field}: no such setting; remove it or correct its name"
    if detail["type"] == "missing":
        return f"{field}: expected a value, found none"
    if "key" in field.lower() or isinstance(detail["input"], dict | BaseModel):  # may hold a secret
        return f"{field}: {expected}"
    came = repr(detail["input"])
    return f"{field}: {expected}, got {came if len(came) <= _MAX_SHOWN else came[: _MAX_SHOWN - 1] + '…'}"
