"""The checks of `keel doctor` that ask the exchange."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Final

from app.cli.finding import Finding, fail, ok, warn
from app.cli.real_money import costs_real_money
from app.config.models import BotConfig, ExchangeConfig
from app.core.clock import SystemClock
from app.data.handler import CryptoDataHandler
from app.domain.errors import KeelError
from app.domain.instrument import Instrument, quote_of
from app.domain.values import MONEY, Price
from app.exchanges.key_rights import key_rights
from app.execution.ccxt_exchange import CcxtExchange

TOLERATED_MS: Final = 1_000  # Binance refuses what is a second ahead; the bot corrects it, other programs may not
SAMPLES: Final = 3
NO_KEY: Final = "enough for paper; for live trading give KEEL_API_KEY and KEEL_API_SECRET"


def exchange_findings(config: BotConfig) -> Iterator[Finding]:
    """Reachability, clock, market, key and account."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            yield from _findings(_on_a_copy(config, Path(folder)))
        except KeelError as error:
            yield fail("exchange", str(error), "see docs/live-trading.md")


def _on_a_copy(config: BotConfig, folder: Path) -> BotConfig:
    """The built-in exchange saves its state: what is looked at is a copy, so that a running bot is not disturbed."""
    if config.exchange.name != "simulated":
        return config
    state = Path(config.exchange.simulated.state_file)
    if state.exists():
        shutil.copy(state, folder / "state")
    simulated = config.exchange.simulated.model_copy(update={"state_file": str(folder / "state")})
    exchange = config.exchange.model_copy(update={"simulated": simulated})
    return config.model_copy(update={"exchange": exchange})


def _findings(config: BotConfig) -> Iterator[Finding]:
    with closing(CryptoDataHandler(config.exchange)) as handler:
        if config.exchange.name == "replay":
            yield ok("exchange", "a replay: candles come from a file, orders go nowhere")
            return
        account = handler.account_config()
        exchange = CcxtExchange(account, budget=handler.budget)
        yield from _reach(exchange, config)
        instrument = exchange.instrument(config.strategy.symbol)
        price = exchange.last_price(config.strategy.symbol)
        yield _market(instrument, price, config.risk.max_position_size_usd)
        if promise := exchange.abilities.weaker_promise(account.name):
            yield warn("promise", promise, "see docs/live-trading.md")
        if not account.api_key.get_secret_value():
            yield warn("key", "no API key", NO_KEY)
            return
        yield _key(account)
        yield _account(exchange, config)


def _reach(exchange: CcxtExchange, config: BotConfig) -> Iterator[Finding]:
    clock = SystemClock()
    samples = []
    for _ in range(SAMPLES):
        asked_ms = clock.now_ms()
        exchange_ms = exchange.now_ms()
        trip_ms = clock.now_ms() - asked_ms
        samples.append((trip_ms, asked_ms + trip_ms // 2 - exchange_ms))
    trip_ms, offset_ms = min(samples)
    yield ok("exchange", f"{config.exchange.name} answers in {trip_ms} ms")
    if config.exchange.name == "simulated":
        yield ok("clock", "the built-in exchange has a time of its own")
    elif abs(offset_ms) > TOLERATED_MS:
        text = f"this machine is {abs(offset_ms)} ms {'ahead of' if offset_ms > 0 else 'behind'} {config.exchange.name}"
        yield warn("clock", text, "the bot corrects it; set the clock by NTP nevertheless")
    else:
        yield ok("clock", f"{offset_ms} ms from {config.exchange.name}'s")


def _market(instrument: Instrument, price: Price, limit: Decimal) -> Finding:
    grid = f"tick {instrument.price_tick:f}, step {instrument.quantity_step:f}, at least {instrument.min_notional:f}"
    text = f"{instrument.symbol} at {price:f}: {grid} {quote_of(instrument.symbol)}"
    refusal = instrument.refusal(instrument.quantity(MONEY.divide(limit, price)), price)
    if refusal:
        return fail(
            "market", f"{text}; a position of {limit:f} is refused: {refusal}", "raise risk.max_position_size_usd"
        )
    return ok("market", text)


def _key(account: ExchangeConfig) -> Finding:
    rights = key_rights(account)
    if isinstance(rights, str):
        return warn("key", rights.partition(":")[0], "check on its website what the key may do")
    if not rights.may_trade:
        return fail("key", "it may not trade", f"allow spot trading for it on {account.name}, nothing more")
    if rights.may_withdraw:
        return fail("key", "it may WITHDRAW money", f"take that right away on {account.name}")
    if not rights.is_bound and costs_real_money(account):
        return warn(
            "key", "it may trade, not withdraw, and works from every address", "bind it to this machine's address"
        )
    return ok("key", "it may trade and not withdraw")


def _account(exchange: CcxtExchange, config: BotConfig) -> Finding:
    quote, limit = quote_of(config.strategy.symbol), config.risk.max_position_size_usd
    balance = exchange.balances().get(quote)
    free = balance.free if balance else Decimal(0)
    if free < limit:
        return warn("account", f"{free:f} {quote} free, a position may cost {limit:f}", "deposit, or lower the limit")
    return ok("account", f"{free:f} {quote} free")
