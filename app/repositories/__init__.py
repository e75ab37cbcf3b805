"""The only code that queries the database: each repository is a collection, each call one durable fact."""

from app.repositories.alert_repository import AlertRepository, Severity
from app.repositories.lease_repository import LeaseRepository
from app.repositories.order_repository import OrderRepository
from app.repositories.paper_repository import PaperRepository
from app.repositories.risk_repository import RiskRepository
from app.repositories.signal_repository import SignalRepository
from app.repositories.step_repository import StepRepository
from app.repositories.trade_repository import TradeRepository

__all__ = [
    "AlertRepository",
    "LeaseRepository",
    "OrderRepository",
    "PaperRepository",
    "RiskRepository",
    "Severity",
    "SignalRepository",
    "StepRepository",
    "TradeRepository",
]
