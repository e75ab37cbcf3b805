"""Vocabulary of money: exact decimals under one context of our own, whatever a library does to the global one."""

import math
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Final, NewType

Price = NewType("Price", Decimal)  # quote per base
Quantity = NewType("Quantity", Decimal)  # base units
Money = NewType("Money", Decimal)  # quote units

# Wide enough that products and sums of market numbers are exact; ccxt changes the global context, never this one.
MONEY: Final = Context(prec=60, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])
MONEY_QUANTUM: Final = Decimal("1e-18")  # where a division must be cut, it is cut here


def exact(value: Decimal | float | str) -> Decimal:
    """The decimal that a person would write for `value`: a float is taken by its shortest text, 0.1 becomes 0.1.

    Raises:
        ValueError: NaN, infinite or no number.
    """
    if isinstance(value, Decimal):
        number = value
    elif isinstance(value, float | int):  # numpy's float64 is a float; `float()` drops its own repr
        number = Decimal(value) if isinstance(value, int) else Decimal(repr(float(value)))
    else:
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise ValueError(f"{value!r} is not a number") from None
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is not a finite number")
    return number
