"""The live part of the composition root: the account, its key's rights, what a person should see before the start."""

import logging
import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from functools import partial
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from app.cli.real_money import costs_real_money, is_loopback
from app.config.models import BotConfig, ExchangeConfig
from app.core.clock import SystemClock
from app.core.lease import account_lock
from app.core.stop import Stop
from app.domain.errors import ConfigError, DatabaseError
from app.domain.instrument import quote_of
from app.exchanges.budget import RequestBudget
from app.exchanges.key_rights import key_rights
from app.execution.ccxt_exchange import CcxtExchange
from app.execution.lease import DatabaseLease, validity_ms
from app.execution.live_executor import LiveExecutor
from app.execution.outage_journal import OutageJournal
from app.execution.steadfast import SteadfastExecutor
from app.execution.watched_exchange import WatchedExchange
from app.repositories import LeaseRepository, OrderRepository, TradeRepository

logger = logging.getLogger(__name__)

SHOWN_OF_KEY = 4
LONG_ENOUGH = 16  # of a shorter key nothing is shown


@contextmanager
def live_executor(
    config: BotConfig,
    account: ExchangeConfig,
    trade_repo: TradeRepository,
    budget: RequestBudget | None,
    *,
    sleep_s: float,
    stop: Stop,
) -> Iterator[SteadfastExecutor]:
    """Trades with the account, compared with the exchange before anything else; the only one on its symbol.

    Args:
        config: All settings.
        account: Where the orders go: for the built-in exchange its address and its key.
        trade_repo: The ledger.
        budget: What may be asked of the exchange, shared with the candles that come from there.
        sleep_s: The longest wait between two cycles.
        stop: Once set, the exchange is asked nothing more.

    Raises:
        ConfigError: the key may not trade.
        DatabaseError, OrderError: another bot trades this symbol, in this database or with this key.
        DataError: the exchange did not answer.
        KeyRevoked: it does not accept the key.
    """
    symbol, clock = config.strategy.symbol, SystemClock()
    with ExitStack() as held:
        if config.exchange.name != "simulated":  # the built-in exchange's account is this bot's alone
            held.enter_context(account_lock(_account(account), symbol, db_path=config.db_path))
        lease = DatabaseLease(
            LeaseRepository(trade_repo.session),
            symbol,
            clock,
            validity_ms(sleep_s),
            is_shared="://" in config.db_path,
        )
        lease.take()
        held.callback(_give_back, lease)
        check_key(account, budget)
        real = CcxtExchange(account, budget=budget)
        check_abilities(real)
        exchange = WatchedExchange(real, stop)
        prefix = OrderRepository(trade_repo.session).client_prefix(f"keel-{secrets.token_hex(4)}")
        executor = SteadfastExecutor(
            partial(
                LiveExecutor,
                exchange=exchange,
                prefix=prefix,
                styles=config.orders.styles(),
                compare_every_s=config.orders.compare_every_s,
            ),
            trade_repo,
            exchange,
            OutageJournal(journal_path(config.db_path, symbol)),
            lease=lease,
            clock=clock,
        )
        executor.synchronize(symbol)
        position = executor.get_position(symbol)["net_quantity"]
        for line in introduction(config, account, prefix, position):
            logger.info("%s", line)
        if reason := executor.why_not_now(symbol):
            logger.warning("No order is sent yet: %s. Looked at again in each cycle, traded from then on", reason)
        yield executor
        executor.finish()


def journal_path(db_path: str, symbol: str) -> Path:
    """Where the journal of an outage is: beside the database, for a server in the bot's folder; one a market."""
    market = re.sub("[^A-Za-z0-9]+", "-", symbol)
    if "://" not in db_path:
        return Path(f"{db_path}.{market}.outage")
    return Path(f"keel-{sha256(db_path.encode()).hexdigest()[:12]}.{market}.outage")


def _account(account: ExchangeConfig) -> str:
    """What tells one account from another: exchange and key, and for a server of this machine its address."""
    server = urlsplit(account.rest_url or "")
    where = server.netloc if is_loopback(server.hostname or "") else ""
    return f"{account.name}|{where}|{account.api_key.get_secret_value()}"


def _give_back(lease: DatabaseLease) -> None:
    try:
        lease.give_back()
    except DatabaseError as error:
        logger.warning("The lease stays until it is over: %s", error)


def introduction(config: BotConfig, account: ExchangeConfig, prefix: str, position: Decimal) -> list[str]:
    """What is about to trade, where, and within which limits."""
    symbol, limit = config.strategy.symbol, config.risk.max_position_size_usd
    money = "REAL MONEY" if costs_real_money(config.exchange) else "no real money"
    where = account.rest_url or ("test network" if account.sandbox_mode else "production")
    held = f"holds {position:f}, at most {limit:f} {quote_of(symbol)} a position"
    return [
        f"Live, {money}: {config.exchange.name} ({where}), account of key {_shown(account)}, orders {prefix}-*",
        f"Trades {symbol} {config.strategy.timeframe}, {held}",
    ]


def check_abilities(exchange: CcxtExchange) -> None:
    """Say which promise is weaker on an exchange that tells less of its orders than Binance.

    Raises:
        ConfigError: it does not tell our own trades, without which no position can be known.
    """
    if not exchange.abilities.lists_fills:
        raise ConfigError(f"{exchange.name} does not list our own trades: choose another exchange for --mode live")
    if promise := exchange.abilities.weaker_promise(exchange.name):
        logger.warning("Weaker promise: %s", promise)


def check_key(account: ExchangeConfig, budget: RequestBudget | None = None) -> None:
    """Say loudly what a trading key should not be able to do.

    Raises:
        ConfigError: it may not trade.
        KeyRevoked: the exchange does not accept it.
    """
    rights = key_rights(account, budget)
    if isinstance(rights, str):
        logger.warning("Key rights: %s", rights)
        return
    if not rights.may_trade:
        raise ConfigError(f"the API key may not trade on {account.name}: allow spot trading for it, nothing more")
    if rights.may_withdraw:
        logger.critical(
            "The API key may WITHDRAW money from the account, which a bot never needs: take that right away on %s, or "
            "make a new key without it",
            account.name,
        )
    elif not rights.is_bound and costs_real_money(account):
        logger.warning("The API key works from every address: bind it to this machine's address on %s", account.name)


def _shown(account: ExchangeConfig) -> str:
    key = account.api_key.get_secret_value()
    return f"...{key[-SHOWN_OF_KEY:]}" if len(key) >= LONG_ENOUGH else "(short)"
