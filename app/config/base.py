"""What all parts of the settings share: strictness, amounts, and percentages in the owner's two spellings."""

from decimal import Decimal
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

# Within these, products and sums of settings and market prices are exact decimals (see `app.domain.values.MONEY`).
LARGEST: Final = Decimal(10**15)
SMALLEST_STEP: Final = Decimal("1e-12")
Amount = Annotated[Decimal, Field(le=LARGEST, decimal_places=18)]
Step = Annotated[Decimal, Field(ge=SMALLEST_STEP, le=LARGEST, decimal_places=18)]

AMBIGUOUS_FROM: Final = 0.3  # 0.5 might mean 50 % or half a percent; a distance of 30 % and more is rare


class Settings(BaseModel):
    """A part of the settings: unknown keys are refused, secrets are not shown, numbers are finite."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, validate_assignment=True, allow_inf_nan=False)


def fraction(percentage: float | None) -> float:
    """A `..._pct` setting as a fraction: below 1 it is one, from 1 on it is percent; None is 0."""
    if percentage is None:
        return 0.0
    return percentage if percentage < 1.0 else percentage / 100.0


def _unambiguous(percentage: float) -> float:
    if AMBIGUOUS_FROM <= percentage < 1.0:
        raise ValueError(
            f"{percentage:g} could mean {percentage:.0%} or {percentage:g} %: "
            f"write {percentage * 100:g} or {percentage / 100:g}"
        )
    return percentage


Percentage = Annotated[float, Field(gt=0, lt=100), AfterValidator(_unambiguous)]
Share = Annotated[float, Field(gt=0, le=1)]
