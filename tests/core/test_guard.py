import threading

import pytest

from core.guard import GuardedStrategies
from core.strategy import Fault
from tests.support.waiting import wait_until


class Scripted:
    def __init__(self, work) -> None:
        self.name = "maker"
        self.markets = ("ETH",)
        self.work = work
        self.views = []

    def on_state(self, view):
        self.views.append(view)
        return self.work(view)


@pytest.fixture
def guarded():
    made = []

    def make(limit_seconds=10, grace_seconds=5):
        made.append(GuardedStrategies(limit_seconds=limit_seconds, grace_seconds=grace_seconds))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_quick_answer_comes_at_once_from_another_thread(guarded):
    asked_in = []
    strategy = Scripted(lambda view: asked_in.append(threading.get_ident()) or [view])
    assert guarded().ask(strategy, "view") == ["view"]
    assert asked_in != [threading.get_ident()]


def test_whatever_it_raises_is_a_fault_with_the_last_line_of_the_traceback(guarded):
    def fail(view):
        raise KeyError("mark")

    fault = guarded().ask(Scripted(fail), "view")
    assert isinstance(fault, Fault)
    assert fault.text.startswith("KeyError: 'mark' (line ")
    assert fault.text.endswith("of fail)")


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), RecursionError("deep")])
def test_nor_does_it_end_anything_else(guarded, error):
    def fail(view):
        raise error

    strategies = guarded()
    assert isinstance(strategies.ask(Scripted(fail), "view"), Fault)
    assert isinstance(strategies.ask(Scripted(fail), "view"), Fault)


def test_a_slow_answer_is_taken_when_it_comes_and_nothing_is_asked_meanwhile(guarded):
    go = threading.Event()
    strategy = Scripted(lambda view: [view] if go.wait(20) else [])
    strategies = guarded(grace_seconds=0)
    assert strategies.ask(strategy, 1) is None
    assert strategies.ask(strategy, 2) is None
    go.set()
    answers = []
    wait_until(lambda: answers.append(strategies.ask(strategy, 3)) or answers[-1], "the answer came")
    assert answers[-1] == [1]
    assert strategy.views[0] == 1
    assert 2 not in strategy.views


def test_one_that_hangs_fails_and_its_late_answer_counts_for_nothing(guarded):
    go = threading.Event()
    strategy = Scripted(lambda view: [view] if go.wait(20) else [])
    strategies = guarded(grace_seconds=0, limit_seconds=0.2)
    answers = []
    wait_until(lambda: answers.append(strategies.ask(strategy, 1)) or answers[-1], "it was given up")
    assert answers[-1] == Fault("it did not answer within 0.2 s")
    assert isinstance(strategies.ask(strategy, 2), Fault), "started again, it still hangs"
    go.set()
    wait_until(lambda: answers.append(strategies.ask(strategy, 3)) or answers[-1] == [3], "it answers anew")
    assert [1] not in answers
