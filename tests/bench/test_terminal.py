import os
import sys
import time

import pytest

from bench.terminal import Terminal

SAYS_SIZE = "import os; print(*os.get_terminal_size(1), sep='x')"


@pytest.mark.parametrize(("size", "said"), [((200, 50), b"200x50\r\n"), ((140, 42), b"140x42\r\n")])
def test_what_a_process_writes_is_counted_between_two_moments(size: tuple[int, int], said: bytes):
    with Terminal([sys.executable, "-c", SAYS_SIZE], dict(os.environ), size) as terminal:
        terminal.wait_over(20.0)
        over_ns = time.monotonic_ns()
        terminal.wait_for(said.decode().strip())
        assert terminal.bytes_between(terminal.started_ns, over_ns) == len(said)
        assert terminal.bytes_between(over_ns, over_ns + 1) == 0


def test_a_process_that_does_not_end_is_not_waited_for_for_ever():
    with (
        Terminal([sys.executable, "-c", "input()"], dict(os.environ)) as terminal,
        pytest.raises(TimeoutError, match=r"did not end within 0\.05 s"),
    ):
        terminal.wait_over(0.05)
