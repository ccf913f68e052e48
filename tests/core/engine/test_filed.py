"""Whatever changes of an order, group by group: its row is its newest form, and filed as its status says."""

import tempfile
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from core.clock import ManualClock
from core.engine import rows
from core.engine.journal_file import open_files
from core.engine.journal_reader import open_reader
from core.engine.records import SavedOrder
from core.engine.scribe import Scribe
from core.engine.verify import verify
from core.model import OrderStatus, Priority
from tests.support.journal import ACCOUNT, an_order, venue_id

_Change = tuple[int, OrderStatus, bool, Decimal, Priority]
_NUMBERS = st.integers(1, 4)
_CHANGE = st.tuples(
    _NUMBERS,
    st.sampled_from([OrderStatus.SUBMITTING, OrderStatus.ACCEPTED, OrderStatus.FILLED, OrderStatus.CANCELED]),
    st.booleans(),
    st.sampled_from([Decimal("0.005"), Decimal("0.007")]),
    st.sampled_from([Priority.STRATEGY, Priority.OPERATOR]),
)
_GROUPS = st.lists(st.tuples(st.lists(_CHANGE, min_size=1, max_size=6), st.booleans()), min_size=1, max_size=6)
"""Groups of changes, and whether whoever writes forgets all it knew of the rows before each."""


@given(_GROUPS)
def test_a_row_is_the_newest_form_of_its_order(
    groups: list[tuple[list[_Change], bool]],
) -> None:
    with tempfile.TemporaryDirectory() as home:
        _check(Path(home) / "journal.sqlite", groups)


def _check(path: Path, groups: list[tuple[list[_Change], bool]]) -> None:
    now = ManualClock().now()
    opened, scribe = open_files(path, ACCOUNT, ACCOUNT, now)
    wanted: dict[int, SavedOrder] = {}
    for changes, is_forgetful in groups:
        if is_forgetful:
            scribe = Scribe(opened.connection, opened.world)
        with opened.connection:
            scribe.write([(now, [_changed(wanted, change)]) for change in changes])
        opened.head.write(scribe.seq, scribe.digest)
        for number, newest in wanted.items():
            place = rows.row_of_ours(opened.connection, number)
            assert place is not None
            assert rows.read_order(opened.connection, place) == newest
    live = {saved.order.client_id for saved in rows.load_image(opened.connection, opened.world).live}
    assert live == {number for number, one in wanted.items() if not one.order.status.is_closed}
    opened.close()
    with closing(open_reader(path)) as reader:
        assert verify(reader, path).fault is None


def _changed(wanted: dict[int, SavedOrder], change: _Change) -> SavedOrder:
    """The next form of an order; the same objects where nothing of the wish changed, as in the engine."""
    number, status, has_venue_id, size, priority = change
    before = wanted.get(number, an_order(number))
    intent = before.order.intent
    if size != intent.size:
        intent = replace(intent, size=size)
    told = venue_id(number) if has_venue_id else None
    order = replace(before.order, intent=intent, status=status, venue_id=told, reason=status.value)
    record = structs.replace(before, order=order, priority=priority)
    known = told or before.order.venue_id
    wanted[number] = structs.replace(record, order=replace(order, venue_id=known))
    return record
