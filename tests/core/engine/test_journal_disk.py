"""A disk that is full, fails or may not be written: said in one sentence, and nothing acknowledged is lost."""

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from core.engine.journal import Journal
from core.engine.journal_reader import open_reader
from core.engine.verify import verify
from core.units import ClientOrderId
from tests.support.journal import ACCOUNT, TIMEOUT, write_journal

WRITE_UNTIL_IT_FAILS = """
import sys, pathlib
from core.engine.journal import Journal
from core.errors import JournalError
from tests.support.journal import an_order
{before}
journal = Journal.open(pathlib.Path(sys.argv[1]), "chain 300 account 7")
done = 0
try:
    for number in range(1, 5_000):
        {during}
        journal.append([an_order(number)]).result(30)
        done = number
except JournalError as error:
    print(done, error)
    try:
        journal.append([an_order(9_999)]).result(30)
    except JournalError as again:
        print("still:", again)
journal.close()
"""
FAILING_SYNC = """
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
static int fails(void) { return access(getenv("SYNC_FAILS"), F_OK) == 0; }
int fdatasync(int file) { (void)file; if (fails()) { errno = EIO; return -1; } return 0; }
int fsync(int file) { (void)file; if (fails()) { errno = EIO; return -1; } return 0; }
"""


def run(script: str, path: Path, **environment: str) -> list[str]:
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def assert_whole_with(path: Path, acknowledged: int) -> None:
    """The file is consistent, and holds every order that was said to be durable."""
    with closing(open_reader(path)) as connection:
        assert verify(connection, path).fault is None
    journal = Journal.open(path, ACCOUNT)
    for number in (1, acknowledged):
        assert journal.find_order(client_id=ClientOrderId(number)).result(TIMEOUT) is not None
    journal.close()


def test_a_full_disk_halts_and_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))"
    first, again = run(WRITE_UNTIL_IT_FAILS.format(before=limit, during="pass"), path)
    acknowledged, _, sentence = first.partition(" ")
    assert int(acknowledged) > 10
    assert sentence.startswith(f"{path}: the journal cannot be written: ")
    assert again == f"still: {sentence}"
    assert_whole_with(path, int(acknowledged))


def test_a_sync_that_fails_halts_and_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler to make the disk's sync fail")
    library, source, sign = tmp_path / "sync.so", tmp_path / "sync.c", tmp_path / "failing"
    source.write_text(FAILING_SYNC)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source)], check=True, timeout=60)
    path = tmp_path / "journal.sqlite3"
    script = WRITE_UNTIL_IT_FAILS.format(
        before="import os", during="number == 40 and open(os.environ['SYNC_FAILS'], 'x').close()"
    )
    first, again = run(script, path, LD_PRELOAD=str(library), SYNC_FAILS=str(sign))
    acknowledged, _, sentence = first.partition(" ")
    assert int(acknowledged) == 39
    assert sentence.startswith(f"{path}: the journal cannot be written: disk I/O error")
    assert again == f"still: {sentence}"
    assert_whole_with(path, 39)


def test_a_folder_that_may_not_be_written_is_one_sentence_and_stays_as_it_is() -> None:
    with tempfile.TemporaryDirectory(prefix="lighter-tui-") as name:
        folder = Path(name)
        path = folder / "journal.sqlite3"
        write_journal(path)
        before = {file.name: file.read_bytes() for file in folder.iterdir()}
        for file in (*folder.iterdir(), folder):
            file.chmod(0o555 if file.is_dir() else 0o444)
        # Root may write everywhere: whoever is root asks as somebody else.
        as_somebody_else = "import os; os.geteuid() or os.seteuid(65534)"
        script = (
            "import sys, pathlib\nfrom core.engine.journal import Journal\nfrom core.errors import JournalError\n"
            f"{as_somebody_else}\n"
            "try: Journal.open(pathlib.Path(sys.argv[1]), 'one')\nexcept JournalError as error: print(error)\n"
        )
        try:
            assert run(script, path) == [f"{path}: expected a journal this user can write, got: Permission denied"]
            assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
        finally:
            folder.chmod(0o755)
