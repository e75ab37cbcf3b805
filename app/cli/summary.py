"""What a run has come to, from the database."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Protocol

from app.config.models import BotConfig
from app.domain.values import MONEY, Money, exact
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
        other_positions: What the database holds of other markets, "0.5 ETH/USDT"; not part of the equity.
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
    other_positions: list[str]

    def text(self) -> str:
        """For people."""
        elsewhere = f" (not counted: {', '.join(self.other_positions)})" if self.other_positions else ""
        price = "no price" if self.last_price is None else _plain(self.last_price)
        return (
            f"{self.symbol}: {self.candles} candles, {self.signals} signals, {self.trades} trades, "
            f"profit {_plain(self.profit)}, final equity {_plain(self.equity)} "
            f"(cash {_plain(self.cash)} + position {_plain(self.position)} at {price}){elsewhere}"
        )

    def as_json(self) -> dict[str, object]:
        """For programs: decimals are texts, so that no digit is lost."""
        return {key: _plain(value) if isinstance(value, Decimal) else value for key, value in asdict(self).items()}


class HasCash(Protocol):
    """An executor that knows its account."""

    def get_cash(self, symbol: str) -> Money:
        """Cash in the symbol's quote asset."""


def summarize(config: BotConfig, executor: HasCash, trade_repo: TradeRepository, steps: StepRepository) -> Summary:
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
        other_positions=[
            f"{_plain(quantity)} {other}" for other, quantity in trade_repo.holdings().items() if other != symbol
        ],
    )


def _plain(number: Decimal) -> str:
    """Without exponent and without zeros that say nothing."""
    return f"{MONEY.normalize(number):f}"
