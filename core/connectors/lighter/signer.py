"""The only door to the vendor's signer: its native library, loaded directly, one thread per API key.

The package `lighter` itself is never imported: that costs a second at start, and only its library is needed. On a
thread of its own a signature costs 0.4 ms; on the main thread 2.5 ms, because the library reads the process's memory
map at each entry from it. Nothing here uses the network, and nothing here chooses a nonce.
"""

import asyncio
import ctypes
import importlib.metadata
import importlib.util
import logging
import platform
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import ClassVar, Final, TypeVar, assert_never

from pydantic import SecretStr
from typed_lighter.core.signer import schnorr

from core.connectors.lighter.encode import CancelAllTx, CancelTx, CreateTx, GroupTx, LeverageTx, ModifyTx, Tx
from core.connectors.lighter.signer_thread import SignerThread
from core.decisions import Refused
from core.errors import AuthRejected, ConfigError, LinkDown

SDK: Final = "lighter-sdk"
TESTED: Final = "1.1."
"""The native functions are called by position; another minor version may have moved them."""
_LIBRARIES: Final = {
    ("Linux", "x86_64"): "lighter-signer-linux-amd64.so",
    ("Linux", "aarch64"): "lighter-signer-linux-arm64.so",
    ("Darwin", "arm64"): "lighter-signer-darwin-arm64.dylib",
    ("Darwin", "x86_64"): "lighter-signer-darwin-amd64.dylib",
}
_KEY_DIGITS: Final = 80
_CLOSE_S: Final = 2.0
"""How long a signature under way is waited for at the end: thousands of times what one takes."""
_LOG: Final = logging.getLogger(__name__)
_T = TypeVar("_T")


class _Claims:
    """Which network each key signs for: the library knows one for a key, and another start would re-point the first."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._held: Final[Counter[tuple[int, int, int, str]]] = Counter()

    def take(self, account: int, key: int, chain: int, public: str) -> None:
        """Claim a key for a chain, as often as its connectors need it.

        Raises:
            ConfigError: it is claimed for another chain, or with another private key.
        """
        with self._lock:
            for held in self._held:
                if held[:2] == (account, key) and held[2:] != (chain, public):
                    raise ConfigError(
                        f"API key {key} of account {account} signs for chain {held[2]} in this process already, and "
                        f"the signing library keeps one network a key: close that connector first"
                    )
            self._held[account, key, chain, public] += 1

    def give_back(self, account: int, key: int, chain: int, public: str) -> None:
        """One of them is closed."""
        with self._lock:
            self._held[account, key, chain, public] -= 1
            if self._held[account, key, chain, public] <= 0:
                del self._held[account, key, chain, public]


_claims: Final = _Claims()


@dataclass(frozen=True, slots=True)
class SignedTx:
    """A transaction ready to be sent: `tx_type` and `tx_info` are the form fields of `sendTx`."""

    tx_type: int
    tx_info: str
    """Holds a signature: never logged."""
    tx_hash: str
    """80 hexadecimal digits, known before anything is sent."""


_EXPIRE_MAKER: Final = 0
_SAME_ACCOUNT: Final = 0
_SELF_TRADE: Final = (_EXPIRE_MAKER, _SAME_ACCOUNT)
"""What becomes of two orders of ours that meet (attributes 6 and 7): the resting one ends, the newer one goes on.

