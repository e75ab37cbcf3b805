"""A strategy is found by its name or in the user's file; what is wrong is told in one sentence."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.config.models import StrategyConfig
from app.domain.errors import ConfigError, StrategyError
from app.strategies.loader import SHIPPED, load_strategy

GOOD = """
from app.strategies.base import BaseStrategy

class Mine(BaseStrategy):
    def calculate_indicators(self, df):
        return df
    def generate_signals(self, df):
        return df.assign(signal=0)
"""
BROKEN = """
class Broken(Mine):
    def __init__(self, strategy_config):
        1 / 0
"""


@pytest.mark.parametrize("name", [*SHIPPED, *SHIPPED.values()])
def test_a_shipped_strategy_is_found_by_either_name(name: str, config_of: Callable[..., StrategyConfig]):
    assert type(load_strategy(config_of(name))).__name__ in {name, SHIPPED.get(name)}


def test_a_users_class_is_found_and_an_edited_file_is_seen(tmp_path: Path, config_of: Callable[..., StrategyConfig]):
    file = tmp_path / "mine.py"
    for warmup in (7, 1234):
        file.write_text(f"{GOOD}    warmup = {warmup}\n")
        assert load_strategy(config_of(f"{file}:Mine")).warmup == warmup


@pytest.mark.parametrize(
    ("source", "class_name", "error", "sentence"),
    [
        pytest.param(GOOD, "Yours", ConfigError, "has no class 'Yours': its strategies are Mine", id="no such class"),
        pytest.param("x = 1", "x", ConfigError, "x in .* is no strategy: derive it from", id="not a class"),
        pytest.param("class A: pass", "A", ConfigError, "A in .* is no strategy", id="not derived"),
        pytest.param(
            GOOD.replace("generate_signals", "signals"), "Mine", ConfigError, "lacks generate_signals", id="abstract"
        ),
        pytest.param("x = 1\ndef f(:", "A", StrategyError, "SyntaxError in .*mine.py line 2", id="syntax error"),
        pytest.param("x = 1\n\n1 / 0", "A", StrategyError, "ZeroDivisionError in .*mine.py line 3", id="fails"),
        pytest.param(
            "import nowhere_at_all", "A", StrategyError, "ModuleNotFoundError in .*mine.py line 1", id="import"
        ),
        pytest.param(
            GOOD + BROKEN,
            "Broken",
            StrategyError,
            "Broken cannot be made: ZeroDivisionError in .*mine.py line 12: division by zero",
            id="constructor fails",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_told(
    source: str,
    class_name: str,
    error: type[Exception],
    sentence: str,
    tmp_path: Path,
    config_of: Callable[..., StrategyConfig],
):
    file = tmp_path / "mine.py"
    file.write_text(source)
    with pytest.raises(error, match=sentence):
        load_strategy(config_of(f"{file}:{class_name}"))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        pytest.param("sma_crossed", "'sma_crossed' is not known: use one of sma_cross", id="unknown"),
        pytest.param("nowhere.py:Mine", "strategy file nowhere.py does not exist", id="no file"),
        pytest.param("nowhere.py", "'nowhere.py' lacks the class: write", id="no class"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused(name: str, sentence: str, config_of: Callable[..., StrategyConfig]):
    with pytest.raises(ConfigError, match=sentence):
        load_strategy(config_of(name))
