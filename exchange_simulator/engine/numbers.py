"""Prices, quantities and amounts are integers in units of 1e-8; here alone they become text and come from it."""

SCALE = 10**8
"""Units in one whole: the text "1.00000000" is the integer SCALE."""

_DECIMALS = 8


def parse(text: str) -> int:
    """Read plain decimal text ("0.5", "-3", "12.00000001") as an integer in units of 1e-8, exactly.

    Raises:
        ValueError: the text is no plain decimal number, or has more than eight decimals that are not zero.
    """
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    whole, _, fraction = digits.partition(".")
    fraction = fraction.rstrip("0")
    if not (whole.isascii() and whole.isdigit()) or (fraction and not (fraction.isascii() and fraction.isdigit())):
        raise ValueError(f"{text!r} is no decimal number: write it like 12.34")
    if len(fraction) > _DECIMALS:
        raise ValueError(f"{text!r} has more than {_DECIMALS} decimals: round it to 0.00000001")
    return sign * (int(whole) * SCALE + int(fraction.ljust(_DECIMALS, "0")))


def to_text(units: int) -> str:
    """Print units of 1e-8 as Binance prints amounts: with eight decimals."""
    if units < 0:
        return "-" + to_text(-units)
    whole, fraction = divmod(units, SCALE)
    return f"{whole}.{fraction:08d}"


def times(price: int, quantity: int) -> int:
    """Return the quote amount of `quantity` at `price`, in units of 1e-8, rounded down."""
    return price * quantity // SCALE
