"""The hands on the venue's dead-man's switch: arm, disarm, read back. What to do with it is `core.engine.deadman`'s."""

from collections.abc import Awaitable
from typing import assert_never

from core.clock import Clock
from core.connectors.base import Connector
from core.decisions import TxOutcome, Unresolved
from core.engine.effects import ArmSwitch, DisarmSwitch, ReadSwitch, SwitchAnswered, SwitchRead, SwitchReadFailed
from core.engine.inbox import Inbox
from core.errors import LighterTuiError


async def work(effect: ArmSwitch | DisarmSwitch | ReadSwitch, connector: Connector, clock: Clock, inbox: Inbox) -> None:
    """Carry out one effect and put what came of it into the inbox."""
    match effect:
        case ArmSwitch(at_us=at_us):
            inbox.put(SwitchAnswered(at_us=at_us, outcome=await _outcome(connector.schedule_cancel_all(at_us))))
        case DisarmSwitch():
            inbox.put(SwitchAnswered(at_us=None, outcome=await _outcome(connector.abort_scheduled())))
        case ReadSwitch():
            inbox.put(await _read(connector, clock))
        case other:
            assert_never(other)


async def _read(connector: Connector, clock: Clock) -> SwitchRead | SwitchReadFailed:
    asked_ns = clock.now().mono_ns
    try:
        view = await connector.account_view()
    except LighterTuiError as error:
        return SwitchReadFailed(why=str(error))
    return SwitchRead(at_us=view.account.cancel_all_us, asked_ns=asked_ns)


async def _outcome(sent: Awaitable[TxOutcome]) -> TxOutcome:
    """A connector that raises leaves it unknown."""
    try:
        return await sent
    except LighterTuiError as error:
        return Unresolved(str(error))
