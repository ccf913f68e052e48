"""Sub-accounts: books of money of their own under one owner, and transfers between them. Pure.

A sub-account of the venue begins without a key, and gets one by a change of keys that the owner's Ethereum wallet
signs. There is no wallet here: the keys of the master work for its sub-accounts at once, with nonces of their own.
"""

from typing import Final

from core.connectors.venue import margin
from core.connectors.venue.accounts import ApiKey, VenueAccount
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.exchange import Exchange
from core.connectors.venue.tx import TransferTx

FIRST_INDEX: Final = 2**47
"""Indexes of master accounts end below (lighter-go, `MaxMasterAccountIndex`)."""
MAX_SUB_ACCOUNTS: Final = 32
"""Of one master; the venue does not publish a limit, and nothing here grows without one."""
MAX_AMOUNT: Final = 2**60 - 1
_USDC: Final = 3
_PERPS: Final = 0


def check_create(account: VenueAccount, exchange: Exchange) -> Refusal | None:
    """Why a sub-account may not be opened, if it may not."""
    if account.master is not None:
        return Refusal(Code.INVALID_ACCOUNT_INDEX, "invalid account index: only a master account has sub-accounts")
    if len(family(exchange, account)) > MAX_SUB_ACCOUNTS:
        return Refusal(Code.INVALID_TX_INFO, f"invalid tx info: at most {MAX_SUB_ACCOUNTS} sub-accounts")
    return None


def create(exchange: Exchange, master: VenueAccount, now_us: int) -> VenueAccount:
    """Open the next sub-account, empty."""
    index = FIRST_INDEX + sum(each.master is not None for each in exchange.accounts.values())
    keys = {number: ApiKey(public_key=key.public_key, registered_us=now_us) for number, key in master.keys.items()}
    opened = VenueAccount(index=index, collateral=0, tier=master.tier, master=master.index, keys=keys)
    opened.maker_fee, opened.taker_fee = master.maker_fee, master.taker_fee
    return exchange.add_account(opened)


def family(exchange: Exchange, account: VenueAccount) -> list[VenueAccount]:
    """The master and its sub-accounts: everything of one owner."""
    return [each for each in exchange.accounts.values() if each.owner == account.owner]


def check_transfer(tx: TransferTx, account: VenueAccount, exchange: Exchange) -> Refusal | None:
    """Why a transfer may not be made, if it may not."""
    receiver = exchange.accounts.get(tx.to_account_index)
    if receiver is None or receiver is account:
        return Refusal(Code.INVALID_ACCOUNT_INDEX, "invalid account index: of the receiver")
    if receiver.owner != account.owner:
        return Refusal(Code.INVALID_SIGNATURE, "invalid signature: a transfer to another owner needs an L1 signature")
    if tx.asset_index != _USDC or tx.from_route_type != _PERPS or tx.to_route_type != _PERPS:
        return Refusal(Code.INVALID_TX_INFO, "invalid tx info: asset or route")
    if not 1 <= tx.amount <= MAX_AMOUNT or not 0 <= tx.usdc_fee <= MAX_AMOUNT:
        return Refusal(Code.INVALID_TX_INFO, "invalid tx info: amount or fee")
    return _not_enough(tx, account, exchange)


def transfer(exchange: Exchange, account: VenueAccount, tx: TransferTx) -> Refusal | None:
    """Move what is still free when it is this transaction's turn; the fee goes to the venue."""
    refusal = _not_enough(tx, account, exchange)
    if refusal is None:
        exchange.pay(account, exchange.accounts[tx.to_account_index], tx.amount, tx.usdc_fee)
    return refusal


def _not_enough(tx: TransferTx, account: VenueAccount, exchange: Exchange) -> Refusal | None:
    free = min(account.collateral, margin.available(account, exchange.markets))
    return Refusal(Code.NOT_ENOUGH_COLLATERAL, "not enough collateral") if tx.amount + tx.usdc_fee > free else None
