from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.tap import ClientFrames, FrameCounter

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


@pytest.mark.parametrize("size", [5, 300, 70_000])
def test_what_a_client_says_is_unmasked_however_it_is_cut(size: int):
    text, mask = b"x" * size, b"\x01\x02\x03\x04"
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(text))
    length = (
        bytes([0x80 | size])
        if size < 126
        else b"\xfe" + size.to_bytes(2, "big")
        if size < 65_536
        else b"\xff" + size.to_bytes(8, "big")
    )
    frame = b"\x81" + length + mask + masked
    reader = ClientFrames()
    found = [each for at in range(0, 2 * len(frame), 97) for each in reader.texts((frame * 2)[at : at + 97])]
    assert found == [text, text]
