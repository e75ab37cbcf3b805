"""What a run has come to, from the database."""

from dataclasses import dataclass
from decimal import Decimal

from app.config.models import BotConfig
from app.domain.values import MONEY, exact
from app.execution.mock_executor import MockExecutor
from app.repositories import StepRepository, TradeRepository


@dataclass(frozen=True, slots=True)
class Summary:
    """Totals since the database began.

    Attributes:
        symbol: The market.
        candles: Different candles judged.
        signals: Different candles with a buy or sell signal.
        trades: Purchases and sales.
        profit: Realised, after fees, quote units.
        cash: Quote units.
        position: Base units held.
        last_price: Close of the newest judged candle, quote per base; None before the first.
        equity: Cash plus position at the last price, exact.
    """

    symbol: str
    candles: int
    signals: int
    trades: int
    profit: Decimal
    cash: Decimal
    position: Decimal
    last_price: Decimal | None
    equity: Decimal

    def text(self) -> str:
        """For people."""
        return (
            f"{self.symbol}: {self.candles} candles, {self.signals} signals, {self.trades} trades, "
            f"profit {self.profit:f}, final equity {self.equity:f} "
            f"(cash {self.cash:f} + position {self.position:f} at {self.last_price})"
        )


def summarize(config: BotConfig, executor: MockExecutor, trade_repo: TradeRepository, steps: StepRepository) -> Summary:
    """The totals of the config's symbol."""
    symbol, timeframe = config.strategy.symbol, config.strategy.timeframe
    position = trade_repo.position(symbol)
    cash = executor.get_cash(symbol)
    close = steps.last_close(symbol, timeframe)
    last_price = None if close is None else exact(close)
    value = Decimal(0) if last_price is None else MONEY.multiply(position.quantity, last_price)
    return Summary(
        symbol=symbol,
        candles=steps.candles_judged(symbol, timeframe),
        signals=steps.signals_given(symbol, timeframe),
        trades=trade_repo.count(symbol),
        profit=position.realized,
        cash=cash,
        position=position.quantity,
        last_price=last_price,
        equity=MONEY.add(cash, value),
    )
