"""What is told of a signed transaction: where it goes and how to find it, and no signature."""

from core.connectors.lighter.encode import CancelAllTx, CancelTx, CreateTx, LeverageTx, ModifyTx
from core.connectors.lighter.signed import signed_event
from core.connectors.lighter.signer import SignedTx

SIGNED = SignedTx(tx_type=14, tx_info='{"Sig":"secret"}', tx_hash="cd" * 40)


def test_each_transaction_names_its_order_by_the_id_it_was_signed_with() -> None:
    create = CreateTx(
        market_index=2, client_order_index=77, base_amount=1, price=1, is_ask=False, order_type=0, time_in_force=1,
        reduce_only=False, order_expiry=-1,
    )  # fmt: skip
    event = signed_event(create, SIGNED, 4, 6)
    assert (event.what, event.client_id, event.venue_id, event.market_id) == ("create order", 77, None, 2)
    assert (event.nonce, event.api_key_index, event.tx_hash) == (4, 6, "cd" * 40)
    by_venue = signed_event(CancelTx(market_index=2, index=2**50), SIGNED, 5, 6)
    assert (by_venue.client_id, by_venue.venue_id) == (None, 2**50)
    modify = signed_event(ModifyTx(market_index=2, index=78, base_amount=1, price=1), SIGNED, 5, 6)
    assert (modify.what, modify.client_id, modify.venue_id) == ("modify order", 78, None)
    every = signed_event(CancelAllTx(), SIGNED, 5, 6)
    assert (every.what, every.market_id, every.client_id, every.venue_id) == ("cancel all", None, None, None)
    leverage = signed_event(LeverageTx(market_index=2, fraction=500, is_isolated=False), SIGNED, 5, 6)
    assert (leverage.what, leverage.market_id) == ("set leverage", 2)
    for told in (event, by_venue, modify, every, leverage):
        assert "secret" not in repr(told)
