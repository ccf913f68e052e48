"""What accounts send and are told beyond plain orders: refusals with their codes, frames of what befalls them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typed_core.validation import validator
from typed_lighter.streams.account_all import AccountAllMessage
from typed_lighter.streams.notifications import NotificationsUpdate

from core.connectors.venue.catalogue import listed
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.funding import HOUR_US
from core.connectors.venue.orders import OrderStatus
from core.connectors.venue.rest import Query, Rest
from core.connectors.venue.sequencer import TxRecord
from core.connectors.venue.simulation import COUNTERPARTY, OPERATOR, TRADING_KEY, KeyOf, Simulation
from tests.support import venue_tx as tx

OCO, OTO, OTOCO = 2, 1, 3
DAY = tx.DAY_MS
MINUTE_MS = 60_000


class Everything:
    def __contains__(self, key: object) -> bool:
        return True


@pytest.fixture
def simulation() -> Simulation:
    owners = ((OPERATOR, TRADING_KEY), (COUNTERPARTY, TRADING_KEY))
    keys = [KeyOf(account_index=account, api_key_index=key, public_key="ab" * 40) for account, key in owners]
    made = Simulation(listed(3), 1, keys, Everything())
    made.tick(50_000, now_us())
    made.take_frames()
    return made


def now_us() -> int:
    return tx.now_ms() * 1_000


def nonce_of(simulation: Simulation) -> int:
    return simulation.exchange.accounts[OPERATOR].keys[TRADING_KEY].nonce


def refused(simulation: Simulation, tx_type: int, info: str, at_us: int | None = None) -> int:
    nonce = nonce_of(simulation)
    outcome = simulation.send(tx_type, info, at_us or now_us())
    assert isinstance(outcome, Refusal), outcome
    assert nonce_of(simulation) == nonce
    assert simulation.take_frames() == []
    return int(outcome.code)


def sent(simulation: Simulation, tx_type: int, info: str) -> TxRecord:
    outcome = simulation.send(tx_type, info, now_us())
    assert isinstance(outcome, TxRecord), outcome
    return outcome


def buy(simulation: Simulation, steps: int) -> None:
    info = tx.create(nonce=nonce_of(simulation), Type=tx.MARKET, TimeInForce=tx.IOC, Price=300_000, BaseAmount=steps)
    sent(simulation, tx.CREATE, info)


def frames(simulation: Simulation) -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {}
    for frame in simulation.take_frames():
        found.setdefault(frame.key, []).append(json.loads(frame.body))
    return found


def rest(simulation: Simulation, path: str, at_us: int | None = None, **query: object) -> dict:
    params = {name: str(value) for name, value in query.items()}
    status, body = Rest(simulation).get(
        f"/api/v1/{path}", Query(params=params, token=tx.token(), now_us=at_us or now_us())
    )
    assert status == 200, body
    return json.loads(body)


class TestRefusals:
    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({"TriggerPrice": 0}, Code.INVALID_TRIGGER),
            ({"TriggerPrice": 2**32}, Code.INVALID_TRIGGER),
            ({"TimeInForce": tx.GTT}, Code.INVALID_TIF),
            ({"OrderExpiry": 0}, Code.INVALID_EXPIRY),
            ({"Price": 80_000}, Code.FAR_FROM_TRIGGER),
            ({"ReduceOnly": 0, "BaseAmount": 20}, Code.BELOW_MINIMUM),
        ],
    )
    def test_a_conditional_order_that_breaks_a_rule(self, simulation, fields, code):
        assert refused(simulation, tx.CREATE, tx.signed(tx.stop_loss(**fields), nonce=0)) == code

    def test_a_trigger_on_a_plain_order(self, simulation):
        assert refused(simulation, tx.CREATE, tx.create(nonce=0, TriggerPrice=5)) == 21729
        sent(simulation, tx.CREATE, tx.create(nonce=0, ClientOrderIndex=7))
        simulation.take_frames()
        change = {"MarketIndex": 0, "Index": 7, "BaseAmount": 900, "Price": 150_000, "TriggerPrice": 9}
        assert refused(simulation, tx.MODIFY, tx.signed(change, nonce=1)) == 21729

    @pytest.mark.parametrize(
        ("kind", "orders", "code"),
        [
            (4, [tx.member(), tx.stop_loss(BaseAmount=0)], Code.INVALID_GROUPING),
            (OTO, [tx.member()], Code.INVALID_GROUP_SIZE),
            (OTOCO, [tx.member(), tx.stop_loss(BaseAmount=0)], Code.INVALID_GROUP_SIZE),
            (OTO, [tx.member(), tx.stop_loss()], Code.INVALID_GROUP_ORDER),
            (OTO, [tx.member(), tx.member(BaseAmount=0)], Code.INVALID_GROUP_ORDER),
            (OTO, [tx.member(), tx.stop_loss(BaseAmount=0, IsAsk=0)], Code.INVALID_GROUP_ORDER),
            (OTO, [tx.stop_loss(), tx.stop_loss(BaseAmount=0)], Code.INVALID_GROUP_ORDER),
            (OTO, [tx.member(), tx.stop_loss(BaseAmount=0, MarketIndex=1)], Code.INVALID_GROUP_ORDER),
            (OCO, [tx.stop_loss(), tx.stop_loss()], Code.INVALID_GROUP_ORDER),
            (OCO, [tx.stop_loss(), tx.stop_loss(Type=4, ReduceOnly=0)], Code.INVALID_GROUP_ORDER),
            (OCO, [tx.stop_loss(), tx.stop_loss(Type=4, BaseAmount=7)], Code.INVALID_GROUP_ORDER),
        ],
    )
    def test_a_group_that_breaks_a_rule(self, simulation, kind, orders, code):
        # Expiries are taken at different milliseconds here and must agree in a group.
        expiry = tx.now_ms() + DAY
        same = [each | ({"OrderExpiry": expiry} if each["OrderExpiry"] else {}) for each in orders]
        assert refused(simulation, tx.GROUP, tx.group(kind, *same, nonce=0)) == code

    def test_a_group_in_a_market_that_is_not_there(self, simulation):
        expiry = tx.now_ms() + DAY
        orders = [tx.member(MarketIndex=9, OrderExpiry=expiry), tx.stop_loss(BaseAmount=0, MarketIndex=9)]
        orders[1]["OrderExpiry"] = expiry
        assert refused(simulation, tx.GROUP, tx.group(OTO, *orders, nonce=0)) == 21602

    def test_leverage_and_margin(self, simulation):
        assert refused(simulation, tx.LEVERAGE, tx.leverage(nonce=0, imf=199)) == 21113
        assert refused(simulation, tx.LEVERAGE, tx.leverage(nonce=0, imf=10_001)) == 21113
        assert refused(simulation, tx.LEVERAGE, tx.leverage(nonce=0, imf=500, mode=2)) == 21613
        assert refused(simulation, tx.LEVERAGE, tx.leverage(nonce=0, imf=500, market=9)) == 21602
        assert refused(simulation, tx.MARGIN, tx.isolated_margin(nonce=0)) == 21613
        assert refused(simulation, tx.MARGIN, tx.isolated_margin(nonce=0, direction=2)) == 21615
        assert refused(simulation, tx.MARGIN, tx.isolated_margin(nonce=0, market=9)) == 21602

    def test_pending_orders_have_a_ceiling(self, simulation):
        buy(simulation, 10_000)
        for number in range(16):
            info = tx.signed(tx.stop_loss(BaseAmount=500), nonce=number + 1)
            sent(simulation, tx.CREATE, info)
        simulation.take_frames()
        assert refused(simulation, tx.CREATE, tx.signed(tx.stop_loss(), nonce=17)) == 21718

    def test_a_scheduled_cancel_has_a_window(self, simulation):
        for time_ms in (0, tx.now_ms() + MINUTE_MS, tx.now_ms() + 16 * DAY):
            body = {"TimeInForce": 1, "Time": time_ms}
            assert refused(simulation, tx.CANCEL_ALL, tx.signed(body, nonce=0)) == 21714
        assert refused(simulation, tx.CANCEL_ALL, tx.signed({"TimeInForce": 2, "Time": 1}, nonce=0)) == 21714

    def test_between_due_and_done_nothing_else_passes(self, simulation):
        account = simulation.exchange.accounts[OPERATOR]
        sent(simulation, tx.CREATE, tx.create(nonce=0, ClientOrderIndex=1))
        sent(simulation, tx.CANCEL_ALL, tx.signed({"TimeInForce": 1, "Time": tx.now_ms() + 6 * MINUTE_MS}, nonce=1))
        simulation.take_frames()
        account.cancel_all_ms = tx.now_ms() - 1
        assert refused(simulation, tx.CREATE, tx.create(nonce=2)) == 21122
        assert refused(simulation, tx.CANCEL_ALL, tx.cancel_all(nonce=2)) == 21712
        simulation.tick(50_000, now_us())
        assert (account.live, account.cancel_all_ms) == ({}, 0)
        [update] = frames(simulation)[f"account_all_orders:{OPERATOR}"]
        assert [each["status"] for each in update["orders"]["0"]] == ["canceled"]
        sent(simulation, tx.CREATE, tx.create(nonce=2))

    def test_an_account_below_its_margin_may_only_reduce(self, simulation):
        account, market = simulation.exchange.accounts[OPERATOR], simulation.exchange.markets[0]
        buy(simulation, 100_000)
        value = 100_000 * market.mark
        # Left with 3 % of the position: below the initial 5 %, above the maintenance 1.2 %.
        account.collateral += value * 3 // 100 - (account.collateral + account.positions[0].unrealised(market.mark))
        simulation.take_frames()
        assert refused(simulation, tx.CREATE, tx.create(nonce=1)) == 21111
        more = tx.create(nonce=1, Type=tx.MARKET, TimeInForce=tx.IOC, Price=300_000)
        assert refused(simulation, tx.CREATE, more) == 21111
        less = tx.create(nonce=1, Type=tx.MARKET, TimeInForce=tx.IOC, Price=100_000, IsAsk=1)
        sent(simulation, tx.CREATE, less)
        account.collateral -= value * 25 // 1_000
        simulation.take_frames()
        assert refused(simulation, tx.CREATE, tx.create(nonce=2)) == 21112
        assert refused(simulation, tx.LEVERAGE, tx.leverage(nonce=2, imf=200)) == 21112
        sent(simulation, tx.CANCEL_ALL, tx.cancel_all(nonce=2))


class TestFrames:
    def test_a_waiting_order_from_placing_to_trade(self, simulation):
        buy(simulation, 2_000)
        simulation.take_frames()
        mark = simulation.exchange.markets[0].mark
        body = tx.stop_loss(TriggerPrice=mark * 11 // 10, Price=mark * 9 // 10, ClientOrderIndex=9)
        sent(simulation, tx.CREATE, tx.signed(body, nonce=1))
        found = frames(simulation)
        [placed] = found[f"account_orders:0:{OPERATOR}"]
        [order] = placed["orders"]["0"]
        assert placed["channel"] == "account_orders:0"
        assert (order["status"], order["trigger_status"], order["remaining_base_amount"]) == (
            "pending",
            "mark-price",
            "0.1000",
        )
        [moved] = found[f"account_market:0:{OPERATOR}"]
        assert (moved["position"]["pending_order_count"], moved["position"]["open_order_count"]) == (1, 0)
        simulation.tick(50_000, now_us())
        updates = frames(simulation)[f"account_all_orders:{OPERATOR}"]
        [order] = updates[0]["orders"]["0"]
        assert (order["status"], order["trigger_status"], order["type"]) == ("filled", "ready", "stop-loss")
        assert order["trigger_time"] > 0

    def test_funding_is_told_and_kept(self, simulation):
        buy(simulation, 2_000)
        market = simulation.exchange.markets[0]
        first = (now_us() // HOUR_US + 2) * HOUR_US
        simulation.tick(50_000, first - 1_500_000)
        simulation.take_frames()
        simulation.tick(50_000, first)
        told = [frame for frame in frames(simulation)[f"account_all:{OPERATOR}"] if frame["funding_histories"]]
        assert len(told) == 1
        validator(AccountAllMessage).python(told[0])
        [row] = told[0]["funding_histories"]["0"]
        assert (row["timestamp"], row["position_size"], row["position_side"]) == (first // 1_000_000, "0.2000", "long")
        listed_rows = rest(simulation, "positionFunding", account_index=OPERATOR, limit=10)["position_fundings"]
        assert listed_rows[0] == row
        assert (
            rest(simulation, "positionFunding", account_index=OPERATOR, limit=10, side="short")["position_fundings"]
            == []
        )
        paid = told[0]["positions"]["0"].get("total_funding_paid_out", "0.000000")
        total = sum(int(each["change"].replace(".", "")) for each in listed_rows)
        assert int(paid.replace(".", "")) == -total
        span = {"start_timestamp": first // 1_000 - 1, "end_timestamp": first // 1_000 + 1, "count_back": 0}
        [public] = rest(simulation, "fundings", market_id=0, resolution="1h", **span)["fundings"]
        assert public["timestamp"] == first // 1_000_000
        assert public["direction"] == ("long" if market.last_funding_ppm >= 0 else "short")
        days = rest(simulation, "fundings", market_id=0, resolution="1d", **span | {"count_back": 1})["fundings"]
        assert len(days) == 1
        assert market.funding_time_ms == first // 1_000

    def test_a_liquidation_is_told_on_every_channel(self, simulation):
        account, market = simulation.exchange.accounts[OPERATOR], simulation.exchange.markets[0]
        buy(simulation, 100_000)
        sent(simulation, tx.CREATE, tx.create(nonce=1, ClientOrderIndex=4))
        value = 100_000 * market.mark
        account.collateral += value // 100 - (account.collateral + account.positions[0].unrealised(market.mark))
        simulation.take_frames()
        simulation.tick(50_000, now_us() + 2_000_000)
        found = frames(simulation)
        statuses = [row["status"] for frame in found[f"account_all_orders:{OPERATOR}"] for row in frame["orders"]["0"]]
        assert statuses[0] == "canceled-liquidation"
        kinds = {row["type"] for frame in found[f"account_all_orders:{OPERATOR}"] for row in frame["orders"]["0"]}
        assert kinds == {"limit", "liquidation"}
        notices = found[f"notification:{OPERATOR}"]
        for frame in notices:
            validator(NotificationsUpdate).python(frame)
        assert {row["kind"] for frame in notices for row in frame["notifs"]} <= {"liquidation", "deleverage"}
        forced = [row for frame in found["trade:0"] for row in frame["liquidation_trades"]]
        assert {row["type"] for row in forced} == {row["kind"] for frame in notices for row in frame["notifs"]}
        assert account.size_in(0) == 0
        mine = rest(simulation, "trades", sort_by="trade_id", limit=100, account_index=OPERATOR, type="liquidation")
        assert {row["trade_id"] for row in mine["trades"]} <= {row["trade_id"] for row in forced}
        assert account.closed[-1].status in {OrderStatus.FILLED, OrderStatus.LIQUIDITY}

    def test_a_candle_that_closed_goes_before_the_live_one(self, simulation):
        minute = (now_us() // 60_000_000 + 2) * 60_000_000
        buy(simulation, 100)
        simulation.tick(50_000, now_us() + 600_000)
        frames(simulation)
        info = tx.create(nonce=1, Type=tx.MARKET, TimeInForce=tx.IOC, Price=300_000, BaseAmount=100)
        simulation.send(tx.CREATE, info, minute + 1)
        simulation.tick(50_000, minute + 1_000_000)
        [update] = frames(simulation)["candle:0:1m"]
        assert [each["t"] for each in update["candles"]][-1] == minute // 1_000
        assert len(update["candles"]) == 2
        rows = rest(
            simulation,
            "candles",
            market_id=0,
            resolution="1m",
            start_timestamp=minute // 1_000,
            end_timestamp=minute // 1_000 + 60_000,
            count_back=2,
        )["c"]
        assert [each["t"] for each in rows] == [each["t"] for each in update["candles"]]


NUMBERS = st.one_of(st.integers(-2, 5), st.integers(), st.sampled_from([255, 2**32, 2**48, 2**63, 150_000]))
FIELDS = sorted(tx.stop_loss())


@given(st.dictionaries(st.sampled_from(FIELDS), NUMBERS, max_size=4), st.integers(0, 4), st.integers(0, 4))
def test_no_order_or_group_raises(fields, kind, count):
    made = Simulation(
        listed(2), 1, [KeyOf(account_index=OPERATOR, api_key_index=5, public_key="ab" * 40)], Everything()
    )
    for body in (tx.stop_loss() | fields, tx.member() | fields):
        outcome = made.send(tx.CREATE, tx.signed(body, nonce=nonce_of(made)), now_us())
        assert isinstance(outcome, TxRecord | Refusal)
    orders = [tx.member() | fields] + [tx.stop_loss(BaseAmount=0) | fields] * max(0, count - 1)
    outcome = made.send(tx.GROUP, tx.group(kind, *orders[:count], nonce=nonce_of(made)), now_us())
    assert isinstance(outcome, TxRecord | Refusal)
    made.tick(50_000, now_us() + 1_000_000)
