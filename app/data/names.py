"""What a candle file's name says of its market: `binance-BTCUSDT-1m-2021_05.parquet`, `ETH_BTC-1h.csv.zip`."""

import re
from itertools import pairwise
from typing import Final

QUOTES: Final = (
    "FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USDP", "DAI", "USD", "EUR", "GBP", "TRY", "JPY", "BRL", "BTC", "ETH",
    "BNB",
)  # fmt: skip
_WORDS: Final = re.compile(r"[A-Za-z0-9]+")
# The shortest base, so that BTCFDUSD is not BTCFD/USD.
_JOINED: Final = re.compile(rf"([A-Z0-9]{{2,12}}?)({'|'.join(QUOTES)})")


def symbol_in(name: str) -> str | None:
    """The market, `BTC/USDT`, or None when the name tells none. Markets are written in capitals."""
    words = _WORDS.findall(name.split(".", 1)[0])
    for base, quote in pairwise(words):
        if quote in QUOTES and base.isupper() and 2 <= len(base) <= 12:
            return f"{base}/{quote}"
    for word in words:
        if found := _JOINED.fullmatch(word):
            return f"{found[1]}/{found[2]}"
    return None
