"""Anything a client can send is answered: never an exception, never growth, and the venue goes on as it was."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.connectors.venue.catalogue import listed
from core.connectors.venue.channels import Stream
from core.connectors.venue.codes import Refusal
from core.connectors.venue.control_clock import VirtualClock
from core.connectors.venue.conversation import Conversation
from core.connectors.venue.exchange import conserved
from core.connectors.venue.options import Extras
from core.connectors.venue.query import Query
from core.connectors.venue.rest import Rest
from core.connectors.venue.simulation import COUNTERPARTY, OPERATOR, TRADING_KEY, KeyOf, Simulation
from core.connectors.venue.tiers import Tier
from core.connectors.venue.tiers_gate import Gate
from tests.support import venue_tx as tx
from tests.support.venue import hosted_venue

NOW_US = tx.now_ms() * 1_000
HUGE = 2**63


class Everything:
    def __contains__(self, key: object) -> bool:
        return True


def venue() -> Simulation:
    keys = [
        KeyOf(account_index=owner, api_key_index=TRADING_KEY, public_key="ab" * 40)
        for owner in (OPERATOR, COUNTERPARTY)
    ]
    made = Simulation(listed(2), 1, keys, Everything())
    made.tick(50_000, NOW_US)
    made.take_frames()
    return made


SHARED = venue()
REST = Rest(SHARED)


@contextmanager
def sound(simulation: Simulation) -> Iterator[None]:
    """Whatever happens inside, money is conserved, no book is crossed, and the markets move on."""
    yield
    marks = {market_id: market.mark for market_id, market in simulation.exchange.markets.items()}
    assert conserved(simulation.exchange, marks) == simulation.exchange.deposits
    assert not any(market.book.is_crossed for market in simulation.exchange.markets.values())
    simulation.tick(50_000, NOW_US + 50_000)
    simulation.take_frames()


NUMBERS = st.sampled_from(
    [-1, 0, 1, 2, 3, 5, 254, 255, 256, OPERATOR, 2**31, 2**47, 2**48, 2**53, HUGE - 1, HUGE, 10**30]
)
TEXTS = st.one_of(
    st.text(max_size=20),
    NUMBERS.map(str),
    st.sampled_from(
        [
            "index",
            "l1_address",
            "hash",
            "1m",
            "1h",
            "timestamp",
            "all",
            "١٢",
            "1e5",
            "0x1",
            "null",
            "-0",
            ",,",
            "1-2",
            "\ud800",
        ]
    ),
)
NAMES = st.sampled_from(
    [
        "market_id",
        "limit",
        "by",
        "value",
        "account_index",
        "api_key_index",
        "cursor",
        "sort_by",
        "resolution",
        "filter",
        "start_timestamp",
        "end_timestamp",
        "count_back",
        "between_timestamps",
        "client_order_indexes",
        "order_index",
        "from",
        "market_ids",
        "side",
        "start",
        "end",
        "l1_address",
        "ask_filter",
        "type",
        "role",
        "period",
        "kind",
    ]
)
TOKENS = st.one_of(
    st.none(), st.just(tx.token()), st.text(max_size=30), st.just("ro:1:all:99:ab"), NUMBERS.map("{}:1:5:ab".format)
)


@pytest.mark.parametrize("path", REST.paths)
@given(params=st.dictionaries(NAMES, TEXTS, max_size=6), token=TOKENS)
@settings(max_examples=60)
def test_every_endpoint_answers_anything(path, params, token):
    with sound(SHARED):
        status, body = REST.get(path, Query(params=params, token=token, now_us=NOW_US))
    decoded = msgspec.json.decode(body)
    assert status in {200, 400, 401, 403, 404}
    if status != 200:
        assert decoded["code"] > 20_000
        assert decoded["message"]


@pytest.mark.parametrize("path", REST.posted_paths)
@given(params=st.dictionaries(NAMES, TEXTS, max_size=6), token=TOKENS)
@settings(max_examples=40)
def test_every_form_is_answered(path, params, token):
    with sound(SHARED):
        status, body = REST.post(path, Query(params=params, token=token, now_us=NOW_US))
    assert status in {200, 400, 401, 403, 404}
    assert isinstance(msgspec.json.decode(body), dict)


CHANNELS = st.builds(
    "{}{}".format,
    st.sampled_from([stream.value for stream in Stream]) | st.text(max_size=10),
    st.sampled_from(
        [
            "",
            "/",
            "/0",
            "/1",
            "/all",
            "/99",
            "/-1",
            f"/{OPERATOR}",
            f"/0/{OPERATOR}",
            "/x/y/z",
            "/" + "9" * 40,
            ":0",
            "/0/1m",
        ]
    ),
)
LEAVES = st.one_of(NUMBERS, TEXTS.filter(lambda text: text.isprintable()), st.booleans(), st.none(), st.floats())
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
MESSAGES = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["subscribe", "unsubscribe", "ping", "pong", "jsonapi/sendtx", "jsonapi/sendtxbatch", "x"]
        )
    },
    optional={
        "channel": CHANNELS | VALUES,
        "auth": TOKENS | VALUES,
        "data": VALUES
        | st.fixed_dictionaries({"tx_type": NUMBERS | VALUES, "tx_info": VALUES}, optional={"id": VALUES})
        | st.fixed_dictionaries({"tx_types": VALUES, "tx_infos": VALUES}),
    },
)


@given(st.lists(MESSAGES.map(json.dumps) | st.text(max_size=40), max_size=12))
def test_every_message_is_answered(texts):
    conversation, gate = Conversation(SHARED), Gate(Tier.PREMIUM, SHARED.exchange)
    with sound(SHARED):
        for text in texts:
            gate.message(text, NOW_US)
            reply = conversation.receive(text, NOW_US)
            assert reply is None or isinstance(msgspec.json.decode(reply), dict)
    assert len(conversation.subscribed) <= len(texts)


SIGNED_FIELDS = [
    "MarketIndex",
    "ClientOrderIndex",
    "BaseAmount",
    "Price",
    "IsAsk",
    "Type",
    "TimeInForce",
    "ReduceOnly",
    "TriggerPrice",
    "OrderExpiry",
    "Nonce",
    "ExpiredAt",
    "Index",
    "Time",
    "AccountIndex",
    "ApiKeyIndex",
    "FromAccountIndex",
    "ToAccountIndex",
    "Amount",
    "USDCFee",
    "USDCAmount",
    "Direction",
    "MarginMode",
    "InitialMarginFraction",
]
OF_OTHER_TYPES = {
    "Index": 1,
    "Time": 0,
    "FromAccountIndex": OPERATOR,
    "ToAccountIndex": COUNTERPARTY,
    "AssetIndex": 3,
    "FromRouteType": 0,
    "ToRouteType": 0,
    "Amount": 1,
    "USDCFee": 0,
    "USDCAmount": 1,
    "Direction": 1,
    "MarginMode": 1,
    "InitialMarginFraction": 500,
}
FIELDS = st.dictionaries(
    st.sampled_from(SIGNED_FIELDS),
    NUMBERS | VALUES,
    max_size=4,
)
ATTRIBUTES = st.none() | st.dictionaries(st.sampled_from("0123456789x"), NUMBERS, max_size=3) | VALUES


@given(st.lists(st.tuples(st.integers(0, 40) | NUMBERS, FIELDS, ATTRIBUTES), max_size=10), st.booleans())
def test_every_transaction_is_answered(sent, is_batch):
    simulation = venue()
    with sound(simulation):
        infos = []
        for place, (_, fields, attributes) in enumerate(sent):
            info = json.loads(tx.create(nonce=place)) | OF_OTHER_TYPES | {"L2TxAttributes": attributes} | fields
            infos.append(json.dumps(info))
        types = [kind for kind, _, _ in sent]
        if is_batch:
            simulation.send_batch(types, infos, NOW_US)
        else:
            outcomes = [simulation.send(kind, info, NOW_US) for kind, info in zip(types, infos, strict=True)]
            assert all(each.message for each in outcomes if isinstance(each, Refusal))


POSTED = [
    ("/api/v1/sendTx", b"tx_type=14&tx_info=%ff%fe"),
    ("/api/v1/sendTx", b"tx_type=%d9%a1&tx_info={}"),
    ("/api/v1/sendTx", b"tx_type=" + b"9" * 4_000 + b"&tx_info={}"),
    ("/api/v1/sendTx", b"tx_type=14&tx_info=" + b"[" * 100_000),
    ("/api/v1/sendTx", b"\x00" * 100),
    ("/api/v1/sendTxBatch", b"tx_types=[14]&tx_infos=[" + b"[" * 50_000),
    ("/api/v1/sendTxBatch", b"tx_types=[1e400]&tx_infos=[]"),
    ("/api/v1/sendTxBatch", b"tx_types=" + b"[14," * 9_000),
    ("/control/faults", b"{"),
    ("/control/faults", b"\xff\xfe"),
    ("/control/faults", b'{"faults":[{"fault":"drop","rate":1e400}]}'),
    ("/control/faults", b'{"faults":[{"fault":"delay","ms":99999999999999999999}]}'),
    ("/control/faults", b'{"faults":' + b"[" * 100_000),
    ("/control/advance", b'{"ms":-1}'),
    ("/control/advance", b'{"ms":1e400}'),
    ("/control/advance", b'{"ms":99999999999999}'),
    ("/stream", b"x"),
]


async def test_bodies_of_every_kind_over_the_wire():
    extras = Extras(clock=VirtualClock(), control_token="open")
    async with hosted_venue(markets=1, extras=extras) as hosted, aiohttp.ClientSession() as http:
        for path, body in POSTED:
            for kind in (
                "application/x-www-form-urlencoded",
                "application/json",
                "multipart/form-data",
                "application/toml",
            ):
                headers = {"authorization": "open", "content-type": kind}
                async with http.post(hosted.ready.url + path, data=body, headers=headers) as answer:
                    assert 400 <= answer.status < 500, (path, body[:40], kind, answer.status, await answer.text())
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
            for path in ("/", "/api/v1/orderBooks", "/api/v1/rfq/create", "/nothing"):
                async with http.request(method, hosted.ready.url + path) as answer:
                    assert (answer.status, (await answer.json())["code"]) == (404, 29_404), (method, path)
        async with http.get(hosted.ready.url + "/stream") as answer:
            assert answer.status == 400
        async with http.ws_connect(hosted.ready.ws_url) as socket:
            await socket.receive_json(timeout=5)
            await socket.send_bytes(b"\x00\x01")
            await socket.send_str("[" * 100_000)
            assert (await socket.receive_json(timeout=5))["error"]["code"] == 30_000
            await socket.send_str('{"type":"ping"}')
            assert await socket.receive_json(timeout=5) == {"type": "pong"}
