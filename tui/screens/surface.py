"""The base of every full screen: banner and header above, keys below, panes between, and one sentence when too small.

Only the surface in sight is painted; what it shows when it comes back is the newest view, at once.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar, Final, Protocol

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.events import Resize, ScreenResume
from textual.widget import Widget

from core.model import Order
from core.scope import Scope
from core.state import StrategyStatus
from core.units import MarketId
from tui.bridge import EngineHandle
from tui.hints import sentence
from tui.keys import Key
from tui.painter import PatchedScreen
from tui.screens.modal import wrap
from tui.view import View
from tui.widgets.footer import Footer
from tui.widgets.grid import Grid
from tui.widgets.header import Header
from tui.widgets.kill_banner import KillBanner
from tui.widgets.lines import LOOKS, Lines, Span, Tone

MIN_WIDTH: Final = 80
MIN_HEIGHT: Final = 24
_WIDTHS: Final = [(0, "-cramped"), (MIN_WIDTH, "-narrow"), (130, "-wide")]
_HEIGHTS: Final = [(0, "-flat"), (MIN_HEIGHT, "-short"), (38, "-tall")]


class Pane(Protocol):
    """Anything a surface shows a view to."""

    def show(self, view: View) -> None:
        """Paint what changed."""
        ...


class Surface(PatchedScreen[None]):
    """One full screen of the desk."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(LOOKS)
    HORIZONTAL_BREAKPOINTS = _WIDTHS
    VERTICAL_BREAKPOINTS = _HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "app.hide_hint", "hide the hint", show=False)]
    NAME: ClassVar[str]
    """How keys and header call it."""

    def __init__(self, is_enabled: Callable[[Key], bool], newest: Callable[[], View], handle: EngineHandle) -> None:
        """`newest` gives the view to begin with whenever the surface comes into sight."""
        super().__init__()
        self._newest = newest
        self._handle = handle
        self._banner = KillBanner()
        self._header = Header(self.NAME)
        self._footer = Footer(is_enabled)
        self._too_small = Lines(id="too-small")
        self._hint: Lines | None = None
        self._grids: tuple[Grid, ...] = ()  # type: ignore[type-arg]  # rows of every kind
        self._shown: list[Pane] = []

    def body(self) -> Iterable[Widget]:
        """What stands between header and footer."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Header above, keys below, panes between."""
        yield self._banner
        yield self._header
        yield self._too_small
        with Container(id="panes"):
            yield from self.body()
        yield self._footer

    def add(self, *panes: Widget) -> tuple[Widget, ...]:
        """Show views to these from now on; grids among them get the digits 1, 2, 3… that go to them."""
        for pane in panes:
            if isinstance(pane, Grid):
                self._grids = (*self._grids, pane)
                pane.number = len(self._grids)
            self._shown.append(pane)  # type: ignore[arg-type]
        return panes

    def on_mount(self) -> None:
        """Begin at the first pane."""
        self.focus_number(1)

    def on_screen_resume(self, event: ScreenResume) -> None:
        """It comes into sight: show what is true now."""
        del event
        self.call_after_refresh(self._show_newest)

    def _show_newest(self) -> None:
        self.show(self._newest())

    def on_resize(self, event: Resize) -> None:
        """Say it in words when there is no room."""
        width, height = event.size
        keys = self._newest().keys
        self._too_small.set_lines(
            [
                (Span(f"expected at least {MIN_WIDTH}x{MIN_HEIGHT},", Tone.ARMED),),
                (Span(f"this terminal is {width}x{height}; enlarge it", Tone.ARMED),),
                (Span(f"{keys.written('kill')} still kills, {keys.written('quit')} quits", Tone.DIM),),
            ]
        )

    @property
    def is_too_small(self) -> bool:
        """Whether the panes cannot be shown."""
        return 0 < self.size.width < MIN_WIDTH or 0 < self.size.height < MIN_HEIGHT

    def show(self, view: View) -> None:
        """Hand the newest view to every pane; each paints only what changed."""
        if not self.is_mounted:
            return
        self.set_class(view.is_past, "-past")
        self._banner.show(view)
        self._header.show(view)
        for grid in self._grids:
            if grid.is_private != view.is_private:
                grid.is_private = view.is_private
                grid.refresh()
        for pane in self._shown:
            pane.show(view)
        self._show_hint(view)
        self._footer.show(view)

    def _show_hint(self, view: View) -> None:
        """The widget is made with the first hint: who has read them all does not pay for it."""
        wanted = self.NAME in view.hints and not view.kill.is_latched  # the banner needs the room
        if wanted and self._hint is None:
            self._hint = Lines(id="hint")
            self.mount(self._hint, before=self._footer)
        if self._hint is not None:
            text = f"{sentence(self.NAME, view.keys)} · esc hides it" if wanted else ""
            lines = wrap(text, max(1, self.size.width - 1)) if wanted else []
            self._hint.set_lines([(Span(f" {line}", Tone.CALM),) for line in lines])

    def focus_number(self, number: int) -> None:
        """Move the focus to the pane with this digit, if there is one."""
        if 0 < number <= len(self._grids):
            self.set_focus(self._grids[number - 1])

    def filter(self) -> bool:
        """Go to the field that filters the tables; False where there is none."""
        return False

    def choose(self, market_id: MarketId | None) -> None:
        """Look at this market, where the surface looks at one."""

    has_strategies: ClassVar[bool] = False
    """Whether a strategy can be selected here."""

    @property
    def strategy(self) -> StrategyStatus | None:
        """The strategy selected here."""
        return None

    @property
    def market_id(self) -> MarketId | None:
        """The market selected here, if this surface has one selected."""
        return None

    @property
    def scope(self) -> Scope | None:
        """The part of the account that is selected: by the focused pane, else here."""
        scope = getattr(self.focused, "scope", None)
        if isinstance(scope, Scope):
            return scope
        if self.strategy is not None:
            return Scope(strategy=self.strategy.name)
        return None if self.market_id is None else Scope(market_id=self.market_id)

    @property
    def order(self) -> Order | None:
        """The order selected in the focused pane, if that pane has orders."""
        order = getattr(self.focused, "order", None)
        return order if isinstance(order, Order) else None
