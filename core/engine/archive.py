"""Checking an archive: rows of the log that retention moved to a file beside the journal. Reads; never writes.

An archive is what `journal_reader.archive_lines` gives: one row a line, with all that its digest covers.
"""

import re
from pathlib import Path
from typing import Final

import msgspec

from core.engine.chain import GENESIS, link
from core.engine.verify import Verdict

SUFFIX: Final = ".jsonl"
_NAMED: Final = re.compile(r"(.*)-(\d{12})-(\d{12})\.jsonl")


class _Line(msgspec.Struct, gc=False):
    """One row as it was archived; the world's name is beside its number, and no digest covers it."""

    seq: int
    at_us: int
    kind: str
    client_id: int | None
    venue_id: int | None
    market_id: int | None
    origin: str
    body: msgspec.Raw
    world_id: int
    ref: int | None
    digest: str

    def link(self, before: bytes) -> bytes:
        """The digest that follows from this row and the one before."""
        ids = (self.client_id, self.venue_id, self.market_id, self.origin, self.ref)
        return link(before, (self.seq, self.at_us, self.kind, self.world_id, *ids), bytes(self.body).decode())


_read: Final = msgspec.json.Decoder(_Line).decode


def verify_archive(path: Path) -> Verdict:
    """Check that every row follows from the one before, and that as many are there as the file's name says.

    The first row follows from the last of the archive before, if that is in the same folder; otherwise it is taken as
    it is, and `Verdict.is_joined` is False. The anchor that the journal holds carries the last digest on.
    """
    try:
        return _verdict(path)
    except OSError as error:
        return Verdict(fault=f"it cannot be read: {error.strerror}")
    except (msgspec.MsgspecError, ValueError) as error:
        return Verdict(fault=f"expected an archive of a journal, a row as JSON on every line, got: {error}")


def _verdict(path: Path) -> Verdict:
    fault: str | None = None
    first = last = 0
    digest: bytes | None = None
    is_joined = True
    with path.open("rb") as file:
        for text in file:
            line = _read(text)
            if not first:
                first, digest = line.seq, _digest_before(path, line.seq)
                is_joined = digest is not None
            elif line.seq != last + 1:
                fault = f"row {last + 1} is missing: row {line.seq} follows row {last}"
            told = bytes.fromhex(line.digest)
            if fault is None and digest is not None and line.link(digest) != told:
                fault = f"row {line.seq} was changed: its digest does not follow from its content and the row before"
            if fault is not None:
                break
            last, digest = line.seq, told
    head = digest.hex() if digest is not None else ""
    return Verdict(
        fault=fault or _wrong_range(path, first, last), first=first, last=last, head=head, is_joined=is_joined
    )


def _wrong_range(path: Path, first: int, last: int) -> str | None:
    """What is missing at either end, by the name that the file was given."""
    named = _NAMED.fullmatch(path.name)
    if named is None:
        return None if last else "it holds no row"
    expected = int(named[2]), int(named[3])
    if (first, last) == expected:
        return None
    return f"expected rows {expected[0]} to {expected[1]} by its name, got {f'{first} to {last}' if last else 'none'}"


def _digest_before(path: Path, first: int) -> bytes | None:
    """Digest of the row before the first: of the archive before, when it is in the same folder."""
    if first == 1:
        return GENESIS
    named = _NAMED.fullmatch(path.name)
    if named is None:
        return None
    for other in path.parent.glob(f"*-{first - 1:012}{SUFFIX}"):
        found = _NAMED.fullmatch(other.name)
        if found is not None and found[1] == named[1]:
            *_, text = other.read_bytes().splitlines()
            return bytes.fromhex(_read(text).digest)
    return None
