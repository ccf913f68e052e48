"""The one key map: bindings, footer, help and the README's table are all made from it.

No bare letter does anything that cannot be taken back: terminals and pastes inject those.
"""

from dataclasses import dataclass
from typing import Final

from textual.binding import Binding


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One thing the keyboard can ask for."""

    keys: tuple[str, ...]
    """Textual's names; any of them."""
    action: str
    help: str
    """One sentence for the help and the README."""
    label: str = ""
    """One word for the footer; empty to keep it out of there."""
    is_priority: bool = False
    """Works above every modal and inside every text field."""
    is_dangerous: bool = False
    """Stops trading or changes what may be sent; never a bare letter."""
    shown: str = ""
    """How the keys are written, where their names would puzzle."""

    @property
    def display(self) -> str:
        """The first key, as the footer writes it."""
        return self.written[0]

    @property
    def written(self) -> tuple[str, ...]:
        """Every key, as people write it."""
        if self.shown:
            return (self.shown,)
        return tuple(_NAMES.get(key, key.upper() if _is_function_key(key) else key) for key in self.keys)


_NAMES: Final = {"question_mark": "?"}


def _is_function_key(key: str) -> bool:
    return key.startswith("f") and key[1:].isdigit()


KILL: Final = Key(
    keys=("ctrl+k", "f12"),
    action="kill",
    label="KILL",
    help="Kill: block every new order, cancel everything at the venue, and wait for the venue's own empty list. "
    "One press, above every window.",
    is_priority=True,
    is_dangerous=True,
)

KEYS: Final = (
    KILL,
    Key(
        keys=("ctrl+t", "f8"),
        action="breaker",
        label="breaker",
        help="Trip the circuit breaker of every market with one press; when it is tripped, ask before closing it.",
        is_priority=True,
        is_dangerous=True,
    ),
    Key(keys=("n",), action="ticket", label="order", help="Open the order ticket for the selected market."),
    Key(
        keys=("c",),
        action="cancel",
        label="cancel",
        help="Cancel the order selected in tasks or order map, whichever is focused.",
    ),
    Key(keys=("a",), action="rearm", label="re-arm", help="Lift a confirmed kill, with a typed word and a reason."),
    Key(keys=("s",), action="strategy", label="strategy", help="Start or stop the strategy."),
    Key(keys=("question_mark",), action="help", label="help", help="Show this key map."),
    Key(
        keys=("ctrl+q", "ctrl+c"),
        action="quit",
        label="quit",
        help="Quit; asks what becomes of open orders when there are any.",
        is_priority=True,
        is_dangerous=True,
    ),
    Key(keys=("1",), action="focus_pane('prices')", help="Go to the prices."),
    Key(keys=("2",), action="focus_pane('limits')", help="Go to the risk limits."),
    Key(keys=("3",), action="focus_pane('breakers')", help="Go to the circuit breakers; Enter closes a tripped one."),
    Key(keys=("4",), action="focus_pane('tasks')", help="Go to the open tasks."),
    Key(keys=("5",), action="focus_pane('order-map')", help="Go to the order map."),
    Key(keys=("6",), action="focus_pane('log')", help="Go to the log; Enter shows a line in full."),
)

FOOTER: Final = tuple(key for key in KEYS if key.label)
HARMLESS: Final = tuple(key for key in FOOTER if not key.is_dangerous)

FIXED: Final = (
    Key(keys=("tab", "shift+tab"), action="", help="Go to the next or the previous pane or field."),
    Key(
        keys=("up", "down", "pageup", "pagedown", "home", "end"),
        action="",
        shown="arrows, page up/down, home, end",
        help="Move in the focused pane.",
    ),
    Key(keys=("enter",), action="", help="On a price: open its ticket. In a window: do what it says."),
    Key(keys=("escape",), action="", help="Close the window; nothing is done."),
)
"""What the widgets bind themselves: for the help only."""


def is_kill_key(key: str) -> bool:
    """Whether this key kills, whatever else is held down with it: Esc just before it arrives as `alt`."""
    *modifiers, last = key.split("+")
    return last == "f12" or (last == "k" and "ctrl" in modifiers)


def bindings() -> list[Binding]:
    """The App's bindings."""
    return [
        Binding(",".join(key.keys), key.action, key.label or key.help, show=bool(key.label), priority=key.is_priority)
        for key in KEYS
    ]


def markdown_table() -> str:
    """The key map for the README."""
    rows = [f"| {' or '.join(f'`{name}`' for name in key.written)} | {key.help} |" for key in (*KEYS, *FIXED)]
    return "\n".join(["| key | what it does |", "|---|---|", *rows])
