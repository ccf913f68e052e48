"""What is logged before the log file is known is neither shown nor lost."""

import logging
import stat
from pathlib import Path

import pytest

from core.errors import ConfigError
from tui.log_file import held_log, log_to


def test_what_was_logged_first_is_written_once_the_file_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "run.log"
    with held_log() as held:
        logging.getLogger("core.early").warning("before there was a file")
        with log_to(file, held):
            logging.getLogger("core.late").warning("after")
        logging.getLogger("core.last").warning("when it was closed")
    text = file.read_text()
    assert text.count("before there was a file") == 1
    assert text.index("before there was a file") < text.index("after")
    assert "closed" not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "before there was a file" not in "".join(capsys.readouterr())


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path):
    with held_log() as held, pytest.raises(ConfigError, match="state_dir: expected a log file"), log_to(tmp_path, held):
        raise AssertionError("never entered")
