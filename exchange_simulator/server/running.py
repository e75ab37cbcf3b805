"""An exchange for tests and for programs: in this process, or in one of its own."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from exchange_simulator.exchange import Exchange
from exchange_simulator.server.app import ExchangeServer, ServerSettings
from exchange_simulator.server.build import build_exchange, server_settings
from exchange_simulator.server.faults.board import FaultBoard
from exchange_simulator.server.options import ExchangeOptions

LOOPBACK = "127.0.0.1"
GOODBYE_S = 10.0


@dataclass(frozen=True, slots=True)
class Address:
    """How to reach an exchange, and with which key. `admin_url` is empty without an admin port."""

    rest_url: str
    ws_url: str
    ws_api_url: str
    api_key: str
    secret: str
    admin_url: str = ""
    pid: int = 0


class RunningExchange:
    """An exchange that is served by this process's event loop."""

    def __init__(self, server: ExchangeServer, port: int, options: ExchangeOptions) -> None:
        key, secret = next(iter(options.keys.items()))
        self.address = _address(port, key, secret)
        self.server = server

    @property
    def exchange(self) -> Exchange:
        """The exchange itself."""
        return self.server.exchange

    @property
    def faults(self) -> FaultBoard:
        """The board to put faults on."""
        return self.server.faults

    @property
    def rest_url(self) -> str:
        """Base address of REST, without `/api/v3`."""
        return self.address.rest_url

    @property
    def ws_url(self) -> str:
        """Base address of the market streams, without `/ws` or `/stream`."""
        return self.address.ws_url

    @property
    def ws_api_url(self) -> str:
        """Address of the WebSocket API."""
        return self.address.ws_api_url

    def advance(self, seconds: float) -> None:
        """Let time pass at once, with all that the market does in it."""
        self.exchange.clock.advance_by(round(seconds * 1_000_000))
        self.server.step()


@asynccontextmanager
async def running_exchange(
    options: ExchangeOptions | None = None, settings: ServerSettings | None = None
) -> AsyncIterator[RunningExchange]:
    """Serve an exchange from the running event loop, on a free port of loopback.

    Args:
        options: What the exchange is; by default two symbols at real time.
        settings: How clients are treated; by default what `options` says.
    """
    chosen = options or ExchangeOptions()
    server = ExchangeServer(build_exchange(chosen), settings or server_settings(chosen))
    port = await server.start(LOOPBACK, 0)
    try:
        yield RunningExchange(server, port, chosen)
    finally:
        await server.stop()


@contextmanager
def exchange_process(*arguments: str) -> Iterator[Address]:
    """Serve an exchange from a process of its own, on free ports, with the command's arguments.

    Raises:
        RuntimeError: the process ended before it was ready; the message holds what it said.
    """
    command = [sys.executable, "-m", "exchange_simulator", "--port", "0", "--admin-port", "0", "--json-ready"]
    command += ["--parent-pid", str(os.getpid()), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603
    try:
        yield _ready_address(process)
    finally:
        process.terminate()
        process.communicate(timeout=GOODBYE_S)


def _ready_address(process: "subprocess.Popen[str]") -> Address:
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line:
        _, said = process.communicate(timeout=GOODBYE_S)
        raise RuntimeError(f"the exchange did not start: {said.strip()}")
    ready = json.loads(line)
    return Address(**{name: ready[name] for name in Address.__slots__})


def _address(port: int, key: str, secret: str) -> Address:
    base = f"{LOOPBACK}:{port}"
    return Address(f"http://{base}", f"ws://{base}", f"ws://{base}/ws-api/v3", key, secret)
