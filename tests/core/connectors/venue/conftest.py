"""The venue's own tests run it both ways."""

from tests.support.venue import paper_venue, shared_venue

__all__ = ["paper_venue", "shared_venue"]
