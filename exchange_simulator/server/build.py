"""Putting an exchange together from its options, or from a saved state."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from exchange_simulator.engine.account import Account, ApiKey, Balance, KeyKind
from exchange_simulator.engine.instrument import Instrument, spot_instrument
from exchange_simulator.engine.numbers import SCALE, parse
from exchange_simulator.exchange import Exchange
from exchange_simulator.market.clock import VirtualClock
from exchange_simulator.market.files import symbol_in_name
from exchange_simulator.market.house import HouseSettings
from exchange_simulator.market.market import SimulatedMarket
from exchange_simulator.market.plan import MarketPlan, SymbolPlan, usual_price, usual_symbol
from exchange_simulator.server.app import ServerSettings
from exchange_simulator.server.options import BadOptionError, ExchangeOptions

SMALLEST_ORDER_USD = 5
LARGEST_ORDER_USD = 500_000_000
LONGEST_SYMBOL = 20
Pair = tuple[str, str]


def build_exchange(options: ExchangeOptions) -> Exchange:
    """Return a new exchange, its market moved up to its first instant.

    Raises:
        BadOptionError: an option cannot be; the message says which.
    """
    pairs = [_pair(name) for name in options.symbols]
    if len(set(pairs)) < len(pairs):
        raise BadOptionError(f"{', '.join(options.symbols)} names a symbol twice: name each once")
    if not pairs:
        raise BadOptionError("no symbol is given: name at least one, for example BTC/USDT")
    try:
        plans = [usual_symbol(*pair, files) for pair, files in zip(pairs, _files(pairs, options.replay), strict=True)]
        clock = _clock(options, plans)
        plan = MarketPlan(
            start_us=clock.now_us(),
            seed=options.seed,
            symbols=tuple(plans),
            spread_bp=options.spread_bp,
            house=HouseSettings(levels=options.depth),
        )
        instruments = [_instrument(*pair, symbol) for pair, symbol in zip(pairs, plans, strict=True)]
        exchange = Exchange(clock, SimulatedMarket(plan), instruments, _accounts(options))
    except ValueError as refused:
        raise BadOptionError(str(refused)) from refused
    exchange.advance()
    return exchange


def restore_exchange(state: Path, options: ExchangeOptions) -> Exchange:
    """Return the exchange that a state file holds, at the speed asked for, with an account for every key asked for.

    Raises:
        BadOptionError: the file cannot be read, holds no exchange of this version, or lacks a symbol asked for.
    """
    try:
        exchange = Exchange.restore(state.read_bytes(), market=SimulatedMarket.restore)
    except (OSError, ValueError) as refused:
        raise BadOptionError(f"{state} holds no exchange that can go on: {refused}") from refused
    for name in options.symbols:
        if "".join(_pair(name)) not in exchange.instruments():
            held = ", ".join(exchange.instruments())
            raise BadOptionError(f"{state} holds {held} and no {name}: name its symbols, or choose another state file")
    exchange.clock.set_speed(options.speed)
    known = {key.key for account in exchange.accounts().values() for key in account.keys}
    for account in _accounts(options, first=len(exchange.accounts()) + 1):
        if account.keys[0].key not in known:
            exchange.add_account(account)
    return exchange


def server_settings(options: ExchangeOptions) -> ServerSettings:
    """Return how a server with these options treats its clients."""
    return ServerSettings(
        answers_sapi=options.answers_sapi,
        keys_may_withdraw=options.keys_may_withdraw,
        read_lag_ms=options.read_lag_ms,
        checks_timing=options.checks_timing,
        fault_seed=options.seed,
    )


def _pair(name: str) -> Pair:
    base, separator, quote = name.upper().partition("/")
    if not (separator and base.isalnum() and quote.isalnum() and base.isascii() and quote.isascii()):
        raise BadOptionError(f"{name!r} is no symbol: give it as BASE/QUOTE, for example BTC/USDT")
    if base == quote or len(base + quote) > LONGEST_SYMBOL:
        raise BadOptionError(f"{name!r} is no symbol: name two assets of together at most {LONGEST_SYMBOL} letters")
    return base, quote


def _files(pairs: Sequence[Pair], replay: Sequence[Path]) -> list[list[Path]]:
    """Give each file to the symbol in its name; the others to the symbols that have none, in order."""
    by_symbol: dict[str, list[Path]] = {base + quote: [] for base, quote in pairs}
    nameless = []
    for path in replay:
        named = symbol_in_name(path)
        if named in by_symbol:
            by_symbol[named].append(path)
        else:
            nameless.append(path)
    without = [symbol for symbol, files in by_symbol.items() if not files]
    if len(nameless) > len(without):
        raise BadOptionError(f"{nameless[-1].name} belongs to no symbol: put the symbol into the file's name")
    for symbol, path in zip(without, nameless, strict=False):
        by_symbol[symbol].append(path)
    return list(by_symbol.values())


def _clock(options: ExchangeOptions, plans: Sequence[SymbolPlan]) -> VirtualClock:
    now = VirtualClock.from_now(options.speed)
    if options.start.lower() == "now":
        return now
    if options.start:
        try:
            first = datetime.fromisoformat(options.start)
        except ValueError:
            raise BadOptionError(f"--start is {options.start!r}: give an instant like 2026-01-15T12:00:00Z") from None
        aware = first if first.tzinfo else first.replace(tzinfo=UTC)
        return VirtualClock(int(aware.timestamp() * 1_000_000), options.speed)
    if not any(plan.files for plan in plans):
        return now
    sources = MarketPlan(start_us=now.now_us(), seed=options.seed, symbols=tuple(plans)).sources()
    first_us = max(sources[plan.symbol].first_us for plan in plans if plan.files)
    return VirtualClock(first_us, options.speed)


def _instrument(base: str, quote: str, plan: SymbolPlan) -> Instrument:
    """Return rules that fit a symbol's price: about the same smallest and largest order in dollars everywhere."""
    largest = int(LARGEST_ORDER_USD / usual_price(base, "USDT") * SCALE)
    return spot_instrument(
        base,
        quote,
        tick=plan.grid.tick,
        step=plan.grid.step,
        min_notional=max(1, int(SMALLEST_ORDER_USD * SCALE / usual_price(quote, "USDT"))),
        max_quantity=max(plan.grid.step, largest),
    )


def _accounts(options: ExchangeOptions, first: int = 1) -> list[Account]:
    accounts = []
    for number, (key, secret) in enumerate(options.keys.items(), first):
        kind = KeyKind.ED25519 if "PUBLIC KEY" in secret else KeyKind.HMAC
        balances = {asset: Balance(parse(amount)) for asset, amount in options.balances.items()}
        accounts.append(Account(f"account-{number}", (ApiKey(key, kind, secret),), balances, uid=number))
    return accounts
