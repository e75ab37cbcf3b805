"""The bot's settings. Unknown keys, wrong types and contradictions stop the bot before anything connects.

A setting documents itself: `Field(description=...)` is what the reference page prints, and a test compares the two.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator

from app.config.backtest import BacktestConfig
from app.config.base import Amount, Settings, Step
from app.config.environment import secrets_from_environment
from app.config.masking import hide
from app.config.orders import OrdersConfig
from app.config.reading import read_settings, sentence
from app.config.risk import RiskConfig
from app.domain.errors import ConfigError
from app.domain.timeframe import Timeframe

__all__ = ["BotConfig", "ExchangeConfig", "PaperConfig", "RiskConfig", "StrategyConfig"]

SLOWEST: Final = 0.001  # times real time: a minute's candle every 17 hours
FASTEST: Final = 1e6

# As ccxt writes markets: base/quote, and :settle for derivatives.
_SYMBOL: Final = re.compile(r"[^\s/:]+/[^\s/:]+(:[^\s/:]+)?")


class ReplayConfig(Settings):
    """Candles from a file, as if they happened now (`exchange.name: "replay"`)."""

    file: str = Field(description="Parquet or CSV file with candles, also Binance's public dump, zipped or not.")
    speed: float = Field(
        default=60.0,
        ge=0,
        le=FASTEST,
        description="How many times faster than real time, 0.001 to 1000000; 0 goes from candle to candle at once.",
    )
    start: str | None = Field(default=None, description="First moment (ISO 8601, UTC); default: the first full window.")
    end: str | None = Field(default=None, description="Last moment (ISO 8601, UTC); default: the file's last candle.")

    @field_validator("speed")
    @classmethod
    def _not_nearly_still(cls, speed: float) -> float:
        if 0 < speed < SLOWEST:
            raise ValueError(f"{speed} is too slow: write 0, or {SLOWEST} to {FASTEST:.0f}")
        return speed


class SimulatedConfig(Settings):
    """An exchange of our own in a process of its own, on loopback (`exchange.name: "simulated"`)."""

    symbols: list[str] = Field(default=["BTC/USDT"], min_length=1, description="The markets it trades.")
    speed: float = Field(
        default=60.0,
        ge=SLOWEST,
        le=FASTEST,
        description="How many times faster than real time it runs, 0.001 to 1000000.",
    )
    seed: int = Field(default=1, description="Of its prices: the same seed and start give the same market.")
    start: str = Field(default="", description="Its first moment (ISO 8601, UTC); empty for the present.")
    state_file: str = Field(
        default="keel-exchange.state", min_length=1, description="Where it keeps its state between two starts."
    )


class MarketConfig(Settings):
    """What a market allows, where no exchange tells it (replay)."""

    price_tick: Step = Field(default=Decimal("0.01"), description="Prices are multiples of it, in quote units.")
    quantity_step: Step = Field(
        default=Decimal("0.00001"), description="Quantities are multiples of it, in base units."
    )
    min_quantity: Amount = Field(default=Decimal(0), ge=0, description="Smallest order, in base units.")
    min_notional: Amount = Field(default=Decimal(0), ge=0, description="Smallest price times quantity, in quote units.")


class ExchangeConfig(Settings):
    """Where candles come from and orders go to."""

    name: str = Field(
        description='A ccxt exchange id such as "binance", "simulated" for the built-in one, or "replay" for a file.'
    )
    api_key: SecretStr = Field(
        default=SecretStr(""), description="API key; better given as KEEL_API_KEY in the environment or a .env file."
    )
    api_secret: SecretStr = Field(
        default=SecretStr(""), description="API secret; better given as KEEL_API_SECRET in the environment or .env."
    )
    sandbox_mode: bool = Field(default=True, description="Use the exchange's test network.")
    real_money: bool = Field(
        default=False,
        description="Trade real money in live mode also when nobody is there to give --i-understand-real-money.",
    )
    rest_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="Another server that speaks this exchange's REST API, such as http://127.0.0.1:9080.",
    )
    ws_url: str | None = Field(
        default=None,
        pattern=r"^wss?://",
        description="Its WebSocket streams. Not used yet: candles are polled.",
    )
    simulated: SimulatedConfig = Field(
        default_factory=SimulatedConfig, description='The built-in exchange, for the name "simulated".'
    )
    replay: ReplayConfig | None = Field(default=None, description='The file to replay, for the exchange "replay".')
    market: MarketConfig = Field(default_factory=MarketConfig, description="Price and quantity grid, for replay.")

    @field_validator("name")
    @classmethod
    def _lower_case(cls, name: str) -> str:
        if not name.strip():
            raise ValueError('is empty: give an exchange id such as "binance", or "replay"')
        return name.strip().lower()

    @model_validator(mode="after")
    def _replay_needs_a_file(self) -> Self:
        if self.name == "replay" and self.replay is None:
            raise ValueError('name is "replay", so "replay": {"file": "..."} is needed')
        return self


def is_market(symbol: str) -> bool:
    """Whether it is written as ccxt writes markets: base/quote, or base/quote:settle."""
    return _SYMBOL.fullmatch(symbol) is not None


class StrategyConfig(Settings):
    """Which strategy trades what."""

    name: str = Field(description='A registered name such as "sma_cross", or "path/to/file.py:ClassName".')
    symbol: str = Field(description='The market as ccxt writes it, such as "BTC/USDT".')
    timeframe: str = Field(default="1m", description="Length of a candle: 1s to 1w.")
    params: dict[str, Any] = Field(default_factory=dict, description="The strategy's own parameters.")

    @field_validator("symbol")
    @classmethod
    def _base_and_quote(cls, symbol: str) -> str:
        if not is_market(symbol):
            raise ValueError(f'{symbol!r} is no market: write base/quote, such as "BTC/USDT"')
        return symbol

    @field_validator("timeframe")
    @classmethod
    def _known_timeframe(cls, timeframe: str) -> str:
        try:
            return Timeframe.parse(timeframe).name
        except ConfigError as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _fast_below_slow(self) -> Self:
        fast, slow = self.params.get("fast_window"), self.params.get("slow_window")
        for key, window in (("fast_window", fast), ("slow_window", slow)):
            if window is not None and (not isinstance(window, int) or isinstance(window, bool) or window < 1):
                raise ValueError(f"params.{key} is {window!r}: give a whole number of candles, 1 or more")
        if fast is not None and slow is not None and fast >= slow:
            raise ValueError(f"params.fast_window {fast} is not below params.slow_window {slow}: choose fast < slow")
        return self


class PaperConfig(Settings):
    """The account of paper trading (`--mode mock`)."""

    cash: Amount = Field(default=Decimal(10_000), gt=0, description="Cash at the first start, in quote units.")
    fee_rate: Amount = Field(
        default=Decimal("0.001"),
        ge=0,
        lt=1,
        description="Fee of each order as a fraction of its notional (0.001 = 0.1 %).",
    )
    slippage_bp: Amount = Field(
        default=Decimal(1),
        ge=0,
        lt=10_000,
        description="How much worse than the candle's close an order fills, in basis points.",
    )


class BotConfig(Settings):
    """Everything a bot needs to start."""

    exchange: ExchangeConfig = Field(description="Where candles come from and orders go to.")
    risk: RiskConfig = Field(default_factory=RiskConfig, description="How much may be put at risk.")
    strategy: StrategyConfig = Field(description="Which strategy trades what.")
    db_path: str = Field(
        default="keel.db", min_length=1, description="SQLite file that records everything, or a database URL."
    )
    orders: OrdersConfig = Field(default_factory=OrdersConfig, description="How orders are sent and looked after.")
    paper: PaperConfig = Field(default_factory=PaperConfig, description="The account of paper trading.")
    backtest: BacktestConfig = Field(default_factory=BacktestConfig, description="How a backtest fills orders.")

    @model_validator(mode="after")
    def _no_stop_ruins_the_account(self) -> Self:
        self.risk.refuse_ruinous(self.paper.cash)
        return self

    @classmethod
    def load_from_file(cls, path: str | Path, *, environment: Mapping[str, str] | None = None) -> Self:
        """Read a JSON file and lay KEEL_API_KEY and KEEL_API_SECRET (environment, else `.env`) over it.

        The secrets are masked from then on in all that is logged or complained about.

        Args:
            path: The settings file.
            environment: Variables to use instead of the process's.

        Raises:
            ConfigError: one sentence that names the file, the key, the value and the remedy.
        """
        document = read_settings(Path(path))
        exchange = document.get("exchange")
        if isinstance(exchange, dict):
            exchange.update(secrets_from_environment(environment))
            hide(*(text for key, text in exchange.items() if key.startswith("api_") and isinstance(text, str)))
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise ConfigError(f"{path}: {sentence(error, document, cls)}") from None
