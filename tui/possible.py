"""What the operator could ask for right now: pure, so that keys can be greyed out instead of failing."""

from core.model import Order
from tui.view import View


def is_possible(action: str, view: View, order: Order | None) -> bool:
    """Whether an action of the key map would do anything; `order` is the selected one."""
    state = view.state
    answer = True
    match action:
        case "ticket" | "ask('plan')":
            answer = bool(state.markets)
        case "cancel" | "ask('modify')":
            answer = order is not None and not order.status.is_closed
        case "rearm":
            answer = view.kill.is_latched or bool(state.kills)
        case "ask('part')":
            answer = bool(state.markets or state.strategies)
        case "ask('limit')":
            answer = state.rules is not None
        case "strategy":
            answer = bool(state.strategies)
        case _:
            pass
    return answer
