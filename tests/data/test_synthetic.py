"""The synthetic market is believable and always the same."""

import numpy as np
import pandas as pd
import pytest

from app.core.window import possible
from app.data.files import read_candles
from app.data.synthetic import synthetic_candles
from tools.make_demo_market import TARGET, demo_market


def test_the_same_seed_makes_the_same_market_and_another_seed_another():
    pd.testing.assert_frame_equal(synthetic_candles(500, seed=1), synthetic_candles(500, seed=1))
    assert not synthetic_candles(500, seed=1).equals(synthetic_candles(500, seed=2))


@pytest.mark.parametrize("seed", range(5))
def test_every_candle_is_possible_and_opens_where_the_last_one_closed(seed):
    frame = synthetic_candles(2_000, seed=seed)
    assert possible(frame.to_numpy()).all()
    assert (frame["open"].to_numpy()[1:] == frame["close"].to_numpy()[:-1]).all()
    assert (frame.round(2)[["open", "high", "low", "close"]] == frame[["open", "high", "low", "close"]]).all(axis=None)


def test_volatility_clusters_and_tails_are_fat_as_in_real_markets():
    returns = np.diff(np.log(synthetic_candles(20_000, seed=3)["close"].to_numpy()))
    size = np.abs(returns - returns.mean())
    assert np.corrcoef(size[:-1], size[1:])[0, 1] > 0.1
    assert (returns**4).mean() / (returns**2).mean() ** 2 > 5


def test_the_demo_market_is_what_its_generator_makes():
    assert TARGET.read_bytes() == demo_market()
    assert len(demo_market()) < 250_000
    _, quality = read_candles(TARGET)
    assert (quality.candles, quality.missing, quality.impossible) == (2_880, 0, 0)


def test_the_demo_trades_several_times_in_each_of_the_first_minutes_of_a_run():
    close = read_candles(TARGET)[0].frame()["close"]
    above = close.rolling(5).mean() > close.rolling(20).mean()
    crosses = above.astype(int).diff().abs().to_numpy()
    # 60 candles are a minute at the default speed of 60; the first window takes 40.
    assert all(crosses[40 + 60 * i : 100 + 60 * i].sum() >= 3 for i in range(8))
