"""Backtests: the strategy over a whole history at once, then one compiled pass of the live bot's own rules."""

from app.backtesting.engine import backtest
from app.backtesting.result import BacktestResult

__all__ = ["BacktestResult", "backtest"]
