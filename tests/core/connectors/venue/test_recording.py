"""Recordings: what goes in comes out, and a torn tail costs only itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.connectors.venue.recording import MAGIC, Kind, Line, Recorder, read
from core.errors import ConfigError

LINES = st.builds(Line, st.integers(0, 2**60), st.sampled_from(Kind), st.text(max_size=20), st.text(max_size=200))


def written(path, members: list[list[Line]]) -> None:
    recorder = Recorder(path)
    for member in members:
        for line in member:
            recorder.add(line)
        recorder.flush()
    recorder.close()
    recorder.close()


def line(number: int) -> Line:
    return Line(number, Kind.FRAME, "", f'{{"n":{number}}}')


@given(st.lists(st.lists(LINES, max_size=5), max_size=5))
def test_what_goes_in_comes_out(tmp_path_factory, members):
    path = tmp_path_factory.mktemp("r") / "a.ltrec"
    written(path, members)
    assert list(read(path)) == [line for member in members for line in member]


def test_a_tail_torn_anywhere_costs_only_itself(tmp_path):
    path = tmp_path / "a.ltrec"
    written(path, [[line(1), line(2)], [line(3)]])
    whole = path.read_bytes()
    written(tmp_path / "b.ltrec", [[line(1), line(2)]])
    kept = len((tmp_path / "b.ltrec").read_bytes())
    for length in range(kept, len(whole)):
        path.write_bytes(whole[:length])
        assert list(read(path)) == [line(1), line(2)]
        written(path, [[line(4)]])
        assert list(read(path)) == [line(1), line(2), line(4)]
    for place in range(kept, len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        assert list(read(path))[:2] == [line(1), line(2)]
        assert line(3) not in list(read(path))


@pytest.mark.parametrize("length", range(len(MAGIC) + 1))
def test_a_head_torn_anywhere_begins_anew(tmp_path, length):
    path = tmp_path / "a.ltrec"
    path.write_bytes(MAGIC[:length])
    written(path, [[line(1)]])
    assert list(read(path)) == [line(1)]


def test_another_file_is_neither_read_nor_touched(tmp_path):
    path = tmp_path / "diary.txt"
    path.write_text("dear diary, today")
    with pytest.raises(ConfigError, match="is no recording"):
        list(read(path))
    with pytest.raises(ConfigError, match="is no recording"):
        Recorder(path)
    assert path.read_text() == "dear diary, today"
    with pytest.raises(ConfigError, match="cannot be read"):
        list(read(tmp_path / "none"))
    with pytest.raises(ConfigError, match="cannot be written"):
        Recorder(tmp_path / "no folder" / "a")


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(tmp_path_factory, junk):
    path = tmp_path_factory.mktemp("r") / "a.ltrec"
    path.write_bytes(MAGIC + junk)
    assert list(read(path)) == []


def test_it_is_much_smaller_than_what_it_holds(tmp_path):
    path = tmp_path / "a.ltrec"
    body = '{"channel":"order_book:0","asks":[{"price":"1914.28","size":"0.1021"}],"type":"update/order_book"}'
    written(path, [[Line(number, Kind.FRAME, "", body) for number in range(1_000)]])
    assert path.stat().st_size * 10 < 1_000 * len(body)
