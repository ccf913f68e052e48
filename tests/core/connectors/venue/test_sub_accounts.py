"""Sub-accounts: opened, found by their owner's address, traded with, and paid; and no money comes or goes."""

import json

import pytest

from core.connectors.venue.catalogue import listed
from core.connectors.venue.codes import Refusal
from core.connectors.venue.exchange import conserved
from core.connectors.venue.query import Query
from core.connectors.venue.rest import Rest
from core.connectors.venue.sequencer import TxRecord
from core.connectors.venue.simulation import COUNTERPARTY, OPERATOR, START_COLLATERAL, TRADING_KEY, KeyOf, Simulation
from core.connectors.venue.sub_accounts import FIRST_INDEX, MAX_SUB_ACCOUNTS
from tests.support import venue_tx as tx

OPEN, TRANSFER = 9, 12


class Everything:
    def __contains__(self, key: object) -> bool:
        return True


@pytest.fixture
def venue() -> Simulation:
    keys = [
        KeyOf(account_index=owner, api_key_index=TRADING_KEY, public_key="ab" * 40)
        for owner in (OPERATOR, COUNTERPARTY)
    ]
    return Simulation(listed(1), 1, keys, Everything())


def send(venue: Simulation, tx_type: int, info: str) -> TxRecord | int:
    outcome = venue.send(tx_type, info, tx.now_ms() * 1_000)
    return outcome.code if isinstance(outcome, Refusal) else outcome


def opened(venue: Simulation, nonce: int = 0) -> int:
    record = send(venue, OPEN, tx.signed({}, nonce=nonce))
    assert isinstance(record, TxRecord)
    return json.loads(record.event_info)["a"]


def transfer(*, nonce: int, to: int, amount: int, of: int = OPERATOR, **fields: int) -> str:
    body = {
        "FromAccountIndex": of,
        "ToAccountIndex": to,
        "AssetIndex": 3,
        "FromRouteType": 0,
        "ToRouteType": 0,
        "Amount": amount,
        "USDCFee": 0,
    }
    return tx.signed(body | fields, nonce=nonce, account=of)


def rows(venue: Simulation, path: str, **params: str) -> dict:
    status, body = Rest(venue).get(path, Query(params=params, token=None, now_us=1))
    assert status == 200, body
    return json.loads(body)


def is_sound(venue: Simulation) -> bool:
    marks = {market_id: market.mark for market_id, market in venue.exchange.markets.items()}
    return conserved(venue.exchange, marks) == venue.exchange.deposits


def test_they_are_found_by_the_address_of_their_owner(venue):
    first, second = opened(venue, 0), opened(venue, 1)
    assert (first, second) == (FIRST_INDEX, FIRST_INDEX + 1)
    address = venue.exchange.accounts[OPERATOR].l1_address
    listing = rows(venue, "/api/v1/accountsByL1Address", l1_address=address)["sub_accounts"]
    assert [(row["index"], row["account_type"]) for row in listing] == [(OPERATOR, 0), (first, 1), (second, 1)]
    found = rows(venue, "/api/v1/account", by="l1_address", value=address)
    assert (found["total"], len(found["accounts"])) == (3, 3)


def test_money_goes_there_and_the_account_trades_with_it_alone(venue):
    sub = opened(venue)
    assert send(venue, tx.CREATE, tx.create(nonce=0, account=sub)) == 21739
    venue.take_frames()
    assert isinstance(send(venue, TRANSFER, transfer(nonce=1, to=sub, amount=5_000_000_000, USDCFee=7)), TxRecord)
    frames = {frame.key: json.loads(frame.body) for frame in venue.take_frames()}
    assert frames[f"account_all_assets:{sub}"]["assets"]["3"]["margin_balance"] == "5000.000000"
    assert f"account_all_assets:{OPERATOR}" in frames
    assert f"account_all_positions:{sub}" not in frames
    assert venue.exchange.accounts[OPERATOR].collateral == START_COLLATERAL - 5_000_000_007
    assert isinstance(send(venue, tx.CREATE, tx.create(nonce=0, account=sub, ClientOrderIndex=3)), TxRecord)
    assert isinstance(send(venue, tx.CREATE, tx.create(nonce=2, ClientOrderIndex=3)), TxRecord)
    assert [len(venue.exchange.accounts[each].live) for each in (OPERATOR, sub)] == [1, 1]
    assert isinstance(send(venue, TRANSFER, transfer(nonce=1, to=OPERATOR, amount=1_000_000, of=sub)), TxRecord)
    assert is_sound(venue)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ToAccountIndex": 1}, 21102),
        ({"ToAccountIndex": OPERATOR}, 21102),
        ({"ToAccountIndex": COUNTERPARTY}, 21120),
        ({"AssetIndex": 1}, 21501),
        ({"ToRouteType": 1}, 21501),
        ({"Amount": 0}, 21501),
        ({"Amount": 10**30}, 21501),
        ({"USDCFee": -1}, 21501),
        ({"Amount": START_COLLATERAL + 1}, 21301),
        ({"Amount": START_COLLATERAL, "USDCFee": 1}, 21301),
    ],
)
def test_transfers_that_are_refused(venue, change, code):
    sub = opened(venue)
    assert send(venue, TRANSFER, transfer(nonce=1, to=sub, amount=1, **change)) == code
    assert venue.exchange.accounts[OPERATOR].collateral == START_COLLATERAL


def test_what_open_orders_need_stays(venue):
    sub = opened(venue)
    assert isinstance(send(venue, tx.CREATE, tx.create(nonce=1)), TxRecord)
    assert send(venue, TRANSFER, transfer(nonce=2, to=sub, amount=START_COLLATERAL)) == 21301


def test_only_masters_have_them_and_not_without_end(venue):
    sub = opened(venue)
    assert send(venue, OPEN, tx.signed({}, nonce=0, account=sub)) == 21102
    for number in range(1, MAX_SUB_ACCOUNTS):
        opened(venue, number)
    assert send(venue, OPEN, tx.signed({}, nonce=MAX_SUB_ACCOUNTS)) == 21501
