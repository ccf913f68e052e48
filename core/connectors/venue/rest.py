"""The venue's REST answers: query in, HTTP status and body out.

Pure; the endpoints are in `core.connectors.venue.rest_markets`, `rest_accounts` and `rest_tokens` beside it.
"""

from typing import Final

from core.connectors.venue import views
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.query import BadRequest, Query, Route, refused
from core.connectors.venue.rest_accounts import AccountAnswers
from core.connectors.venue.rest_markets import MarketAnswers
from core.connectors.venue.rest_tokens import TokenAnswers
from core.connectors.venue.simulation import Simulation

__all__ = ["NOT_FOUND", "Query", "Rest", "refused"]

NOT_FOUND: Final = (404, views.encode({"code": int(Code.NOT_FOUND), "message": "not found"}))
"""Status and body where there is no such endpoint."""


class Rest:
    """Every endpoint but those that take transactions."""

    def __init__(self, simulation: Simulation) -> None:
        """Answer for this venue."""
        readable = TokenAnswers(simulation.exchange)
        self._routes: Final[dict[str, Route]] = {
            **MarketAnswers(simulation.exchange).routes(),
            **AccountAnswers(simulation).routes(),
            **readable.routes(),
        }
        self._posts: Final[dict[str, Route]] = readable.posts()

    @property
    def paths(self) -> tuple[str, ...]:
        """What can be asked."""
        return tuple(self._routes)

    @property
    def posted_paths(self) -> tuple[str, ...]:
        """What can be changed."""
        return tuple(self._posts)

    def get(self, path: str, query: Query) -> tuple[int, bytes]:
        """Answer one request."""
        return _answer(self._routes.get(path), query)

    def post(self, path: str, query: Query) -> tuple[int, bytes]:
        """Carry out one change, of which the form is the query."""
        return _answer(self._posts.get(path), query)


def _answer(route: Route | None, query: Query) -> tuple[int, bytes]:
    if route is None:
        return NOT_FOUND
    try:
        answer = route(query)
    except BadRequest as error:
        answer = error.refusal
    return refused(answer) if isinstance(answer, Refusal) else (200, views.encode(answer))
