"""`lighter-tui serve`: the real engine, the desk in a browser, and the end of both by a signal."""

import re
import signal
import subprocess
import sys
from collections.abc import Mapping

import pytest

from tests.support.browser import Browser
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


async def test_the_desk_is_served_read_only_and_ends_clean(configured: Mapping[str, str], tmp_path):
    said = tmp_path / "said"
    with said.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "tui", "serve", "--port", "0"], env=dict(configured), stderr=written
        )
    try:
        found = []

        def told() -> bool:
            found[:] = re.findall(r"(http://127\.0\.0\.1:\d+)/\?token=(\S+)", said.read_text())
            return bool(found) or process.poll() is not None

        wait_until(told, "the address", timeout=60.0)
        assert found, said.read_text()
        origin, token = found[0]
        browser = Browser(origin)
        try:
            assert await browser.enter(token) == 200
            await browser.connect()
            await browser.shows("READ-ONLY", "STAGE", "1 prices", "3 circuit breaker", "\u25cf ACTIVE")
            await browser.press("\x14")  # the breaker's key
            await browser.press("\x0b")
            await browser.shows("KILL CONFIRMED")
            assert "tripped" not in browser.text
        finally:
            await browser.leave()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, said.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(30)
