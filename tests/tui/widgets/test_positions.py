"""What the account holds beside its positions, as lines below its money."""

from dataclasses import replace
from decimal import Decimal

from core.assets import Asset
from core.clock import Instant, ManualClock
from core.state import KillStatus
from tests.support.fake_engine import a_state
from tui.format import HIDDEN
from tui.view import View
from tui.widgets.positions import money_lines

ETH = Asset(asset_id=1, symbol="ETH", balance=Decimal("1.50"), locked=Decimal("0.2"), margin=Decimal(0))
USDC = Asset(asset_id=3, symbol="USDC", balance=Decimal(0), locked=Decimal(0), margin=Decimal(5_000))


def _lines(*assets: Asset, is_private: bool = False) -> str:
    view = View(
        state=replace(a_state(ManualClock()), assets=assets),
        now=Instant(utc_us=1, mono_ns=1),
        kill=KillStatus(),
        is_private=is_private,
    )
    return "\n".join("".join(span.text for span in line) for line in money_lines(view))


def test_an_asset_is_shown_with_what_is_locked_and_hidden_with_the_other_amounts():
    assert "1.5 (0.2 locked)" in _lines(ETH)
    hidden = _lines(ETH, is_private=True)
    assert "1.5" not in hidden
    assert f"ETH {HIDDEN:>30}".split() == next(line for line in hidden.splitlines() if "ETH" in line).split()


def test_what_another_line_tells_is_not_told_twice_and_nothing_is_no_line():
    plain = _lines()
    assert _lines(USDC) == plain
    assert _lines(replace(ETH, balance=Decimal(0), locked=Decimal(0))) == plain
    assert (
        len(_lines(replace(USDC, balance=Decimal(12), margin=Decimal(0))).splitlines()) == len(plain.splitlines()) + 1
    )
