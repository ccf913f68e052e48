"""Fault schedules and dice: what can be written, when it strikes, and that a seed repeats it."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.connectors.venue import faults
from core.connectors.venue.faults import TABLE, FaultKind, Faults, Schedule, parse
from core.connectors.venue.faults_frames import Cut, Deliver, FaultyStream, Hangup
from core.connectors.venue.faults_requests import judge, judge_message
from core.connectors.venue.process import list_faults
from core.errors import ConfigError

SECOND = 1_000_000


def schedule(*rules: dict, seed: int = 1) -> Schedule:
    return parse(json.dumps({"faults": rules, "seed": seed}).encode(), is_toml=False)


def armed(*rules: dict, seed: int = 1, now_us: int = 0) -> Faults:
    return Faults(schedule(*rules, seed=seed), now_us)


def strikes(found: Faults, kind: FaultKind, target: str = "order_book:0", now_us: int = 0) -> bool:
    return bool(found.striking((kind,), target, now_us))


def frame(kind: str, channel: str = "order_book:0", **more: object) -> bytes:
    return json.dumps({"type": kind, "channel": channel, **more}).encode()


SENDING = [spec for spec in TABLE if spec.match == "*sendtx*"]


class TestSchedules:
    def test_toml_and_json_say_the_same(self):
        written = b"""
            seed = 7
            [[faults]]
            fault = "delay"
            at = 1.5
            for = 10
            rate = 0.25
            match = "order_book:*"
            ms = 40
        """
        rule = {"fault": "delay", "at": 1.5, "for": 10, "rate": 0.25, "match": "order_book:*", "ms": 40}
        assert parse(written, is_toml=True) == schedule(rule, seed=7)

    @pytest.mark.parametrize(
        ("rule", "sentence"),
        [
            ({"fault": "flood"}, r"faults\[0\]: no fault is called 'flood'; see lighter-tui venue --list-faults"),
            ({"fault": "drop", "rate": 1.5}, r"faults\[0\]: rate: expected 0 to 1, got 1.5"),
            ({"fault": "drop", "at": -1}, r"faults\[0\]: at and for"),
            ({"fault": "drop", "for": -1}, r"faults\[0\]: at and for"),
            ({"fault": "delay", "ms": 10**12}, r"faults\[0\]: ms"),
            ({"fault": "drop", "chance": 1}, "unknown field `chance`"),
            ({}, "missing required field `fault`"),
        ],
    )
    def test_what_cannot_be_used_is_a_sentence(self, rule, sentence):
        with pytest.raises(ConfigError, match=sentence):
            schedule(rule)

    def test_too_many_rules_are_refused(self):
        with pytest.raises(ConfigError, match="at most 200"):
            schedule(*[{"fault": "drop"}] * 201)

    @given(st.binary(max_size=200), st.booleans())
    def test_nothing_else_comes_out_of_it(self, text, is_toml):
        with suppress(ConfigError):
            parse(text, is_toml=is_toml)

    def test_every_fault_is_described_once(self):
        assert [spec.kind for spec in TABLE] == list(FaultKind)
        said = list_faults()
        for spec in TABLE:
            assert f"\n{spec.kind.value} " in said
            assert spec.text in said


class TestDice:
    def test_a_window_and_a_count(self):
        found = armed({"fault": "drop", "at": 2, "for": 3}, now_us=SECOND)
        moments = [strikes(found, FaultKind.DROP, now_us=at * SECOND) for at in range(8)]
        assert moments == [False, False, False, True, True, True, False, False]
        twice = armed({"fault": "drop", "count": 2})
        assert [strikes(twice, FaultKind.DROP) for _ in range(4)] == [True, True, False, False]
        assert twice.counts() == [("drop", 2)]

    def test_a_pattern_chooses(self):
        found = armed({"fault": "drop", "match": "account_*"})
        assert not strikes(found, FaultKind.DROP)
        assert strikes(found, FaultKind.DROP, "account_all_orders:5")
        assert strikes(armed({"fault": "nonce-storm"}), FaultKind.NONCE_STORM, "/api/v1/sendTx")

    def test_a_rate_and_its_seed(self):
        def drawn(seed: int) -> list[bool]:
            found = armed({"fault": "drop", "rate": 0.2}, seed=seed)
            return [strikes(found, FaultKind.DROP) for _ in range(2_000)]

        assert drawn(1) == drawn(1) != drawn(2)
        assert 320 < sum(drawn(1)) < 480

    def test_rules_have_dice_of_their_own(self):
        alone = armed({"fault": "drop", "rate": 0.5})
        beside = armed({"fault": "drop", "rate": 0.5}, {"fault": "delay", "rate": 0.5})
        mixed = []
        for _ in range(200):
            strikes(beside, FaultKind.DELAY)
            mixed.append(strikes(beside, FaultKind.DROP))
        assert mixed == [strikes(alone, FaultKind.DROP) for _ in range(200)]

    def test_a_wrong_clock_is_wrong_while_it_lasts(self):
        found = armed({"fault": "clock-skew", "ms": -60_000, "at": 1, "for": 1}, {"fault": "clock-skew", "ms": 500})
        assert [found.skew_us(at * SECOND) for at in range(3)] == [500_000, 500_000 - 60 * SECOND, 500_000]


class TestFrames:
    @pytest.mark.parametrize(
        ("fault", "kind", "acts"),
        [
            ("drop", "update/order_book", []),
            ("book-gap", "update/order_book", []),
            ("silent", "update/order_book", []),
            ("half-open", "subscribed/order_book", []),
            ("close", "update/order_book", [Hangup()]),
            ("cut", "update/order_book", [Cut(frame("update/order_book"))]),
            ("duplicate", "update/order_book", [Deliver(frame("update/order_book"))] * 2),
            ("delay", "update/order_book", [Deliver(frame("update/order_book"), 500_000)]),
            ("late-snapshot", "subscribed/order_book", [Deliver(frame("subscribed/order_book"), 400_000)]),
            (
                "shutdown",
                "update/order_book",
                [
                    Deliver(frame("update/order_book")),
                    Deliver(b'{"type":"shutdown","close_in_ms":300}'),
                    Hangup(300_000),
                ],
            ),
        ],
    )
    def test_what_becomes_of_one(self, fault, kind, acts):
        assert FaultyStream(armed({"fault": fault})).passing(frame(kind), 0) == acts

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            ("silent", "subscribed/order_book"),
            ("book-gap", "subscribed/order_book"),
            ("book-gap", "update/ticker"),
            ("late-snapshot", "update/order_book"),
            ("empty-positions", "update/account_all_positions"),
            ("half-open", "pong"),
            ("drop", "connected"),
        ],
    )
    def test_whom_it_spares(self, fault, kind):
        found = armed({"fault": fault, "match": "*"})
        assert FaultyStream(found).passing(frame(kind), 0) == [Deliver(frame(kind))]
        assert found.counts() == [(fault, 0)]

    def test_reordered_frames_change_places_within_their_channel(self):
        stream = FaultyStream(armed({"fault": "reorder", "count": 1}))
        first, second, other = (frame("update/order_book", n=n) for n in (1, 2, 3))
        assert stream.passing(first, 0) == []
        assert stream.passing(frame("update/ticker", "ticker:0"), 0) == [Deliver(frame("update/ticker", "ticker:0"))]
        assert stream.passing(second, 0) == [Deliver(second), Deliver(first)]
        assert stream.passing(other, 0) == [Deliver(other)]

    @pytest.mark.parametrize(
        ("fault", "before", "after"),
        [
            ("null-arrays", {"a": [], "b": {}, "c": [1]}, {"a": None, "b": None, "c": [1]}),
            ("stale-updated-at", {"o": [{"updated_at": 100}]}, {"o": [{"updated_at": 40}]}),
            ("broken-positions", {"p": {"0": {"position": "1.5"}}}, {"p": {"0": {"position": "not-a-number"}}}),
            ("empty-positions", {"positions": {"0": {"position": "1.5"}}}, {"positions": {}}),
        ],
    )
    def test_bodies(self, fault, before, after):
        stream = FaultyStream(armed({"fault": fault, "match": "*"}))
        [act] = stream.passing(frame("subscribed/account_all_positions", **before), 0)
        assert isinstance(act, Deliver)
        found = json.loads(act.body)
        assert {key: found[key] for key in after} == after

    def test_strangers_join_objects_but_not_maps(self):
        stream = FaultyStream(armed({"fault": "extra-fields"}))
        [act] = stream.passing(frame("update/account_all_positions", positions={"0": {"position": "1"}}), 0)
        assert isinstance(act, Deliver)
        found = json.loads(act.body)
        assert found["x_new_flag"] is True
        assert found["positions"].keys() == {"0"}
        assert found["positions"]["0"]["x_new_field"] == {"a": [1, None, "b"]}


class TestRequests:
    def test_several_faults_add_up(self):
        found = armed({"fault": "slow-ack", "ms": 100}, {"fault": "slow-ack", "ms": 50}, {"fault": "null-arrays"})
        verdict = judge(found, "/api/v1/account", 0, has_token=False)
        assert (verdict.delay_us, verdict.is_carried_out, verdict.is_heard) == (150_000, True, True)
        assert verdict.changed(b'{"a":[]}') == b'{"a":null}'

    def test_tokens_expire_for_those_who_carry_one(self):
        found = armed({"fault": "token-expired"})
        assert judge(found, "/api/v1/account", 0, has_token=False).instead is None
        refused = judge(found, "/api/v1/account", 0, has_token=True).instead
        assert refused is not None
        assert (refused.status, json.loads(refused.body)["code"]) == (401, 20013)

    @pytest.mark.parametrize("kind", ["jsonapi/sendtx", "jsonapi/sendtxbatch"])
    @pytest.mark.parametrize(
        "spec", [spec for spec in TABLE if spec.match == "*sendtx*"], ids=lambda each: each.kind.value
    )
    def test_sending_faults_strike_single_ones_and_batches(self, spec, kind):
        text = json.dumps({"type": kind, "data": {"id": "7", "tx_types": "[]", "tx_infos": "[]"}})
        found = armed({"fault": spec.kind.value})
        verdict, ready = judge_message(found, text, 0)
        is_done = spec.kind in {FaultKind.REPLY_LOST, FaultKind.FILLS_BEFORE_ACK, FaultKind.REDUCE_ONLY_DROP}
        assert verdict.is_carried_out == is_done
        lost = {FaultKind.REQUEST_LOST, FaultKind.REPLY_LOST, FaultKind.REFUSAL_LOST}
        assert verdict.is_heard == (spec.kind not in lost)
        if ready is not None:
            assert json.loads(ready).items() >= {"type": kind, "id": "7"}.items()

    @given(st.text(max_size=100), st.sampled_from(TABLE))
    def test_no_message_breaks_the_judge(self, text, spec):
        judge_message(armed({"fault": spec.kind.value}), text, 0)
        judge(armed({"fault": spec.kind.value}), text, 0, has_token=True)

    def test_the_table_and_the_code_agree_on_what_is_a_fault(self):
        assert faults.SPECS.keys() == set(FaultKind)
