"""Transactions through admission and execution: nonces, refusals, and the frames and records each leaves."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.connectors.venue.catalogue import listed
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.sequencer import TxRecord
from core.connectors.venue.simulation import COUNTERPARTY, KILL_KEY, OPERATOR, TRADING_KEY, KeyOf, Simulation
from tests.support import venue_tx as tx

PUBLIC = "ab" * 40
OWNERS = ((OPERATOR, TRADING_KEY), (OPERATOR, KILL_KEY), (COUNTERPARTY, TRADING_KEY))


class Everything:
    def __contains__(self, key: object) -> bool:
        return True


def venue() -> Simulation:
    keys = [KeyOf(account_index=account, api_key_index=key, public_key=PUBLIC) for account, key in OWNERS]
    return Simulation(listed(3), 1, keys, Everything())


def now_us() -> int:
    return time.time_ns() // 1_000


def sent(simulation: Simulation, tx_type: int, info: str) -> TxRecord:
    outcome = simulation.send(tx_type, info, now_us())
    assert isinstance(outcome, TxRecord), outcome
    return outcome


def refused(simulation: Simulation, tx_type: int, info: str) -> int:
    before = {
        key: record.nonce for account in simulation.exchange.accounts.values() for key, record in account.keys.items()
    }
    outcome = simulation.send(tx_type, info, now_us())
    assert isinstance(outcome, Refusal), outcome
    after = {
        key: record.nonce for account in simulation.exchange.accounts.values() for key, record in account.keys.items()
    }
    assert before == after, "a refusal at the API must not spend a nonce"
    assert simulation.take_frames() == []
    return int(outcome.code)


def nonce(simulation: Simulation, key: int = TRADING_KEY) -> int:
    return simulation.exchange.accounts[OPERATOR].keys[key].nonce


def frames(simulation: Simulation) -> list[dict]:
    return [json.loads(frame.body) for frame in simulation.take_frames()]


def of_type(found: list[dict], kind: str) -> list[dict]:
    return [frame for frame in found if frame["type"] == kind]


def app_error(record: TxRecord) -> int | None:
    text = json.loads(record.event_info)["ae"]
    return json.loads(text)["code"] if text else None


class TestNonces:
    def test_they_rise_by_one_for_each_key_alone(self):
        simulation = venue()
        sent(simulation, tx.CREATE, tx.create(nonce=0))
        sent(simulation, tx.CREATE, tx.create(nonce=1))
        sent(simulation, tx.CANCEL_ALL, tx.cancel_all(nonce=0, key=KILL_KEY))
        assert (nonce(simulation), nonce(simulation, KILL_KEY)) == (2, 1)

    @pytest.mark.parametrize("wrong", [0, 2, 5])
    def test_replays_and_gaps_are_refused(self, wrong):
        simulation = venue()
        sent(simulation, tx.CREATE, tx.create(nonce=0))
        simulation.take_frames()
        assert refused(simulation, tx.CREATE, tx.create(nonce=wrong)) == 21104

    def test_skip_nonce_allows_gaps_but_no_replay(self):
        simulation = venue()
        sent(simulation, tx.CREATE, tx.create(nonce=5, attributes={"4": 1}))
        simulation.take_frames()
        assert nonce(simulation) == 6
        assert refused(simulation, tx.CREATE, tx.create(nonce=5, attributes={"4": 1})) == 21104

    @given(st.lists(st.integers(0, 6), max_size=30))
    def test_only_the_next_one_ever_passes(self, tried):
        simulation = venue()
        expected = 0
        for number in tried:
            outcome = simulation.send(tx.CANCEL_ALL, tx.cancel_all(nonce=number), now_us())
            assert isinstance(outcome, TxRecord) == (number == expected)
            expected += number == expected
            assert nonce(simulation) == expected


class TestRefusals:
    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({"MarketIndex": 77}, Code.INVALID_MARKET),
            ({"Price": 0}, Code.INVALID_PRICE),
            ({"Price": 2**32}, Code.INVALID_PRICE),
            ({"BaseAmount": 0}, Code.INVALID_BASE_AMOUNT),
            ({"BaseAmount": 2**48}, Code.INVALID_BASE_AMOUNT),
            ({"BaseAmount": 49}, Code.BELOW_MINIMUM),
            ({"BaseAmount": 60, "Price": 150_000}, Code.BELOW_MINIMUM),
            ({"IsAsk": 2}, Code.INVALID_IS_ASK),
            ({"Type": 6}, Code.UNSUPPORTED_ORDER_TYPE),
            ({"Type": 9}, Code.INVALID_ORDER_TYPE),
            ({"TimeInForce": 3}, Code.INVALID_TIF),
            ({"Type": 1, "TimeInForce": 1}, Code.INVALID_TIF),
            ({"TriggerPrice": 5}, Code.INVALID_TRIGGER),
            ({"OrderExpiry": 1}, Code.INVALID_EXPIRY),
            ({"TimeInForce": 0, "OrderExpiry": 10**13}, Code.INVALID_EXPIRY),
            ({"ClientOrderIndex": 2**48}, Code.INVALID_CLIENT_INDEX),
            ({"BaseAmount": 100_000_000}, Code.NOT_ENOUGH_MARGIN),
            ({"ReduceOnly": 3}, Code.INVALID_TX_INFO),
        ],
    )
    def test_a_create_that_breaks_a_rule(self, fields, code):
        # 60 steps at 1,500.00 are 9 USDC: below the minimum of 10.
        assert refused(venue(), tx.CREATE, tx.create(nonce=0, **fields)) == code

    def test_who_may_send(self):
        simulation = venue()
        assert refused(simulation, tx.CREATE, tx.create(nonce=0, account=5)) == 21100
        assert refused(simulation, tx.CREATE, tx.create(nonce=0, key=77)) == 21109
        internal = next(account.index for account in simulation.exchange.accounts.values() if account.is_internal)
        assert refused(simulation, tx.CREATE, tx.create(nonce=0, account=internal)) == 21100

    def test_what_may_be_sent(self):
        simulation = venue()
        assert refused(simulation, 13, tx.create(nonce=0)) == 21505
        assert refused(simulation, tx.CREATE, "not json") == 21501
        assert refused(simulation, tx.CREATE, tx.cancel(nonce=0, index=1)) == 21501
        assert refused(simulation, tx.CANCEL, tx.signed({"MarketIndex": 0, "Index": 1}, nonce=0, Sig="AAAA")) == 21120
        assert refused(simulation, tx.CANCEL, tx.signed({"MarketIndex": 0, "Index": 1}, nonce=0, Sig="?")) == 21120
        expired = tx.signed({"MarketIndex": 0, "Index": 1}, nonce=0, ExpiredAt=tx.now_ms() - 1)
        assert refused(simulation, tx.CANCEL, expired) == 21501
        assert refused(simulation, tx.CANCEL, tx.cancel(nonce=0, index=1, market=9)) == 21602
        assert refused(simulation, tx.CANCEL, tx.cancel(nonce=0, index=0)) == 21700
        assert refused(simulation, tx.CANCEL_ALL, tx.signed({"TimeInForce": 3, "Time": 0}, nonce=0)) == 21713
        assert refused(simulation, tx.CANCEL_ALL, tx.signed({"TimeInForce": 0, "Time": 1}, nonce=0)) == 21714
        assert refused(simulation, tx.CANCEL_ALL, tx.cancel_all(nonce=0, market=9)) == 21602
        assert refused(simulation, tx.CREATE, tx.create(nonce=0, attributes={"9": 1})) == 21501


class TestFrames:
    def test_an_order_and_its_cancel(self):
        simulation = venue()
        sent(simulation, tx.CREATE, tx.create(nonce=0, ClientOrderIndex=42))
        found = frames(simulation)
        [update] = of_type(found, "update/account_all_orders")
        [order] = update["orders"]["0"]
        assert update["channel"] == f"account_all_orders:{OPERATOR}"
        assert (order["status"], order["remaining_base_amount"], order["base_size"]) == ("open", "0.1000", 1000)
        assert (order["side"], order["integrator_taker_fee"], order["price"]) == ("", "0", "1500.00")
        assert order["order_index"] == (1 << 48) + order["nonce"]
        [positions] = of_type(found, "update/account_all_positions")
        assert positions["positions"]["0"]["open_order_count"] == 1
        sent(simulation, tx.CANCEL, tx.cancel(nonce=1, index=42))
        [update] = of_type(frames(simulation), "update/account_all_orders")
        [order] = update["orders"]["0"]
        assert (order["status"], order["remaining_base_amount"], order["base_size"]) == ("canceled", "0.0000", 0)
        assert (order["filled_base_amount"], order["initial_base_amount"]) == ("0.0000", "0.1000")

    def test_times_keep_the_venues_units(self):
        simulation = venue()
        before_us = now_us()
        sent(simulation, tx.CREATE, tx.create(nonce=0))
        [order] = of_type(frames(simulation), "update/account_all_orders")[0]["orders"]["0"]
        assert before_us <= order["transaction_time"] <= now_us()
        assert order["timestamp"] == order["created_at"] == order["transaction_time"] // 1_000_000

    def test_a_cancel_all_is_one_frame(self):
        simulation = venue()
        for number in range(3):
            sent(simulation, tx.CREATE, tx.create(nonce=number))
        sent(simulation, tx.CREATE, tx.create(nonce=3, MarketIndex=1, Price=500_000, BaseAmount=100))
        simulation.take_frames()
        sent(simulation, tx.CANCEL_ALL, tx.cancel_all(nonce=0, key=KILL_KEY))
        [update] = of_type(frames(simulation), "update/account_all_orders")
        assert {market: len(orders) for market, orders in update["orders"].items()} == {"0": 3, "1": 1}
        assert not simulation.exchange.accounts[OPERATOR].live

    def test_a_cancel_all_of_one_market_leaves_the_others(self):
        simulation = venue()
        sent(simulation, tx.CREATE, tx.create(nonce=0))
        sent(simulation, tx.CREATE, tx.create(nonce=1, MarketIndex=1, Price=500_000, BaseAmount=100))
        sent(simulation, tx.CANCEL_ALL, tx.cancel_all(nonce=2, market=1))
        assert [order.market_id for order in simulation.exchange.accounts[OPERATOR].live.values()] == [0]

    def test_a_trade_between_accounts_reaches_both_and_the_public(self):
        simulation = venue()
        best = simulation.exchange.markets[0].book.asks.best()
        assert best is not None
        price = best - 1
        sent(simulation, tx.CREATE, tx.create(nonce=0, account=COUNTERPARTY, IsAsk=1, Price=price))
        simulation.take_frames()
        sent(simulation, tx.CREATE, tx.create(nonce=0, Price=price, BaseAmount=600, TimeInForce=tx.IOC))
        found = frames(simulation)
        [public] = of_type(found, "update/trade")
        [print_] = public["trades"]
        assert (print_["size"], print_["is_maker_ask"]) == ("0.0600", True)
        assert (print_["taker_fee"], print_["maker_fee"]) == (280, 40)
        assert "bid_account_pnl" not in print_
        assert int(print_["tx_hash"][16:32], 16) == print_["timestamp"]
        private = {frame["channel"]: frame for frame in of_type(found, "update/account_all_trades")}
        assert set(private) == {f"account_all_trades:{OPERATOR}", f"account_all_trades:{COUNTERPARTY}"}
        assert private[f"account_all_trades:{OPERATOR}"]["trades"]["0"][0]["bid_account_pnl"] == "0.000000"
        orders = {frame["channel"]: frame["orders"]["0"][0] for frame in of_type(found, "update/account_all_orders")}
        assert orders[f"account_all_orders:{OPERATOR}"]["status"] == "filled"
        assert orders[f"account_all_orders:{COUNTERPARTY}"]["filled_base_amount"] == "0.0600"
        positions = {
            frame["channel"]: frame["positions"]["0"] for frame in of_type(found, "update/account_all_positions")
        }
        assert positions[f"account_all_positions:{COUNTERPARTY}"]["sign"] == -1

    def test_a_duplicate_client_index_spends_a_nonce_and_says_nothing(self):
        simulation = venue()
        sent(simulation, tx.CREATE, tx.create(nonce=0, ClientOrderIndex=8))
        simulation.take_frames()
        record = sent(simulation, tx.CREATE, tx.create(nonce=1, ClientOrderIndex=8))
        assert [frame["type"] for frame in frames(simulation)] == ["update/account_tx"]
        assert (nonce(simulation), app_error(record)) == (2, 21728)
        assert simulation.sequencer.by_hash(record.tx_hash) is record

    @pytest.mark.parametrize("index", [77, (1 << 48) + 5])
    def test_cancelling_what_is_not_there_spends_a_nonce_and_says_nothing(self, index):
        simulation = venue()
        record = sent(simulation, tx.CANCEL, tx.cancel(nonce=0, index=index))
        assert [frame["type"] for frame in frames(simulation)] == ["update/account_tx"]
        assert (nonce(simulation), app_error(record)) == (1, 21600)

    def test_nobody_cancels_the_orders_of_another(self):
        simulation = venue()
        sent(simulation, tx.CREATE, tx.create(nonce=0, ClientOrderIndex=8))
        [index] = simulation.exchange.accounts[OPERATOR].live
        for number, target in enumerate((8, index)):
            record = sent(simulation, tx.CANCEL, tx.cancel(nonce=number, index=target, account=COUNTERPARTY))
            assert app_error(record) == 21600
        assert list(simulation.exchange.accounts[OPERATOR].live) == [index]

    def test_modify_reports_the_new_version(self):
        simulation = venue()
        sent(simulation, tx.CREATE, tx.create(nonce=0, ClientOrderIndex=8))
        simulation.take_frames()
        sent(simulation, tx.MODIFY, tx.modify(nonce=1, index=8, size=2_000, price=149_000))
        [update] = of_type(frames(simulation), "update/account_all_orders")
        [order] = update["orders"]["0"]
        assert (order["order_version"], order["price"], order["initial_base_amount"]) == (1, "1490.00", "0.2000")

    def test_a_modify_for_another_version_spends_its_nonce_and_changes_nothing(self):
        simulation = venue()
        sent(simulation, tx.CREATE, tx.create(nonce=0, ClientOrderIndex=8))
        wanted = {"index": 8, "size": 2_000, "price": 149_000}
        late = sent(simulation, tx.MODIFY, tx.modify(nonce=1, **wanted, attributes={"8": 1}))
        [order] = simulation.exchange.accounts[OPERATOR].live.values()
        assert (app_error(late), order.version, order.price) == (21600, 0, 150_000)
        first = sent(simulation, tx.MODIFY, tx.modify(nonce=2, **wanted, attributes={"8": 0}))
        second = sent(simulation, tx.MODIFY, tx.modify(nonce=3, **wanted, attributes={"8": 1}))
        assert (app_error(first), app_error(second), order.version, order.price) == (None, None, 2, 149_000)

    def test_a_modify_needs_margin_for_what_it_adds(self):
        simulation = venue()
        sent(simulation, tx.CREATE, tx.create(nonce=0, ClientOrderIndex=8))
        simulation.take_frames()
        info = tx.modify(nonce=1, index=8, size=100_000_000, price=150_000)
        assert refused(simulation, tx.MODIFY, info) == 21739


class TestBatches:
    def test_run_in_order(self):
        simulation = venue()
        infos = [tx.create(nonce=0, ClientOrderIndex=1), tx.cancel(nonce=1, index=1)]
        done = simulation.send_batch([tx.CREATE, tx.CANCEL], infos, now_us())
        assert isinstance(done, list)
        assert len({record.tx_hash for record in done}) == 2
        assert not simulation.exchange.accounts[OPERATOR].live

    @pytest.mark.parametrize(
        ("types", "infos", "code"),
        [
            ([14], list, 21513),
            ([], list, 21513),
            ([16] * 51, lambda: [tx.cancel_all(nonce=number) for number in range(51)], 21514),
            ([16, 16], lambda: [tx.cancel_all(nonce=0), tx.cancel_all(nonce=1, key=KILL_KEY)], 21121),
            ([16, 16], lambda: [tx.cancel_all(nonce=0), tx.cancel_all(nonce=0)], 21105),
            ([16, 16], lambda: [tx.cancel_all(nonce=1), tx.cancel_all(nonce=2)], 21104),
        ],
    )
    def test_one_bad_one_refuses_them_all(self, types, infos, code):
        simulation = venue()
        outcome = simulation.send_batch(types, infos(), now_us())  # signed now: they expire
        assert isinstance(outcome, Refusal)
        assert (int(outcome.code), nonce(simulation)) == (code, 0)


class TestBooks:
    def test_nonces_chain_in_each_market_and_rise_over_all(self):
        simulation = venue()
        last: dict[str, int] = {}
        highest = 0
        for step in range(1, 60):
            simulation.tick(50_000, now_us() + step * 50_000)
            for frame in of_type(frames(simulation), "update/order_book"):
                book = frame["order_book"]
                assert book["begin_nonce"] == last.get(frame["channel"], 0)
                assert book["nonce"] > highest
                highest = last[frame["channel"]] = book["nonce"]
        assert len(last) == 3

    def test_venue_time_never_runs_backwards(self):
        simulation = venue()
        simulation.tick(50_000, 2_000_000)
        simulation.take_frames()
        simulation.tick(50_000, 1_000_000)
        assert {frame["timestamp"] for frame in frames(simulation) if "timestamp" in frame} == {2_000}

    @pytest.mark.parametrize("jump_us", [-60_000_000, 60_000_000])
    def test_what_waits_when_the_clock_jumps_waits_as_long_as_before(self, jump_us):
        simulation = venue()
        begun_us = now_us()
        simulation.tick(50_000, begun_us)
        simulation.route = lambda _, __: 300_000
        assert isinstance(simulation.send(tx.CREATE, tx.create(nonce=0), begun_us), TxRecord)
        simulation.jump(begun_us + jump_us)
        simulation.tick(50_000, begun_us + jump_us + 299_999)
        assert not simulation.exchange.accounts[OPERATOR].live
        simulation.tick(50_000, begun_us + jump_us + 300_000)
        assert len(simulation.exchange.accounts[OPERATOR].live) == 1

    def test_a_resting_order_is_in_the_next_batch(self):
        simulation = venue()
        simulation.tick(50_000, now_us())
        simulation.take_frames()
        sent(simulation, tx.CREATE, tx.create(nonce=0, Price=150_001))
        assert not of_type(frames(simulation), "update/order_book")
        simulation.tick(50_000, now_us())
        [book] = [
            frame for frame in of_type(frames(simulation), "update/order_book") if frame["channel"] == "order_book:0"
        ]
        assert {"price": "1500.01", "size": "0.1000"} in book["order_book"]["bids"]
