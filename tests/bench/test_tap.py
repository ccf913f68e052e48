from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bench.tap import FrameCounter

HANDSHAKE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


def frame(size):
    if size < 126:
        header = bytes([0x81, size])
    elif size < 65_536:
        header = bytes([0x81, 126]) + size.to_bytes(2, "big")
    else:
        header = bytes([0x81, 127]) + size.to_bytes(8, "big")
    return header + b"x" * size


@given(
    sizes=st.lists(st.sampled_from([0, 1, 125, 126, 500, 65_535, 65_536, 70_000]), max_size=8),
    cuts=st.lists(st.integers(min_value=0, max_value=400_000), max_size=12),
)
def test_frames_are_counted_once_however_the_stream_is_cut(sizes, cuts):
    stream = HANDSHAKE + b"".join(frame(size) for size in sizes)
    counter = FrameCounter()
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    assert sum(counter.count(stream[a:b]) for a, b in pairwise(edges)) == len(sizes)
