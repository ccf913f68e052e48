"""Slips of the finger are refused where the venue was told to, before they spend a nonce."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.connectors.venue import price_band
from core.connectors.venue.catalogue import listed
from core.connectors.venue.codes import Refusal
from core.connectors.venue.simulation import OPERATOR, TRADING_KEY, KeyOf, Simulation
from tests.support import venue_tx as tx
from tests.support.venue_books import ETH, MARK, MONEY, exchange_with, order


def simulation(percent: int | None) -> Simulation:
    keys = [KeyOf(account_index=OPERATOR, api_key_index=TRADING_KEY, public_key="ab" * 40)]
    made = Simulation(listed(1), 1, keys, ())
    made.exchange.price_band_percent = percent
    return made


def send(venue: Simulation, tx_type: int, info: str) -> int:
    outcome = venue.send(tx_type, info, tx.now_ms() * 1_000)
    return outcome.code if isinstance(outcome, Refusal) else 200


@pytest.mark.parametrize(("is_ask", "percents"), [(0, (104, 106)), (1, (96, 94))])
def test_beyond_the_best_price_or_the_mark(is_ask, percents):
    venue = simulation(5)
    market = venue.exchange.markets[0]
    best = (market.book.bids if is_ask else market.book.asks).best()
    fine, wrong = (best * percent // 100 for percent in percents)
    assert send(venue, tx.CREATE, tx.create(nonce=0, Price=fine, IsAsk=is_ask)) == 200
    assert send(venue, tx.CREATE, tx.create(nonce=1, Price=wrong, IsAsk=is_ask)) == 21733
    market.mark = market.mark * (110 if is_ask else 90) // 100
    assert send(venue, tx.CREATE, tx.create(nonce=1, Price=fine, IsAsk=is_ask)) == 21734


def test_a_change_and_a_group_are_held_to_it_and_a_trigger_is_not():
    venue = simulation(5)
    assert send(venue, tx.CREATE, tx.create(nonce=0, ClientOrderIndex=7)) == 200
    assert send(venue, tx.MODIFY, tx.modify(nonce=1, index=7, size=1_000, price=300_000)) == 21733
    expiry = tx.now_ms() + tx.DAY_MS
    lead = tx.member(Price=300_000, OrderExpiry=expiry)
    child = tx.stop_loss(BaseAmount=0, OrderExpiry=expiry)
    assert send(venue, tx.GROUP, tx.group(1, lead, child, nonce=1)) == 21733
    assert send(venue, tx.CREATE, tx.signed(tx.stop_loss(), nonce=1)) == 200


def test_without_a_band_any_price_passes():
    assert send(simulation(None), tx.CREATE, tx.create(nonce=0, Price=300_000)) == 200


@given(st.booleans(), st.integers(1, 10**6), st.integers(1, 1_000))
def test_a_better_price_is_never_refused(is_ask, away, percent):
    exchange, (a, _) = exchange_with(MONEY, MONEY)
    order(exchange, a, "buy", 1, MARK - 10)
    order(exchange, a, "sell", 1, MARK + 10)
    price = MARK + 10 + away if is_ask else max(1, MARK - 10 - away)
    assert price_band.check(exchange.markets[ETH], price, is_ask=is_ask, percent=percent) is None
