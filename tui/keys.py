"""The one key map: bindings, footer, help and the README's table are all made from it.

The operator may give actions other keys (`tui.keymap`). No bare letter does anything that cannot be taken back:
terminals and pastes inject those.
"""

import re
from dataclasses import dataclass
from typing import Final

from textual.binding import Binding
from textual.keys import key_to_character


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
    is_secondary: bool = False
    """In the footer only where there is room left."""
    shown: str = ""
    """How the keys are written, where their names would puzzle."""
    where: str = ""
    """The widget that binds it, such as `ladder`; empty for everywhere."""

    @property
    def name(self) -> str:
        """How `[desk.keys]` calls what it does; empty where the keys cannot be changed: panes bear their digits."""
        what, _, argument = self.action.partition("(")
        return {"surface": argument.strip("')"), "ask": argument.strip("')"), "pane": ""}.get(what, what)

    @property
    def display(self) -> str:
        """The first key, as the footer writes it."""
        return self.written[0]

    @property
    def written(self) -> tuple[str, ...]:
        """Every key, as people write it."""
        if self.shown:
            return (self.shown,)
        return tuple(written(key) for key in self.keys)


_NAMES: Final = {"slash": "/", "plus": "+", "minus": "-"}
"""Those that Textual cannot turn back into their character."""


def written(key: str) -> str:
    """One of Textual's names for a key, as people write it."""
    if re.fullmatch(r"f\d+", key):
        return key.upper()
    letter = _NAMES.get(key) or key_to_character(key)
    return letter if letter and letter.isprintable() and not letter.isspace() else key


KILL: Final = Key(
    keys=("ctrl+k", "f12"),
    action="kill",
    label="KILL",
    help="Kill: block every new order, cancel everything at the venue, and wait for the venue's own empty list. "
    "One press, above every window.",
    is_priority=True,
    is_dangerous=True,
)

SURFACES: Final = (
    Key(keys=("d",), action="surface('desk')", label="desk", help="Show the desk: all panes at once."),
    Key(keys=("m",), action="surface('market')", label="market", help="Show one market: ladder, tape and candles."),
    Key(keys=("o",), action="surface('orders')", label="orders", help="Show orders: tasks, map, fills, refusals."),
    Key(keys=("r",), action="surface('risk')", label="risk", help="Show risk: limits, breakers, positions, money."),
    Key(keys=("t",), action="surface('strategies')", label="strategies", help="Show the strategies of the bot."),
    Key(keys=("e",), action="surface('alerts')", label="alerts", help="Show warnings and alerts to acknowledge."),
    Key(keys=("l",), action="surface('log')", label="log", help="Show the whole log, to filter and to search."),
    Key(keys=("h",), action="surface('health')", label="health", help="Show links, budgets, and the desk's own pace."),
)
"""The screens, each by one key and by name in the command palette."""

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
    Key(
        keys=("f2",),
        action="ask('modify')",
        label="change",
        help="Give the selected order of ours a new price or size.",
        is_secondary=True,
    ),
    Key(
        keys=("f3",),
        action="ask('plan')",
        label="plan",
        help="Start an execution plan: TWAP, ladder, chase or bracket; the orders' screen lists and ends them.",
        is_secondary=True,
    ),
    Key(
        keys=("f4",),
        action="ask('limit')",
        label="limit",
        help="Change a risk limit: says what it would do, asks once more, and shows the engine's answer.",
        is_secondary=True,
    ),
    Key(
        keys=("f6",),
        action="ask('trip')",
        label="trip",
        help="Choose the breaker of a market, a strategy or everything, to trip or to close it with a reason.",
        is_secondary=True,
    ),
    Key(
        keys=("ctrl+r",),
        action="ask('reconcile')",
        help="Compare orders, fills and positions with the venue now; the log says what differs.",
    ),
    Key(
        keys=("ctrl+f",),
        action="ask('journal')",
        label="journal",
        help="Search the journal: everything asked, sent, answered, filled, decided and changed.",
    ),
    Key(
        keys=("f10",),
        action="ask('drill')",
        help="Rehearse the kill on a paper venue of its own, and show how long each step took.",
    ),
    Key(
        keys=("f7",),
        action="ask('part')",
        label="stop part",
        help="Choose a market or a strategy to kill, or what to flatten: cancelled, then closed near the mark. Asks.",
        is_secondary=True,
    ),
    Key(keys=("n",), action="ticket", label="order", help="Open the order ticket for the selected market."),
    Key(
        keys=("c",),
        action="cancel",
        label="cancel",
        help="Cancel the order selected in tasks or order map, whichever is focused.",
    ),
    Key(
        keys=("a",),
        action="rearm",
        label="re-arm",
        help="Lift a confirmed kill, also of a part, with a typed word and a reason.",
    ),
    Key(
        keys=("s",),
        action="strategy",
        label="strategy",
        help="Start or stop the first strategy; on the strategies' screen, the selected one.",
    ),
    Key(keys=("question_mark",), action="help", label="help", help="Show this key map."),
    Key(
        keys=("ctrl+q", "ctrl+c"),
        action="quit",
        label="quit",
        help="Quit; asks what becomes of open orders when there are any.",
        is_priority=True,
        is_dangerous=True,
    ),
    *SURFACES,
    Key(keys=("slash",), action="filter", help="Filter the tables: on orders, alerts and log."),
    Key(keys=("p",), action="privacy", label="privacy", help="Hide how much is ours, or show it again."),
    Key(keys=("f9",), action="picture", label="picture", help="Save a picture of the screen, as SVG."),
    Key(keys=("y",), action="acknowledge", help="Acknowledge every alert so far."),
    Key(keys=("1",), action="pane(1)", help="Go to pane 1; on the desk the prices."),
    Key(
        keys=("2",), action="pane(2)", help="Go to pane 2; on the desk the risk limits; Enter changes the selected one."
    ),
    Key(
        keys=("3",),
        action="pane(3)",
        help="Go to pane 3; on the desk the breakers; Enter trips the selected one, or closes it.",
    ),
    Key(keys=("4",), action="pane(4)", help="Go to pane 4; on the desk the open tasks."),
    Key(keys=("5",), action="pane(5)", help="Go to pane 5; on the desk the order map."),
    Key(keys=("6",), action="pane(6)", help="Go to pane 6; on the desk the log; Enter shows a line in full."),
)

