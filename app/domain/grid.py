"""Prices and quantities on a market's grid, as floats; the same numbers that `Instrument` gives as decimals."""

import math
from decimal import Decimal
from typing import Final, NamedTuple

# Products of floats are off by some 1e-16 of their size: a value this close below a grid line is on it. Markets have
# fewer than 1e12 grid lines up to any price or quantity, so that this is less than a hundredth of a line.
NOISE: Final = 1e-14
MORE_THAN_ONE: Final = 1.5  # a numerator above it is 2 or more; most steps have 1, which need no division
LARGEST_WHOLE: Final = 2**53  # up to it a float holds every whole number


class Grid(NamedTuple):
    """Multiples of a step.

    Attributes:
        step: The distance of two grid lines; 0 means no grid.
        per_unit: Denominator of the step as a fraction in lowest terms; 0 where a float cannot hold it. Dividing by it
            gives the float that a person would write (600001 / 10 is 60000.1; 600001 * 0.1 is not).
    """

    step: float
    per_unit: float


def grid_of(step: Decimal) -> Grid:
    """The grid with this step."""
    if step == 0:
        return Grid(0.0, 0.0)
    whole, per_unit = step.as_integer_ratio()
    return Grid(float(step), float(per_unit) if max(whole, per_unit) <= LARGEST_WHOLE else 0.0)


def floor_to(value: float, grid: Grid) -> float:
    """The largest multiple that is not above `value` (not negative); `value` itself where there is no grid."""
    if grid.step == 0.0:
        return value
    if grid.per_unit > 0.0:
        if grid.step * grid.per_unit < MORE_THAN_ONE:
            return math.floor(value * grid.per_unit * (1.0 + NOISE)) / grid.per_unit
        whole = math.floor(grid.step * grid.per_unit + 0.5)  # the numerator
        return math.floor(value * grid.per_unit / whole * (1.0 + NOISE)) * whole / grid.per_unit
    return math.floor(value / grid.step * (1.0 + NOISE)) * grid.step


def ceil_to(value: float, grid: Grid) -> float:
    """The smallest multiple that is not below `value` (not negative); `value` itself where there is no grid."""
    if grid.step == 0.0:
        return value
    if grid.per_unit > 0.0:
        if grid.step * grid.per_unit < MORE_THAN_ONE:
            return math.ceil(value * grid.per_unit * (1.0 - NOISE)) / grid.per_unit
        whole = math.floor(grid.step * grid.per_unit + 0.5)  # the numerator
        return math.ceil(value * grid.per_unit / whole * (1.0 - NOISE)) * whole / grid.per_unit
    return math.ceil(value / grid.step * (1.0 - NOISE)) * grid.step
