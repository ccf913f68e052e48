"""The desk with a task queue that somebody keeps full: what `bench.kill` presses the key of under load.

Everything is as `lighter-tui` has it; a thread beside the engine asks for orders far from the market, as many as wait.
"""

import sys
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from core.commands import SubmitOrder
from core.engine.handle import EngineThread
from core.model import OrderIntent, OrderStatus, OrderType, Side, TimeInForce
from core.state import EnginePhase
from tui import __main__ as program

FULL: Final = 900
"""Tasks that wait; the engine takes a thousand."""
_PAUSE_S: Final = 0.05
_FAR: Final = Decimal("0.95")


def _fill(engine: EngineThread) -> None:
    """Ask for what is missing, twenty times a second, while trading is allowed."""
    asked, seen = 0, -1
    while not (state := engine.state()).is_over:
        time.sleep(_PAUSE_S)
        quote = next((one for one in state.quotes if one.bid is not None), None)
        if (
            state.seq == seen
            or state.phase is not EnginePhase.RUNNING
            or state.kill.is_latched
            or quote is None
            or quote.bid is None
        ):
            continue
        seen = state.seq
        market = next(one for one in state.markets if one.id == quote.market_id)
        tick = Decimal(1).scaleb(-market.price_decimals)
        waiting = sum(task.order.status is OrderStatus.QUEUED for task in state.tasks)
        for _ in range(FULL - waiting):
            asked += 1
            price = (quote.bid * _FAR).quantize(tick) - asked % 1_000 * tick
            size = (20 / price).quantize(Decimal(1).scaleb(-market.size_decimals)) + 2 * market.min_size
            wanted = OrderIntent(
                market_id=market.id,
                side=Side.BUY,
                type=OrderType.LIMIT,
                size=size,
                price=price,
                tif=TimeInForce.GTT,
            )
            engine.submit(SubmitOrder(intent=wanted))


def main() -> int:
    """The command line of `lighter-tui`."""
    run = EngineThread.run

    def filled(engine: EngineThread, should_stop: Callable[[], bool]) -> None:
        threading.Thread(target=_fill, args=(engine,), daemon=True, name="filler").start()
        run(engine, should_stop)

    EngineThread.run = filled  # type: ignore[method-assign]
    return program.main()


if __name__ == "__main__":
    sys.exit(main())