_UNLISTED: Final = frozenset({"privacy", "picture", "ask('journal')"})
"""Named in the palette, but not worth a place in the footer."""


def in_footer(keys: tuple[Key, ...], *, is_secondary: bool) -> tuple[Key, ...]:
    """Those that the footer always shows, or those it shows where there is room."""
    worded = tuple(key for key in keys if key.label and not is_surface(key) and key.action not in _UNLISTED)
    return tuple(key for key in worded if key.is_secondary is is_secondary)


def harmless(keys: tuple[Key, ...]) -> tuple[Key, ...]:
    """Those that the command palette offers."""
    return tuple(key for key in keys if key.label and not key.is_dangerous)


def is_surface(key: Key) -> bool:
    """Whether it shows a screen."""
    return key.action.startswith("surface(")


LOCAL: Final = (
    Key(
        keys=("z",),
        action="sort",
        where="grid",
        help="Sort the focused table by its next column, upwards, then downwards.",
    ),
    Key(
        keys=("f5",),
        action="ask('arm')",
        where="ladder",
        help="On the ladder: arm or disarm it. Real money begins disarmed, at each visit.",
    ),
    Key(
        keys=("j",),
        action="ask('join')",
        where="ladder",
        help="On the ladder, armed: join the best price of the chosen side, post-only.",
    ),
    Key(
        keys=("i",),
        action="ask('improve')",
        where="ladder",
        help="On the ladder, armed: improve the best price of the chosen side by a tick.",
    ),
    Key(
        keys=("x",),
        action="ask('cancel_here')",
        where="ladder",
        help="On the ladder: cancel our orders at the marked price.",
    ),
    Key(
        keys=("left_square_bracket",),
        action="ask('cancel_bids')",
        where="ladder",
        help="On the ladder: cancel our bids in this market.",
    ),
    Key(
        keys=("right_square_bracket",),
        action="ask('cancel_asks')",
        where="ladder",
        help="On the ladder: cancel our asks in this market.",
    ),
    Key(
        keys=("plus", "equals_sign"),
        action="ask('larger')",
        where="ladder",
        help="On the ladder: the next larger size.",
    ),
    Key(keys=("minus",), action="ask('smaller')", where="ladder", help="On the ladder: the next smaller size."),
    Key(keys=("comma",), action="ask('previous')", where="ladder", help="On the ladder: the previous market."),
    Key(keys=("full_stop",), action="ask('next')", where="ladder", help="On the ladder: the next market."),
    Key(keys=("v",), action="level", where="log", help="In the log: all levels, warnings and alerts, alerts alone."),
)
"""What widgets bind: it works where they have the focus."""

FIXED: Final = (
    Key(keys=("tab", "shift+tab"), action="", help="Go to the next or the previous pane or field."),
    Key(
        keys=("up", "down", "pageup", "pagedown", "home", "end"),
        action="",
        shown="arrows, page up/down, home, end",
        help="Move in the focused pane.",
    ),
    Key(keys=("left", "right"), action="", shown="left, right", help="On the ladder: choose the bid or the ask side."),
    Key(keys=("ctrl+p",), action="", help="Open the command palette: screens, themes and harmless keys, by name."),
    Key(
        keys=("enter",),
        action="",
        help="On a price: open its ticket. On the ladder, armed: place there. In a window: do what it says.",
    ),
    Key(keys=("escape",), action="", help="Close the window; nothing is done. On a screen: hide its hint, for good."),
)
"""What cannot be changed: for the help only."""


def is_kill_key(key: str) -> bool:
    """Whether this key kills, whatever else is held down with it: Esc just before it arrives as `alt`."""
    *modifiers, last = key.split("+")
    return last == "f12" or (last == "k" and "ctrl" in modifiers)


def bindings(where: str = "") -> list[Binding]:
    """What the App binds, or a widget; each is found again by its name when the operator gives it another key."""
    return [
        Binding(
            ",".join(key.keys),
            key.action,
            key.label or key.help,
            show=bool(key.label),
            priority=key.is_priority,
            id=key.name,
        )
        for key in (*KEYS, *LOCAL)
        if key.where == where
    ]


def markdown_table() -> str:
    """The key map for the README."""
    rows = [f"| {' or '.join(f'`{name}`' for name in key.written)} | {key.help} |" for key in (*KEYS, *LOCAL, *FIXED)]
    return "\n".join(["| key | what it does |", "|---|---|", *rows])
