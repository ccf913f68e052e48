"""Virtual time: nothing moves unasked, and the same inputs make the same bytes, in the core and in the process."""

import asyncio
import json
from itertools import pairwise

import aiohttp
from hypothesis import given
from hypothesis import strategies as st

from core.connectors.venue.catalogue import listed
from core.connectors.venue.child import PaperVenue, VenueReady
from core.connectors.venue.control_clock import MAX_TIMERS, START_US, VirtualClock, WallClock
from core.connectors.venue.simulation import OPERATOR, TRADING_KEY, KeyOf, Simulation
from tests.support import venue_tx as tx
from tests.support.waiting import eventually

START_MS = START_US // 1_000


def order(nonce: int, **fields: int) -> str:
    return tx.create(nonce=nonce, ExpiredAt=START_MS + 500_000, OrderExpiry=0, **fields)


class TestClock:
    def test_it_stands_still_until_it_is_moved(self):
        clock = VirtualClock()
        assert clock.now_us() == clock.now_us() == START_US
        clock.advance(5)
        assert clock.now_us() == START_US + 5
        clock.advance(-5)
        assert clock.now_us() == START_US + 5

    @given(
        st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=20),
        st.lists(st.integers(0, 40), min_size=1),
    )
    def test_what_falls_due_is_done_in_order_at_its_own_moment(self, timers, moves):
        clock, done = VirtualClock(0), []
        for number, (delay, again) in enumerate(timers):
            due = delay

            def act(number=number, due=due, again=again):
                done.append((clock.now_us(), due, number))
                clock.after(again, lambda: done.append((clock.now_us(), due + again, number + 1_000)))

            clock.after(delay, act)
        for move in moves:
            clock.advance(move)
        assert all(now == due for now, due, _ in done)
        assert all(one[0] <= two[0] for one, two in pairwise(done))
        expected = sum((delay <= sum(moves)) + (delay + again <= sum(moves)) for delay, again in timers)
        assert len(done) == expected

    def test_more_timers_than_it_holds_act_at_once(self):
        clock, done = VirtualClock(0), []
        for _ in range(MAX_TIMERS):
            clock.after(1, lambda: None)
        clock.after(1, lambda: done.append(1))
        assert done == [1]

    async def test_the_machines_clock_keeps_its_promises_and_forgets_them_when_closed(self):
        clock, done = WallClock(), []
        clock.after(1_000, lambda: done.append(1))
        await eventually(lambda: done == [1], "the timer")
        clock.after(10_000_000, lambda: done.append(2))
        clock.close()
        assert not clock._timers


class Everything:
    def __contains__(self, key: object) -> bool:
        return True


def core_run() -> bytes:
    keys = [KeyOf(account_index=OPERATOR, api_key_index=TRADING_KEY, public_key="ab" * 40)]
    simulation = Simulation(listed(3), 5, keys, Everything())
    out = []
    for step in range(1, 60):
        now_us = START_US + step * 50_000
        simulation.tick(50_000, now_us)
        if step % 20 == 0:
            simulation.send(tx.CREATE, order(step // 20 - 1, Type=tx.MARKET, TimeInForce=tx.IOC, Price=300_000), now_us)
        out += [frame.key.encode() + frame.body for frame in simulation.take_frames()]
    return b"\n".join(out)


def test_the_core_says_the_same_bytes_twice():
    first = core_run()
    assert len(first) > 50_000
    assert b"update/account_all_trades" in first
    assert first == core_run()


async def converse(ready: VenueReady) -> list[str]:
    """The same talk every time: subscribe, move, order, move, and read until everything has come."""
    assert ready.control_token is not None
    headers = {"authorization": ready.control_token.get_secret_value()}
    heard: list[str] = []

    async with aiohttp.ClientSession() as http, http.ws_connect(ready.ws_url) as socket:

        async def post(path: str, data: object) -> None:
            async with http.post(ready.url + path, data=data, headers=headers) as answer:
                assert answer.status == 200, await answer.text()
                heard.append(await answer.text())

        async def read_on() -> None:
            await socket.send_json({"type": "ping"})
            while heard[-1:] != ['{"type":"pong"}']:
                heard.append(await socket.receive_str(timeout=5))

        for channel in ("order_book/0", "trade/0", "ticker/1", "market_stats/all", f"account_all_trades/{OPERATOR}"):
            await socket.send_json({"type": "subscribe", "channel": channel})
        await read_on()
        await post("/control/advance", '{"ms":3000}')
        await read_on()
        info = order(0, Type=tx.MARKET, TimeInForce=tx.IOC, Price=300_000)
        await post("/api/v1/sendTx", {"tx_type": "14", "tx_info": info})
        await read_on()
        await post("/control/faults", '{"faults":[{"fault":"drop","rate":0.3}]}')
        await post("/control/advance", '{"ms":2025}')
        await read_on()
    return heard


async def test_the_process_says_the_same_bytes_twice():
    async def run(seed: int) -> list[str]:
        options = ("--clock", "virtual", "--control")
        venue = await asyncio.to_thread(PaperVenue, seed=seed, markets=2, options=options)
        try:
            return await converse(venue.ready)
        finally:
            await asyncio.to_thread(venue.stop)

    first, second, other = [await run(seed) for seed in (3, 3, 4)]
    assert len(first) > 100
    assert any("update/account_all_trades" in text for text in first)
    assert first == second != other
    state = json.loads(next(text for text in reversed(first) if '"now_us"' in text))
    assert state["now_us"] == START_US + 5_025_000
    assert state["faults"][0]["struck"] > 5
