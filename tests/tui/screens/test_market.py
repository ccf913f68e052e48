"""The market's screen and trading from its ladder: every key, armed and not, on a book that may not be believed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal

import pytest
from textual.pilot import Pilot

from core.commands import CancelOrder, SubmitOrder
from core.look import MarketLook, nothing_yet
from core.model import BookStatus, BookView, Level, OrderType, Side, TimeInForce
from core.state import ExitReport
from core.tape import Candle, PublicTrade, Tape
from core.units import TradeId
from tests.support.desk import LARGE, SMALL, on_screen, shows, text
from tests.support.fake_engine import START_NS, START_US, FakeEngine, an_entry, denied, some_markets
from tests.support.waiting import eventually

MARKETS = some_markets()
ETH = MARKETS[0]


def a_look(**changes: object) -> MarketLook:
    book = BookView(
        market_id=ETH.id,
        status=BookStatus.LIVE,
        bids=tuple(Level(price=Decimal(price), size=Decimal("1.5")) for price in ("3021.54", "3021.50", "3020.00")),
        asks=tuple(Level(price=Decimal(price), size=Decimal("2.5")) for price in ("3021.60", "3021.70")),
        received_ns=START_NS,
    )
    trade = PublicTrade(
        trade_id=TradeId(1),
        market_id=ETH.id,
        price=Decimal("3021.57"),
        size=Decimal("0.25"),
        taker=Side.SELL,
        is_liquidation=True,
        time_us=START_US,
    )
    candle = Candle(
        start_us=START_US,
        open=Decimal(3000),
        high=Decimal(3030),
        low=Decimal(2990),
        close=Decimal(3021),
        volume=Decimal(5),
    )
    look = MarketLook(
        market_id=ETH.id,
        book=book,
        tape=Tape(market_id=ETH.id, status=BookStatus.LIVE, trades=(trade,)),
        candles=(candle,),
        candles_ns=START_NS,
    )
    return replace(look, **changes)  # type: ignore[arg-type]


def an_engine(look: MarketLook | None = None) -> FakeEngine:
    engine = FakeEngine()
    engine.looks[ETH.id] = look or a_look()
    return engine


@asynccontextmanager
async def at_market(
    engine: FakeEngine, size: tuple[int, int] = LARGE, *, is_live: bool = False
) -> AsyncIterator[Pilot[ExitReport | None]]:
    async with on_screen(engine, size, is_live=is_live) as pilot:
        await pilot.press("m")
        await shows(pilot, "ladder · ETH")
        yield pilot


def orders(engine: FakeEngine) -> list[tuple[Side, str, str]]:
    assert all(isinstance(command, SubmitOrder) for command in engine.commands)
    intents = [command.intent for command in engine.commands if isinstance(command, SubmitOrder)]
    assert all(one.tif is TimeInForce.POST_ONLY and one.type is OrderType.LIMIT for one in intents)
    return [(one.side, str(one.price), str(one.size)) for one in intents]


async def test_it_shows_ladder_tape_candles_and_funding_each_with_its_unit():
    async with at_market(an_engine()) as pilot:
        await shows(
            pilot, "PRICE USDC", "3021.54", "3021.60", "tape", "liquidation", "candles 1m", "0s old", "funding %/h"
        )
        await shows(pilot, "●0.5000", "1m candles: 1")


async def test_at_80x24_the_ladder_and_the_tape_remain():
    async with at_market(an_engine(), SMALL) as pilot:
        await shows(pilot, "3021.54", "3021.57", "ARMED")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (("j",), (Side.BUY, "3021.54", "0.0082")),
        (("right", "j"), (Side.SELL, "3021.60", "0.0082")),
        (("i",), (Side.BUY, "3021.55", "0.0082")),
        (("right", "i"), (Side.SELL, "3021.59", "0.0082")),
        (("down", "down", "enter"), (Side.BUY, "3021.50", "0.0082")),
        (("right", "up", "up", "enter"), (Side.SELL, "3021.70", "0.0082")),
        (("plus", "j"), (Side.BUY, "3021.54", "0.0330")),
        (("plus", "plus", "plus", "minus", "j"), (Side.BUY, "3021.54", "0.0330")),
    ],
    ids=lambda value: "-".join(value) if isinstance(value[0], str) else None,
)
async def test_each_key_asks_for_one_post_only_order_of_the_chosen_size(keys, expected):
    engine = an_engine()
    engine.publish(order_map=())
    async with at_market(engine) as pilot:
        await pilot.press(*keys)
        await eventually(lambda: engine.commands, "an order")
        assert orders(engine) == [expected]
        assert len(engine.previewed) == 1
        await shows(pilot, "asked for:")


async def test_the_mark_keeps_its_price_while_the_book_moves():
    engine = an_engine()
    engine.publish(order_map=())
    async with at_market(engine) as pilot:
        await pilot.press("down", "down")
        moved = a_look(book=replace(a_look().book, bids=(Level(price=Decimal("3021.52"), size=Decimal(1)),)))
        engine.looks[ETH.id] = moved
        await shows(pilot, "3021.52")
        await pilot.press("enter")
        await eventually(lambda: engine.commands, "an order")
        assert orders(engine)[0][1] == "3021.50"


@pytest.mark.parametrize("key", ["j", "i", "enter"])
async def test_real_money_begins_disarmed_and_is_disarmed_again_at_each_visit(key: str):
    engine = an_engine()
    async with at_market(engine, is_live=True) as pilot:
        await shows(pilot, "disarmed")
        await pilot.press("down", key)
        await shows(pilot, "nothing was sent; F5 arms")
        assert engine.commands == []
        await pilot.press("f5")
        await shows(pilot, "■ ARMED")
        await pilot.press("d", "m")
        await shows(pilot, "disarmed")
        await pilot.press(key)
        await shows(pilot, "nothing was sent")
        assert engine.commands == []


async def test_disarmed_the_ladder_still_cancels_at_a_price_and_by_side():
    engine = an_engine()
    buy, sell = an_entry(1, ETH), an_entry(2, ETH, buy=Side.SELL)
    elsewhere = an_entry(3, MARKETS[1])
    engine.publish(order_map=(buy, sell, elsewhere))
    async with at_market(engine, is_live=True) as pilot:
        await pilot.press("left_square_bracket")
        await eventually(lambda: engine.commands, "a cancel")
        await pilot.press("right_square_bracket")
        await eventually(lambda: len(engine.commands) == 2, "two cancels")
        ids = [command.client_id for command in engine.commands if isinstance(command, CancelOrder)]
        assert ids == [buy.order.client_id, sell.order.client_id]
        engine.commands.clear()
        await pilot.press("home", "up", "x")  # the next price up is that of our own orders
        await eventually(lambda: len(engine.commands) == 2, "both at this price")
        await shows(pilot, "asked to cancel 2")


async def test_what_risk_refuses_is_said_and_not_sent():
    engine = an_engine()
    engine.decision = denied()
    async with at_market(engine) as pilot:
        await pilot.press("j")
        await shows(pilot, "risk refuses", "max order notional")
        assert engine.commands == []


@pytest.mark.parametrize("status", [BookStatus.EMPTY, BookStatus.SYNCING, BookStatus.STALE])
async def test_a_book_that_may_not_be_believed_says_so_and_takes_no_order(status: BookStatus):
    look = a_look(book=replace(a_look().book, status=status, reason="the link is down"))
    engine = an_engine(look)
    async with at_market(engine) as pilot:
        await shows(pilot, "the link is down")
        await pilot.press("j", "i", "down", "enter")
        await shows(pilot, "may not be believed")
        assert engine.commands == []


async def test_comma_and_full_stop_go_through_the_markets_and_forget_the_mark():
    engine = an_engine()
    async with at_market(engine) as pilot:
        await pilot.press("down", "full_stop")
        await shows(pilot, "ladder · BTC")
        await pilot.press("enter")
        assert engine.commands == []
        await pilot.press("comma", "comma")
        await shows(pilot, f"ladder · {MARKETS[-1].symbol}")


async def test_it_looks_at_the_market_selected_on_the_desk_and_only_while_in_sight():
    engine = an_engine()
    engine.looks[MARKETS[2].id] = nothing_yet(MARKETS[2].id)
    async with on_screen(engine) as pilot:
        await pilot.press("down", "down", "m")
        await shows(pilot, "ladder · SOL")
        await eventually(lambda: engine.looked_at is not None and engine.looked_at[0] == MARKETS[2].id, "a look")
        await pilot.press("n")
        await shows(pilot, "new order", "SOL")
        await pilot.press("escape", "d")
        await shows(pilot, "1 prices")
        engine.looked_at = None
        engine.publish(day_pnl=Decimal(99))
        await shows(pilot, "+99.00")
        assert engine.looked_at is None


async def test_pasted_text_places_nothing():
    engine = an_engine()
    async with at_market(engine) as pilot:
        from textual.events import Paste

        pilot.app.post_message(Paste("jjjiii\n+x[]"))
        await pilot.pause()
        assert engine.commands == []
        assert "asked" not in text(pilot.app)


async def test_a_narrow_screen_shows_candles_instead_of_ladder_and_tape_and_no_key_trades_unseen():
    engine = an_engine()
    async with at_market(engine, SMALL) as pilot:
        assert "candles" not in text(pilot.app)
        await pilot.press("3")
        await shows(pilot, "3 candles 1m", "volume in base units")
        assert "1 ladder" not in text(pilot.app)
        await pilot.press("j", "i", "enter", "c", "x", "tab", "j")
        assert engine.commands == []
        await pilot.press("1", "j")
        await shows(pilot, "1 ladder", "2 tape", "asked for: buy")
        assert len(engine.commands) == 1


async def test_a_wide_screen_keeps_ladder_and_tape_beside_the_candles():
    async with at_market(an_engine()) as pilot:
        await pilot.press("3", "j")
        await shows(pilot, "1 ladder", "2 tape", "3 candles 1m", "asked for: buy")
