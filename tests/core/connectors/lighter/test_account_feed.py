"""What the account's stream tells when a row of it cannot be read: the rows beside it, and that one is missing."""

import msgspec
import pytest

from core.connectors.lighter.account_feed import AccountFeed, account_channels
from core.connectors.lighter.objects import WireTrade
from core.connectors.lighter.session import Session, SessionPolicy
from core.connectors.lighter.wire import decode_frame
from core.errors import ProtocolViolation
from core.events import FillReported, OpenOrdersListed, OrdersReported, PositionsReported
from core.units import AccountIndex
from tests.support.scripted_lighter import ACCOUNT, order_row, trade_row


class World:
    """A feed that saw its first snapshots, all of them empty, with no gap left open."""

    def __init__(self) -> None:
        self.events: list[object] = []
        session = Session(account_channels(ACCOUNT), SessionPolicy(data_is_life=False))
        self.feed = AccountFeed(AccountIndex(ACCOUNT), session, self.events.append, newest_trade=99)
        self.hear("subscribed", "account_all_trades", trades={})
        self.feed.recovered([], self.feed.gap)
        self.events.clear()

    def hear(self, kind: str, name: str, **body: object) -> None:
        said = {"channel": f"{name}:{ACCOUNT}", **body, "type": f"{kind}/{name}"}
        self.feed.on_frame(decode_frame(msgspec.json.encode(said)), 1)

    def trade_ids(self) -> list[int]:
        return [event.fill.trade_id for event in self.events if isinstance(event, FillReported)]

    @property
    def has_gap(self) -> bool:
        return self.feed.gap != self.feed.closed_gap


@pytest.fixture
def world() -> World:
    return World()


def _trades(*ids: int, broken: int) -> list[dict[str, object]]:
    return [trade_row(one, **({"price": "NaN"} if one == broken else {})) for one in ids]


def _wire(*rows: dict[str, object]) -> list[WireTrade]:
    return [msgspec.convert(row, WireTrade, strict=False) for row in rows]


@pytest.mark.parametrize("kind", ["update", "subscribed"])
def test_an_unreadable_trade_swallows_no_other_and_is_a_gap_until_rest_tells_it(world, kind):
    with pytest.raises(ProtocolViolation, match="trade 101: expected a number, got NaN"):
        world.hear(kind, "account_all_trades", trades={"0": _trades(100, 101, 102, broken=101)})
    assert world.trade_ids() == [100, 102]
    assert world.has_gap
    assert world.feed.whole_until == 99, "REST is asked for all since the last trade that is certain"
    world.hear("update", "account_all_trades", trades={"0": [trade_row(103)]})
    assert world.feed.whole_until == 99
    world.feed.recovered(_wire(trade_row(103), trade_row(102), trade_row(101), trade_row(100)), world.feed.gap)
    assert 101 in world.trade_ids()
    assert not world.has_gap
    assert world.feed.whole_until == 103


def test_a_gap_stays_open_while_rest_tells_something_unreadable_too(world):
    world.feed.gap += 1
    with pytest.raises(ProtocolViolation, match="trade 101"):
        world.feed.recovered(_wire(*_trades(102, 101, 100, broken=101)), world.feed.gap)
    assert world.trade_ids() == [100, 102]
    assert world.has_gap
    assert world.feed.gap - world.feed.closed_gap == 1, "no further gap: asking again is all that helps"
    assert world.feed.whole_until == 99


@pytest.mark.parametrize("kind", ["update", "subscribed"])
def test_an_unreadable_order_swallows_no_other_and_the_list_is_not_called_complete(world, kind):
    rows = [order_row(2**49, 5), order_row(2**49 - 1, 6, filled_base_amount="NaN"), order_row(2**49 - 2, 7)]
    with pytest.raises(ProtocolViolation, match="NaN"):
        world.hear(kind, "account_all_orders", orders={"0": rows})
    (told,) = world.events
    assert isinstance(told, OrdersReported)
    assert [report.client_id for report in told.orders] == [5, 7]


def test_a_list_that_can_be_read_is_complete(world):
    world.hear("subscribed", "account_all_orders", orders={"0": [order_row(2**49, 5)]})
    (listed,) = world.events
    assert isinstance(listed, OpenOrdersListed)


def test_an_unreadable_position_swallows_no_other_and_what_is_missing_is_not_called_flat(world):
    held = {"sign": 1, "position": "0.5000", "avg_entry_price": "1999.0"}
    positions = {"0": {**held, "market_id": 0}, "1": {**held, "market_id": 1, "position": ""}}
    with pytest.raises(ProtocolViolation, match="position of market 1 has no size"):
        world.hear("subscribed", "account_all_positions", positions=positions)
    (told,) = world.events
    assert isinstance(told, PositionsReported)
    assert [one.market_id for one in told.positions] == [0]
    assert not told.is_complete
