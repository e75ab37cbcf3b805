"""A strategy of one's own: buy where the close crosses above its average, sell where it crosses below."""
# A user's file needs no annotations.
# ruff: noqa: ANN001, ANN201, D101, D102, INP001, RUF012

from app.indicators.averages import sma
from app.indicators.crossings import crossings
from app.strategies.base import BaseStrategy


class MyStrategy(BaseStrategy):
    defaults = {"window": 20}

    @property
    def warmup(self):
        return self.params["window"] + 1

    def calculate_indicators(self, df):
        return df.assign(average=sma(df["close"], self.params["window"]))

    def generate_signals(self, df):
        return df.assign(signal=crossings(df["close"], df["average"]))
