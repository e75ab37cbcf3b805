"""Column types that keep what they are given: exact decimals, aware UTC times, enum values."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import DateTime, Dialect, Numeric, String
from sqlalchemy.types import TypeDecorator, TypeEngine

from app.core.enums import OrderSide
from app.domain.values import MONEY, exact


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal to the last digit: text in SQLite, which has no decimals, and NUMERIC elsewhere."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text for SQLite, NUMERIC for the others."""
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Decimal | float | str | None, dialect: Dialect) -> str | Decimal | None:
        """Plain notation without trailing zeros, never 1E+3."""
        if value is None:
            return None
        number = MONEY.normalize(exact(value))
        return f"{number:f}" if dialect.name == "sqlite" else number

    def process_result_value(self, value: str | Decimal | None, dialect: Dialect) -> Decimal | None:
        """Back to the same decimal."""
        _ = dialect
        return None if value is None else Decimal(value)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time; a naive one is taken as UTC."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """With a time zone where the database has such a type."""
        return dialect.type_descriptor(DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC, without zone for SQLite."""
        if value is None:
            return None
        utc = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Always aware."""
        _ = dialect
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Side(TypeDecorator[OrderSide]):
    """`buy` or `sell`, read back as OrderSide (a str)."""

    impl = String(4)
    cache_ok = True

    def process_bind_param(self, value: OrderSide | str | None, dialect: Dialect) -> str | None:
        """The value; an unknown word raises ValueError."""
        _ = dialect
        return None if value is None else OrderSide(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> OrderSide | None:
        """The enum member."""
        _ = dialect
        return None if value is None else OrderSide(value)
