"""The inbox at its end: whoever waits for an answer gets one, however late he asked."""

import threading
from concurrent.futures import Future

from core.commands import Kill, SubmitOrder
from core.engine.inbox import Inbox, Placing
from core.units import TaskId
from tests.support.fake_connector import intent


def placing() -> Placing:
    answer: Future[TaskId] = Future()
    return Placing(SubmitOrder(intent=intent()), answer)


def test_what_waits_when_it_closes_is_given_up() -> None:
    inbox, early = Inbox(), placing()
    inbox.post(early)
    inbox.close()
    assert early.answer.cancelled()


def test_what_comes_after_it_closed_is_given_up() -> None:
    inbox, late = Inbox(), placing()
    inbox.close()
    inbox.post(late)
    assert late.answer.cancelled()
    assert inbox.take() is None


def test_a_kill_that_came_too_late_still_shows() -> None:
    inbox = Inbox()
    inbox.close()
    inbox.post_kill(Kill(by="operator", pressed_ns=1))
    inbox.close()
    assert inbox.has_kill


def test_nobody_is_forgotten_however_the_end_falls_between() -> None:
    inbox = Inbox()
    asked = [[placing() for _ in range(200)] for _ in range(4)]

    def ask(mine: list[Placing]) -> None:
        for one in mine:
            inbox.post(one)

    threads = [threading.Thread(target=ask, args=(mine,)) for mine in asked]
    for thread in threads:
        thread.start()
    inbox.close()
    for thread in threads:
        thread.join(60)
    assert all(one.answer.cancelled() for mine in asked for one in mine)
