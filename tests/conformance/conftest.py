"""Conformance tests talk to a real venue process."""

from tests.support.venue import paper_venue, shared_venue

__all__ = ["paper_venue", "shared_venue"]
