"""Strategies that use the future, as people write them by mistake; and honest ones that are easily taken for cheats."""

import numpy as np
import pandas as pd

from app.config.models import StrategyConfig
from app.indicators.averages import ema, sma
from app.indicators.crossings import crossings
from app.strategies.base import BaseStrategy


def settings(**params):
    return StrategyConfig(name="under test", symbol="BTC/USDT", timeframe="1m", params=params)


def crossed(fast, slow):
    """1 where `fast` comes to stand above `slow`, -1 where it comes to stand below."""
    above = fast > slow
    return above.astype("int8").diff().fillna(0).astype("int8")


class NegativeShift(BaseStrategy):
    def calculate_indicators(self, df):
        return df.assign(next_close=df["close"].shift(-1))

    def generate_signals(self, df):
        return df.assign(signal=np.sign(df["next_close"] - df["close"]).fillna(0).astype("int8"))


class FarNegativeShift(BaseStrategy):
    """Nothing in a column: the future is in the signal alone."""

    def calculate_indicators(self, df):
        return df

    def generate_signals(self, df):
        return df.assign(signal=(df["close"].shift(-240) > df["close"] * 1.01).astype("int8"))


class WholeSeriesNormalisation(BaseStrategy):
    def calculate_indicators(self, df):
        return df.assign(z=(df["close"] - df["close"].mean()) / df["close"].std())

    def generate_signals(self, df):
        return df.assign(signal=(df["z"] < -1).astype("int8") - (df["z"] > 1).astype("int8"))


class HiddenNormalisation(WholeSeriesNormalisation):
    """The same without a column that would tell."""

    def generate_signals(self, df):
        return super().generate_signals(df).drop(columns="z")


class CentredWindow(BaseStrategy):
    def calculate_indicators(self, df):
        return df.assign(middle=df["close"].rolling(21, center=True).mean())

    def generate_signals(self, df):
        return df.assign(signal=crossed(df["close"], df["middle"]))


class LastValueBroadcast(BaseStrategy):
    def calculate_indicators(self, df):
        return df.assign(target=df["close"].iloc[-1])

    def generate_signals(self, df):
        return df.assign(signal=(df["close"] < df["target"]).astype("int8"))


class ResampleWithoutShift(BaseStrategy):
    def calculate_indicators(self, df):
        hourly = df["close"].resample("1h").last()
        return df.assign(hour_close=hourly.reindex(df.index, method="ffill"))

    def generate_signals(self, df):
        return df.assign(signal=np.sign(df["hour_close"] - df["close"]).fillna(0).astype("int8"))


class FutureFill(BaseStrategy):
    """Turning points are known later; filled backwards they are known at once."""

    def calculate_indicators(self, df):
        turning = df["close"].where(df["close"] == df["close"].rolling(15).max())
        return df.assign(next_top=turning.bfill())

    def generate_signals(self, df):
        return df.assign(signal=(df["next_top"] > df["close"] * 1.002).astype("int8"))


class FittedOnEverything(BaseStrategy):
    def calculate_indicators(self, df):
        close = df["close"].to_numpy()
        changes = np.diff(np.log(close), prepend=np.log(close[0]))
        past = np.column_stack([np.roll(changes, lag) for lag in range(5)] + [close / close.mean()])
        weights = np.linalg.lstsq(past[10:-1], changes[11:], rcond=None)[0]
        return df.assign(forecast=past @ weights)

    def generate_signals(self, df):
        return df.assign(signal=np.sign(df["forecast"]).astype("int8"))


class FittedOnceAndKept(BaseStrategy):
    """Learns from the first frame that it sees, which in a backtest is all of history, and keeps it."""

    level = None

    def calculate_indicators(self, df):
        if self.level is None:
            self.level = float(df["close"].quantile(0.3))
        return df

    def generate_signals(self, df):
        return df.assign(signal=(df["close"] < self.level).astype("int8"))


class RareLook(BaseStrategy):
    """Honest except at its entries, which are taken back when the next candle falls."""

    def calculate_indicators(self, df):
        return df.assign(fast=sma(df["close"], 5), slow=sma(df["close"], 20))

    def generate_signals(self, df):
        signal = pd.Series(crossings(df["fast"], df["slow"]), index=df.index)
        return df.assign(signal=signal.where(~((signal == 1) & (df["close"].shift(-1) < df["close"])), 0))