No setting, on purpose. Risk denies what it sees meeting, unless `risk.self_trade` leaves it to the venue; besides that,
only a stop that fires meets an order of ours, or an order that nobody here placed is met. An exit must not fail because
an entry of ours stands in its way, so the newer one goes on; and orders of another account are not ours to end.
"""
_TERMS: Final = (0, 0, 0, *_SELF_TRADE)
"""No integrator, no fees for one, and what becomes of self-trades."""


class Signer:
    """Signs for one API key of one account, in a thread of its own.

    The library keeps its clients per (account, key) for the life of the process: one process, one network per key.
    """

    def __init__(self, *, chain_id: int, account_index: int, api_key_index: int, private_key: SecretStr) -> None:
        """Remember whose key it is; nothing is loaded before `start`."""
        self.api_key_index: Final = api_key_index
        self._account_index: Final = account_index
        self._chain_id: Final = chain_id
        self._private_key: Final = private_key
        self._is_closed = False
        self._claimed = ""
        self._thread: Final = SignerThread(f"signer-{api_key_index}")

    async def start(self) -> str:
        """Load the library, register the key with it, and return the public key (80 hex digits, no 0x).

        Raises:
            ConfigError: the platform or the SDK's version is not one this was tested with, the key is malformed, or it
                signs for another network in this process.
        """
        return await self._run(self._register)

    async def sign(self, tx: Tx, nonce: int) -> SignedTx | Refused:
        """Sign one transaction; `Refused`, the nonce unused, when the library finds it invalid or this is closed."""
        if self._is_closed:
            return Refused(0, "not sent: the signer is closed")
        return await self._run(partial(self._sign, tx, nonce))

    async def auth_token(self, deadline_s: int) -> str:
        """A token that the venue accepts until `deadline_s` (Unix seconds), at most 8 hours ahead.

        Raises:
            AuthRejected: the library could not mint one.
            LinkDown: the signer is closed.
        """
        if self._is_closed:
            raise LinkDown("the signer is closed")
        return await self._run(partial(self._mint, deadline_s))

    def close(self) -> None:
        """End the thread; idempotent. A signature under way is waited for, but no longer than two seconds.

        A library that hangs keeps its key claimed: it may still sign.
        """
        self._is_closed = True
        if not self._thread.close(_CLOSE_S):
            _LOG.error("the signing library does not answer for API key %d; left behind", self.api_key_index)
            return
        claimed, self._claimed = self._claimed, ""
        if claimed:
            _claims.give_back(self._account_index, self.api_key_index, self._chain_id, claimed)

    async def _run(self, work: Callable[[], _T]) -> _T:
        return await asyncio.wrap_future(self._thread.submit(work))

    def _register(self) -> str:
        key = self._private_key.get_secret_value()
        public = public_key_of(key)
        library = _library()
        if not self._claimed:
            _claims.take(self._account_index, self.api_key_index, self._chain_id, public)
            self._claimed = public
        problem = _take(
            library,
            library.CreateClient(
                b"http://127.0.0.1",  # only its own HTTP calls would use it, and none is made
                key.removeprefix("0x").encode(),
                self._chain_id,
                self.api_key_index,
                self._account_index,
            ),
        )
        if problem:
            raise ConfigError(
                f"API key {self.api_key_index} of account {self._account_index} cannot be used: {problem}"
            )
        return public

    def _sign(self, tx: Tx, nonce: int) -> SignedTx | Refused:
        library = _library()
        tail = (0, nonce, self.api_key_index, self._account_index)  # 0: strict nonces, none skipped
        match tx:
            case CreateTx():
                answer = library.SignCreateOrder(
                    tx.market_index,
                    tx.client_order_index,
                    tx.base_amount,
                    tx.price,
                    int(tx.is_ask),
                    tx.order_type,
                    tx.time_in_force,
                    int(tx.reduce_only),
                    0,  # trigger price
                    tx.order_expiry,
                    *_TERMS,
                    *tail,
                )
            case CancelTx():
                answer = library.SignCancelOrder(tx.market_index, tx.index, *tail)
            case CancelAllTx():
                answer = library.SignCancelAllOrders(tx.time_in_force, tx.time_ms, tx.market_index, *tail)
            case ModifyTx():
                answer = library.SignModifyOrder(
                    tx.market_index,
                    tx.index,
                    tx.base_amount,
                    tx.price,
                    0,  # trigger price
                    *_TERMS,
                    *tail[:2],
                    0,  # whichever version the order has
                    *tail[2:],
                )
            case LeverageTx():
                answer = library.SignUpdateLeverage(tx.market_index, tx.fraction, int(tx.is_isolated), *tail)
            case GroupTx():
                answer = library.SignCreateGroupedOrders(
                    tx.grouping,
                    _requests(tx),
                    len(tx.orders),
                    *_TERMS,
                    *tail,
                )
            case _:
                assert_never(tx)
        return _signed(library, answer)

    def _mint(self, deadline_s: int) -> str:
        library = _library()
        answer = library.CreateAuthToken(deadline_s, self.api_key_index, self._account_index)
        token, problem = _take(library, answer.str), _take(library, answer.err)
        if problem or not token:
            raise AuthRejected(f"no auth token could be minted with API key {self.api_key_index}: {problem}")
        return token


def generate_api_key() -> tuple[str, str]:
    """A fresh (private, public) pair, each `0x` and 80 hex digits; offline.

    Raises:
        ConfigError: the platform or the SDK's version is not one this was tested with.
    """
    library = _library()
    answer = library.GenerateAPIKey()
    private, public = _take(library, answer.privateKey), _take(library, answer.publicKey)
    problem = _take(library, answer.err)
    if problem or not private or not public:
        raise ConfigError(f"the signer could not generate a key: {problem}")
    return private, public


def public_key_of(private_key: str) -> str:
    """The public half of a private key, as the venue lists it: 80 lower-case hex digits without 0x.

    Raises:
        ConfigError: it is not a private key; the text does not repeat it.
    """
    digits = private_key.removeprefix("0x")
    try:
        secret = bytes.fromhex(digits)
    except ValueError:
        secret = b""
    if len(digits) != _KEY_DIGITS or not secret:
        raise ConfigError(f"private key: expected {_KEY_DIGITS} hexadecimal digits, got {len(digits)} characters")
    return schnorr.public_key(schnorr.scalar_from_bytes(secret)).hex()


class _KeyAnswer(ctypes.Structure):
    _fields_: ClassVar = [("privateKey", ctypes.c_void_p), ("publicKey", ctypes.c_void_p), ("err", ctypes.c_void_p)]


class _TextAnswer(ctypes.Structure):
    _fields_: ClassVar = [("str", ctypes.c_void_p), ("err", ctypes.c_void_p)]


class _SignedAnswer(ctypes.Structure):
    _fields_: ClassVar = [
        ("txType", ctypes.c_uint8),
        ("txInfo", ctypes.c_void_p),
        ("txHash", ctypes.c_void_p),
        ("messageToSign", ctypes.c_void_p),
        ("err", ctypes.c_void_p),
    ]


class _OrderRequest(ctypes.Structure):
    _fields_: ClassVar = [
        ("MarketIndex", ctypes.c_longlong),
        ("ClientOrderIndex", ctypes.c_longlong),
        ("BaseAmount", ctypes.c_longlong),
        ("Price", ctypes.c_uint32),
        ("IsAsk", ctypes.c_uint8),
        ("Type", ctypes.c_uint8),
        ("TimeInForce", ctypes.c_uint8),
        ("ReduceOnly", ctypes.c_uint8),
        ("TriggerPrice", ctypes.c_uint32),
        ("OrderExpiry", ctypes.c_longlong),
    ]


def _requests(tx: GroupTx) -> "ctypes.Array[_OrderRequest]":
    made = (_OrderRequest * len(tx.orders))()
    for place, leg in enumerate(tx.orders):
        order = leg.order
        made[place] = _OrderRequest(
            order.market_index,
            order.client_order_index,
            order.base_amount,
            order.price,
            order.is_ask,
            order.order_type,
            order.time_in_force,
            order.reduce_only,
            leg.trigger_price,
            order.order_expiry,
        )
    return made


def _signed(library: ctypes.CDLL, answer: _SignedAnswer) -> SignedTx | Refused:
    problem = _take(library, answer.err)
    info, tx_hash = _take(library, answer.txInfo), _take(library, answer.txHash)
    _take(library, answer.messageToSign)
    if problem or not info or not tx_hash:
        return Refused(0, f"the signer refused it: {problem or 'no reason given'}")
    return SignedTx(int(answer.txType), info, tx_hash)


def _take(library: ctypes.CDLL, pointer: int | None) -> str:
    """Copy a string the library allocated and give its memory back; empty for none."""
    if not pointer:
        return ""
    try:
        return (ctypes.cast(pointer, ctypes.c_char_p).value or b"").decode()
    finally:
        library.Free(pointer)


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(_find_library()))
    wide, word, byte, text = ctypes.c_longlong, ctypes.c_int, ctypes.c_uint8, ctypes.c_char_p
    tail = [byte, wide, word, wide]
    signatures: dict[str, tuple[list[type], type | None]] = {
        "GenerateAPIKey": ([], _KeyAnswer),
        "CreateClient": ([text, text, word, word, wide], ctypes.c_void_p),
        "SignCreateOrder": ([*[wide] * 3, *[word] * 6, *[wide] * 2, *[word] * 2, *[byte] * 2, *tail], _SignedAnswer),
        "SignCancelOrder": ([wide, wide, *tail], _SignedAnswer),
        "SignCancelAllOrders": ([word, wide, wide, *tail], _SignedAnswer),
        "SignModifyOrder": (
            [*[wide] * 6, *[word] * 2, *[byte] * 3, wide, wide, word, wide],
            _SignedAnswer,
        ),
        "SignUpdateLeverage": ([wide, word, word, *tail], _SignedAnswer),
        "SignCreateGroupedOrders": (
            [byte, ctypes.POINTER(_OrderRequest), word, wide, *[word] * 2, *[byte] * 2, *tail],
            _SignedAnswer,
        ),
        "CreateAuthToken": ([wide, word, wide], _TextAnswer),
        "Free": ([ctypes.c_void_p], None),
    }
    for name, (arguments, result) in signatures.items():
        function = getattr(library, name)
        function.argtypes = arguments
        function.restype = result
    return library


def _find_library() -> Path:
    try:
        version = importlib.metadata.version(SDK)
    except importlib.metadata.PackageNotFoundError:
        raise ConfigError(f"the signer is missing: install {SDK} {TESTED}x") from None
    if not version.startswith(TESTED):
        raise ConfigError(f"{SDK}: expected version {TESTED}x, the one tested with, found {version}")
    system, machine = platform.system(), platform.machine()
    name = _LIBRARIES.get((system, {"amd64": "x86_64", "AMD64": "x86_64"}.get(machine, machine)))
    spec = importlib.util.find_spec("lighter")
    if name is None or spec is None or spec.origin is None:
        known = ", ".join(f"{one} {other}" for one, other in _LIBRARIES)
        raise ConfigError(f"the signer runs on {known}; this is {system} {machine}")
    path = Path(spec.origin).parent / "signers" / name
    if not path.is_file():
        raise ConfigError(f"the signer's library {name} is missing from {SDK} {version}: install it again")
    return path
