"""What `keel reconcile` looks at: the ledger, the account, and how both are reached."""

from contextlib import ExitStack, closing

from app.cli.compose import running_bot
from app.cli.compose_live import journal_path
from app.cli.real_money import check_account
from app.config.models import BotConfig
from app.core.database import Database
from app.core.database_health import health_of, is_file
from app.core.lease import exclusive_lease
from app.data.handler import CryptoDataHandler
from app.domain.errors import ConfigError, DatabaseError
from app.execution.ccxt_exchange import CcxtExchange
from app.execution.comparison import Comparison, compare
from app.execution.outage_journal import OutageJournal
from app.repositories import OrderRepository, TradeRepository


def both_truths(config: BotConfig, *, fix: bool) -> tuple[Comparison, int]:
    """Compare; with `fix` after the ledger was brought in line, as a start of the bot would do it.

    Returns:
        The comparison, and how many facts wait in the journal of an outage.

    Raises:
        ConfigError: there is no account, or no database yet.
        DatabaseError: the database cannot be read, or with `fix` another bot uses it.
        DataError: the exchange did not answer.
    """
    check_account(config.exchange, understood=True)  # nothing here sends an order
    if is_file(config.db_path):
        _check_database(config.db_path)
    if fix:
        with running_bot(config, live=True, real_money=True):
            pass  # the start compares, and books what is missing
    with ExitStack() as opened:
        if config.exchange.name == "simulated":  # it lives in the bot's process: two would write one state file
            opened.enter_context(exclusive_lease(config.db_path, config.strategy.symbol))
        database = Database()
        database.open(config.db_path)
        opened.callback(database.close)
        session = opened.enter_context(database.session_scope())
        handler = opened.enter_context(closing(CryptoDataHandler(config.exchange)))
        exchange = CcxtExchange(handler.account_config(), budget=handler.budget)
        orders = OrderRepository(session)
        found = compare(
            exchange, orders, TradeRepository(session), config.strategy.symbol, orders.known_client_prefix()
        )
    journal = journal_path(config.db_path, config.strategy.symbol)
    return found, len(OutageJournal(journal, reserve=False).facts()) if journal.exists() else 0


def _check_database(path: str) -> None:
    """Nothing is created and nothing migrated just for looking."""
    health = health_of(path)
    if not health.exists:
        raise ConfigError(f"there is no database {path} yet: start the bot once, or name another db_path")
    if not health.is_current:
        state = health.verdict if health.verdict != "ok" else f"schema {health.revision}"
        raise DatabaseError(f"database {path} cannot be compared ({state}): run keel doctor, or start the bot once")
