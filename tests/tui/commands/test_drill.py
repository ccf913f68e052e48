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
        [sys.executable, "-m", "tui", "drill", *arguments], env=env, capture_output=True, text=True, timeout=250
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


def test_a_kill_that_is_not_confirmed_ends_the_drill_with_exit_code_1(tmp_path: Path) -> None:
    faults = tmp_path / "no-lists.json"
    faults.write_text(json.dumps({"faults": [{"fault": "http-503", "match": "*accountActiveOrders*"}]}))
    done = drill(tmp_path, "--rounds", "3", "--patience", "10", "--faults", str(faults))
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"^round 1: waited in vain for CONFIRMED: .*503", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"^press to the venue's empty list +never$", done.stdout, re.MULTILINE)
    assert "1 of 3 rounds: 1 ROUNDS FAILED" in done.stdout
    record = json.loads((tmp_path / "state" / "paper" / "drill.jsonl").read_text())
    assert len(record["failed"]) == 1
    assert record["nanoseconds"]["confirmed_ns"] == []


@pytest.mark.timeout(300)  # a 429 closes the door for a minute, to look-ups as well
def test_under_faults_that_pass_every_round_is_confirmed(tmp_path: Path) -> None:
    faults = tmp_path / "trouble.toml"
    # Not "request-lost": an order on its way may land until its signature expires, and the kill waits for that.
    trouble = ("http-429", "nonce-storm", "reply-lost")
    rules = [f'[[faults]]\nfault = "{name}"\nmatch = "*sendtx*"\ncount = 2\nrate = 0.5\n' for name in trouble]
    faults.write_text("seed = 3\n" + "".join(rules) + '[[faults]]\nfault = "cut"\nmatch = "*account*"\ncount = 1\n')
    done = drill(tmp_path, "--rounds", "1", "--patience", "150", "--faults", str(faults))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 rounds: every round confirmed" in done.stdout


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "--faults: cannot read"), ('{"faults": [{"fault": "gremlins"}]}', "no fault is called 'gremlins'")],
)
def test_a_schedule_that_cannot_be_used_is_refused_before_anything_starts(
    tmp_path: Path, text: str | None, words: str
) -> None:
    faults = tmp_path / "faults.json"
    if text is not None:
        faults.write_text(text)
    done = drill(tmp_path, "--faults", str(faults))
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
