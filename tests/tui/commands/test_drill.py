"""`lighter-tui drill` as an operator runs it: every round compared with the venue, measured, recorded."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def drill(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("LIGHTER_TUI_")}
    env |= {"LIGHTER_TUI_STATE_DIR": str(tmp_path / "state"), "XDG_CONFIG_HOME": str(tmp_path)}
    return subprocess.run(
        [sys.executable, "-m", "tui", "drill", *arguments], env=env, capture_output=True, text=True, timeout=100
    )


def test_every_round_is_confirmed_measured_and_recorded(tmp_path: Path) -> None:
    done = drill(tmp_path, "--rounds", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    rounds = re.findall(r"^round \d: confirmed after [\d.,]+ ms, nothing open at the venue$", done.stdout, re.MULTILINE)
    assert len(rounds) == 3
    assert len(re.findall(r"^press to .* median +[\d.]+ ms +p99 +[\d.]+ ms +worst", done.stdout, re.MULTILINE)) == 4
    assert "3 of 3 rounds: every round confirmed" in done.stdout
    (line,) = (tmp_path / "state" / "paper" / "drill.jsonl").read_text().splitlines()
    record = json.loads(line)
    assert (record["rounds"], record["failed"]) == (3, [])
    spans = record["nanoseconds"]
    for halted, sent, confirmed in zip(spans["halted_ns"], spans["sent_ns"], spans["confirmed_ns"], strict=True):
        assert halted < sent < confirmed


@pytest.mark.parametrize("arguments", [("--rounds", "0"), ("--load", "x")])
def test_what_cannot_be_rehearsed_is_refused(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = drill(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "expected a whole number from" in done.stderr
