"""Orders, money and assets that the stream told, against what REST shows: what is lost is asked for anew, once."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.connectors.lighter.account_feed import AccountFeed, account_channels
from core.connectors.lighter.agreement import LASTING_NS, Agreement, Figures
from core.connectors.lighter.bodies import AccountRow
from core.connectors.lighter.convert import account_of_row
from core.connectors.lighter.objects import WireOrder
from core.connectors.lighter.session import Send, Session, SessionPolicy
from core.connectors.lighter.wire import decode_frame
from core.events import AccountReported, AssetsReported, LinkStatus, Noticed, NoticeLevel
from core.units import AccountIndex
from tests.support.scripted_lighter import ACCOUNT, order_row
from tests.support.waiting import eventually

USDC = {"asset_id": 3, "symbol": "USDC", "balance": "5.00", "locked_balance": "1.00", "margin_balance": "7.00"}
ETH = {"asset_id": 1, "symbol": "ETH", "balance": "0.5"}


def _one(**figures: int) -> dict[int | str, Decimal]:
    return {key: Decimal(value) for key, value in figures.items()}


def _lasting(agreement: Agreement, shown: dict, at_ns: int = 0) -> int | str | None:
    """What differs when it has been shown so for long enough; not a moment before."""
    assert agreement.differing(shown, at_ns) is None
    assert agreement.differing(shown, at_ns + LASTING_NS - 1) is None
    return agreement.differing(shown, at_ns + LASTING_NS)


def _agreement(**told: int) -> Agreement:
    agreement = Agreement()
    agreement.told(_one(**told), is_complete=True)
    return agreement


def test_a_figure_that_stays_different_is_named_until_it_was_asked_for():
    agreement = _agreement(a=1, b=2)
    shown = _one(a=1, b=3)
    assert _lasting(agreement, shown) == "b"
    assert agreement.differing(shown, LASTING_NS + 1) == "b", "nobody could ask yet"
    agreement.asked()
    assert agreement.differing(shown, 9 * LASTING_NS) is None


@pytest.mark.parametrize("shown", [_one(a=1), _one(a=1, b=2, c=4), {}])
def test_what_is_missing_on_one_side_is_nothing_there(shown):
    assert _lasting(_agreement(a=1, b=2), shown) is not None


def test_a_difference_that_changes_or_that_the_stream_speaks_of_begins_anew():
    agreement = _agreement(a=1)
    assert agreement.differing(_one(a=2), 0) is None
    assert agreement.differing(_one(a=3), LASTING_NS) is None
    agreement.told(_one(a=0), is_complete=False)
    agreement.told(_one(a=1), is_complete=False)
    assert agreement.differing(_one(a=3), 2 * LASTING_NS) is None
    assert agreement.differing(_one(a=3), 3 * LASTING_NS) == "a"


def test_a_difference_that_a_new_list_leaves_is_one_of_meaning_until_it_changes():
    agreement = _agreement(a=1)
    assert _lasting(agreement, _one(a=2)) == "a"
    agreement.asked()
    agreement.told(_one(a=1), is_complete=True)
    assert _lasting(agreement, _one(a=2), 2 * LASTING_NS) is None
    agreement.told(_one(a=4), is_complete=False)
    assert _lasting(agreement, _one(a=5), 4 * LASTING_NS) is None, "both moved by the same"
    assert _lasting(agreement, _one(a=6), 6 * LASTING_NS) == "a"
    agreement.told(_one(a=6), is_complete=False)
    assert agreement.differing(_one(a=6), 8 * LASTING_NS) is None
    assert _lasting(agreement, _one(a=7), 9 * LASTING_NS) == "a", "they agreed meanwhile"


def test_nothing_is_compared_before_a_list_or_after_the_stream_was_lost():
    agreement = Agreement()
    agreement.told(_one(a=1), is_complete=False)
    assert _lasting(agreement, _one(a=2)) is None
    agreement = _agreement(a=1)
    agreement.forget()
    assert _lasting(agreement, _one(a=2)) is None


def test_a_list_that_came_by_itself_begins_the_wait_anew():
    agreement, shown = _agreement(a=1), _one(a=1, b=2)
    assert agreement.differing(shown, 0) is None
    agreement.told(_one(a=1), is_complete=True)
    assert _lasting(agreement, shown, LASTING_NS) == "b"


def test_a_list_of_another_connection_is_no_answer_to_what_was_asked_before():
    agreement = _agreement(a=1)
    assert _lasting(agreement, _one(a=2)) == "a"
    agreement.asked()
    agreement.forget()
    agreement.told(_one(a=1), is_complete=True)
    assert _lasting(agreement, _one(a=2), 2 * LASTING_NS) == "a"


def _order(index: int, market: int, status: str, time_us: int) -> WireOrder:
    row = order_row(index, 0, market_index=market, status=status, transaction_time=time_us)
    return msgspec.convert(row, WireOrder, strict=False)


_NEWS = st.lists(
    st.tuples(st.integers(1, 6), st.sampled_from(["open", "pending", "canceled", "filled"]), st.integers(1, 9)),
    max_size=25,
)


@given(_NEWS, _NEWS, st.booleans())
def test_open_orders_are_counted_by_the_newest_that_was_told_of_each_whatever_the_order_of_frames(
    before, after, has_list
):
    figures, newest = Figures(), {}

    def tell(news, *, is_complete):
        rows = [_order(index, index % 2, status, time_us) for index, status, time_us in news]
        if is_complete:
            rows = list({row.order_index: row for row in rows}.values())
            for index in newest.keys() - {row.order_index for row in rows}:
                newest[index] = (newest[index][0], "gone")
        for row in rows:
            if (row.transaction_time or 0) >= newest.get(row.order_index, (0, ""))[0]:
                newest[row.order_index] = (row.transaction_time or 0, row.status)
        figures.on_orders(rows, is_complete=is_complete)

    tell([], is_complete=True)
    tell(before, is_complete=False)
    tell(after, is_complete=has_list)
    for market in (0, 1):
        expected = sum(status == "open" for index, (_, status) in newest.items() if index % 2 == market)
        assert figures.orders._told.get(market, Decimal(0)) == expected


def test_orders_that_ended_are_not_kept_for_ever(monkeypatch):
    monkeypatch.setattr("core.connectors.lighter.agreement._REMEMBERED", 100)
    figures = Figures()
    figures.on_orders([], is_complete=True)
    for index in range(1, 1_000):
        figures.on_orders([_order(index, 0, "open", 1)], is_complete=False)
        figures.on_orders([_order(index, 0, "canceled", 2)], is_complete=False)
    assert len(figures._times) == 100
    assert not figures._open
    assert figures.orders._told == {0: 0}


def test_the_orders_told_of_last_are_remembered_longest(monkeypatch):
    monkeypatch.setattr("core.connectors.lighter.agreement._REMEMBERED", 2)
    figures = Figures()
    figures.on_orders([], is_complete=True)
    for index, status, time_us in ((1, "open", 1), (2, "open", 1), (1, "canceled", 5), (3, "open", 1), (1, "open", 2)):
        figures.on_orders([_order(index, 0, status, time_us)], is_complete=False)
    assert figures.orders._told == {0: 2}, "the late frame of the first opens nothing"


class World:
    """A feed on a session whose channels are all live."""

    def __init__(self) -> None:
        self.events: list[object] = []
        self.session = Session(account_channels(ACCOUNT), SessionPolicy(data_is_life=False))
        self.feed = AccountFeed(AccountIndex(ACCOUNT), self.session, self.events.append, newest_trade=0)
        self.session.opened(0, "token")
        money = {"collateral": "10", "portfolio_value": "11", "available_balance": "9"}
        self.hear("subscribed", "account_all_orders", orders={})
        self.hear("subscribed", "account_all_trades", trades={})
        self.hear("subscribed", "account_all_positions", positions={})
        self.hear("subscribed", "account_all_assets", assets={"3": USDC, "1": ETH}, timestamp=50)
        self.hear("subscribed", "user_stats", stats=money, timestamp=50)

    def hear(self, kind: str, name: str, **body: object) -> None:
        frame = decode_frame(msgspec.json.encode({"channel": f"{name}:{ACCOUNT}", **body, "type": f"{kind}/{name}"}))
        self.session.heard(frame, 1)
        self.feed.on_frame(frame, 1)

    def compare(self, now_ns: int, **changes: object) -> tuple[str, ...]:
        row = {
            "collateral": "10",
            "available_balance": "9",
            "total_asset_value": "11",
            "assets": [USDC, ETH],
            **changes,
        }
        shown = msgspec.json.decode(msgspec.json.encode(row), type=AccountRow, strict=False)
        return self.feed.compare(account_of_row(shown, ()), shown, now_ns)

    def newest(self, kind: type) -> object:
        return [event for event in self.events if isinstance(event, kind)][-1]


def _row(count: int) -> dict[str, object]:
    return {"market_id": 0, "sign": 1, "position": "0", "open_order_count": count}


@pytest.mark.parametrize(
    ("changes", "words", "channel"),
    [
        ({"positions": [_row(2)]}, "the open orders in market 0", "account_all_orders"),
        ({"collateral": "10.5"}, "the account's collateral", "user_stats"),
        ({"available_balance": "9.5"}, "the account's available balance", "user_stats"),
        ({"total_asset_value": "11.5"}, "the account's equity", "user_stats"),
        ({"assets": [USDC]}, "the balance of asset 1", "account_all_assets"),
        ({"assets": [USDC | {"margin_balance": "8"}, ETH]}, "the balance of asset 3", "account_all_assets"),
    ],
)
def test_what_rest_shows_otherwise_for_a_while_is_said_and_its_channel_alone_asked_for_anew(changes, words, channel):
    world = World()
    assert world.compare(0, **changes) == ()
    said = world.compare(LASTING_NS, **changes)
    assert said == (f"{words} as the stream told it is not what REST shows: asking for it anew",)
    subscribed = [one.text for one in world.session.tick(2) if isinstance(one, Send) and '"subscribe"' in one.text]
    assert [channel in text for text in subscribed] == [True]
    assert world.compare(9 * LASTING_NS, **changes) == (), "once is enough"


@pytest.mark.parametrize(
    "changes", [{"positions": [_row(2)]}, {"collateral": "12"}, {"assets": [{**USDC, "balance": "6.00"}, ETH]}]
)
def test_while_the_stream_is_lost_nothing_is_compared(changes):
    world = World()
    assert world.compare(0, **changes) == ()
    world.feed.on_lost("closed by the venue")
    assert world.compare(LASTING_NS, **changes) == ()
    assert world.compare(3 * LASTING_NS, **changes) == ()


@pytest.mark.parametrize("count", [{}, {"open_order_count": None}])
def test_a_number_of_orders_that_rest_leaves_out_proves_nothing(count):
    world = World()
    world.hear("update", "account_all_orders", orders={"0": [order_row(2**49, 1)]})
    row = {"market_id": 0, "sign": 1, "position": "0", **count}
    assert world.compare(0, positions=[row]) == ()
    assert world.compare(LASTING_NS, positions=[row]) == ()


def test_without_room_in_the_budget_it_is_said_when_it_can_be_asked():
    world = World()
    world.session.resubscribe(f"user_stats:{ACCOUNT}", 2)  # it is being asked for already
    for at in (0, LASTING_NS, 2 * LASTING_NS):
        assert world.compare(at, collateral="12") == ()
    world.hear(
        "subscribed", "user_stats", stats={"collateral": "10", "portfolio_value": "11", "available_balance": "9"}
    )
    assert world.compare(3 * LASTING_NS, collateral="12") == ()
    assert len(world.compare(4 * LASTING_NS, collateral="12")) == 1


@pytest.mark.parametrize("assets", [None, "x", [{"asset_id": "x"}], [{}]])
def test_assets_that_rest_tells_in_an_unknown_form_are_not_compared_and_spoil_nothing(assets):
    world = World()
    for at in (0, LASTING_NS):
        assert world.compare(at, assets=assets) == ()


def test_assets_are_told_whole_and_an_older_frame_changes_nothing():
    world = World()
    told = world.newest(AssetsReported)
    assert {(one.symbol, one.balance, one.locked, one.margin) for one in told.assets} == {
        ("USDC", Decimal("5.00"), Decimal("1.00"), Decimal("7.00")),
        ("ETH", Decimal("0.5"), Decimal(0), Decimal(0)),
    }
    world.hear("update", "account_all_assets", assets={"1": ETH | {"balance": "0.7"}}, timestamp=60)
    world.hear("update", "account_all_assets", assets={"1": ETH | {"balance": "0.6"}}, timestamp=55)
    told = world.newest(AssetsReported)
    assert {one.symbol: one.balance for one in told.assets} == {"USDC": Decimal("5.00"), "ETH": Decimal("0.7")}
    world.hear("subscribed", "account_all_assets", assets={"1": ETH}, timestamp=40)
    assert [one.balance for one in world.newest(AssetsReported).assets] == [Decimal("0.5")], "a new list begins anew"


def test_assets_that_changed_before_they_were_listed_are_not_told_as_all_there_are():
    events: list[object] = []
    session = Session(account_channels(ACCOUNT), SessionPolicy(data_is_life=False))
    feed = AccountFeed(AccountIndex(ACCOUNT), session, events.append, newest_trade=0)
    update = {"channel": f"account_all_assets:{ACCOUNT}", "assets": {"1": ETH}, "type": "update/account_all_assets"}
    feed.on_frame(decode_frame(msgspec.json.encode(update)), 1)
    assert events == []


def test_money_of_an_older_frame_changes_nothing():
    world = World()
    for collateral, stamp in (("12", 70), ("11", 60)):
        money = {"collateral": collateral, "portfolio_value": "12", "available_balance": "9"}
        world.hear("update", "user_stats", stats=money, timestamp=stamp)
    assert world.newest(AccountReported).account.collateral == 12


async def test_money_that_the_stream_kept_back_is_asked_for_and_comes(venue, start, monkeypatch):
    monkeypatch.setattr("core.connectors.lighter.agreement.LASTING_NS", 1)
    monkeypatch.setattr("core.connectors.lighter.housekeeping._IDLE_NS", 0)
    venue.assets = [USDC]
    connector, events = await start(venue.settings())
    await eventually(lambda: all(link.status is LinkStatus.LIVE for link in connector.links()), "links")
    venue.assets = [USDC | {"balance": "6.00"}]  # and the stream says nothing

    def balances() -> list[Decimal]:
        return [event.assets[0].balance for event in events if isinstance(event, AssetsReported)]

    await eventually(lambda: balances()[-1:] == [Decimal("6.00")], "the balance", 20)
    [said] = [one for one in events if isinstance(one, Noticed) and "asset 3" in one.text]
    assert said.level is NoticeLevel.WARN
    assert len(venue.private_sockets) == 1, "one channel, not the connection"
