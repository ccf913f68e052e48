"""The venue's collateral against our fills, fees and funding: shown to the cent, and an alert where it lasts."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.engine import effects as fx
from core.engine.settlement import LASTING_NS
from core.events import AccountReported, PositionsReported
from core.model import Account, Position, Side
from core.units import AccountIndex
from tests.support.fake_connector import ETH, intent
from tests.support.machine import Bench

LASTING_S = LASTING_NS // 10**9


def collateral(bench: Bench, usdc: str) -> None:
    amount = Decimal(usdc)
    account = Account(index=AccountIndex(1), equity=amount, collateral=amount, available=amount)
    bench.tell(AccountReported(account=account))


def connected() -> Bench:
    """1,000 USDC, compared once."""
    bench = Bench()
    bench.connect()
    bench.wait(seconds=5)
    assert bench.facts.outlook.unexplained == 0
    return bench


def trade(bench: Bench, *, fee: str = "0") -> None:
    """Buy one and sell it for ten more."""
    bench.quote(bid=Decimal(1_999))
    bought = bench.rest(intent(size="1", price="1999.00"))
    bench.fill(bought, "1")
    bench.quote(bid=Decimal(2_008))
    sold = bench.rest(intent(Side.SELL, size="1", price="2009.00"))
    fill = replace(bench.fill_of(sold, "1"), fee=Decimal(fee))
    bench.facts.profit.book(fill, bench.tracked(sold.client_id).origin)


def alerts(bench: Bench) -> int:
    return bench.texts().count("no fill, fee or funding known here explains")


def test_what_fills_and_fees_explain_is_no_difference() -> None:
    bench = connected()
    trade(bench, fee="0.25")
    collateral(bench, "1009.75")
    bench.wait(seconds=LASTING_S + 5)
    assert bench.facts.outlook.unexplained == 0
    assert alerts(bench) == 0


@pytest.mark.parametrize("moved", ["-250", "1.01"])
def test_money_that_moves_by_itself_is_shown_at_once_and_said_once_when_it_lasts(moved: str) -> None:
    bench = connected()
    collateral(bench, str(1_000 + Decimal(moved)))
    bench.wait(seconds=2)
    assert bench.facts.outlook.unexplained == Decimal(moved)
    assert alerts(bench) == 0, "news of a fill may be on its way"
    bench.wait(seconds=LASTING_S + 2)
    assert alerts(bench) == 1
    bench.wait(seconds=2 * LASTING_S)
    assert alerts(bench) == 1
    assert bench.facts.outlook.unexplained == Decimal(moved), "said, and still shown"


def test_news_that_comes_late_is_no_alert() -> None:
    bench = connected()
    trade(bench)
    bench.wait(seconds=LASTING_S - 5)
    assert bench.facts.outlook.unexplained == -10
    collateral(bench, "1010")
    bench.wait(seconds=2 * LASTING_S)
    assert (bench.facts.outlook.unexplained, alerts(bench)) == (0, 0)


def test_a_difference_too_small_to_matter_is_shown_and_no_alert() -> None:
    bench = connected()
    collateral(bench, "999")
    bench.wait(seconds=2 * LASTING_S)
    assert (bench.facts.outlook.unexplained, alerts(bench)) == (-1, 0)


def test_funding_explains_what_it_took_and_a_position_that_begins_anew_gives_nothing_back() -> None:
    bench = connected()
    held = Position(market_id=ETH, size=Decimal(1), entry_price=Decimal(2_000))
    for paid, amount in (("5", "995"), ("4", "996"), ("0", "996"), ("3", "993")):
        bench.tell(PositionsReported(positions=(replace(held, funding_paid=Decimal(paid)),), is_complete=True))
        collateral(bench, amount)
        bench.wait(seconds=2)
        assert bench.facts.outlook.unexplained == 0, paid


def test_it_goes_on_over_a_restart() -> None:
    bench = connected()
    bench.tell(
        PositionsReported(
            positions=(Position(market_id=ETH, size=Decimal(1), funding_paid=Decimal(5)),), is_complete=True
        )
    )
    collateral(bench, "895")
    bench.wait(seconds=LASTING_S + 5)
    assert (bench.facts.outlook.unexplained, alerts(bench)) == (-100, 1)
    fresh = bench.restarted()
    fresh.connect()
    fresh.tell(fx.FillsCaughtUp(up_to=None))
    collateral(fresh, "895")
    fresh.wait(seconds=2 * LASTING_S)
    assert (fresh.facts.outlook.unexplained, alerts(fresh)) == (-100, 0), "it was said before"


def test_nothing_is_compared_before_the_account_is_reconciled() -> None:
    bench = Bench()
    collateral(bench, "1000")
    bench.wait(seconds=5)
    assert bench.facts.outlook.unexplained is None
