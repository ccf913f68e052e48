"""What the configuration says reaches the connector."""

import pytest

from core.config import Settings
from core.connectors.lighter.budget import Tier
from tui.commands.places import live

PROFILE = {
    "url": "https://host/",
    "ws_url": "wss://host/stream",
    "chain_id": 304,
    "account_index": 7,
    "api_key_index": 5,
    "private_key": "ab" * 40,
}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, (1, False, False, None)),
        (
            {"market_connections": 4, "public_trades": True, "drop_copy": True, "tier": "plus"},
            (4, True, True, Tier.PLUS),
        ),
    ],
)
def test_the_table_connector_reaches_the_connector(tmp_path, said, expected):
    settings = Settings(profile="main", profiles={"main": PROFILE}, connector=said, state_dir=tmp_path)
    made = live(settings)
    assert (made.market_connections, made.has_public_trades, made.has_drop_copy, made.tier) == expected
    assert made.url == "https://host"
