"""The generator: same seed, same market; deep uncrossed books; prices that pass an order fill it."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.connectors.venue.accounts import VenueAccount
from core.connectors.venue.catalogue import CATALOGUE, listed
from core.connectors.venue.exchange import Exchange, conserved
from core.connectors.venue.generator import LEVELS, Generator
from core.connectors.venue.orders import OrderRequest, OrderStatus, Tif, VenueOrder
from core.connectors.venue.simulation import Simulation
from core.connectors.venue.walk import normal
from core.connectors.venue.walk_moods import Mood, Phase
from core.errors import ConfigError

STEP_US = 50_000


class Everything:
    def __contains__(self, key: object) -> bool:
        return True


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - a market, not a secret


def run(seed: int, steps: int, markets: int = 4) -> tuple[Simulation, list[bytes]]:
    simulation = Simulation(listed(markets), seed, (), Everything())
    frames: list[bytes] = []
    for step in range(1, steps + 1):
        simulation.tick(STEP_US, step * STEP_US)
        frames += [frame.body for frame in simulation.take_frames()]
    return simulation, frames


def test_the_same_seed_makes_the_same_frames():
    assert run(7, 40)[1] == run(7, 40)[1]
    assert run(7, 40)[1] != run(8, 40)[1]


@pytest.mark.parametrize("seed", range(4))
def test_books_stay_deep_and_uncrossed_and_money_is_conserved(seed):
    exchange = Exchange(listed(18))
    generator = Generator(exchange, seeded(seed))
    for step in range(200):
        generator.shock(STEP_US)
        for market_id, market in exchange.markets.items():
            for _ in generator.step(market_id, STEP_US, step * STEP_US):
                assert not market.book.is_crossed
            assert not market.book.is_crossed
            assert min(len(market.book.asks), len(market.book.bids)) >= 200
    marks = {market_id: market.mark for market_id, market in exchange.markets.items()}
    assert conserved(exchange, marks) == exchange.deposits
    assert sum(market.day.trades for market in exchange.markets.values()) > 0


def test_memory_of_resting_orders_is_bounded():
    exchange = Exchange(listed(2))
    generator = Generator(exchange, seeded(3))
    for step in range(3_000):
        generator.shock(STEP_US)
        for market_id in exchange.markets:
            for _ in generator.step(market_id, STEP_US * 20, step * STEP_US):
                exchange.take_changes()
    for market in exchange.markets.values():
        for side in (market.book.asks, market.book.bids):
            assert sum(1 for _ in side.orders()) <= LEVELS + 40
    for account in exchange.accounts.values():
        assert not account.live
        assert not account.closed


@pytest.mark.parametrize(("is_ask", "seed"), [(True, 5), (False, 6)])
def test_an_order_the_price_passes_is_filled(is_ask, seed):
    exchange = Exchange(listed(1))
    generator = Generator(exchange, seeded(seed))
    trader = exchange.add_account(VenueAccount(index=9, collateral=10**13))
    market = exchange.markets[0]
    # Deeper in the book than random takers reach: only a walk through the price fills it.
    away = 1 if is_ask else -1
    price = market.mark + away * market.mark // 500
    resting = exchange.create(
        trader, OrderRequest(market_id=0, client_index=1, is_ask=is_ask, size=500_000, price=price), 1
    )
    assert isinstance(resting, VenueOrder)
    for step in range(40_000):
        generator.shock(STEP_US)
        for _ in generator.step(0, STEP_US * 20, step * STEP_US):
            exchange.take_changes()
        assert not market.book.is_crossed
        quoted = generator._quoted[0]
        if (quoted.walk.fair - price) * away >= quoted.half_spread:
            break
    else:
        pytest.fail("the walk never came there: choose another seed")
    assert resting.status is OrderStatus.FILLED
    assert trader.size_in(0) == -away * 500_000


@given(
    st.integers(0, 2**32),
    st.lists(
        st.tuples(st.integers(0, 30), st.booleans(), st.integers(-60, 60), st.integers(1, 10**6), st.sampled_from(Tif)),
        max_size=25,
    ),
)
def test_strangers_in_the_book_never_leave_it_crossed(seed, orders):
    exchange = Exchange(listed(1))
    generator = Generator(exchange, seeded(seed))
    trader = exchange.add_account(VenueAccount(index=9, collateral=10**15, maker_fee=40, taker_fee=280))
    market = exchange.markets[0]
    for pause, is_ask, away, size, tif in orders:
        for step in range(pause):
            generator.shock(STEP_US)
            for _ in generator.step(0, STEP_US * 200, step):
                assert not market.book.is_crossed
        price = market.mark + away * market.mark // 10_000
        request = OrderRequest(market_id=0, client_index=0, is_ask=is_ask, size=size, price=price, tif=tif)
        exchange.create(trader, request, 1)
        assert not market.book.is_crossed
    assert conserved(exchange, {0: market.mark}) == exchange.deposits


def test_an_order_inside_the_spread_is_hit_by_takers():
    exchange = Exchange(listed(1))
    generator = Generator(exchange, seeded(11))
    trader = exchange.add_account(VenueAccount(index=9, collateral=10**13))
    market = exchange.markets[0]
    filled = 0
    for step in range(4_000):
        if not trader.live:
            bid = market.book.bids.best()
            assert bid is not None
            exchange.create(trader, OrderRequest(market_id=0, client_index=0, is_ask=False, size=50, price=bid + 1), 1)
        generator.shock(STEP_US)
        for _ in generator.step(0, STEP_US, step * STEP_US):
            exchange.take_changes()
        filled = sum(order.filled for order in trader.closed)
        if filled >= 150:
            break
    assert filled >= 150


def test_markets_move_together_but_not_alike():
    exchange = Exchange(listed(12))
    generator = Generator(exchange, seeded(2))
    moves: dict[int, list[int]] = {market_id: [] for market_id in exchange.markets}
    before = {market_id: market.index for market_id, market in exchange.markets.items()}
    for step in range(300):
        generator.shock(STEP_US)
        for market_id, market in exchange.markets.items():
            for _ in generator.step(market_id, STEP_US * 100, step):
                pass
            moves[market_id].append((market.index - before[market_id]) * 10**9 // before[market_id])
            before[market_id] = market.index
    together = sum(x * y > 0 for x, y in zip(moves[0], moves[1], strict=True))
    assert 0.6 * 300 < together < 300


def moves_of(market_id: int, steps: int, seed: int, percent: int = 100) -> list[int]:
    """A market's moves in millionths, one for each five seconds."""
    exchange = Exchange(listed(4))
    generator = Generator(exchange, seeded(seed), percent)
    quoted, moves = generator._quoted[market_id], []
    for _ in range(steps):
        generator.shock(STEP_US)
        before = quoted.walk.fine
        quoted.walk.step(generator._random, generator._common, 5_000_000)
        moves.append((quoted.walk.fine - before) * 10**6 // before)
    return moves


def test_volatility_comes_in_clusters():
    sizes = [min(abs(move), 3_000) for move in moves_of(3, 20_000, 4)]
    mean = sum(sizes) / len(sizes)
    near = sum((one - mean) * (two - mean) for one, two in zip(sizes, sizes[4:], strict=False))
    far = sum((one - mean) * (two - mean) for one, two in zip(sizes, sizes[4_000:], strict=False))
    assert near > 3 * abs(far)


def test_a_large_move_heats_a_market_up_and_time_cools_it():
    mood, random = Mood(calmness=10**9), seeded(1)
    for _ in range(20):
        mood.step(random, 3_000, 50_000)
    hot = mood.heat
    assert hot > 2_000_000
    mood.step(random, 0, 240_000_000)
    assert mood.heat == 1_000_000
    mood.step(random, 2_000, 50_000)
    assert mood.heat == 1_000_000


def test_volatility_is_scaled():
    calm, wild = (sum(map(abs, moves_of(0, 3_000, 5, percent))) for percent in (50, 200))
    assert 3 < wild / calm < 5
    assert sum(map(abs, moves_of(0, 100, 5, 0))) == 0


def test_gaps_pumps_and_dumps_happen_and_more_often_in_small_markets():
    def jumps(market_id: int) -> int:
        return sum(abs(move) > 1_500 for move in moves_of(market_id, 20_000, 6))

    assert jumps(3) > 2 * jumps(0)
    mood, random, seen, price = Mood(calmness=1), seeded(7), [], 0
    for _ in range(40_000):
        price += mood.step(random, 0, 1_000_000)
        seen.append((mood.phase, price))
    phases = [phase for (phase, _), (other, _) in pairwise(seen) if phase is not other]
    assert phases[:3] == [Phase.QUIET, Phase.PUMP, Phase.DUMP]
    assert len(phases) > 8
    begun = next(place for place, (phase, _) in enumerate(seen) if phase is Phase.PUMP)
    turned = next(place for place, (phase, _) in enumerate(seen) if phase is Phase.DUMP)
    over = next(place for place in range(turned, len(seen)) if seen[place][0] is Phase.QUIET)
    rise, rest = (abs(seen[place][1] - seen[begun][1]) for place in (turned, over))
    assert rise > 8_000
    assert rest < rise // 2


def test_large_orders_open_interest_and_funding_move():
    exchange = Exchange(listed(2))
    generator = Generator(exchange, seeded(8))
    market = exchange.markets[0]
    opened, interests, fundings = market.open_interest, set(), set()
    largest, volumes = 0, []
    for step in range(6_000):
        generator.shock(STEP_US)
        traded = (exchange.take_changes().trades for _ in generator.step(0, STEP_US * 10, step))
        volumes += [sum(trade.quote for trade in trades) for trades in traded]
        interests.add(market.open_interest)
        fundings.add(market.funding_ppm)
    largest = max(volumes)
    assert opened > 0
    assert len(interests) > 50
    assert len(fundings) > 5
    assert largest > 10 * sorted(volumes)[len(volumes) // 2]
    longs = sum(max(0, account.size_in(0)) for account in exchange.accounts.values())
    assert market.open_interest == longs


def test_two_hundred_markets_are_listed_and_open():
    specs = listed(200)
    assert len({spec.market_id for spec in specs}) == len({spec.symbol for spec in specs}) == 200
    assert max(spec.market_id for spec in specs) < 255
    simulation = Simulation(specs, 1, (), Everything())
    simulation.tick(STEP_US, STEP_US)
    for market in simulation.exchange.markets.values():
        assert min(len(market.book.asks), len(market.book.bids)) >= 200
        assert not market.book.is_crossed
        assert market.spec.min_base * market.spec.reference_price <= 20_000_000


def test_normal_deviates_have_no_drift_and_unit_size():
    random = seeded(1)
    drawn = [normal(random) for _ in range(20_000)]
    assert abs(sum(drawn)) / len(drawn) < 30
    assert 980_000 < sum(each * each for each in drawn) / len(drawn) < 1_020_000


@pytest.mark.parametrize("count", [0, -1, len(CATALOGUE) + 1])
def test_more_markets_than_there_are_is_a_sentence(count):
    with pytest.raises(ConfigError, match=f"expected 1 to {len(CATALOGUE)} for the paper venue, got {count}"):
        listed(count)
