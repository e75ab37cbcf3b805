"""The built-in exchange: started in a process of its own, reached over loopback like any other."""

import json
import os
import subprocess
import sys
import tempfile
from typing import IO, Any, Final

from pydantic import SecretStr

from app.config.models import ExchangeConfig
from app.core.clock import Clock, ScaledClock
from app.core.interfaces import BidAsk
from app.data.candles import Candles
from app.data.ccxt_source import CcxtSource
from app.data.source import CandleSource
from app.domain.errors import DataError
from app.domain.instrument import Instrument
from app.domain.timeframe import Timeframe

STOP_TIMEOUT_S: Final = 10


class SimulatedSource(CandleSource):
    """Starts the exchange and asks it as ccxt asks Binance. It ends with this process, or with `close`.

    Args:
        config: Its markets, speed, seed and state file.

    Attributes:
        clock: The exchange's virtual time, which runs `speed` times as fast as real time.
        rest_url: Where it answers.

    Raises:
        DataError: it did not start; the sentence says why.
    """

    def __init__(self, config: ExchangeConfig) -> None:
        simulated = config.simulated
        # A file, not a pipe: nobody reads while the bot runs, and a full pipe would block the exchange.
        self._complaints = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115  closed by `close`
        self._process = _start(
            self._complaints,
            "--port", "0", "--json-ready", "--parent-pid", str(os.getpid()),
            "--symbols", ",".join(simulated.symbols), "--speed", str(simulated.speed),
            "--seed", str(simulated.seed), "--state", simulated.state_file, "--start", simulated.start,
        )  # fmt: skip
        try:
            ready = _ready(self._process, self._complaints)
            self.rest_url: str = ready["rest_url"]
            account = {"api_key": SecretStr(ready["api_key"]), "api_secret": SecretStr(ready["secret"])}
            self._account = config.model_copy(update={"name": "binance", "rest_url": self.rest_url, **account})
            self._source = CcxtSource(self._account, rest_url=self.rest_url)
            self.budget = self._source.budget
            self.clock: Clock = ScaledClock(self._source.exchange_time_ms(), simulated.speed)
        except BaseException:
            self.close()
            raise

    def synchronize(self) -> None:
        """Both clocks follow this machine's: nothing to do."""

    def instrument(self, symbol: str) -> Instrument:
        """What the exchange's filters say."""
        return self._source.instrument(symbol)

    def bid_ask(self, symbol: str) -> BidAsk | None:
        """The top of its book."""
        return self._source.bid_ask(symbol)

    def fetch(
        self, symbol: str, timeframe: Timeframe, *, since_ms: int | None, until_ms: int, limit: int | None
    ) -> Candles:
        """The exchange's klines."""
        try:
            return self._source.fetch(symbol, timeframe, since_ms=since_ms, until_ms=until_ms, limit=limit)
        except DataError as error:
            if (code := self._process.poll()) is None:
                raise
            raise DataError(f"the built-in exchange has ended (exit code {code}): start the bot again") from error

    def account_config(self, config: ExchangeConfig) -> ExchangeConfig:  # noqa: ARG002  an account of its own
        """The one account that the exchange opened."""
        return self._account

    def close(self) -> None:
        """End the exchange; it saves its state."""
        self._process.terminate()
        try:
            self._process.communicate(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._complaints.close()


def _start(complaints: IO[str], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "exchange_simulator", *arguments]
    # A session of its own: Ctrl+C in the terminal is for the bot, which ends the exchange when it is done.
    return subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=complaints, text=True, start_new_session=True
    )


def _ready(process: subprocess.Popen[str], complaints: IO[str]) -> dict[str, Any]:
    """Its line of JSON with the addresses."""
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        process.wait()
        complaints.seek(0)
        complaint = complaints.read()
        reason = complaint.strip().splitlines()[-1] if complaint.strip() else "it said nothing"
        raise DataError(f"the built-in exchange did not start: {reason}")
    ready: dict[str, Any] = json.loads(line)
    return ready
