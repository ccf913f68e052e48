"""Strategies as the engine hears of them: switched by a human, or stopped by the bot because they failed. Pure."""

from core.clock import Instant
from core.commands import SetStrategy, StrategyFailed
from core.engine.effects import StrategySwitched, SwitchStrategy
from core.engine.facts import Facts
from core.events import NoticeLevel

_ROOM = "strategy"


def switch(facts: Facts, command: SetStrategy, now: Instant) -> None:
    """Have the bot start or stop one."""
    if command.running and facts.breakers.of(command.name) is not None:
        text = f"{command.name} stays stopped: its circuit breaker is tripped, close that first"
        facts.tell(NoticeLevel.WARN, text, now, _ROOM)
        return
    facts.audit(_ROOM, f"{command.by} sets {command.name} running={command.running}", now)
    facts.emit(SwitchStrategy(name=command.name, running=command.running, by=command.by))


def on_switched(facts: Facts, event: StrategySwitched, now: Instant) -> None:
    """Whether the bot knew it."""
    verb = "started" if event.running else "stopped"
    text = f"{event.name} {verb} by {event.by}" if event.is_known else f"no strategy is called {event.name}"
    facts.tell(NoticeLevel.INFO if event.is_known else NoticeLevel.WARN, text, now)


def fail(facts: Facts, command: StrategyFailed, now: Instant) -> None:
    """One strategy failed: said aloud, and remembered; everything else goes on."""
    match command.orders:
        case 0:
            rest = "it has no orders"
        case 1:
            rest = f"1 order of it is {'cancelled' if command.is_cancelling else 'left where it is'}"
        case more:
            rest = f"{more} orders of it are {'cancelled' if command.is_cancelling else 'left where they are'}"
    text = f"strategy {command.name} failed and was stopped: {command.text}; {rest}"
    facts.audit(_ROOM, text, now)
    facts.tell(NoticeLevel.ALERT, text, now, _ROOM)
