"""What every test needs: loopback without a proxy, one hypothesis profile, and proof that nothing is left behind."""

import asyncio
import os
import select
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

_GRACE_SECONDS: Final = 3.0
_LOOPBACK: Final = "127.0.0.1,localhost"

# Set at import: sessions that read the proxy settings may be opened by session-wide fixtures too.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = _LOOPBACK

settings.register_profile(
    "house",
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("house")


def _threads() -> set[threading.Thread]:
    """Threads that would keep the process alive, but for the loop's own executor, which ends with the loop."""
    return {
        thread
        for thread in threading.enumerate()
        if thread.is_alive() and not thread.daemon and not thread.name.startswith("asyncio_")
    }


def _children() -> set[int]:
    """Running children of this process; empty where the kernel does not list them."""
    found: set[int] = set()
    for listing in Path("/proc/self/task").glob("*/children"):
        try:
            found.update(int(pid) for pid in listing.read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return {pid for pid in found if _is_running(pid)}


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest_asyncio.fixture
async def _no_pending_tasks() -> AsyncIterator[None]:
    """Fails an async test that leaves a task running on its loop."""
    yield
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=_GRACE_SECONDS)
    assert not left, f"tasks left running: {sorted(str(task) for task in left)}"


def _await_end(threads: set[threading.Thread], children: set[int]) -> None:
    """Give what is ending anyway a moment to end."""
    deadline = time.monotonic() + _GRACE_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    for pid in children:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
        finally:
            os.close(handle)


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that leaves a thread, a child process or a task behind."""
    threads, children = _threads(), _children()
    if request.node.get_closest_marker("asyncio"):
        request.getfixturevalue("_no_pending_tasks")
    yield
    _await_end(_threads() - threads, _children() - children)
    assert not _threads() - threads, "threads left running"
    assert not _children() - children, "child processes left running"
