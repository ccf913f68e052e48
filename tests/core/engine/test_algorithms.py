"""Plans as pure steps: what they ask for whatever happens to their orders, and that it is never more than they may."""

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.engine.algorithms import Child, Progress, Step, View, step
from core.model import BookStatus, OrderIntent, Quote, Side, TimeInForce
from core.plans import Chase, Ladder, Plan, Twap
from core.units import ZERO, ClientOrderId, is_on_grid
from tests.support.fake_connector import ETH, MARKETS

SECOND = 1_000_000_000
MARKET = MARKETS[0]
QUOTE = Quote(market_id=ETH, status=BookStatus.LIVE, bid=Decimal(2000), ask=Decimal(2001))
D = Decimal
TWAP = Twap(market_id=ETH, side=Side.BUY, size=D("1"), price=D("2100"), slices=4, every_s=10)
LADDER = Ladder(market_id=ETH, side=Side.BUY, size=D("1"), first=D("1990"), last=D("1980"), rungs=3)
CHASE = Chase(market_id=ETH, side=Side.BUY, size=D("1"), price=D("2005"), within_s=60)


@dataclass
class Life:
    """One order at an imagined venue."""

    child: Child
    intent: OrderIntent
    may_fill: Decimal
    """What of it may still be filled, whatever we believe."""


class World:
    """Takes the steps of one plan, and lets anything happen to its orders."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.progress = Progress(started_ns=0)
        self.lives: list[Life] = []
        self.now_ns = 0
        self.quote = QUOTE
        self.is_over = False

    def step(self) -> Step:
        view = View(now_ns=self.now_ns, market=MARKET, quote=self.quote, children=[life.child for life in self.lives])
        taken = step(self.plan, self.progress, view)
        self.progress = taken.progress
        self.is_over = taken.is_over
        for intent in taken.orders:
            assert is_on_grid(intent.size, MARKET.size_decimals)
            assert is_on_grid(intent.price, MARKET.price_decimals)
            child = Child(
                client_id=ClientOrderId(len(self.lives) + 1),
                price=intent.price,
                largest=intent.size,
                filled=ZERO,
                is_closed=False,
                is_certain=False,
                is_steady=True,
                is_revocable=True,
            )
            self.lives.append(Life(child, intent, intent.size))
        for move in taken.moves:
            life = self.lives[move.client_id - 1]
            assert move.size == life.child.largest, "a move changes the price alone"
            life.child = replace(life.child, price=move.price)
        return taken

    def fill(self, life: Life, size: Decimal) -> None:
        size = min(size, life.may_fill)
        life.may_fill -= size
        filled = life.child.filled + size
        is_whole = filled >= life.child.largest
        life.child = replace(
            life.child, filled=filled, is_closed=life.child.is_closed or is_whole, is_certain=life.child.is_certain
        )

    def end(self, life: Life, *, is_certain: bool) -> None:
        """By the venue's word, after which nothing of it fills; or by our conclusion, after which something may."""
        life.child = replace(life.child, is_closed=True, is_certain=is_certain, is_steady=False, is_revocable=False)
        if is_certain:
            life.may_fill = ZERO

    @property
    def filled(self) -> Decimal:
        return sum((life.child.filled for life in self.lives), ZERO)

    @property
    def reach(self) -> Decimal:
        return self.filled + sum((life.may_fill for life in self.lives), ZERO)


