"""The composition root: builds the chain from the settings. Nothing else constructs collaborators."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial

from app.cli.compose_live import live_executor
from app.cli.real_money import check_account
from app.cli.summary import Summary, summarize
from app.config.models import BotConfig
from app.core.bot import TradingBot
from app.core.database import db, init_db
from app.core.lease import exclusive_lease
from app.core.stop import StopFlag
from app.core.window import candles_needed
from app.data.handler import CryptoDataHandler
from app.data.replay import ReplaySource
from app.domain.errors import DataError
from app.domain.instrument import quote_of
from app.domain.timeframe import Timeframe
from app.execution.mock_executor import MockExecutor
from app.execution.paper_limits import PaperLimitExecutor
from app.repositories import SignalRepository, StepRepository, TradeRepository
from app.strategies.loader import load_strategy

logger = logging.getLogger(__name__)


@contextmanager
def running_bot(
    config: BotConfig, *, live: bool = False, real_money: bool = False, sleep_s: float = 60.0
) -> Iterator[tuple[TradingBot, Callable[[], Summary]]]:
    """A bot ready to start, and a function that sums up its run; everything is closed at the end.

    Args:
        config: All settings.
        live: Send orders to the exchange that the candles come from, instead of trading on paper.
        real_money: Whether the person at the keyboard has understood that live orders may cost real money.
        sleep_s: The longest wait between two cycles: a lease outlasts it.

    Raises:
        KeelError: a setting, the strategy, the candles or the database is not usable; see `app.domain.errors`.
    """
    strategy = load_strategy(config.strategy)
    if live:
        check_account(config.exchange, understood=real_money)
    with ExitStack() as opened:
        init_db(config.db_path)
        opened.callback(db.close)
        opened.enter_context(exclusive_lease(config.db_path, config.strategy.symbol))
        session = opened.enter_context(db.session_scope())
        trade_repo, signal_repo, steps = TradeRepository(session), SignalRepository(session), StepRepository(session)
        handler = opened.enter_context(closing(_data_handler(config, steps, candles_needed(config, strategy))))
        _check_market(handler, config.strategy.symbol)
        stop = StopFlag()
        executor = (
            opened.enter_context(
                live_executor(config, handler.account_config(), trade_repo, handler.budget, sleep_s=sleep_s, stop=stop)
            )
            if live
            else _paper_executor(config, handler, trade_repo, signal_repo)
        )
        bot = TradingBot(config, handler, strategy, executor, trade_repo, signal_repo, steps=steps, stop=stop)
        yield bot, lambda: summarize(config, executor, trade_repo, steps)


def _check_market(handler: CryptoDataHandler, symbol: str) -> None:
    """A wrong symbol refuses to start; an exchange that does not answer does not."""
    try:
        handler.instrument(symbol)
    except DataError as error:
        logger.warning("The market of %s is not known yet: %s", symbol, error)


def _paper_executor(
    config: BotConfig, handler: CryptoDataHandler, trade_repo: TradeRepository, signal_repo: SignalRepository
) -> MockExecutor:
    styles = config.orders.styles()
    rests = styles.entry.is_limit or styles.exit.is_limit
    executor = (partial(PaperLimitExecutor, styles=styles) if rests else MockExecutor)(
        trade_repo,
        signal_repo,
        cash=config.paper.cash,
        fee_rate=config.paper.fee_rate,
        slippage_bp=config.paper.slippage_bp,
        clock=handler.clock,
        instrument_of=handler.instrument,
    )
    opened_with = executor.account.account(quote_of(config.strategy.symbol)).starting_cash
    if opened_with != config.paper.cash:
        logger.warning(
            "The paper account was opened with %s, paper.cash %s is not used: choose another db_path to begin with it",
            *(f"{number:f}" for number in (opened_with, config.paper.cash)),
        )
    return executor


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
