"""Steps that are shorter than the venue's batch: single quotes come and go, everything else keeps to market time."""

from collections import Counter

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.connectors.venue.accounts import VenueAccount
from core.connectors.venue.catalogue import listed
from core.connectors.venue.exchange import Exchange, conserved
from core.connectors.venue.generator import moving
from core.connectors.venue.orders import OrderRequest, Tif
from core.connectors.venue.simulation import Simulation

BATCH_US = 50_000
SHORT_US = 1_000


class Books:
    """Whoever listens to every book."""

    def __contains__(self, key: object) -> bool:
        return str(key).startswith("order_book:")


def frames_of(seed: int, steps: int, markets: int, step_us: int) -> list[bytes]:
    simulation, made = Simulation(listed(markets), seed, (), Books()), []
    for step in range(1, steps + 1):
        simulation.tick(step_us, step * step_us)
        made += [frame.body for frame in simulation.take_frames()]
    return made


def run(exchange: Exchange, generator, steps: int, step_us: int, each=lambda _: None) -> None:
    for step in range(1, steps + 1):
        generator.shock(step_us)
        for market_id in exchange.markets:
            for _ in generator.step(market_id, step_us, step * step_us):
                exchange.take_changes()
        each(step)


def test_the_same_seed_makes_the_same_frames():
    assert frames_of(7, 400, 3, SHORT_US) == frames_of(7, 400, 3, SHORT_US)
    assert frames_of(7, 400, 3, SHORT_US) != frames_of(8, 400, 3, SHORT_US)


def test_a_short_step_of_a_market_is_one_frame_of_one_level_that_continues_the_last():
    nonces: dict[str, int] = {}
    sizes: Counter[int] = Counter()
    frames = [msgspec.json.decode(text) for text in frames_of(3, 600, 5, SHORT_US)]
    for frame in frames:
        book = frame["order_book"]
        assert book["begin_nonce"] == nonces.get(frame["channel"], 0)
        nonces[frame["channel"]] = book["nonce"]
        sizes[len(book["asks"]) + len(book["bids"])] += 1
    assert len(frames) > 0.97 * 600 * 5
    assert sizes[1] > 0.9 * len(frames)
    assert sum(count for levels, count in sizes.items() if levels > 3) >= 5 * (600 // 50 - 2)


@pytest.mark.parametrize("step_us", [SHORT_US, 24_000])
def test_books_stay_deep_and_uncrossed_and_money_is_conserved(step_us):
    exchange = Exchange(listed(6))
    generator = moving(4)(exchange)

    def look(_: int) -> None:
        for market in exchange.markets.values():
            assert not market.book.is_crossed
            assert min(len(market.book.asks), len(market.book.bids)) >= 200

    run(exchange, generator, 800, step_us, look)
    marks = {market_id: market.mark for market_id, market in exchange.markets.items()}
    assert conserved(exchange, marks) == exchange.deposits


def test_quotes_near_the_top_leave_and_come_back():
    exchange = Exchange(listed(1))
    asks, seen = exchange.markets[0].book.asks, set()
    run(exchange, moving(2, 0)(exchange), 2_000, SHORT_US, lambda _: seen.add(len(asks)))
    assert len(seen) > 3
    assert max(seen) - min(seen) < 20


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32),
    st.lists(
        st.tuples(st.integers(1, 60), st.booleans(), st.integers(-40, 40), st.integers(1, 10**6), st.sampled_from(Tif)),
        max_size=12,
    ),
)
def test_strangers_in_the_book_never_leave_it_crossed(seed, orders):
    exchange = Exchange(listed(1))
    generator = moving(seed)(exchange)
    trader = exchange.add_account(VenueAccount(index=9, collateral=10**15, maker_fee=40, taker_fee=280))
    market = exchange.markets[0]
    for pause, is_ask, away, size, tif in orders:
        run(exchange, generator, pause, SHORT_US)
        price = market.mark + away * market.mark // 20_000
        request = OrderRequest(market_id=0, client_index=0, is_ask=is_ask, size=size, price=price, tif=tif)
        exchange.create(trader, request, 1)
        assert not market.book.is_crossed
    assert conserved(exchange, {0: market.mark}) == exchange.deposits


def test_trades_come_as_often_in_a_second_of_the_market_however_short_the_steps_are():
    def trades(step_us: int) -> int:
        exchange = Exchange(listed(6))
        before = sum(market.day.trades for market in exchange.markets.values())
        generator = moving(5)(exchange)
        opened = sum(market.day.trades for market in exchange.markets.values())
        assert opened > before
        run(exchange, generator, 20_000_000 // step_us, step_us)
        return sum(market.day.trades for market in exchange.markets.values()) - opened

    short, whole = trades(4_000), trades(BATCH_US)
    assert 60 < whole < 400
    assert 0.6 < short / whole < 1.6


def test_prices_move_as_far_and_together_however_short_the_steps_are():
    def moves(step_us: int) -> tuple[list[int], list[int]]:
        exchange = Exchange(listed(2))
        every, last = ([], []), [market.index for market in exchange.markets.values()]

        def look(step: int) -> None:
            if step * step_us % 500_000 == 0:
                for place, market in enumerate(exchange.markets.values()):
                    every[place].append((market.index - last[place]) * 10**9 // last[place])
                    last[place] = market.index

        run(exchange, moving(6)(exchange), 60_000_000 // step_us, step_us, look)
        return every

    short, whole = moves(5_000), moves(BATCH_US)
    assert 0.5 < sum(map(abs, short[0])) / sum(map(abs, whole[0])) < 2
    for one, other in (short, whole):
        assert sum(x * y > 0 for x, y in zip(one, other, strict=True)) > 0.6 * len(one)
