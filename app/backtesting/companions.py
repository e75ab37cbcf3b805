"""What an entry must know of the other symbols that share the account. Plain functions, compiled into the pass."""

from typing import TypeAlias

from app.backtesting.layout import ENTER_SIDE, FIRST_SYMBOL, I64, SIDE, SYMBOL_CELLS, SYMBOLS, Cells
from app.indicators.arrays import F64
from app.risk.correlation import correlation_of_returns

Numbers: TypeAlias = I64 | list[int]


def largest_correlation(
    m: Cells, starts: Numbers, heads: Numbers, places: Numbers, close: F64, mine: int, buffer: int
) -> float:
    """Of a symbol's returns with those of any other that is held or ordered; 0 when none is.

    Args:
        m: The account.
        starts: Where each symbol's rows begin; (symbols + 1,).
        heads: Each symbol's next row; that of `mine` closes now.
        places: Each row's moment.
        close: Each row's close.
        mine: The symbol.
        buffer: How many candles the live bot looks at.
    """
    row, largest, is_alone = heads[mine], 0.0, True
    begin = max(row + 1 - buffer, starts[mine])
    for s in range(int(m[SYMBOLS])):
        p = FIRST_SYMBOL + s * SYMBOL_CELLS
        if s != mine and (m[p + SIDE] != 0.0 or m[p + ENTER_SIDE] != 0.0):
            last = heads[s]
            if last < starts[s + 1] and places[last] == places[row]:  # it closes now, too, and decides later
                last += 1
            first = max(last - (row + 1 - begin), starts[s])
            one = correlation_of_returns(places, close, begin, row + 1, places, close, first, last)
            largest = one if is_alone else max(largest, one)
            is_alone = False
    return largest
