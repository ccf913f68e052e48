"""Our signer says exactly what the vendor's SDK says, and an independent implementation agrees."""

import base64
import importlib.metadata
import json
import platform
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
from pydantic import SecretStr
from typed_lighter.core.signer import schnorr, token
from typed_lighter.core.signer.txs.orders import CancelAllOrders, CancelOrder, CreateOrder, OrderInfo

from core.connectors.lighter import signer as signer_module
from core.connectors.lighter.encode import CancelAllTx, CancelTx, CreateTx, LeverageTx, ModifyTx, Tx
from core.connectors.lighter.signer import SignedTx, Signer, generate_api_key, public_key_of
from core.decisions import Refused
from core.errors import ConfigError, LinkDown

ACCOUNT, KEY, CHAIN = 65, 5, 300
ORDERS = [
    CreateTx(
        market_index=0,
        client_order_index=2**48 - 1,
        base_amount=1_000,
        price=2**32 - 1,
        is_ask=True,
        order_type=0,
        time_in_force=2,
        reduce_only=True,
        order_expiry=-1,
    ),
    CreateTx(
        market_index=1,
        client_order_index=7,
        base_amount=2**48 - 1,
        price=250_000,
        is_ask=False,
        order_type=1,
        time_in_force=0,
        reduce_only=False,
        order_expiry=0,
    ),
]


@pytest.fixture(scope="module")
def keys() -> tuple[str, str]:
    return generate_api_key()


@pytest.fixture
async def signer(keys) -> AsyncIterator[Signer]:
    made = Signer(chain_id=CHAIN, account_index=ACCOUNT, api_key_index=KEY, private_key=SecretStr(keys[0]))
    await made.start()
    yield made
    made.close()


