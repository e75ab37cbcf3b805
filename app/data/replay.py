"""Candles from a file, as if they happened now: only what is closed at the replayed moment is visible."""

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from app.config.models import MarketConfig, ReplayConfig
from app.core.clock import Clock, ManualClock, ScaledClock
from app.data.candles import Candles
from app.data.files import read_candles
from app.data.source import CandleSource
from app.domain.errors import ConfigError, DataError
from app.domain.instrument import Instrument
from app.domain.timeframe import SUPPORTED, Timeframe

COARSEST_TICK: Final = 0.01  # of the price

logger = logging.getLogger(__name__)


class ReplaySource(CandleSource):
    """Plays a file.

    Args:
        config: File, speed, first and last moment.
        market: What the market allows; a file does not tell.
        timeframe: The candles that will be asked for; the file's own by default.
        start_ms: Begin at this instant (ms UTC) instead of the configured one: how a restarted bot goes on.
        window: How many closed candles there are at the first moment, unless a start is given.

    Attributes:
        clock: The replayed time; it ends with the file's last candle, or at the configured end.
        quality: The state in which the file was found.

    Raises:
        DataError: the file cannot be read.
        ConfigError: its candles do not fit the timeframe, or the start or end is outside of it.
    """

    def __init__(
        self,
        config: ReplayConfig,
        market: MarketConfig,
        timeframe: Timeframe | None = None,
        *,
        start_ms: int | None = None,
        window: int = 1,
    ) -> None:
        self._file = config.file
        self._market = market
        candles, self.quality = read_candles(Path(config.file))
        logger.info("Replaying %s: %s", config.file, self.quality.text())
        self._own = self._timeframe_of(candles)
        self._check_tick(candles)
        self._candles = {self._own.name: candles}
        self.clock: Clock = self._clock(
            config, self._in(timeframe or self._own), timeframe or self._own, start_ms, window
        )

    def synchronize(self) -> None:
        """The replayed time is its own measure: nothing to do."""

    def instrument(self, symbol: str) -> Instrument:
        """The settings' market; a file holds one market, under any name."""
        return Instrument(
            symbol,
            self._market.price_tick,
            self._market.quantity_step,
            self._market.min_quantity,
            self._market.min_notional,
        )

    def fetch(
        self,
        symbol: str,  # noqa: ARG002  a file holds one market, under any name
        timeframe: Timeframe,
        *,
        since_ms: int | None,
        until_ms: int,
        limit: int | None,
    ) -> Candles:
        """The newest `limit` candles that open in [since_ms, until_ms); of those, the closed ones only."""
        closed_until_ms = self.clock.now_ms() - timeframe.ms + 1
        return self._in(timeframe).between(since_ms, min(until_ms, closed_until_ms), limit)

    def _in(self, timeframe: Timeframe) -> Candles:
        """The file's candles in another length; built once."""
        if timeframe.name not in self._candles:
            if timeframe.ms < self._own.ms or timeframe.ms % self._own.ms:
                raise ConfigError(
                    f"{self._file} holds {self._own} candles, of which {timeframe} candles cannot be made: "
                    f"set strategy.timeframe to {self._own} or a multiple of it"
                )
            self._candles[timeframe.name] = self._candles[self._own.name].aggregate(timeframe)
        return self._candles[timeframe.name]

    def _timeframe_of(self, candles: Candles) -> Timeframe:
        spacing = candles.spacing_ms()
        if spacing is None:
            raise DataError(f"{self._file} holds {len(candles)} candles: a replay needs at least 2")
        for name in SUPPORTED:
            if (timeframe := Timeframe.parse(name)).ms == spacing:
                return timeframe
        raise ConfigError(
            f"{self._file} holds a candle every {spacing / 1_000:g} s, which is none of {', '.join(SUPPORTED)}: "
            "replay another file"
        )

    def _check_tick(self, candles: Candles) -> None:
        """A grid that is coarse against the prices would invent prices."""
        price = float(np.median(candles.ohlcv[:, 3]))
        if float(self._market.price_tick) > price * COARSEST_TICK:
            raise ConfigError(
                f"exchange.market.price_tick {self._market.price_tick:f} is too coarse for {self._file}, whose prices "
                f"are around {price:g}: give a tick of at most {price * COARSEST_TICK:g}"
            )

    def _clock(
        self, config: ReplayConfig, candles: Candles, timeframe: Timeframe, start_ms: int | None, window: int
    ) -> Clock:
        if not len(candles):
            raise ConfigError(f"{self._file} is too short for one {timeframe} candle: use a shorter strategy.timeframe")
        own = self._candles[self._own.name].times
        first_ms, last_ms = int(own[0]), int(own[-1]) + self._own.ms
        full_window_ms = int(candles.times[min(max(window, 1), len(candles)) - 1]) + timeframe.ms
        end_ms = self._moment("end", config.end, first_ms, last_ms) or last_ms
        if start_ms is not None and not first_ms <= start_ms <= end_ms:
            stands, begin, end = (
                datetime.fromtimestamp(ms / 1_000, UTC).isoformat() for ms in (start_ms, first_ms, end_ms)
            )
            raise ConfigError(
                f"this database stands at {stands}, outside {self._file} ({begin} to {end}): choose another db_path "
                "or the file that it was begun with"
            )
        start_ms = start_ms or self._moment("start", config.start, first_ms, end_ms) or min(full_window_ms, end_ms)
        if config.speed == 0:
            return ManualClock(start_ms, end_ms=end_ms)
        return ScaledClock(start_ms, config.speed, end_ms=end_ms)

    def _moment(self, key: str, text: str | None, first_ms: int, last_ms: int) -> int | None:
        """A configured instant in ms UTC, which lies within the file."""
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise ConfigError(f'exchange.replay.{key} {text!r} is no moment: write "2021-05-19T13:00:00"') from None
        at_ms = round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000)
        if not first_ms <= at_ms <= last_ms:
            begin, end = (datetime.fromtimestamp(ms / 1_000, UTC).isoformat() for ms in (first_ms, last_ms))
            raise ConfigError(f"exchange.replay.{key} {text!r} is outside {self._file}: choose from {begin} to {end}")
        return at_ms
