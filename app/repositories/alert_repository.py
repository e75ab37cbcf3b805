"""What a person should know: recorded once, shown by whoever shows things."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.models.sql import Alert

REPEATED_AFTER: Final = timedelta(hours=1)


class Severity(StrEnum):
    """How soon a person should look."""

    INFO = "info"  # the ledger was brought in line by itself
    WARNING = "warning"  # something happened that the bot did not cause
    CRITICAL = "critical"  # a symbol is frozen, or coins are gone


class AlertRepository:
    """All alerts."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def add(self, severity: Severity, text: str, symbol: str | None, moment: datetime) -> bool:
        """Record an alert; whether it is new: the same text for the same symbol is recorded once an hour.

        Args:
            severity: How soon a person should look.
            text: One sentence with the names and numbers in it.
            symbol: The market that it is about, if one.
            moment: When, on the exchange's clock.
        """
        same = select(Alert.timestamp).where(Alert.symbol == symbol, Alert.text == text).order_by(Alert.id.desc())
        with unit_of_work(self.session):
            last = self.session.scalars(same.limit(1)).first()
            if last is not None and abs(moment - last) < REPEATED_AFTER:
                return False
            self.session.add(Alert(severity=severity.value, text=text, symbol=symbol, timestamp=moment))
            self.session.flush()
        return True

    def latest(self, limit: int = 100, *, symbol: str | None = None) -> Sequence[Alert]:
        """The newest alerts, newest first; of one symbol if asked."""
        query = select(Alert).order_by(Alert.id.desc()).limit(limit)
        if symbol is not None:
            query = query.where(Alert.symbol == symbol)
        with unit_of_work(self.session):
            return self.session.scalars(query).all()
