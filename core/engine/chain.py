"""The hash chain of the journal's log: each row's digest covers the row and the digest before it. Knows no table.

Whoever changes, removes or inserts a row would have to change the digest of every row after it, and of the newest one
in all the places where that is kept. The chain makes changes show; it does not prevent them.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec

GENESIS: Final = bytes(32)
"""What stands before the first row."""

LogColumns = tuple[int, int, str, int, int | None, int | None, int | None, str, int | None]
"""seq, at_us, kind, world, client_id, venue_id, market_id, origin, ref: a row without its body and digest."""

_ENCODER: Final = msgspec.json.Encoder()


def link(before: bytes, columns: LogColumns, body: str) -> bytes:
    """The digest of a row as it is stored.

    SHA-256 over the digest before, the row's columns as one line of JSON, a newline, and its body.
    """
    return sha256(before + _ENCODER.encode(columns) + b"\n" + body.encode()).digest()


def link_all(before: bytes, log: Sequence[LogColumns], told: Sequence[object]) -> tuple[list[object], bytes]:
    """New rows: their values one after another as they are stored, and the digest of the last.

    `told` holds what becomes the body of each, as JSON. Rows are encoded all at once: JSON never holds a newline, so
    the lines are the very bytes that `link` covers.
    """
    stored: list[object] = []
    columns, bodies = _ENCODER.encode_lines(log).split(b"\n"), _ENCODER.encode_lines(told).split(b"\n")
    digest = before
    for row, line, body in zip(log, columns, bodies, strict=False):  # nothing follows the last newline
        digest = sha256(b"%b%b\n%b" % (digest, line, body)).digest()
        stored += row
        stored.append(body.decode())
        stored.append(digest)
    return stored, digest