@settings(deadline=None, max_examples=150)
@given(st.sampled_from([TWAP, LADDER, CHASE]), st.sampled_from([D("1"), D("0.0007"), D("0.3333")]), st.data())
def test_the_orders_of_a_plan_never_reach_beyond_its_size(kind: Plan, size: Decimal, data: st.DataObject) -> None:
    world = World(replace(kind, size=size))
    for _ in range(data.draw(st.integers(5, 40))):
        world.now_ns += data.draw(st.sampled_from([0, SECOND // 10, SECOND, 11 * SECOND, 100 * SECOND]))
        bid = D(data.draw(st.integers(1990, 2010)))
        world.quote = replace(QUOTE, bid=bid, ask=bid + 1)
        world.step()
        assert world.reach <= size
        if not world.lives:
            continue
        life = data.draw(st.sampled_from(world.lives))
        match data.draw(st.sampled_from(["fill", "end", "lose", "nothing"])):
            case "fill":
                world.fill(life, size / data.draw(st.integers(1, 5)))
            case "end":
                world.end(life, is_certain=True)
            case "lose":
                world.end(life, is_certain=False)
            case _:
                pass
        assert world.filled <= size


class TestTwap:
    def test_equal_slices_in_equal_steps_of_time(self) -> None:
        world = World(TWAP)
        sizes = []
        for _ in range(5):
            orders = world.step().orders
            sizes.append([order.size for order in orders])
            assert not world.step().orders, "once a slice"
            for order in orders:
                assert (order.tif, order.price) == (TimeInForce.IOC, D("2100"))
                world.fill(world.lives[-1], order.size)
                world.end(world.lives[-1], is_certain=True)
            world.now_ns += 10 * SECOND
        assert sizes == [[D("0.25")]] * 4 + [[]]
        assert world.is_over

    def test_what_a_slice_leaves_undone_is_added_to_the_next_and_a_pause_is_caught_up_slowly(self) -> None:
        world = World(replace(TWAP, slices=10))
        world.step()
        world.fill(world.lives[0], D("0.04"))
        world.end(world.lives[0], is_certain=True)
        world.now_ns = 10 * SECOND
        assert [order.size for order in world.step().orders] == [D("0.16")]
        world.end(world.lives[1], is_certain=True)
        world.now_ns = 70 * SECOND
        assert [order.size for order in world.step().orders] == [D("0.3")]

    def test_it_ends_after_the_last_slice_with_whatever_it_did(self) -> None:
        world = World(TWAP)
        for _ in range(4):
            world.step()
            world.end(world.lives[-1], is_certain=True)
            world.now_ns += 10 * SECOND
        assert world.step().is_over
        assert world.filled == 0


class TestLadder:
    def test_all_rungs_at_once_in_equal_steps(self) -> None:
        orders = World(LADDER).step().orders
        assert [(order.price, order.size) for order in orders] == [
            (D("1990.00"), D("0.3334")),
            (D("1985.00"), D("0.3333")),
            (D("1980.00"), D("0.3333")),
        ]
        assert {order.tif for order in orders} == {TimeInForce.POST_ONLY}

    def test_it_is_over_when_every_rung_ended(self) -> None:
        world = World(LADDER)
        world.step()
        for life in world.lives:
            assert not world.step().is_over
            world.end(life, is_certain=True)
        assert world.step().is_over
        assert len(world.lives) == 3


class TestChase:
    def test_it_joins_the_touch_and_follows_it_but_not_too_often_and_not_too_far(self) -> None:
        world = World(CHASE)
        world.now_ns = SECOND
        (order,) = world.step().orders
        assert (order.price, order.tif) == (D(2000), TimeInForce.POST_ONLY)
        world.quote = replace(QUOTE, bid=D(2003))
        assert not world.step().moves, "just placed"
        world.now_ns += SECOND
        assert [move.price for move in world.step().moves] == [D(2003)]
        world.now_ns += SECOND
        world.quote = replace(QUOTE, bid=D(2008))
        assert [move.price for move in world.step().moves] == [D(2005)]
        world.now_ns += SECOND
        assert not world.step().moves

    def test_a_sell_follows_the_offer_down_to_its_price(self) -> None:
        world = World(replace(CHASE, side=Side.SELL, price=D(1999)))
        world.now_ns = SECOND
        assert world.step().orders[0].price == D(2001)
        world.now_ns += SECOND
        world.quote = replace(QUOTE, ask=D(1990))
        assert [move.price for move in world.step().moves] == [D(1999)]

    @pytest.mark.parametrize("quote", [replace(QUOTE, status=BookStatus.STALE), replace(QUOTE, bid=None)])
    def test_a_book_that_cannot_be_believed_is_not_followed(self, quote: Quote) -> None:
        world = World(CHASE)
        world.now_ns, world.quote = SECOND, quote
        assert not world.step().orders

    def test_one_under_change_or_cancel_is_let_be(self) -> None:
        world = World(CHASE)
        world.now_ns = SECOND
        world.step()
        world.lives[0].child = replace(world.lives[0].child, is_steady=False)
        world.quote, world.now_ns = replace(QUOTE, bid=D(2003)), 3 * SECOND
        assert world.step() == Step(progress=world.progress)

    def test_time_is_up(self) -> None:
        world = World(CHASE)
        world.now_ns = SECOND
        world.step()
        world.now_ns = 60 * SECOND
        taken = world.step()
        assert taken.cancels == (ClientOrderId(1),)
        assert not taken.is_over
        world.end(world.lives[0], is_certain=True)
        assert world.step().is_over

    def test_what_the_venue_ended_early_is_placed_again_and_what_got_lost_never(self) -> None:
        world = World(CHASE)
        world.now_ns = SECOND
        world.step()
        world.fill(world.lives[0], D("0.4"))
        world.end(world.lives[0], is_certain=True)
        world.now_ns += SECOND
        assert [order.size for order in world.step().orders] == [D("0.6")]
        world.end(world.lives[1], is_certain=False)
        world.now_ns += SECOND
        assert not world.step().orders
