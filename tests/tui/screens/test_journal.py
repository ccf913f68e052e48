"""The journal searched from the desk."""

from core.errors import JournalError
from core.history import HistoryQuery, HistoryRow
from tests.support.desk import SMALL, on_screen, says, shows, text
from tests.support.fake_engine import START_US, FakeEngine
from tests.support.waiting import eventually
from tui.journal_words import ROWS


def a_row(seq: int, words: str) -> HistoryRow:
    return HistoryRow(
        seq=seq, at_us=START_US, kind="fill", text=words, world="paper", origin="maker", body='{"fee": "0.1"}'
    )


def an_engine() -> FakeEngine:
    engine = FakeEngine()
    engine.log = [a_row(8, "bought 0.127 SOL at 184.21"), a_row(7, "sold 0.5 ETH at 3021.55")]
    return engine


async def test_the_newest_rows_are_there_at_once_and_words_narrow_them():
    engine = an_engine()
    async with on_screen(engine) as pilot:
        await pilot.press("ctrl+f")
        await shows(pilot, "2 rows, newest first", "bought 0.127 SOL", "sold 0.5 ETH")
        await pilot.press(*"kind:fill", "enter")
        await eventually(lambda: len(engine.queries) == 2, "the second question")
        assert engine.queries[1] == HistoryQuery(kinds=("fill",), limit=ROWS)


async def test_enter_on_a_row_shows_all_of_it():
    async with on_screen(an_engine(), SMALL) as pilot:
        await pilot.press("ctrl+f")
        await shows(pilot, "2 rows, newest first")
        await pilot.press("down", "enter")
        await says(pilot, "bought 0.127 SOL at 184.21", '{"fee": "0.1"}', "maker")


async def test_amounts_are_hidden_here_too():
    async with on_screen(an_engine()) as pilot:
        await pilot.press("p", "ctrl+f")
        await shows(pilot, "bought ••• SOL")
        assert "0.127 SOL" not in text(pilot.app)
        await pilot.press("down", "enter")
        await says(pilot, "amounts are hidden (p)")
        assert "0.127" not in text(pilot.app)


async def test_a_question_that_is_not_understood_asks_nothing():
    engine = an_engine()
    async with on_screen(engine) as pilot:
        await pilot.press("ctrl+f", *"order:x", "enter")
        await says(pilot, "order: expected an id in digits, got 'x'")
        assert len(engine.queries) == 1


async def test_a_journal_that_cannot_be_read_says_why():
    engine = an_engine()
    engine.log_fault = JournalError("the journal is locked by another process")
    async with on_screen(engine) as pilot:
        await pilot.press("ctrl+f")
        await says(pilot, "⊘ the journal is locked by another process")
