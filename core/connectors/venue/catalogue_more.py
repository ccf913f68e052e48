"""Further markets for large venues: symbols that are traded as perpetuals, with figures made up from their names.

Only the rules are the venue's: ids below 255, price and size decimals that add up to six, minimums near 10 USDC.
"""

import hashlib
from collections.abc import Collection, Iterator
from typing import Final

MOST_IDS: Final = 255
# fmt: off
SYMBOLS: Final = (
    "AAVE", "ACE", "ACH", "ACT", "AERO", "AEVO", "AGLD", "AI16Z", "AIXBT", "ALGO", "ALICE", "ALT", "ANIME", "ANKR",
    "APE", "API3", "APT", "AR", "ARB", "ARKM", "ASTER", "ASTR", "ATOM", "AUCTION", "AXL", "AXS", "BABY", "BAND",
    "BAT", "BCH", "BEAM", "BERA", "BIGTIME", "BLAST", "BLUR", "BNT", "BOME", "BRETT", "BSV", "C98", "CAKE", "CATI",
    "CELO", "CELR", "CETUS", "CFX", "CHR", "CHZ", "CKB", "COMP", "COTI", "CVX", "CYBER", "DASH", "DEEP", "DYDX",
    "DYM", "EDU", "EGLD", "EIGEN", "ENA", "ENJ", "ENS", "ETC", "ETHFI", "FARTCOIN", "FET", "FIL", "FLOKI", "FLOW",
    "FLUX", "FORM", "GALA", "GAS", "GLM", "GMT", "GMX", "GOAT", "GRASS", "GRT", "HBAR", "HMSTR", "HOOK", "ICP",
    "ICX", "ID", "IMX", "INIT", "INJ", "IO", "IOST", "IOTA", "IP", "JASMY", "JOE", "JTO", "JUP", "KAITO", "KAS",
    "KAVA", "KSM", "LAYER", "LDO", "LISTA", "LPT", "LQTY", "LRC", "LTC", "LUNA2", "MANA", "MANTA", "MASK", "MAV",
    "ME", "MEME", "MERL", "METIS", "MINA", "MKR", "MNT", "MOODENG", "MORPHO", "MOVE", "NEIRO", "NEO", "NFP", "NMR",
    "NOT", "NTRN", "OM", "OMNI", "ONDO", "ONE", "ONT", "OP", "ORDI", "PAXG", "PENDLE", "PENGU", "PEOPLE", "PIXEL",
    "PNUT", "POL", "POLYX", "POPCAT", "PORTAL", "PROMPT", "PUMP", "PYTH", "QNT", "QTUM", "RARE", "RAY", "RDNT",
    "RENDER", "RESOLV", "REZ", "RONIN", "ROSE", "RSR", "RUNE", "S", "SAGA", "SAND", "SCR", "SEI", "SKL", "SKY",
    "SNX", "SPX", "SSV", "STG", "STRK", "STX", "SUPER", "SUSHI", "SYN", "SYRUP", "THETA", "TIA", "TNSR", "TRB",
    "TRUMP", "TRX", "TURBO", "UMA", "UNI", "USUAL", "VANA", "VET", "VINE", "VIRTUAL", "VVV", "W", "WIF", "WLFI",
    "WOO", "XAI", "XLM", "XMR", "XTZ", "YFI", "YGG", "ZEC", "ZEN", "ZETA", "ZIL", "ZK", "ZORA", "ZRO", "ZRX",
)
# fmt: on


def further(taken_ids: Collection[int], taken: Collection[str], count: int) -> Iterator[tuple[int, str, int, int]]:
    """Id, symbol, price decimals and reference price in ticks of so many more markets; the same ones every time."""
    ids = (number for number in range(MOST_IDS) if number not in taken_ids)
    names = (symbol for symbol in SYMBOLS if symbol not in taken)
    for _, market_id, symbol in zip(range(count), ids, names, strict=False):
        seed = int.from_bytes(hashlib.blake2b(symbol.encode(), digest_size=8).digest(), "big")
        digits = seed % 5  # of the price before the point; none at all in a fifth of them
        decimals = 6 - max(1, digits)
        lead = 100_000 + seed // 5 % 890_000
        yield market_id, symbol, decimals, lead // (10 if digits == 0 else 1)
