"""The cash of paper trading."""

from decimal import Decimal

from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.domain.values import MONEY
from app.models.sql import PaperAccount


class PaperRepository:
    """One paper account per quote asset, opened with its starting cash at first use."""

    def __init__(self, session: Session, starting_cash: Decimal) -> None:
        self.session = session
        self.starting_cash = starting_cash

    def account(self, asset: str) -> PaperAccount:
        """The account; its starting cash is fixed when it is opened, whatever the settings say later."""
        with unit_of_work(self.session):
            account = self.session.get(PaperAccount, asset)
            if account is None:
                account = PaperAccount(asset=asset, starting_cash=self.starting_cash, cash=self.starting_cash)
                self.session.add(account)
                self.session.flush()
            return account

    def add_cash(self, asset: str, amount: Decimal) -> None:
        """Pay in (positive) or out (negative)."""
        with unit_of_work(self.session):
            account = self.account(asset)
            account.cash = MONEY.add(account.cash, amount)
            self.session.flush()
