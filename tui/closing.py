"""What a flatten would close, in words. Pure."""

from core.units import MarketId
from tui.format import HIDDEN, signed, trimmed
from tui.view import View


def held(view: View, market_id: MarketId | None = None) -> str:
    """The positions of one market or of all, in words."""
    markets = {market.id: market for market in view.state.markets}
    found = []
    for position in view.state.positions:
        if position.size and market_id in {None, position.market_id}:
            market = markets.get(position.market_id)
            size = signed(position.size, market.size_decimals) if market else trimmed(position.size)
            name = market.symbol if market else f"market {position.market_id}"
            found.append(f"{HIDDEN if view.is_private else size} {name}")
    known = ", ".join(found) if found else "no position is known"
    return f"◌ last known: {known}" if view.is_account_past else known


def flatten_question(view: View, market_id: MarketId | None = None) -> str:
    """What would be closed, and what becomes of orders."""
    if market_id is None:
        return f"Every order is cancelled, then every position closed near the mark: {held(view)}. Really?"
    symbols = (market.symbol for market in view.state.markets if market.id == market_id)
    symbol = next(symbols, f"market {market_id}")
    return (
        f"Every order in {symbol} is cancelled, then its position closed near the mark: "
        f"{held(view, market_id)}. Really?"
    )
