"""What a browser's session may do with an engine that it does not own."""

import pytest

from core.commands import ExitPolicy
from core.decisions import Approved, Denied
from tests.support.fake_engine import FakeEngine, an_intent
from tui import wishes
from tui.web.watching import Watching


@pytest.mark.parametrize("may_act", [True, False])
def test_the_kill_passes_always_and_the_end_of_the_engine_never(may_act: bool):
    engine = FakeEngine()
    session = Watching(engine, may_act=may_act)
    session.kill("operator", 5)
    session.request_stop(ExitPolicy.CANCEL, "the tab was closed")
    assert engine.kills == [("operator", 5)]
    assert engine.stops == []


@pytest.mark.parametrize("may_act", [True, False])
def test_wishes_pass_only_where_that_was_allowed(may_act: bool):
    engine = FakeEngine()
    session = Watching(engine, may_act=may_act)
    session.submit(wishes.trip_everything())
    assert len(engine.commands) == may_act
    decision = session.preview(an_intent(engine.current.markets[0]))
    assert isinstance(decision, Approved if may_act else Denied)


def test_a_session_waits_for_its_own_end_and_leaves_the_engine_running():
    engine = FakeEngine()
    asked = iter([False, False, True])
    Watching(engine, may_act=False).run(lambda: next(asked))
    assert engine.report is None
