"""The live part of the composition root: the account, its key's rights, what a person should see before the start."""

import logging
import secrets
from decimal import Decimal

from app.cli.real_money import costs_real_money
from app.config.models import BotConfig, ExchangeConfig
from app.domain.errors import ConfigError
from app.domain.instrument import quote_of
from app.exchanges.budget import RequestBudget
from app.exchanges.key_rights import key_rights
from app.execution.ccxt_exchange import CcxtExchange
from app.execution.live_executor import LiveExecutor
from app.repositories import OrderRepository, TradeRepository

logger = logging.getLogger(__name__)

SHOWN_OF_KEY = 4
LONG_ENOUGH = 16  # of a shorter key nothing is shown


def live_executor(
    config: BotConfig, account: ExchangeConfig, trade_repo: TradeRepository, budget: RequestBudget | None = None
) -> LiveExecutor:
    """Trades with the account, compared with the exchange before anything else.

    Args:
        config: All settings.
        account: Where the orders go: for the built-in exchange its address and its key.
        trade_repo: The ledger.
        budget: What may be asked of the exchange, shared with the candles that come from there.

    Raises:
        ConfigError: the key may not trade.
        DataError: the exchange did not answer.
        KeyRevoked: it does not accept the key.
    """
    check_key(account, budget)
    exchange = CcxtExchange(account, budget=budget)
    check_abilities(exchange)
    prefix = OrderRepository(trade_repo.session).client_prefix(f"keel-{secrets.token_hex(4)}")
    executor = LiveExecutor(trade_repo, exchange, prefix=prefix)
    symbol = config.strategy.symbol
    executor.synchronize(symbol)
    position = executor.get_position(symbol)["net_quantity"]
    for line in introduction(config, account, prefix, position):
        logger.info("%s", line)
    return executor


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
