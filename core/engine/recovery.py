"""A restart: what the journal says was live when it was last written, taken in before anything else. Pure."""

from typing import Final

from core.clock import Instant
from core.engine.facts import Facts
from core.engine.order_map import Tracked
from core.engine.orders import Trigger
from core.engine.records import JournalImage
from core.engine.tasks import recovered
from core.events import NoticeLevel
from core.model import OrderStatus

_WORLD_KEY: Final = "world"


def recover(facts: Facts, image: JournalImage, world: str, now: Instant) -> None:
    """Take in the orders that were live when the journal was last written."""
    is_same_world = facts.meta.get(_WORLD_KEY, world) == world
    # Orders placed elsewhere are left to the venue's list: it shows those that still live.
    live = [saved for saved in image.live if saved.task_id is not None]
    for saved in live:
        tracked = Tracked(
            order=saved.order,
            origin=saved.origin,
            priority=saved.priority,
            task_id=saved.task_id,
            created_ns=now.mono_ns,
            since_ns=now.mono_ns,
            reported=saved.order.filled,
            reported_quote=saved.order.filled_quote,
            booked=saved.booked,
            booked_quote=saved.booked_quote,
            counted=saved.order.filled,
        )
        facts.orders.add(tracked)
        if saved.order.status is OrderStatus.QUEUED:
            facts.move(tracked, Trigger.DROP, now, "the engine ended before it was sent")
        elif is_same_world:
            recovered(tracked, now)
            facts.save(tracked)
        else:
            facts.move(tracked, Trigger.END_WORLD, now, "the venue it lived at is gone")
    if live:
        what = "to be looked up" if is_same_world else "closed: the venue they lived at is gone"
        facts.tell(NoticeLevel.WARN, f"{len(live)} orders of an earlier run {what}", now)
    if facts.meta.get(_WORLD_KEY) != world:
        facts.store(_WORLD_KEY, world)
        facts.audit("world", world, now)
