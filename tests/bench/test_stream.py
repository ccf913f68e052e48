import json
import subprocess
import sys

import pytest

from bench import stream
from bench.connector import _p99


@pytest.fixture
def few(monkeypatch):
    """A stream small enough for a test: the same processes, the same frames."""
    for name, value in {"MARKETS": 3, "LEVELS": 30, "FRAMES": 60, "RATE": 1_000}.items():
        monkeypatch.setattr(stream, name, value)


@pytest.mark.parametrize("who", ["ours", "sdk", "bare"])
def test_every_reader_sees_every_frame_and_says_what_it_cost(few, who):
    with stream._publisher() as port:
        done = subprocess.run(
            [sys.executable, "-m", "bench.stream_reader", who, str(port), "3", "60"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    seen = json.loads(done.stdout)
    assert seen["frames"] == 60
    assert seen["cpu_s"] > 0


def test_a_reader_that_fails_is_named(few):
    with pytest.raises(AssertionError, match="the reader 'nobody' failed"):
        stream._cpu_us("nobody", 1)


def test_the_99th_percentile_of_few_is_the_largest():
    assert _p99([3.0, 1.0, 2.0]) == 3.0
    assert _p99([float(at) for at in range(1_000)]) == 990.0
