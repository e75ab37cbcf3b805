"""Running an exchange in the foreground: start, greet, save now and then, stop in good order."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import orjson
import uvloop

from exchange_simulator.exchange import Exchange
from exchange_simulator.server.admin import AdminPort
from exchange_simulator.server.app import ExchangeServer
from exchange_simulator.server.build import build_exchange, restore_exchange, server_settings
from exchange_simulator.server.options import BadOptionError, ExchangeOptions
from exchange_simulator.server.statefile import write_atomically

SAVE_EVERY_S = 5.0
LOOK_EVERY_S = 0.5
GARBAGE_THRESHOLDS = (20_000, 50, 100)  # Python's own are (700, 10, 10)

SNIPPET = """\
import ccxt
exchange = ccxt.binance({{'apiKey': '{key}', 'secret': '{secret}', 'options': {{
    'defaultType': 'spot', 'fetchMarkets': {{'types': ['spot']}}, 'fetchMargins': False, 'fetchCurrencies': False}}}})
exchange.urls['api']['public'] = exchange.urls['api']['private'] = '{rest}/api/v3'
print(exchange.fetch_ticker('{symbol}')['last'], exchange.fetch_balance()['free'])
"""


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """Where an exchange listens and when it ends. `admin_port` None keeps the admin port shut."""

    host: str = "127.0.0.1"
    port: int = 9080
    admin_port: int | None = None
    state: Path | None = None
    parent_pid: int | None = None
    json_ready: bool = False


def serve(options: ExchangeOptions, settings: ServeSettings) -> None:
    """Serve until SIGINT or SIGTERM, or until the parent process is gone.

    Raises:
        BadOptionError: an option cannot be, a port is taken, or a file cannot be read.
    """
    if settings.state is not None:
        _check_writable(settings.state)
    exchange = _load(options, settings.state)
    spare_the_collector()
    uvloop.run(_serve(exchange, options, settings))


def spare_the_collector() -> None:
    """Let Python look for garbage rarely: what an exchange remembers only grows, and its own objects form no cycles.

    Looking through all of it again and again costs a tenth of the speed (`benchmarks/bench_exchange_engine.py`).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


async def _serve(exchange: Exchange, options: ExchangeOptions, settings: ServeSettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    server = ExchangeServer(exchange, server_settings(options))
    save = None if settings.state is None else partial(_save, exchange, settings.state)
    admin = AdminPort(server, save)
    try:
        port = await _listening(server.start(settings.host, settings.port), settings.port)
        admin_port = None
        if settings.admin_port is not None:
            admin_port = await _listening(admin.start(settings.admin_port), settings.admin_port)
        _greet(options, settings, port, admin_port)
        await _wait(stop, settings.parent_pid, save)
    finally:
        await admin.stop()
        await server.stop()
        if save is not None:
            save()


async def _listening(start: Awaitable[int], port: int) -> int:
    try:
        return await start
    except OSError as taken:
        reason = taken.strerror or str(taken)
        raise BadOptionError(
            f"port {port} cannot be used ({reason}): choose another one, or 0 for a free one"
        ) from taken


async def _wait(stop: asyncio.Event, parent_pid: int | None, save: Callable[[], str] | None) -> None:
    """Wait for the end, saving every few seconds."""
    loop = asyncio.get_running_loop()
    next_save_s = loop.time() + SAVE_EVERY_S
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_EVERY_S)
        if parent_pid is not None and not _is_alive(parent_pid):
            return
        if save is not None and loop.time() >= next_save_s:
            save()
            next_save_s = loop.time() + SAVE_EVERY_S


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _check_writable(state: Path) -> None:
    """Find out at the start, not after hours of trading, that the state cannot be kept."""
    beside = state.with_name(f".{state.name}.{os.getpid()}")
    try:
        state.parent.mkdir(parents=True, exist_ok=True)
        beside.touch()
        beside.unlink()
    except (OSError, ValueError) as error:
        raise BadOptionError(f"--state {state} cannot be written ({error}): choose another file") from None


def _load(options: ExchangeOptions, state: Path | None) -> Exchange:
    if state is not None and state.exists():
        return restore_exchange(state, options)
    return build_exchange(options)


def _save(exchange: Exchange, state: Path) -> str:
    write_atomically(state, exchange.save())
    return str(state)


def _greet(options: ExchangeOptions, settings: ServeSettings, port: int, admin_port: int | None) -> None:
    base = f"{settings.host}:{port}"
    urls = {"rest_url": f"http://{base}", "ws_url": f"ws://{base}", "ws_api_url": f"ws://{base}/ws-api/v3"}
    urls["admin_url"] = "" if admin_port is None else f"http://127.0.0.1:{admin_port}"
    key, secret = next(iter(options.keys.items()))
    if settings.json_ready:
        line = {"pid": os.getpid(), "api_key": key, "secret": secret, **urls}
        sys.stdout.write(orjson.dumps(line).decode() + "\n")
    else:
        shown = "\n".join(f"  {name.removesuffix('_url'):<8}{url}" for name, url in urls.items() if url)
        snippet = SNIPPET.format(key=key, secret=secret, rest=urls["rest_url"], symbol=options.symbols[0])
        sys.stdout.write(f"The exchange is open:\n{shown}\n\nTry it:\n\n{snippet}\nCtrl+C ends it.\n")
    sys.stdout.flush()
