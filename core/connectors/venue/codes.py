"""The refusals the venue knows (apidocs.lighter.xyz, data structures, constants and errors)."""

from dataclasses import dataclass
from enum import IntEnum


class Code(IntEnum):
    """What `code` may say besides 200."""

    OK = 200
    INVALID_PARAM = 20_001
    INVALID_CURSOR = 20_009
    INVALID_AUTH = 20_013
    ACCOUNT_NOT_FOUND = 21_100
    INVALID_NONCE = 21_104
    NONCES_NOT_INCREASING = 21_105
    API_KEY_NOT_FOUND = 21_109
    INVALID_SIGNATURE = 21_120
    MIXED_BATCH = 21_121
    TX_NOT_FOUND = 21_500
    INVALID_TX_INFO = 21_501
    UNSUPPORTED_TX = 21_505
    BATCH_LENGTHS = 21_513
    BATCH_TOO_LONG = 21_514
    ORDER_NOT_ACTIVE = 21_600
    INVALID_MARKET = 21_602
    BELOW_MINIMUM = 21_603
    INVALID_ORDER_INDEX = 21_700
    INVALID_BASE_AMOUNT = 21_701
    INVALID_PRICE = 21_702
    INVALID_IS_ASK = 21_703
    INVALID_ORDER_TYPE = 21_704
    INVALID_TIF = 21_705
    UNSUPPORTED_ORDER_TYPE = 21_710
    INVALID_EXPIRY = 21_711
    INVALID_CANCEL_ALL_TIF = 21_713
    INVALID_CANCEL_ALL_TIME = 21_714
    TOO_MANY_ORDERS = 21_719
    TOO_MANY_MARKET_ORDERS = 21_720
    INVALID_CLIENT_INDEX = 21_727
    CLIENT_INDEX_EXISTS = 21_728
    INVALID_TRIGGER = 21_729
    REDUCE_ONLY_INCREASES = 21_732
    NOT_ENOUGH_MARGIN = 21_739
    TOO_MANY_SUBSCRIPTIONS = 23_001
    NOT_FOUND = 29_404
    INVALID_JSON = 30_000
    INVALID_TYPE = 30_001
    NOT_SUBSCRIBED = 30_002
    ALREADY_SUBSCRIBED = 30_003
    INVALID_CHANNEL = 30_005


@dataclass(frozen=True, slots=True)
class Refusal:
    """A no, with the venue's code and sentence."""

    code: Code
    message: str

    @property
    def http_status(self) -> int:
        """401 for tokens, 400 for everything else."""
        return 401 if self.code is Code.INVALID_AUTH else 400
