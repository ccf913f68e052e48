"""The newest row of the journal's log, written down beside the journal: a journal that was cut short shows by it.

SQLite makes a commit durable before this file hears of it, so the file may lag behind the journal but never be ahead.
"""

import os
from pathlib import Path
from typing import Final

SUFFIX: Final = ".head"
_SIZE: Final = 20 + 1 + 64 + 1


class HeadFile:
    """Where the newest row's number and digest are kept."""

    def __init__(self, journal: Path) -> None:
        """Open or create it, readable by its owner alone.

        Raises:
            OSError: it cannot be.
        """
        self._file = os.open(path_of(journal), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def write(self, seq: int, digest: bytes) -> None:
        """Note a row whose commit is durable.

        Raises:
            OSError: it cannot be written.
        """
        os.pwrite(self._file, f"{seq:020d} {digest.hex()}\n".encode(), 0)

    def close(self) -> None:
        """Let go of it."""
        os.close(self._file)


def path_of(journal: Path) -> Path:
    """The head file of a journal."""
    return journal.with_name(journal.name + SUFFIX)


def read_head(journal: Path) -> tuple[int, bytes] | None:
    """The newest row ever noted: its number and digest; None when nothing readable is there.

    Raises:
        OSError: it is there and cannot be read.
    """
    try:
        text = path_of(journal).read_bytes()
    except FileNotFoundError:
        return None
    number, _, digest = text.decode("ascii", "replace").strip().partition(" ")
    if len(text) != _SIZE or not number.isdecimal() or len(digest) != 64:
        return None
    try:
        return int(number), bytes.fromhex(digest)
    except ValueError:
        return None
