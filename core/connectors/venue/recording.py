"""Recorded sessions: an append-only file of compressed members, each with its length and checksum.

A member that was torn by a crash or a full disk ends the reading, and is cut off before anything is appended.
"""

import zlib
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import IO, Final

import msgspec

from core.errors import ConfigError

MAGIC: Final = b"LTREC01\n"
FLUSH_BYTES: Final = 256 * 1024
_HEAD: Final = 8
"""Four bytes of length, four of CRC-32, both big-endian."""
_MAX_MEMBER: Final = 16 * 1024 * 1024
_MAX_CHUNK: Final = 64 * 1024 * 1024


class Kind(Enum):
    """What a line is."""

    FRAME = "frame"
    REPLY = "reply"


class Line(msgspec.Struct, frozen=True, array_like=True):
    """One message as it came."""

    time_us: int
    """Unix microseconds at which it was received."""
    kind: Kind
    about: str
    """Path of a reply; empty for a frame."""
    body: str


class Recorder:
    """Writes one recording."""

    def __init__(self, file: Path) -> None:
        """Open or create; a torn tail is cut off, what is whole stays.

        Raises:
            ConfigError: the file cannot be written, or is something else.
        """
        try:
            self._file: IO[bytes] = file.open("r+b" if file.exists() else "x+b")
        except OSError as error:
            raise ConfigError(f"{file}: cannot be written: {error.strerror}") from None
        self._lines: list[bytes] = []
        self._bytes = 0
        self.count = 0
        """Lines taken."""
        try:
            self._file.truncate(_whole(self._file, file))
        except ConfigError:
            self._file.close()
            raise
        if self._file.seek(0, 2) == 0:
            self._file.write(MAGIC)
            self._file.flush()

    def add(self, line: Line) -> None:
        """Take a line; it is on its way to the disk after the next `flush` at the latest."""
        encoded = msgspec.json.encode(line)
        self._lines.append(encoded)
        self._bytes += len(encoded)
        self.count += 1
        if self._bytes >= FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what was taken as one member.

        Raises:
            OSError: the disk did not take it.
        """
        if not self._lines:
            return
        packed = zlib.compress(b"\n".join(self._lines), 6)
        self._lines, self._bytes = [], 0
        self._file.write(len(packed).to_bytes(4, "big") + zlib.crc32(packed).to_bytes(4, "big") + packed)
        self._file.flush()

    def close(self) -> None:
        """Flush and close; idempotent."""
        if not self._file.closed:
            try:
                self.flush()
            finally:
                self._file.close()


def read(file: Path) -> Iterator[Line]:
    """Every line of every whole member, in order.

    Raises:
        ConfigError: the file cannot be read, or is no recording.
    """
    try:
        with file.open("rb") as opened:
            members = _members(opened) if _check_magic(opened, file) else ()
            for _, packed in members:
                for line in _unpacked(packed).split(b"\n"):
                    try:
                        yield msgspec.json.decode(line, type=Line)
                    except msgspec.DecodeError:
                        raise ConfigError(f"{file}: holds a line that is no recording") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None


def _check_magic(opened: IO[bytes], file: Path) -> bool:
    """Whether the head is whole; one that was torn is no error."""
    head = opened.read(len(MAGIC))
    if not MAGIC.startswith(head):
        raise ConfigError(f"{file}: is no recording of lighter-tui")
    return head == MAGIC


def _whole(opened: IO[bytes], file: Path) -> int:
    """Length of what is whole."""
    if not _check_magic(opened, file):
        return 0
    return max((end for end, _ in _members(opened)), default=len(MAGIC))


def _members(opened: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Whole members with the place each ends at."""
    while True:
        head = opened.read(_HEAD)
        length = int.from_bytes(head[:4], "big")
        if len(head) < _HEAD or not 0 < length <= _MAX_MEMBER:
            return
        packed = opened.read(length)
        if len(packed) < length or zlib.crc32(packed) != int.from_bytes(head[4:], "big"):
            return
        yield opened.tell(), packed


def _unpacked(packed: bytes) -> bytes:
    return zlib.decompressobj().decompress(packed, _MAX_CHUNK)
