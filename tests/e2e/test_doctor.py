"""`lighter-tui doctor` as an operator runs it: one line a check, an exit code, nothing else on standard output."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.e2e


def _doctor(tmp_path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("LIGHTER_TUI_")}
    env |= {"LIGHTER_TUI_STATE_DIR": str(tmp_path / "state"), "XDG_CONFIG_HOME": str(tmp_path), **variables}
    command = [sys.executable, "-m", "tui", "doctor", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)


def test_the_paper_profile_is_healthy(tmp_path):
    done = _doctor(tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    checks = [line.split()[1] for line in lines]
    assert checks == ["reachable", "clock", "markets", "key", "kill", "permissions", "tier"]
    assert all(line.startswith("ok ") for line in lines)


def test_a_venue_that_is_not_there_is_exit_1_and_a_profile_that_is_not_there_exit_2(tmp_path):
    file = tmp_path / "config.toml"
    key = "ab" * 40
    file.write_text(
        "[profiles.gone]\nurl = 'http://127.0.0.1:1'\nws_url = 'ws://127.0.0.1:1/stream'\nchain_id = 300\n"
        f"account_index = 1\napi_key_index = 5\nprivate_key = '{key}'\n"
    )
    file.chmod(0o600)
    done = _doctor(tmp_path, "--config", str(file), "--profile", "gone")
    assert (done.returncode, done.stdout.split()[:2]) == (1, ["fail", "reachable"]), done.stderr
    assert key not in done.stdout + done.stderr
    unknown = _doctor(tmp_path, "--profile", "nobody")
    assert (unknown.returncode, unknown.stdout) == (2, "")
