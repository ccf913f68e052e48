"""The log of a run: held back until the configuration has said where it is written, since the screen comes first."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import ConfigError


class HeldLog(logging.Handler):
    """Keeps what is logged before the configuration says where the log is; the screen must never show it."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.records.append(record)


@contextmanager
def held_log() -> Iterator[HeldLog]:
    """Hold back what is logged inside this block, until a log file takes it."""
    held = HeldLog()
    root = logging.getLogger()
    root.addHandler(held)
    try:
        yield held
    finally:
        root.removeHandler(held)


@contextmanager
def log_to(file: Path, held: HeldLog) -> Iterator[None]:
    """The log of this run: every warning, our own information, never a debug line (those may hold secrets).

    Raises:
        ConfigError: it cannot be written.
    """
    from logging.handlers import RotatingFileHandler  # noqa: PLC0415

    try:
        handler = RotatingFileHandler(file, maxBytes=5_000_000, backupCount=3, encoding="utf-8", delay=False)
    except OSError as error:
        raise ConfigError(f"state_dir: expected a log file this user can write, got {file}: {error.strerror}") from None
    file.chmod(0o600)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.removeHandler(held)
    root.setLevel(logging.WARNING)
    for ours in ("core", "tui"):
        logging.getLogger(ours).setLevel(logging.INFO)
    for record in held.records:
        handler.handle(record)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        handler.close()
