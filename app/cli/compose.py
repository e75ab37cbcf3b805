"""The composition root: builds the chain from the settings. Nothing else constructs collaborators."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

from app.cli.summary import Summary, summarize
from app.config.models import BotConfig
from app.core.bot import TradingBot, candles_needed
from app.core.database import db, init_db
from app.data.handler import CryptoDataHandler
from app.data.replay import ReplaySource
from app.domain.timeframe import Timeframe
from app.execution.mock_executor import MockExecutor
from app.repositories import SignalRepository, StepRepository, TradeRepository
from app.strategies.loader import load_strategy


@contextmanager
def running_bot(config: BotConfig) -> Iterator[tuple[TradingBot, Callable[[], Summary]]]:
    """A paper-trading bot ready to start, and a function that sums up its run; the database closes at the end.

    Raises:
        KeelError: a setting, the strategy, the candles or the database is not usable; see `app.domain.errors`.
    """
    strategy = load_strategy(config.strategy)
    init_db(config.db_path)
    try:
        with ExitStack() as opened, db.session_scope() as session:
            trade_repo, signal_repo = TradeRepository(session), SignalRepository(session)
            steps = StepRepository(session)
            handler = opened.enter_context(closing(_data_handler(config, steps, candles_needed(config, strategy))))
            executor = MockExecutor(
                trade_repo,
                signal_repo,
                cash=config.paper.cash,
                fee_rate=config.paper.fee_rate,
                slippage_bp=config.paper.slippage_bp,
                clock=handler.clock,
                instrument_of=handler.instrument,
            )
            bot = TradingBot(config, handler, strategy, executor, trade_repo, signal_repo, steps=steps)
            yield bot, lambda: summarize(config, executor, trade_repo, steps)
    finally:
        db.close()


def _data_handler(config: BotConfig, steps: StepRepository, window: int) -> CryptoDataHandler:
    """Candles of the exchange; a replay goes on at the moment of the last recorded step."""
    replay = config.exchange.replay
    if config.exchange.name != "replay" or replay is None:
        return CryptoDataHandler(config.exchange)
    newest = steps.latest(config.strategy.symbol, config.strategy.timeframe)
    start_ms = int(newest[0].recorded_at.timestamp() * 1_000) if newest else None
    timeframe = Timeframe.parse(config.strategy.timeframe)
    source = ReplaySource(replay, config.exchange.market, timeframe, start_ms=start_ms, window=window)
    return CryptoDataHandler(config.exchange, source=source)
