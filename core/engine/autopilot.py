"""The seam between the engine and whatever trades by itself: it sees the state and answers with wishes."""

from collections.abc import Sequence
from typing import Protocol

from core.commands import Command
from core.state import EngineState, StrategyStatus


class Autopilot(Protocol):
    """A bot. Every method runs on the engine's loop and returns at once."""

    def step(self, state: EngineState) -> Sequence[Command]:
        """What it wants now; called a few times a second while the engine is RUNNING."""
        ...

    def statuses(self) -> tuple[StrategyStatus, ...]:
        """Its strategies, in display order."""
        ...

    def set_running(self, name: str, running: bool) -> bool:  # noqa: FBT001
        """Start or stop one strategy; whether it is known."""
        ...