@contextmanager
def _vendor(private_key: str) -> Iterator[object]:
    """The vendor's own client, whose import warns about a library of its own choice."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lighter import SignerClient

        yield SignerClient("http://127.0.0.1:1", ACCOUNT, {KEY: private_key}, chain_id=CHAIN)


async def _signed(signer: Signer, tx: Tx, nonce: int) -> SignedTx:
    answer = await signer.sign(tx, nonce)
    assert isinstance(answer, SignedTx), answer
    return answer


def _without_time(info: str) -> dict[str, object]:
    fields = json.loads(info)
    for timed in ("ExpiredAt", "Sig", "OrderExpiry"):
        fields.pop(timed, None)
    return fields


def _verify(signed: SignedTx, tx_hash: bytes, public_key: str) -> None:
    """The hash is the one an independent implementation computes, and the signature is valid for it."""
    assert signed.tx_hash == tx_hash.hex()
    signature = base64.b64decode(json.loads(signed.tx_info)["Sig"])
    assert schnorr.verify(pk=bytes.fromhex(public_key), msg_hash=tx_hash, sig=signature)


@pytest.mark.parametrize("tx", ORDERS, ids=["post-only ask at the limits", "market bid"])
async def test_an_order_is_signed_as_the_vendor_signs_it(signer, keys, tx):
    ours = await _signed(signer, tx, 41)
    with _vendor(keys[0]) as vendor:
        kind, theirs, _, error = vendor.sign_create_order(
            tx.market_index,
            tx.client_order_index,
            tx.base_amount,
            tx.price,
            tx.is_ask,
            tx.order_type,
            tx.time_in_force,
            tx.reduce_only,
            order_expiry=tx.order_expiry,
            nonce=41,
            api_key_index=KEY,
        )
        await vendor.api_client.close()
    assert error is None
    assert (ours.tx_type, _without_time(ours.tx_info)) == (kind, _without_time(theirs))

    said = json.loads(ours.tx_info)
    order = OrderInfo(
        market_index=tx.market_index,
        client_order_index=tx.client_order_index,
        base_amount=tx.base_amount,
        price=tx.price,
        is_ask=int(tx.is_ask),
        type=tx.order_type,
        time_in_force=tx.time_in_force,
        reduce_only=int(tx.reduce_only),
        trigger_price=0,
        order_expiry=said["OrderExpiry"],
    )
    common = {"account_index": ACCOUNT, "api_key_index": KEY, "expired_at": said["ExpiredAt"], "nonce": 41}
    _verify(ours, CreateOrder(order=order, **common).hash(CHAIN), public_key_of(keys[0]))


async def test_cancels_are_signed_as_the_vendor_signs_them(signer, keys):
    one = await _signed(signer, CancelTx(market_index=3, index=2**48 + 9), 1)
    every = await _signed(signer, CancelAllTx(), 2)
    some = await _signed(signer, CancelAllTx(market_index=7), 3)
    with _vendor(keys[0]) as vendor:
        theirs = [
            vendor.sign_cancel_order(3, 2**48 + 9, nonce=1, api_key_index=KEY),
            vendor.sign_cancel_all_orders(0, 0, nonce=2, api_key_index=KEY),
            vendor.sign_cancel_all_orders(0, 0, 7, nonce=3, api_key_index=KEY),
        ]
        await vendor.api_client.close()
    for ours, (kind, info, _, error) in zip((one, every, some), theirs, strict=True):
        assert error is None
        assert (ours.tx_type, _without_time(ours.tx_info)) == (kind, _without_time(info))

    def common(signed: SignedTx) -> dict[str, int]:
        said = json.loads(signed.tx_info)
        names = {"account_index": "AccountIndex", "api_key_index": "ApiKeyIndex", "expired_at": "ExpiredAt"}
        return {**{ours: said[go] for ours, go in names.items()}, "nonce": said["Nonce"]}

    public = public_key_of(keys[0])
    _verify(one, CancelOrder(market_index=3, index=2**48 + 9, **common(one)).hash(CHAIN), public)
    _verify(every, CancelAllOrders(time_in_force=0, time=0, **common(every)).hash(CHAIN), public)


async def test_a_token_is_valid_and_bears_its_deadline(signer, keys):
    deadline = int(time.time()) + 3_600
    minted = await signer.auth_token(deadline)
    assert minted.startswith(f"{deadline}:{ACCOUNT}:{KEY}:")
    assert token.verify_auth_token(minted, bytes.fromhex(public_key_of(keys[0])))


async def test_what_the_library_refuses_is_a_value(signer):
    answer = await signer.sign(CancelTx(market_index=0, index=0), 1)
    assert isinstance(answer, Refused)
    assert answer.code == 0
    assert "signer refused" in answer.detail


async def test_a_closed_signer_signs_nothing_and_mints_nothing(signer):
    signer.close()
    signer.close()
    assert await signer.sign(CancelAllTx(), 1) == Refused(0, "not sent: the signer is closed")
    with pytest.raises(LinkDown, match="closed"):
        await signer.auth_token(1)


async def test_signing_leaves_the_calling_thread(signer, monkeypatch):
    seen: set[str] = set()
    inner = Signer._sign

    def watched(self, tx, nonce):
        seen.add(threading.current_thread().name)
        return inner(self, tx, nonce)

    monkeypatch.setattr(Signer, "_sign", watched)
    await _signed(signer, CancelAllTx(), 1)
    await _signed(signer, CancelAllTx(), 2)
    assert len(seen) == 1
    assert seen.pop().startswith(f"signer-{KEY}")


def test_generated_keys_are_pairs(keys):
    private, public = keys
    assert private.startswith("0x")
    assert len(private) == len(public) == 82
    assert public_key_of(private) == public.removeprefix("0x").lower()


@pytest.mark.parametrize("bad", ["", "0x12", "zz" * 40, " 0" * 40])
def test_a_malformed_key_is_named_but_not_repeated(bad):
    with pytest.raises(ConfigError, match="private key: expected 80 hexadecimal digits") as caught:
        public_key_of(bad)
    assert not bad or bad not in str(caught.value)


@pytest.mark.parametrize(
    ("system", "machine", "version", "words"),
    [
        ("Plan9", "x86_64", "1.1.8", "this is Plan9 x86_64"),
        ("Linux", "x86_64", "1.2.0", r"expected version 1\.1\.x"),
    ],
)
def test_an_untested_platform_or_version_is_one_sentence(monkeypatch, system, machine, version, words):
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(importlib.metadata, "version", lambda _: version)
    with pytest.raises(ConfigError, match=words):
        signer_module._find_library()


def test_the_vendor_package_is_not_imported():
    code = (
        "import sys; from core.connectors.lighter.signer import generate_api_key; generate_api_key();"
        "sys.exit(any(m == 'lighter' or m.startswith('lighter.') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


MODIFY = ModifyTx(market_index=3, index=2**60 - 1, base_amount=2**48 - 1, price=2**32 - 1)
ISOLATED = LeverageTx(market_index=3, fraction=333, is_isolated=True)
SCHEDULED = CancelAllTx(time_in_force=1, time_ms=1_900_000_000_123)
NEVER = CancelAllTx(time_in_force=2)


@pytest.mark.parametrize("tx", [MODIFY, ISOLATED, SCHEDULED, NEVER], ids=["modify", "leverage", "schedule", "abort"])
async def test_everything_else_is_signed_as_the_vendor_signs_it(signer, keys, tx):
    ours = await _signed(signer, tx, 43)
    at = {"nonce": 43, "api_key_index": KEY}
    with _vendor(keys[0]) as vendor:
        match tx:
            case ModifyTx():
                theirs = vendor.sign_modify_order(tx.market_index, tx.index, tx.base_amount, tx.price, **at)
            case LeverageTx():
                theirs = vendor.sign_update_leverage(tx.market_index, tx.fraction, int(tx.is_isolated), **at)
            case _:
                theirs = vendor.sign_cancel_all_orders(tx.time_in_force, tx.time_ms, **at)
        await vendor.api_client.close()
    kind, info, _, error = theirs
    assert error is None
    assert (ours.tx_type, _without_time(ours.tx_info)) == (kind, _without_time(info))
    said = json.loads(ours.tx_info)
    names = {
        ModifyTx: {"Index": MODIFY.index, "BaseAmount": MODIFY.base_amount, "Price": MODIFY.price},
        LeverageTx: {"InitialMarginFraction": 333, "MarginMode": 1},
        CancelAllTx: {"TimeInForce": getattr(tx, "time_in_force", 0), "Time": getattr(tx, "time_ms", 0)},
    }
    assert said | names[type(tx)] == said
