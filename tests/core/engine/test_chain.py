"""The chain: rows that are linked all at once are linked as each by itself, whatever their text holds."""

from hypothesis import given
from hypothesis import strategies as st

from core.engine.chain import GENESIS, LogColumns, link, link_all

_IDS = st.none() | st.integers(0, 2**63 - 1)
_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
_COLUMNS = st.tuples(
    st.integers(1, 2**62), st.integers(0, 2**53), _TEXT, st.integers(1, 9), _IDS, _IDS, _IDS, _TEXT, _IDS
)
_ROWS = st.lists(st.tuples(_COLUMNS, st.dictionaries(_TEXT, _TEXT | _IDS, max_size=3)), max_size=6)
_WIDTH = 11


@given(_ROWS)
def test_rows_linked_at_once_verify_one_by_one(made: list[tuple[LogColumns, dict[str, str | int | None]]]) -> None:
    stored, last = link_all(GENESIS, [columns for columns, _ in made], [body for _, body in made])
    assert len(stored) == len(made) * _WIDTH
    digest = GENESIS
    for place, (columns, _) in enumerate(made):
        *found, body, told = stored[place * _WIDTH : (place + 1) * _WIDTH]
        assert tuple(found) == columns
        digest = link(digest, columns, str(body))
        assert digest == told
    assert digest == last


@given(st.lists(_TEXT, min_size=2, max_size=2, unique=True))
def test_any_other_body_gives_another_digest(texts: list[str]) -> None:
    columns = (1, 2, "kind", 1, None, None, None, "", None)
    one, other = (link_all(GENESIS, [columns], [{"text": text}])[1] for text in texts)
    assert one != other
