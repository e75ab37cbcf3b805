"""How figures are written."""

import math
from typing import Final

import numpy as np

NOTHING: Final = "—"
_UNITS: Final = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000))


def percent(value: float, digits: int = 2, *, sign: bool = False) -> str:
    """A fraction as `12.34 %`; a dash where it is undefined."""
    if not math.isfinite(value):
        return NOTHING
    if abs(value) >= 1_000:
        return f"{'-' if value < 0 else '+' if sign else ''}>100,000 %"
    return f"{value * 100:{'+' if sign else ''},.{digits}f} %"


def number(value: float, digits: int = 2) -> str:
    """A ratio as `1.23`; a dash where it is undefined."""
    return f"{value:,.{digits}f}" if math.isfinite(value) else NOTHING


def money(value: float, *, sign: bool = False) -> str:
    """An amount with as many digits as its size needs, so that small coins show theirs too."""
    if not math.isfinite(value):
        return NOTHING
    size = abs(value)
    digits = 2 if size >= 1 or size == 0 else min(8, 2 - math.floor(math.log10(size)))
    return f"{value:{'+' if sign and value else ''},.{digits}f}"


def count(value: float) -> str:
    """A number of things as `1,234`."""
    return f"{value:,.0f}" if math.isfinite(value) else NOTHING


def duration(ms: float) -> str:
    """A time as its two largest units: `12 d 3 h`."""
    if not math.isfinite(ms):
        return NOTHING
    rest, parts = round(ms), []
    for name, size in _UNITS:
        whole, rest = divmod(rest, size)
        if whole:
            parts.append(f"{whole:,} {name}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0"


def moment(ms: int | None) -> str:
    """An instant as `2025-01-31 23:59` UTC."""
    if ms is None:
        return NOTHING
    return str(np.datetime64(ms, "ms").astype("datetime64[m]")).replace("T", " ")


def span(low: str, high: str) -> str:
    """An interval as `low … high`; nothing where one end is undefined."""
    return "" if NOTHING in {low, high} else f"{low} … {high}"
