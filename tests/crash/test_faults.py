"""Whole engines at a venue that misbehaves on purpose: afterwards both agree on every order, fill, position and nonce.

The end state is always the same: every fill is in the journal once, every order that may be live is shown as live or in
doubt, nothing was placed twice. Each fault is seeded, and strikes only after the engine began to trade.
"""

import json
import time
from typing import Final

import pytest

from tests.support import crash_engine
from tests.support.crash_engine import Life
from tests.support.crash_ground import PATIENCE_S, Ground, ground, same

__all__ = ["ground"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

ACCOUNT: Final = "account_*"
FAULTS: Final[dict[str, list[dict[str, object]]]] = {
    "frames of the account come twice": [{"fault": "duplicate", "match": ACCOUNT}],
    "frames of the account come in another order": [{"fault": "reorder", "match": ACCOUNT, "rate": 0.5}],
    "frames of the account are late": [{"fault": "delay", "match": ACCOUNT, "ms": 1_500}],
    "fills come after what followed them": [{"fault": "fills-after-cancel", "ms": 2_000}],
    "fills come before the acknowledgement": [{"fault": "fills-before-ack", "ms": 800}],
    "carried out, and the reply is lost": [{"fault": "reply-lost", "count": 2}],
    "refused, and the refusal is lost": [{"fault": "refusal-lost", "count": 2}],
    "the request never arrives": [{"fault": "request-lost", "count": 2}],
    "the duplicate client id": [{"fault": "refuse", "code": 21_728, "count": 2}],
    "a storm of nonces": [{"fault": "nonce-storm", "count": 4}],
    "maintenance": [{"fault": "http-503"}, {"fault": "close", "count": 2}],
    "the clock jumps ahead": [{"fault": "clock-skew", "ms": 60_000}],
    "the clock jumps back": [{"fault": "clock-skew", "ms": -60_000}],
    "a false flat": [{"fault": "empty-positions"}, {"fault": "close", "match": "account_all_positions:*", "count": 1}],
    "positions that are no numbers": [{"fault": "broken-positions", "count": 3}],
    "a snapshot older than the stream": [
        {"fault": "late-snapshot", "ms": 1_200},
        {"fault": "close", "match": ACCOUNT, "count": 1},
    ],
}


@pytest.mark.parametrize("what", FAULTS)
def test_after_the_fault_both_sides_agree(ground: Ground, what: str) -> None:
    life = ground.life(0, None)
    running = ground.live(crash_engine.endure, life)
    try:
        assert running.hear() == "ready"
        ground.truth(life, json.dumps({"seed": 1, "faults": FAULTS[what]}))
        running.ask("trade")
        struck(ground, life, what)
        ground.truth(life, "{}")
        running.ask("trade on")
        same(ground, life, running, what, patience_s=180.0)
        assert ground.truth(life).orders, "nothing was ever placed"
        running.line.send("end")
        assert running.join() == 0
    finally:
        if running.process.is_alive():
            running.process.kill()
            running.process.join()


def struck(ground: Ground, life: Life, what: str) -> None:
    """See the venue do to this engine what the schedule says: each fault of it at least once, before it is called off.

    A fault that never struck would prove nothing, however well both sides agree afterwards.
    """
    until = time.monotonic() + PATIENCE_S
    while idle := [fault for fault, times in ground.truth(life).struck if not times]:
        assert time.monotonic() < until, f"{what}: never struck: {idle}"
    counts = ground.truth(life).struck
    assert [fault for fault, _ in counts] == [fault["fault"] for fault in FAULTS[what]]
    assert all(times for _, times in counts), counts
