"""`lighter-tui journal`: checks, shows and exports from the command line, beside a running engine."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.engine.journal import Journal
from tests.support.journal import ACCOUNT, edit, fill_journal, write_journal
from tui.__main__ import main
from tui.commands.journal import moment


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "journal.sqlite3"
    write_journal(made)
    return made


def test_verify_names_the_newest_digest_of_a_whole_journal(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", "verify", "--file", str(path)]) == 0
    told = capsys.readouterr().out
    assert "rows 1 to 17 chain and agree with orders, fills and named values; newest digest " in told
    assert told.count("\n") == 1


def test_verify_names_the_first_bad_row_and_fails(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(path, "UPDATE log SET at_us=at_us+1 WHERE seq=3")
    assert main(["journal", "verify", "--file", str(path)]) == 1
    told = capsys.readouterr().out
    assert "row 3 of the log was changed" in told
    assert told.count("\n") == 1


def test_verify_checks_an_archive_by_its_rows(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = path.with_name("kept.jsonl")
    assert main(["journal", "export", "--out", str(archive), "--file", str(path)]) == 0
    assert main(["journal", "verify", "--file", str(archive)]) == 0
    assert "rows 1 to 17 chain; last digest " in capsys.readouterr().out
    rows = archive.read_text().splitlines(keepends=True)
    archive.write_text("".join(rows[4:]))
    assert main(["journal", "verify", "--file", str(archive)]) == 0
    assert "row 5 was taken as it is" in capsys.readouterr().out
    archive.write_text("".join(rows).replace('"kind":"fill"', '"kind":"gift"', 1))
    assert main(["journal", "verify", "--file", str(archive)]) == 1
    assert "was changed" in capsys.readouterr().out


def test_show_prints_the_newest_rows_with_symbols(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", "show", "-n", "2", "--market", "btc", "--file", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[-1].endswith("BTC, ours 3, theirs 1125899906842627, operator: "
                              "trade 3: buy 0.005 at 68000, taker, fee 0.019")  # fmt: skip


def test_show_takes_every_filter(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for filters, count in (
        (["--kind", "kill"], 1),
        (["--kind", "kill", "--kind", "fill"], 4),
        (["--order", "2"], 4),
        (["--origin", "maker", "--order", "2"], 3),
        (["--text", "pressed"], 1),
        (["--until", "1970-01-02"], 1),
        (["--since", "1d"], 16),
        (["--market", "2", "--kind", "fill"], 2),
    ):
        assert main(["journal", "show", *filters, "--file", str(path)]) == 0
        assert len(capsys.readouterr().out.splitlines()) == count, filters


def test_export_writes_lines_of_json_to_a_new_private_file(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "export.jsonl"
    assert main(["journal", "export", "--out", str(out), "--file", str(path)]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["seq"] for row in rows] == list(range(1, 18))
    assert rows[2]["body"]["size"] == "0.005"
    assert out.stat().st_mode & 0o077 == 0


def test_export_never_overwrites(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", "export", "--out", str(path), "--file", str(path)]) == 2
    assert "expected a new file to write" in capsys.readouterr().err
    assert main(["journal", "verify", "--file", str(path)]) == 0


def test_the_profiles_journal_is_read_while_its_engine_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIGHTER_TUI_STATE_DIR", str(tmp_path))
    journal = Journal.open(tmp_path / "paper" / "journal.sqlite3", ACCOUNT)
    fill_journal(journal)
    assert main(["journal", "show", "--kind", "kill"]) == 0
    assert main(["journal", "verify", "--profile", "paper"]) == 0
    journal.close()
    assert "pressed by operator" in capsys.readouterr().out


def test_a_missing_journal_and_an_unknown_market_are_one_sentence(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["journal", "show", "--file", str(tmp_path / "none")]) == 1
    assert "expected a journal, found none" in capsys.readouterr().err
    assert main(["journal", "show", "--market", "doge", "--file", str(path)]) == 2
    assert "expected a market of this journal (BTC, ETH) or its number, got 'doge'" in capsys.readouterr().err


def test_times_are_utc_dates_or_how_long_ago() -> None:
    assert moment("2026-01-31") == int(datetime(2026, 1, 31, tzinfo=UTC).timestamp()) * 1_000_000
    assert moment("2026-01-31T15:00+01:00") == moment("2026-01-31T14:00")
    ago_us = int(datetime.now(UTC).timestamp()) * 1_000_000 - moment("2h")
    assert 7_200_000_000 <= ago_us <= 7_260_000_000
