"""Waiting on the loop for what another thread does."""

import asyncio
import threading
from concurrent.futures import Future

import pytest

from core.engine.sender import answer_of
from core.errors import JournalError


async def test_an_answer_of_another_thread_arrives_also_when_it_was_there_before() -> None:
    late: Future[int] = Future()
    waiting = asyncio.create_task(answer_of(late))
    await asyncio.sleep(0)
    teller = threading.Thread(target=late.set_result, args=(7,))
    teller.start()
    assert await waiting == 7
    teller.join()
    assert await answer_of(late) == 7


async def test_its_fault_is_ours() -> None:
    broken: Future[None] = Future()
    waiting = asyncio.create_task(answer_of(broken))
    await asyncio.sleep(0)
    broken.set_exception(JournalError("the disk is full"))
    with pytest.raises(JournalError, match="the disk is full"):
        await waiting
    with pytest.raises(JournalError, match="the disk is full"):
        await answer_of(broken)


async def test_giving_up_on_it_leaves_the_work_and_everybody_else_who_waits_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shared: Future[int] = Future()
    one, other = asyncio.create_task(answer_of(shared)), asyncio.create_task(answer_of(shared))
    await asyncio.sleep(0)
    one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await one
    assert not shared.cancelled()
    shared.set_result(7)
    assert await other == 7
    assert not caplog.records


def test_an_answer_after_the_loop_has_closed_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    late: Future[int] = Future()

    async def give_up() -> None:
        waiting = asyncio.create_task(answer_of(late))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])

    asyncio.run(give_up())
    late.set_result(7)
    assert not caplog.records
