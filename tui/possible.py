"""What the operator could ask for right now: pure, so that keys can be greyed out instead of failing."""

from core.model import Order
from tui.view import View


def is_possible(action: str, view: View, order: Order | None) -> bool:
    """Whether an action of the key map would do anything; `order` is the selected one."""
    match action:
        case "ticket":
            return bool(view.state.markets)
        case "cancel":
            return order is not None and not order.status.is_closed
        case "rearm":
            return view.kill.is_latched or bool(view.state.kills)
        case "part":
            return bool(view.state.markets or view.state.strategies)
        case "strategy":
            return bool(view.state.strategies)
        case _:
            return True
