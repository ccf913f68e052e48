"""The session decides by frames and time alone: what to send, when to give a connection up, what to call it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import SECOND_NS
from core.connectors.lighter.objects import WireBook
from core.connectors.lighter.session import Close, Send, Session, SessionPolicy, Tell
from core.connectors.lighter.wire import BookUpdate, ErrorFrame, Ping, Pong, Shutdown, UnknownFrame, decode_frame
from core.events import LinkStatus, NoticeLevel

MARKET = SessionPolicy(data_is_life=True)
ACCOUNT = SessionPolicy(data_is_life=False)
PRIVATE = ("account_all_orders/7", "account_all_trades/7")


def _sent(outputs) -> list[tuple[str, str]]:
    frames = [json.loads(output.text) for output in outputs if isinstance(output, Send)]
    return [(frame["type"], frame.get("channel", "")) for frame in frames]


def _books(count: int) -> tuple[str, ...]:
    return tuple(f"order_book/{market}" for market in range(count))


def _snapshot(channel: str):
    name, _, of = channel.partition("/")
    body = {"order_book": {"order_book": {"nonce": 1}}, "account_all_orders": {"orders": {}}}
    frame = {"channel": f"{name}:{of}", **body.get(name, {"trades": {}}), "type": f"subscribed/{name}"}
    return decode_frame(json.dumps(frame).encode())


def _update(market: int = 0) -> BookUpdate:
    return BookUpdate(channel=f"order_book:{market}", order_book=WireBook(nonce=2, begin_nonce=1))


def _live(channels=("order_book/0",), policy=MARKET, token=None) -> Session:
    session = Session(channels, policy)
    session.opened(0, token)
    for channel in channels:
        session.heard(_snapshot(channel), 0)
    return session


def test_few_subscriptions_are_unanswered_at_once_and_each_answer_lets_the_next_one_go():
    session = Session(_books(20), MARKET)
    assert len(_sent(session.opened(0))) == 8
    assert _sent(session.heard(_snapshot("order_book/3"), 1)) == [("subscribe", "order_book/8")]
    assert session.heard(_update(4), 2) == []
    assert session.heard(_snapshot("order_book/3"), 3) == []


def test_the_minutes_budget_of_messages_is_kept():
    session = Session(_books(200), MARKET)
    asked = [channel for _, channel in _sent(session.opened(0))]
    for channel in asked:  # grows while it is walked: each answer lets the next one go
        asked += [name for _, name in _sent(session.heard(_snapshot(channel), 1))]
    assert len(asked) == 150
    session.heard(_update(), 59 * SECOND_NS)
    assert _sent(session.tick(59 * SECOND_NS)) == [("ping", "")]
    session.heard(_update(), 61 * SECOND_NS)
    assert len(_sent(session.tick(61 * SECOND_NS))) == 8


def test_it_is_live_only_after_the_first_frame_of_every_channel():
    session = Session(("order_book/0", "order_book/1"), MARKET)
    assert session.status(0)[0] is LinkStatus.CONNECTING
    session.opened(0)
    session.heard(_snapshot("order_book/0"), 1)
    assert session.status(1) == (LinkStatus.CONNECTING, "waiting for order_book:1")
    session.heard(_update(), 10 * SECOND_NS)
    assert session.status(10 * SECOND_NS) == (LinkStatus.CONNECTING, "waiting for order_book:1"), "however long"
    session.heard(_snapshot("order_book/1"), 10 * SECOND_NS)
    assert session.status(10 * SECOND_NS) == (LinkStatus.LIVE, "")


def test_silence_of_a_session_that_still_waits_for_a_channel_is_not_mere_silence():
    session = Session(PRIVATE, ACCOUNT)
    session.opened(0, "token")
    session.heard(_snapshot("account_all_orders/7"), 0)
    for second in range(1, 600):
        session.heard(Pong(), second * SECOND_NS)
        session.tick(second * SECOND_NS)
        assert session.status((second + 3) * SECOND_NS) == (LinkStatus.CONNECTING, "waiting for account_all_trades:7")


def test_a_channel_that_is_lost_and_not_had_again_in_time_is_missed_until_its_snapshot_comes():
    session = _live(PRIVATE, ACCOUNT, "token")
    session.resubscribe("account_all_trades:7", SECOND_NS)
    statuses = {}
    for second in range(2, 600):
        session.heard(Pong(), second * SECOND_NS)
        session.tick(second * SECOND_NS)
        statuses[second] = session.status(second * SECOND_NS)[0]
    assert {at for at, status in statuses.items() if status is LinkStatus.LIVE} == {2, 3, 4, 5}
    assert session.status(599 * SECOND_NS) == (LinkStatus.CONNECTING, "waiting for account_all_trades:7")
    session.heard(_snapshot("account_all_trades/7"), 600 * SECOND_NS)
    assert session.status(600 * SECOND_NS) == (LinkStatus.LIVE, "")
    session.resubscribe("account_all_trades:7", 600 * SECOND_NS)
    assert session.status(601 * SECOND_NS)[0] is LinkStatus.LIVE, "each loss has its own patience"


def test_a_gap_is_mended_by_unsubscribe_then_subscribe():
    session = _live()
    assert _sent(session.resubscribe("order_book:0", 5)) == [
        ("unsubscribe", "order_book/0"),
        ("subscribe", "order_book/0"),
    ]
    assert session.resubscribe("order_book:0", 6) == [], "asked for already"
    session.heard(_snapshot("order_book/0"), 7)
    assert len(session.resubscribe("order_book:0", 8)) == 2
    assert session.resubscribe("order_book:99", 9) == []


def test_a_subscription_without_an_answer_is_repeated_with_patience():
    session = Session(("order_book/0", "order_book/1"), MARKET)
    session.opened(0)
    session.heard(_snapshot("order_book/0"), 0)
    asked = []
    for second in range(1, 40):
        session.heard(_update(), second * SECOND_NS)
        sent = _sent(session.tick(second * SECOND_NS))
        if ("subscribe", "order_book/1") in sent:
            assert ("unsubscribe", "order_book/1") in sent
            asked.append(second)
    assert asked == [5, 15, 35]


def test_silence_degrades_and_then_ends_a_market_data_connection_even_if_pings_are_answered():
    session = _live()
    session.heard(Pong(), 3 * SECOND_NS)
    assert session.status(3 * SECOND_NS) == (LinkStatus.DEGRADED, "silent")
    assert session.tick(4 * SECOND_NS) == [Close("silent for 4 s")]


def test_a_quiet_account_is_probed_and_its_pongs_keep_it_alive():
    session = _live(PRIVATE, ACCOUNT, "token")
    now = 0
    for _ in range(20):
        now += 3 * SECOND_NS // 2
        assert ("ping", "") in _sent(session.tick(now))
        session.heard(Pong(), now)
        assert session.status(now)[0] is LinkStatus.LIVE
    assert session.tick(now + 4 * SECOND_NS) == [Close("silent for 4 s")]


def test_the_venues_pings_are_answered_and_its_shutdown_obeyed():
    session = _live()
    assert _sent(session.heard(Ping(), 1)) == [("pong", "")]
    assert isinstance(session.heard(Shutdown(close_in_ms=1_000), 2)[0], Close)


def test_every_private_subscription_carries_the_token_and_public_ones_none():
    with_token = [
        json.loads(out.text) for out in Session(PRIVATE, ACCOUNT).opened(0, "secret") if isinstance(out, Send)
    ]
    assert [frame["auth"] for frame in with_token] == ["secret", "secret"]
    without = [json.loads(out.text) for out in Session(_books(1), MARKET).opened(0) if isinstance(out, Send)]
    assert "auth" not in without[0]


def test_a_token_is_replaced_by_subscribing_anew_before_the_venue_forgets_it():
    session = _live(PRIVATE, ACCOUNT, "old")
    later = 6 * 3_600 * SECOND_NS
    assert not session.wants_token(later - 1)
    assert session.wants_token(later)
    frames = [json.loads(out.text) for out in session.renew("new", later) if isinstance(out, Send)]
    assert [(frame["type"], frame.get("auth")) for frame in frames] == [
        ("unsubscribe", None), ("subscribe", "new"), ("unsubscribe", None), ("subscribe", "new"),
    ]  # fmt: skip
    assert not session.wants_token(later + 1)


def test_a_refused_token_ends_the_connection_and_other_refusals_are_told():
    session = _live(PRIVATE, ACCOUNT, "token")
    assert isinstance(session.heard(ErrorFrame(code=20013, message="invalid auth"), 1)[0], Close)
    assert session.heard(ErrorFrame(code=30005, message="Invalid Channel"), 1) == [
        Tell(NoticeLevel.WARN, "the venue answers: 30005 Invalid Channel")
    ]
    assert session.heard(ErrorFrame(code=30003, message="Already"), 1)[0].level is NoticeLevel.INFO


def test_an_unknown_frame_is_told_once_a_type():
    session = _live()
    assert "moon" in session.heard(UnknownFrame(type="moon", text="{}"), 1)[0].text
    assert session.heard(UnknownFrame(type="moon", text="{}"), 2) == []
    assert len(session.heard(UnknownFrame(type="sun", text="{}"), 3)) == 1


def test_a_broken_frame_is_told_and_its_channel_mended():
    session = _live()
    outputs = session.heard(decode_frame(b'{"type":"update/order_book","channel":"order_book:0"}'), 1)
    assert isinstance(outputs[0], Tell)
    assert ("subscribe", "order_book/0") in _sent(outputs)


def test_a_closed_session_is_down_with_its_reason_until_it_is_opened_again():
    session = _live()
    session.closed("closed by the venue (code 1006)")
    assert session.status(9 * SECOND_NS) == (LinkStatus.DOWN, "closed by the venue (code 1006)")
    assert session.tick(9 * SECOND_NS) == []
    assert _sent(session.opened(10 * SECOND_NS)) == [("subscribe", "order_book/0")]
    assert session.status(10 * SECOND_NS)[0] is LinkStatus.CONNECTING


@given(
    st.lists(
        st.tuples(st.sampled_from(["ack", "gap", "tick", "cut", "error"]), st.integers(0, 11), st.integers(0, 3)),
        max_size=60,
    )
)
def test_whatever_happens_every_channel_is_live_queued_or_asked_and_never_lost(history):
    session = Session(_books(12), MARKET)
    session.opened(0)
    now = 0
    for what, market, seconds in history:
        now += seconds * SECOND_NS // 2
        match what:
            case "ack":
                session.heard(_snapshot(f"order_book/{market}"), now)
            case "gap":
                session.resubscribe(f"order_book:{market}", now)
            case "error":
                session.heard(ErrorFrame(code=30009, message="too fast"), now)
            case "cut":
                session.closed("cut")
                session.opened(now)
            case _:
                session.tick(now)
        states = {label: channel.state for label, channel in session._channels.items()}
        queued = [channel.name for channel in session._queue]
        assert len(queued) == len(set(queued))
        assert {name.replace("/", ":") for name in queued} == {at for at, state in states.items() if state == "queued"}
        assert sum(state == "asked" for state in states.values()) <= MARKET.unacked


@pytest.mark.parametrize("policy", [MARKET, ACCOUNT])
def test_the_venue_hears_from_us_every_two_minutes_whatever_the_traffic(policy):
    session = _live(policy=policy)
    last_ping = 0
    for step in range(1, 1_200):
        now = step * SECOND_NS // 4
        session.heard(_update(), now)
        if ("ping", "") in _sent(session.tick(now)):
            assert now - last_ping <= 31 * SECOND_NS
            last_ping = now
    assert last_ping > 260 * SECOND_NS


def test_a_venue_that_keeps_breaking_its_protocol_is_degraded_until_a_minute_has_passed():
    session = Session(
        ("order_book/0",), SessionPolicy(data_is_life=False, down_after_ns=10**15, degraded_after_ns=10**15)
    )
    session.opened(0)
    session.heard(_snapshot("order_book/0"), 1)
    for at in range(4):
        session.heard(decode_frame(b"{truncated"), at + 2)
    session.heard(decode_frame(b'{"type":"update/quite_new"}'), 7)
    assert session.status(8) == (LinkStatus.LIVE, ""), "four are mended, and a new type breaks nothing"
    session.heard(decode_frame(b"<html>"), 9)
    assert session.status(10) == (LinkStatus.DEGRADED, "the venue keeps breaking its protocol")
    assert session.status(60 * SECOND_NS + 3) == (LinkStatus.LIVE, "")