class Hidden(BaseStrategy):
    """Signals alone, no column that would tell."""

    def calculate_indicators(self, df):
        return df

    def generate_signals(self, df):
        return df.assign(signal=np.asarray(self.decide(df)).astype("int8"))


class ShiftByVolume(Hidden):
    """Looks as many candles ahead as the volume says, and at most candles not at all."""

    def decide(self, df):
        ahead = np.where(df["volume"] % 50 < 1, 3, 0)
        close, row = df["close"].to_numpy(), np.arange(len(df))
        return np.sign(close[np.minimum(row + ahead, len(df) - 1)] - close)


class HighestOfTheRest(Hidden):
    def decide(self, df):
        return df["close"].iloc[::-1].cummax().iloc[::-1] > df["close"] * 1.03


class MeanOfTheDay(Hidden):
    def decide(self, df):
        return np.sign(df["close"].groupby(df.index.floor("1D")).transform("mean") - df["close"])


class Smoothed(Hidden):
    """Without its high frequencies, which takes the whole series."""

    def decide(self, df):
        waves = np.fft.rfft(df["close"].to_numpy())
        waves[len(waves) // 50 :] = 0
        return np.sign(np.gradient(np.fft.irfft(waves, len(df))))


class Interpolated(Hidden):
    def decide(self, df):
        row = np.arange(len(df))
        known = df.index.minute % 10 == 0
        return np.sign(np.diff(np.interp(row, row[known], df["close"].to_numpy()[known]), prepend=0.0))


class Ranked(Hidden):
    def decide(self, df):
        rank = df["close"].rank(pct=True)
        return (rank < 0.1).astype("int8") - (rank > 0.9).astype("int8")


class Backwards(Hidden):
    def decide(self, df):
        return crossed(df["close"], df["close"].iloc[::-1].rolling(10).mean().iloc[::-1])


class BestWindowOfAll(Hidden):
    def decide(self, df):
        close, gains = df["close"], df["close"].pct_change().shift(-1)
        means = {window: close.rolling(window).mean() for window in (5, 9, 13, 21)}
        best = max(means.values(), key=lambda mean: float((np.sign(close - mean) * gains).sum()))
        return crossed(close, best)


class NextOpen(Hidden):
    """Enters only where the price at which it will be filled is better than the close."""

    def decide(self, df):
        signal = crossed(df["close"].rolling(5).mean(), df["close"].rolling(20).mean())
        return signal.where(~((signal == 1) & (df["open"].shift(-1) > df["close"])), 0)


class LeavesAtTheEnd(Hidden):
    """Honest, but for its last row: live, every row is the last one."""

    def decide(self, df):
        signal = crossed(df["close"].rolling(5).mean(), df["close"].rolling(20).mean())
        signal.iloc[-1] = -1
        return signal


class IgnoresTheLastRow(Hidden):
    """Takes the last row for a candle that is not closed yet: live it never has a signal."""

    def decide(self, df):
        signal = crossed(df["close"].rolling(5).mean(), df["close"].rolling(20).mean())
        signal.iloc[-1] = 0
        return signal


CHEATS = [
    NegativeShift, FarNegativeShift, WholeSeriesNormalisation, HiddenNormalisation, CentredWindow, LastValueBroadcast,
    ResampleWithoutShift, FutureFill, FittedOnEverything, FittedOnceAndKept, RareLook, ShiftByVolume, HighestOfTheRest,
    MeanOfTheDay, Smoothed, Interpolated, Ranked, Backwards, BestWindowOfAll, NextOpen, LeavesAtTheEnd,
    IgnoresTheLastRow,
]  # fmt: skip


class FromAFile(Hidden):
    """Looks up what was written down of each minute, among it how it went on."""

    written = None  # the tests put a table here

    def decide(self, df):
        return self.written.reindex(df.index).fillna(0)


class Dates(Hidden):
    """Knows four moments."""

    def decide(self, df):
        buys, sells = (
            pd.to_datetime([f"2025-01-0{day} {day}:0{day}" for day in days], utc=True) for days in ((3, 7), (5, 9))
        )
        return df.index.isin(buys).astype("int8") - df.index.isin(sells).astype("int8")


class Chance(Hidden):
    def decide(self, df):
        return np.random.default_rng().integers(-1, 2, len(df))


class ShortWarmUp(BaseStrategy):
    """An exponential average over far more than the bot's window."""

    def calculate_indicators(self, df):
        return df.assign(slow=ema(df["close"], 200))

    def generate_signals(self, df):
        return df.assign(signal=crossings(df["close"], df["slow"]))


class LongWarmUp(ShortWarmUp):
    @property
    def warmup(self):
        return 4_000


class SinceTheBeginning(BaseStrategy):
    """An honest mean of everything so far: no window is long enough."""

    def calculate_indicators(self, df):
        return df.assign(mean=df["close"].expanding().mean())

    def generate_signals(self, df):
        return df.assign(signal=crossings(df["close"], df["mean"]))


class NotANumberInTheWindow(BaseStrategy):
    """Its signals are NaN until 300 candles are there, which it does not declare."""

    @property
    def warmup(self):
        return self.params.get("warmup", 299)

    def calculate_indicators(self, df):
        return df.assign(mean=df["close"].rolling(300).mean())

    def generate_signals(self, df):
        return df.assign(signal=np.sign(df["close"] - df["mean"]))


class PandasCross(BaseStrategy):
    """Plain pandas, as most people write it."""

    def calculate_indicators(self, df):
        return df.assign(fast=df["close"].rolling(10).mean(), slow=df["close"].rolling(50).mean())

    def generate_signals(self, df):
        return df.assign(signal=crossings(df["fast"], df["slow"]))


class RunningSums(BaseStrategy):
    """Averages as differences of a running sum, whose last bits hang on everything before."""

    warmup = 51

    def calculate_indicators(self, df):
        total = df["close"].cumsum()
        return df.assign(fast=(total - total.shift(10)) / 10, slow=(total - total.shift(50)) / 50)

    def generate_signals(self, df):
        return df.assign(signal=crossings(df["fast"], df["slow"]))


class HourlyTrend(BaseStrategy):
    """Resampled as it should be: an hour counts when it is over."""

    @property
    def warmup(self):
        return 200

    def calculate_indicators(self, df):
        hourly = df["close"].resample("1h").last().shift(1)
        return df.assign(hour=hourly.reindex(df.index, method="ffill"))

    def generate_signals(self, df):
        return df.assign(
            signal=np.where(df["hour"].isna(), 0, np.sign(df["close"] - df["hour"].fillna(0))).astype("int8")
        )


class Volume(BaseStrategy):
    """An indicator whose level depends on where the history begins, and signals that do not."""

    def calculate_indicators(self, df):
        return df.assign(total=df["volume"].cumsum())

    def generate_signals(self, df):
        return df.assign(signal=(df["total"].diff(5) > 60).astype("int8"))


class InsistsOnEveryMinute(PandasCross):
    """Refuses candles with a hole among them."""

    def calculate_indicators(self, df):
        if (df.index[1:] - df.index[:-1]).max() > pd.Timedelta("1min"):
            raise ValueError("a minute is missing")
        return super().calculate_indicators(df)


class MonthOfYear(PandasCross):
    """Buys on the first of the month only: calendars must stay what they are."""

    def generate_signals(self, df):
        frame = super().generate_signals(df)
        return frame.assign(signal=frame["signal"].where(df.index.day < 15, 0))


class Bands(Hidden):
    """pandas' standard deviation, which differs in its last bits from window to window."""

    warmup = 100

    def decide(self, df):
        mean, spread = df["close"].rolling(20).mean(), df["close"].rolling(20).std()
        return np.where(df["close"] < mean - 2 * spread, 1, np.where(df["close"] > mean + 2 * spread, -1, 0))


class SessionVwap(Hidden):
    """The day's average price, which needs the day."""

    warmup = 1_500

    def decide(self, df):
        day = df.index.floor("1D")
        worth = (df["close"] * df["volume"]).groupby(day).cumsum() / df["volume"].groupby(day).cumsum()
        return crossings(df["close"], worth)


class NewYorkHours(Hidden):
    def decide(self, df):
        hour = df.index.tz_convert("America/New_York").hour
        return np.where(hour == 9, 1, np.where(hour == 16, -1, 0))


HONEST = [
    LongWarmUp, PandasCross, HourlyTrend, Volume, InsistsOnEveryMinute, MonthOfYear, Bands, SessionVwap, NewYorkHours,
]  # fmt: skip
