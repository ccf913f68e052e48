"""What the venue answers to a transaction: accepted for execution, never more than that."""

from typing import Final

from core.connectors.venue.views import Json

QUOTA: Final = '{"ratelimit": "didn\'t use volume quota"}'


def sent_body(tx_hash: str | list[str], now_us: int) -> Json:
    """The body of a transaction that was admitted."""
    return {"code": 200, "tx_hash": tx_hash, "predicted_execution_time_ms": now_us // 1_000}
