from io import StringIO

from rich.console import Console

from app.backtesting import backtest
from app.cli.stages import Stages
from app.config.models import StrategyConfig
from app.data.synthetic import synthetic_candles
from app.strategies.event import EventStrategy


class Quiet(EventStrategy):
    warmup = 1

    def start(self):
        """Nothing to begin with."""

    def on_candle(self, candle, portfolio):
        return 0


def test_the_bar_names_each_stage_and_goes_on_with_the_candles_of_a_strategy_that_is_called():
    console = Console(file=StringIO(), force_terminal=True, width=80)
    shown = []
    with Stages(2, console=console, patience_s=0.0) as stages:
        stages._timer.join()
        stages.begin("loading candles")

        def heard(part, name):
            stages.part(part, name)
            shown.append((stages._bar.tasks[0].completed, stages._bar.tasks[0].description))

        stages.begin("trading")
        strategy = Quiet(StrategyConfig(name="quiet", symbol="BTC/USDT"))
        backtest(synthetic_candles(30_000, seed=1), strategy, progress=heard)
    done = [completed for completed, _ in shown]
    assert done == sorted(done)
    assert (done[0], len(set(done)), done[-1]) == (1.0, 5, 1.999)
    assert [name for _, name in shown[:4]] == ["candles of BTC/USDT"] * 4
    for words in ("loading candles", "trading", "candles of BTC/USDT"):
        assert words in console.file.getvalue()


def test_a_command_that_is_quick_shows_no_bar():
    console = Console(file=StringIO(), force_terminal=True)
    with Stages(1, console=console, patience_s=600.0) as stages:
        stages.begin("loading candles")
    assert console.file.getvalue() == ""
