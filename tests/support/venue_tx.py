"""Transactions and tokens as the wire carries them, with a signature of the right form and no meaning."""

import base64
import json
import time

from core.connectors.venue.simulation import OPERATOR, TRADING_KEY

SIGNATURE = base64.b64encode(bytes(80)).decode()
CREATE, CANCEL, CANCEL_ALL, MODIFY, LEVERAGE, GROUP, MARGIN = 14, 15, 16, 17, 20, 28, 29
LIMIT, MARKET = 0, 1
IOC, GTT, POST_ONLY = 0, 1, 2
DAY_MS = 86_400_000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def signed(fields: dict[str, object], *, nonce: int, account: int = OPERATOR, key: int = TRADING_KEY, **extra: object):
    """`tx_info` as text: the fields of one type, and those that every type has."""
    common: dict[str, object] = {
        "AccountIndex": account,
        "ApiKeyIndex": key,
        "ExpiredAt": now_ms() + 599_000,
        "Nonce": nonce,
        "Sig": SIGNATURE,
        "L2TxAttributes": None,
    }
    return json.dumps({**common, **fields, **extra})


def create(*, nonce: int, account: int = OPERATOR, key: int = TRADING_KEY, attributes=None, **fields: int) -> str:
    """A resting limit order to buy 0.1 ETH at 1,500.00, but for what `fields` (Go names) says otherwise."""
    tif = fields.get("TimeInForce", GTT)
    body: dict[str, object] = {
        "MarketIndex": 0,
        "ClientOrderIndex": 0,
        "BaseAmount": 1_000,
        "Price": 150_000,
        "IsAsk": 0,
        "Type": LIMIT,
        "TimeInForce": tif,
        "ReduceOnly": 0,
        "TriggerPrice": 0,
        "OrderExpiry": 0 if tif == IOC and not fields.get("TriggerPrice") else now_ms() + DAY_MS,
    }
    return signed({**body, **fields}, nonce=nonce, account=account, key=key, L2TxAttributes=attributes)


def cancel(*, nonce: int, index: int, market: int = 0, account: int = OPERATOR, key: int = TRADING_KEY) -> str:
    return signed({"MarketIndex": market, "Index": index}, nonce=nonce, account=account, key=key)


def cancel_all(*, nonce: int, market: int | None = None, account: int = OPERATOR, key: int = TRADING_KEY) -> str:
    attributes = None if market is None else {"5": market}
    return signed({"TimeInForce": 0, "Time": 0}, nonce=nonce, account=account, key=key, L2TxAttributes=attributes)


def modify(*, nonce: int, index: int, size: int, price: int, market: int = 0, attributes=None) -> str:
    body: dict[str, object] = {
        "MarketIndex": market,
        "Index": index,
        "BaseAmount": size,
        "Price": price,
        "TriggerPrice": 0,
    }
    return signed(body, nonce=nonce, L2TxAttributes=attributes)


def token(*, account: int = OPERATOR, key: int = TRADING_KEY, life_s: int = 600) -> str:
    return f"{int(time.time()) + life_s}:{account}:{key}:{'ab' * 80}"


def leverage(*, nonce: int, imf: int, market: int = 0, mode: int = 0, **extra: int) -> str:
    return signed({"MarketIndex": market, "InitialMarginFraction": imf, "MarginMode": mode}, nonce=nonce, **extra)


def isolated_margin(*, nonce: int, usdc: int = 1_000_000, market: int = 0, direction: int = 1) -> str:
    return signed({"MarketIndex": market, "USDCAmount": usdc, "Direction": direction}, nonce=nonce)


def group(kind: int, *orders: dict[str, int], nonce: int) -> str:
    return signed({"GroupingType": kind, "Orders": list(orders)}, nonce=nonce)


def member(**fields: int) -> dict[str, int]:
    """One order of a group: the fields of a create and nothing else."""
    body = json.loads(create(nonce=0, **fields))
    common = {"AccountIndex", "ApiKeyIndex", "ExpiredAt", "Nonce", "Sig", "L2TxAttributes"}
    return {name: value for name, value in body.items() if name not in common}


def stop_loss(**fields: int) -> dict[str, int]:
    """A reducing stop-loss to sell ETH below 1,700.00."""
    terms = {"Type": 2, "TimeInForce": IOC, "TriggerPrice": 170_000, "Price": 160_000, "IsAsk": 1, "ReduceOnly": 1}
    return member(**{"OrderExpiry": now_ms() + DAY_MS} | terms | fields)
