"""What a Lighter connector has to be told."""

from dataclasses import dataclass

from pydantic import SecretStr

from core.connectors.lighter.budget import Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class LighterSettings:
    """Where to trade, as whom, and how patient to be."""

    name: str
    """For the header, such as `paper`."""
    world: str
    """See `Connector.identity`."""
    url: str
    ws_url: str
    chain_id: int
    account_index: int
    api_key_index: int
    private_key: SecretStr
    kill_api_key_index: int | None = None
    kill_private_key: SecretStr | None = None
    markets: tuple[str, ...] = ()
    """Symbols; empty for every perpetual market that is active."""
    stale_after_ms: int = 3_000
    """Market data silent for longer is not believed."""
    book_silent_after_ms: int = 60_000
    """Nor is one book, or one mark price, that is silent for longer while the others speak."""
    tier: Tier | None = None
    """Whose budgets to keep to; None reads it from the venue."""
    is_sending_by_socket: bool = True
    """Transactions go over the account's WebSocket while it is well, else over REST; False: over REST alone."""
    market_connections: int = 1
    """Over how many WebSockets the books are spread; more are used where the venue's limits need them."""
    has_public_trades: bool = False
    """Whether the public trades of every market are subscribed to from the start; else of those looked at."""
    has_drop_copy: bool = False
    """Whether a second private connection is held and compared with the first."""
    request_timeout_s: int = 5
    """For each REST request as a whole."""
