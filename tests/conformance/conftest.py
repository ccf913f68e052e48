"""The venue as a process that checks every signature, for clients that nobody here wrote."""

from collections.abc import Iterator

import pytest

from core.connectors.venue.child import PaperVenue
from tests.support.venue import paper_venue, shared_venue

__all__ = ["paper_venue", "shared_venue", "venue"]


@pytest.fixture(scope="module")
def venue() -> Iterator[PaperVenue]:
    """One process for a module: four markets, and only what was signed by the right key."""
    with PaperVenue(markets=4, options=("--verify-signatures",)) as process:
        yield process
