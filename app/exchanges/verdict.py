"""What a failed order request means. Only a known, definitive refusal is a refusal; everything else is doubt.

The codes are Binance's, https://developers.binance.com/docs/binance-spot-api-docs/errors; a code counts only in an
answer with a 4xx status, because after a 5xx the execution status is unknown and could have been a success.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Verdict(StrEnum):
    """What is known after a request that raised."""

    REFUSED = "refused"  # final: it was not executed and will not be
    REFUSED_FILTER = "refused: filter"  # final for this order; our copy of the market's filters may be old
    REFUSED_PAUSE = "refused: pause"  # final for this order; the market takes none for now
    REFUSED_CLOCK = "refused: clock"  # before the engine; our clock is off
    REFUSED_LIMIT = "refused: limit"  # before the engine; wait before asking anything again
    REVOKED = "refused: key"  # before the engine; the key is not valid any more, no use to try again
    ABSENT = "absent"  # the order asked for is not there: evidence, not proof
    UNKNOWN = "unknown"  # it may have been executed


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer, or the lack of one.

    Attributes:
        status: HTTP status; None when there was no answer.
        code: The exchange's error code; None when the answer held none.
        error: The class of the error that was raised, as ccxt names it.
        text: What it said.
    """

    status: int | None
    code: int | None
    error: str
    text: str


# in this order: HTTP statuses and codes that alone decide
_ROWS: Final[tuple[tuple[frozenset[int], frozenset[int], Verdict], ...]] = (
    (frozenset({403, 418, 429}), frozenset({-1003, -1015}), Verdict.REFUSED_LIMIT),
    (frozenset(), frozenset({-1021}), Verdict.REFUSED_CLOCK),
    (frozenset(), frozenset({-1002, -1022, -2014, -2015}), Verdict.REVOKED),
    (frozenset(), frozenset({-2011, -2013}), Verdict.ABSENT),
    (frozenset(), frozenset({-1013, -1111}), Verdict.REFUSED_FILTER),
    (frozenset(), frozenset({-2010, -2021, -2022, -2026, -2039, *range(-1168, -1099)}), Verdict.REFUSED),
)
# for exchanges whose codes are not known here: ccxt classes that no server error and no lost answer is mapped to
_REFUSED_CLASSES: Final = frozenset(
    {"InsufficientFunds", "InvalidOrder", "OrderImmediatelyFillable", "OrderNotFillable", "BadSymbol", "MarketClosed"}
)
FILTER_FAILURE: Final = -1013
MARKET_CLOSED: Final = "Market is closed"
_CODE: Final = re.compile(r'"code":\s*"?(-?\d+)')


def code_in(text: str) -> int | None:
    """The error code in an answer's text, `{"code":-2010,"msg":"..."}`."""
    found = _CODE.search(text)
    return int(found.group(1)) if found else None


def verdict_of(failure: Failure) -> Verdict:
    """What a failure of an order request (place, cancel, query) means."""
    if failure.status is None or not 400 <= failure.status < 500:
        return Verdict.UNKNOWN
    if failure.code == FILTER_FAILURE and MARKET_CLOSED in failure.text:
        return Verdict.REFUSED_PAUSE
    for statuses, codes, verdict in _ROWS:
        if failure.status in statuses or failure.code in codes:
            return verdict
    refused = failure.code is None and failure.error in _REFUSED_CLASSES
    return Verdict.REFUSED if refused else Verdict.UNKNOWN
