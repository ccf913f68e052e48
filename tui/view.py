"""What one paint shows: the newest state of the engine, the moment, and what the desk itself knows."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.clock import SECOND_NS, Instant
from core.events import LinkName, LinkStatus
from core.state import EngineState, KillStatus
from tui.alerts import Alert
from tui.keymap import PLAIN, KeyMap
from tui.meters import DeskPace

SILENT_AFTER_NS: Final = 2 * SECOND_NS
"""An engine whose newest state is older than this is called silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One moment, as every pane is shown it."""

    state: EngineState
    now: Instant
    kill: KillStatus
    """The engine's, or REQUESTED from the press until the engine has taken it up."""
    is_live: bool = False
    """Real money stands behind it."""
    stale_after_ms: int = 3_000
    alerts: int = 0
    """Alerts that nobody here has acknowledged."""
    alert_rows: tuple[Alert, ...] = ()
    """Every warning and alert that is kept, oldest first."""
    desk: DeskPace | None = None
    """How the desk itself fares; None before it was measured."""
    is_private: bool = False
    """Amounts are hidden."""
    is_flashing: bool = False
    """A new alert came a moment ago."""
    sizes: tuple[Decimal, ...] = (Decimal(25), Decimal(100), Decimal(500))
    """Order sizes the ladder offers, in USDC."""
    is_read_only: bool = False
    """Nothing but the kill reaches the engine from here."""
    keys: KeyMap = PLAIN
    """What every key does."""
    hints: frozenset[str] = frozenset()
    """The screens that still show a hint of the first run."""
    ended: str = ""
    """One sentence when the engine's thread ended by itself."""

    @property
    def silent_ns(self) -> int:
        """How long the engine has said nothing, once that is too long; 0 while it speaks or after it ended."""
        age = self.now.mono_ns - self.state.published.mono_ns
        return age if age > SILENT_AFTER_NS and not self.state.is_over and not self.ended else 0

    @property
    def is_past(self) -> bool:
        """Whether the state is only the last one known: the engine is silent or has ended."""
        return bool(self.silent_ns or self.ended) or self.state.is_over

    @property
    def is_account_past(self) -> bool:
        """Whether money and positions are only the last known: the account's stream does not live."""
        streams = [link for link in self.state.links if link.name is LinkName.ACCOUNT]
        return self.is_past or any(link.status is not LinkStatus.LIVE for link in streams)

    @property
    def second(self) -> int:
        """The running second, UTC: ages and clocks are painted once in each."""
        return self.now.utc_us // 1_000_000
