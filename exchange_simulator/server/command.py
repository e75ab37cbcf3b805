"""The command `keel exchange` (or `python -m exchange_simulator`): starts an exchange and says how to reach it."""

import argparse
import atexit
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from exchange_simulator.server.options import (
    DEFAULT_BALANCES,
    DEFAULT_KEY,
    DEFAULT_SECRET,
    BadOptionError,
    ExchangeOptions,
)

USAGE_ERROR = 2
LAST_PORT = 65_535
FASTEST = 1_000_000
WIDEST_BP = 5_000
DEEPEST = 5_000
TIMING = {"auto": None, "on": True, "off": False}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command until Ctrl+C and return its exit status: 0, or 2 for options that cannot be."""
    chosen = _parser().parse_args(argv)
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)  # the same Ctrl+C easily arrives twice
    try:
        options = _options(chosen)
        from exchange_simulator.server.serve import ServeSettings, serve  # heavy: --help does without it

        settings = ServeSettings(
            host=chosen.host,
            port=chosen.port,
            admin_port=chosen.admin_port,
            state=chosen.state,
            parent_pid=chosen.parent_pid,
            json_ready=chosen.json_ready,
        )
        serve(options, settings)
    except BadOptionError as refused:
        print(f"exchange: {refused}", file=sys.stderr)  # noqa: T201 - a command line prints
        return USAGE_ERROR
    except KeyboardInterrupt:
        pass
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="keel exchange",
        description="A Binance-compatible spot exchange on loopback: real matching, virtual time, faults on demand.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=9080, help="port to listen on, 0 for a free one (default: %(default)s)")
    add("--symbols", default="BTC/USDT,ETH/USDT", help="markets, separated by commas (default: %(default)s)")
    add("--speed", type=float, default=1.0, help="virtual seconds per second; 0: stepped by hand (default: 1)")
    add("--seed", type=int, default=1, help="seed of prices and faults (default: %(default)s)")
    add("--start", default="", help="first instant, as 2026-01-15T12:00:00Z or now (default: now, or that of FILE)")
    add("--replay", nargs="+", type=Path, default=(), metavar="FILE", help="candle or trade files, one per symbol")
    add("--key", action="append", metavar="KEY:SECRET", help=f"API key and secret (default: {DEFAULT_KEY}:...)")
    add("--balance", metavar="ASSET=AMOUNT,...", help="starting balances of every key")
    add("--spread-bp", type=float, default=1.0, help="spread in basis points (default: %(default)s)")
    add("--depth", type=int, default=20, help="price levels on each side of the book (default: %(default)s)")
    add("--read-lag-ms", type=int, default=0, help="delay of account reads in milliseconds (default: 0)")
    add("--no-sapi", action="store_true", help="answer /sapi with 404, as the testnet does")
    add("--keys-may-withdraw", action="store_true", help="say of every key that it may withdraw, as a careless owner's")
    add(
        "--timing-checks", choices=tuple(TIMING), default="auto", help="of timestamps; auto: at speed 1 (default: auto)"
    )
    add("--admin-port", type=int, help="port for journal, faults and clock, loopback only (default: off)")
    add("--state", type=Path, metavar="FILE", help="restore from and save to this file")
    add("--json-ready", action="store_true", help="print one line of JSON with the URLs instead of a greeting")
    add("--parent-pid", type=int, metavar="PID", help="end when this process is gone")
    return parser


def _options(chosen: argparse.Namespace) -> ExchangeOptions:
    for name in ("speed", "spread_bp", "read_lag_ms"):
        if getattr(chosen, name) < 0:
            raise BadOptionError(f"--{name.replace('_', '-')} is {getattr(chosen, name)}: give 0 or more")
    for name, port in (("port", chosen.port), ("admin-port", chosen.admin_port or 0)):
        if not 0 <= port <= LAST_PORT:
            raise BadOptionError(f"--{name} is {port}: give 1 to {LAST_PORT}, or 0 for a free one")
    for name, most in (("speed", FASTEST), ("spread_bp", WIDEST_BP)):
        if getattr(chosen, name) > most:
            raise BadOptionError(f"--{name.replace('_', '-')} is {getattr(chosen, name)}: give at most {most}")
    if not 1 <= chosen.depth <= DEEPEST:
        raise BadOptionError(f"--depth is {chosen.depth}: give 1 to {DEEPEST} levels")
    return ExchangeOptions(
        symbols=tuple(name.strip() for name in chosen.symbols.split(",") if name.strip()),
        speed=chosen.speed,
        seed=chosen.seed,
        start=chosen.start,
        keys=_keys(chosen.key),
        balances=_balances(chosen.balance),
        replay=tuple(chosen.replay),
        spread_bp=chosen.spread_bp,
        depth=chosen.depth,
        read_lag_ms=chosen.read_lag_ms,
        answers_sapi=not chosen.no_sapi,
        checks_timing=TIMING[chosen.timing_checks],
        keys_may_withdraw=chosen.keys_may_withdraw,
    )


def _keys(pairs: Sequence[str] | None) -> dict[str, str]:
    if not pairs:
        return {DEFAULT_KEY: DEFAULT_SECRET}
    keys = {}
    for pair in pairs:
        key, separator, secret = pair.partition(":")
        if not (key and separator and secret):
            raise BadOptionError(f"--key is {pair!r}: give it as KEY:SECRET")
        keys[key] = secret
    return keys


def _balances(text: str | None) -> dict[str, str]:
    if text is None:
        return dict(DEFAULT_BALANCES)
    balances = {}
    for pair in text.split(","):
        asset, separator, amount = pair.strip().partition("=")
        if not (asset and separator and amount.replace(".", "", 1).isdecimal()):
            raise BadOptionError(f"--balance holds {pair!r}: give it as ASSET=AMOUNT, for example USDT=10000")
        balances[asset.upper()] = amount
    return balances
