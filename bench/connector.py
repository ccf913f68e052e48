"""The rest of the connector: REST bodies into models beside the SDK's own decode, and the loop's lag while signing."""

import asyncio
import json
import time
import urllib.request
import warnings
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from time import perf_counter
from typing import Any, Final

from pydantic import SecretStr

from bench.results import Figure, compared, interleave, latencies
from core.connectors.lighter.bodies import OrderBookDetails, decode_body, is_plain_success
from core.connectors.lighter.encode import CreateTx
from core.connectors.lighter.signer import Signer, generate_api_key
from core.connectors.venue.child import PaperVenue
from core.decisions import Refused

MARKETS: Final = 150
ROUNDS: Final = 5
DECODES: Final = 10
SIGN_RATE: Final = 300
LAG_ROUNDS: Final = 4
LAG_S: Final = 1.5
_BEAT_S: Final = 0.002
_PATH: Final = "/api/v1/orderBookDetails"
_QUIET: Final = "loop lag, idle"


def measure() -> list[Figure]:
    """Both, bounded in time."""
    return [*_models(), *asyncio.run(_signing())]


def _models() -> list[Figure]:
    body = _body()

    def ours() -> Any:  # what every read does with its bytes
        if not is_plain_success(body):
            raise AssertionError("expected a success that says so first")
        return decode_body(body, OrderBookDetails)

    their = _sdk_decoder()
    rows, theirs = ours().order_book_details, their(body).order_book_details
    if [row.symbol for row in rows] != [row.symbol for row in theirs] or len(rows) != MARKETS:
        raise AssertionError("the two decoders do not agree about the markets")
    found = interleave(
        {
            "lighter-tui": lambda: DECODES / _seconds(ours),
            "SDK json.loads + from_dict": lambda: DECODES / _seconds(lambda: their(body)),
        },
        ROUNDS,
    )
    group = f"REST body into models, {MARKETS} markets, {len(body) / 1e3:.0f} kB"
    return compared(group, "bodies/s", found, "SDK json.loads + from_dict")


def _body() -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with PaperVenue(markets=MARKETS) as venue, opener.open(f"{venue.ready.url}{_PATH}", timeout=5) as answer:
        return answer.read()


def _sdk_decoder() -> Callable[[bytes], Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lighter.models.order_book_details import OrderBookDetails as Theirs
    return lambda body: Theirs.from_dict(json.loads(body))


def _seconds(work: Callable[[], Any]) -> float:
    start = perf_counter()
    for _ in range(DECODES):
        work()
    return perf_counter() - start


async def _signing() -> list[Figure]:
    private, _ = generate_api_key()
    signer = Signer(chain_id=304, account_index=65, api_key_index=7, private_key=SecretStr(private))
    try:
        await signer.start()
        idle: list[list[float]] = []
        busy: list[list[float]] = []
        for _ in range(LAG_ROUNDS):
            idle.append(await _lags())
            work = asyncio.create_task(_sign_at_rate(signer))
            busy.append(await _lags())
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
    finally:
        signer.close()
    group = f"event loop while {SIGN_RATE} orders/s are signed"
    quiet = latencies(group, _QUIET, [lag for one in idle for lag in one])
    loud = latencies(group, "loop lag, signing", [lag for one in busy for lag in one])
    ratio = median([_p99(mine) / _p99(theirs) for mine, theirs in zip(busy, idle, strict=True)])
    return [replace(loud, ratio=ratio, peer=_QUIET, note="p99 x idle"), quiet]


async def _lags() -> list[float]:
    """Milliseconds by which a timer of the loop comes late."""
    loop, late = asyncio.get_running_loop(), []
    until = loop.time() + LAG_S
    while (start := loop.time()) < until:
        await asyncio.sleep(_BEAT_S)
        late.append(1e3 * (loop.time() - start - _BEAT_S))
    return late


async def _sign_at_rate(signer: Signer) -> None:
    loop = asyncio.get_running_loop()
    start, nonce = loop.time(), 0
    while True:
        nonce += 1
        signed = await signer.sign(_order(nonce), nonce)
        if isinstance(signed, Refused):
            raise AssertionError(f"an order was not signed: {signed.detail}")  # noqa: TRY004 - the benchmark's own error
        await asyncio.sleep(max(0.0, start + nonce / SIGN_RATE - loop.time()))


def _order(number: int) -> CreateTx:
    return CreateTx(
        market_index=0,
        client_order_index=number,
        base_amount=1_000,
        price=250_000,
        is_ask=False,
        order_type=0,
        time_in_force=1,
        reduce_only=False,
        order_expiry=int(time.time() * 1_000) + 3_600_000,
    )


def _p99(samples: list[float]) -> float:
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
