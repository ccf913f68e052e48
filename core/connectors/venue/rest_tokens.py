"""REST answers about read-only API tokens, and who may ask for what.

Pure.
"""

from typing import Final

from core.connectors.venue import account_views, tokens
from core.connectors.venue.accounts import VenueAccount
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.exchange import Exchange
from core.connectors.venue.query import Answer, Query, Route

OMITTED_ACCOUNT: Final = 2**48 - 1
"""What clients send where they mean the token's own account."""


class TokenAnswers:
    """Endpoints about the tokens of one account."""

    def __init__(self, exchange: Exchange) -> None:
        """Answer for these accounts."""
        self._exchange: Final = exchange

    def routes(self) -> dict[str, Route]:
        """What can be asked."""
        return {"/api/v1/tokens": self._tokens}

    def posts(self) -> dict[str, Route]:
        """What can be changed."""
        return {"/api/v1/tokens/create": self._create_token, "/api/v1/tokens/revoke": self._revoke_token}

    def _tokens(self, query: Query) -> Answer:
        account = reader(query, self._exchange)
        if isinstance(account, Refusal):
            return account
        rows = [account_views.token_view(token, account) for token in account.read_tokens.values()]
        return {"code": 200, "api_tokens": rows}

    def _create_token(self, query: Query) -> Answer:
        account = _writer(query, self._exchange)
        if isinstance(account, Refusal):
            return account
        covers_all = query.flag("sub_account_access")
        made = tokens.create(
            account,
            query.params.get("name", ""),
            (query.number("expiry"), query.now_us // 1_000_000),
            covers_all=covers_all,
            scopes=query.params.get("scopes", ""),
        )
        if isinstance(made, Refusal):
            return made
        return {"code": 200, **account_views.token_view(made, account), "scopes": "read.*", "api_token": made.text}

    def _revoke_token(self, query: Query) -> Answer:
        account = _writer(query, self._exchange)
        if isinstance(account, Refusal):
            return account
        wanted = query.number("token_id")
        found = next((token for token in account.read_tokens.values() if token.token_id == wanted), None)
        if found is None:
            return Refusal(Code.TOKEN_NOT_FOUND, "api token not found")
        found.is_revoked = True
        return {"code": 200, "token_id": found.token_id, "revoked": True}


def reader(query: Query, exchange: Exchange) -> VenueAccount | Refusal:
    """The account asked for, when the token may read it."""
    now_s = query.now_us // 1_000_000
    owner = tokens.account_of(query.token, exchange, now_s)
    if isinstance(owner, Refusal):
        return owner
    asked = query.number("account_index", OMITTED_ACCOUNT)
    if asked == OMITTED_ACCOUNT:
        return owner
    return tokens.check(query.token, asked, exchange, now_s) or owner


def _writer(query: Query, exchange: Exchange) -> VenueAccount | Refusal:
    """The same, when the token may change things, too."""
    account = reader(query, exchange)
    if isinstance(account, VenueAccount) and tokens.is_read_only(query.token or ""):
        return Refusal(Code.INVALID_AUTH, "invalid auth: token is read only")
    return account
