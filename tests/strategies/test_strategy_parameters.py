"""Parameters are declared once, with their defaults, and what was not declared is refused."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from app.config.models import StrategyConfig
from app.domain.errors import ConfigError
from app.strategies.base import BaseStrategy


class Undeclared(BaseStrategy):
    def calculate_indicators(self, df: pd.DataFrame) -> pd.DataFrame:
        return df

    def generate_signals(self, df: pd.DataFrame) -> pd.DataFrame:
        return df.assign(signal=0)


class Declared(Undeclared):
    defaults = {"window": 10, "level": 1.5, "mode": "fast", "exits": True, "anything": None}  # noqa: RUF012


class Derived(Declared):
    defaults = {"window": 20, "slow_window": 30}  # noqa: RUF012


def test_a_parameter_that_the_settings_leave_out_has_its_default(config_of: Callable[..., StrategyConfig]):
    assert dict(Declared(config_of(level=2.5)).params) == Declared.defaults | {"level": 2.5}


def test_declarations_of_parents_count_and_the_child_wins(config_of: Callable[..., StrategyConfig]):
    params = Derived(config_of(mode="slow")).params
    assert (params["window"], params["level"], params["mode"]) == (20, 1.5, "slow")


def test_parameters_cannot_be_changed(config_of: Callable[..., StrategyConfig]):
    with pytest.raises(TypeError):
        Declared(config_of()).params["window"] = 3  # type: ignore[index]


def test_an_unknown_parameter_is_refused_with_the_known_ones(config_of: Callable[..., StrategyConfig]):
    sentence = "params.windw is no parameter of Declared: known are anything, exits, level, mode, window"
    with pytest.raises(ConfigError, match=sentence):
        Declared(config_of(windw=3))


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        pytest.param({"window": "10"}, "params.window of Declared is '10': give a whole number, such as 10", id="text"),
        pytest.param({"window": 2.0}, "is 2.0: give a whole number", id="fraction for a count"),
        pytest.param({"window": True}, "is True: give a whole number", id="truth for a count"),
        pytest.param({"level": "high"}, "is 'high': give a finite number, such as 1.5", id="text for a number"),
        pytest.param({"level": float("nan")}, "is nan: give a finite number", id="not a number"),
        pytest.param({"level": False}, "is False: give a finite number", id="truth for a number"),
        pytest.param({"mode": 1}, "is 1: give a text, such as 'fast'", id="number for a text"),
        pytest.param({"exits": 1}, "is 1: give a truth value, such as True", id="number for truth"),
    ],
)
def test_a_value_of_another_kind_is_refused(
    params: dict[str, Any], sentence: str, config_of: Callable[..., StrategyConfig]
):
    with pytest.raises(ConfigError, match=sentence):
        Declared(config_of(**params))


@pytest.mark.parametrize(
    "params",
    [
        pytest.param({"level": 3}, id="a whole number where a fraction is asked for"),
        pytest.param({"anything": [1, 2]}, id="anything where the default is None"),
    ],
)
def test_a_value_that_fits_is_taken_as_it_is(params: dict[str, Any], config_of: Callable[..., StrategyConfig]):
    strategy = Declared(config_of(**params))
    assert {key: strategy.params[key] for key in params} == params


def test_a_class_that_declares_nothing_takes_what_it_is_given(config_of: Callable[..., StrategyConfig]):
    assert dict(Undeclared(config_of(colour="red")).params) == {"colour": "red"}


@pytest.mark.parametrize(
    ("kind", "params", "warmup"),
    [
        pytest.param(Undeclared, {}, 1, id="no slow window"),
        pytest.param(Undeclared, {"slow_window": 7}, 7, id="a slow window in the settings"),
        pytest.param(Derived, {}, 30, id="a slow window by default"),
    ],
)
def test_the_warm_up_is_the_slow_window_where_there_is_one(
    kind: type[BaseStrategy], params: dict[str, Any], warmup: int, config_of: Callable[..., StrategyConfig]
):
    assert kind(config_of(**params)).warmup == warmup
