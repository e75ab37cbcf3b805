"""Risk settings: defaults change nothing, contradictions are one sentence, presets lie beneath what is written."""

import json
from decimal import Decimal

import pytest

from app.config.base import fraction
from app.config.models import BotConfig
from app.config.presets import PRESETS
from app.config.risk import RiskConfig
from app.domain.errors import ConfigError
from app.risk.exits import ExitRules
from app.risk.limits import Limits
from app.risk.settings import atr_candles, candles_before_entry, exit_rules, limits_of, sizing_rules
from app.risk.sizing import RISK_PER_TRADE, SizingRules


def test_without_settings_there_are_no_exits_no_limits_and_the_owners_amount():
    risk = RiskConfig()
    assert exit_rules(risk) == ExitRules()
    assert limits_of(risk) == Limits()
    assert sizing_rules(risk)[:4] == SizingRules(amount=100.0, most=100.0)[:4]
    assert candles_before_entry(risk) == 0


@pytest.mark.parametrize(
    ("written", "meant"), [(None, 0.0), (0.02, 0.02), (2, 0.02), (1, 0.01), (0.999, 0.999), (50, 0.5)]
)
def test_a_percentage_is_a_fraction_below_one_and_percent_from_one_on(written, meant):
    assert fraction(written) == meant


def test_settings_become_rules():
    risk = RiskConfig.model_validate(
        {
            "max_position_size_usd": 900,
            "max_entries": 3,
            "take_profit_pct": 10,
            "exits": {
                "stop_loss_atr": 2,
                "trailing_stop_pct": 3,
                "trailing_from_pct": 0,
                "max_hold_candles": 50,
                "take_profit_stages": [{"profit_pct": 2, "close_share": 0.5}, {"profit_pct": 4, "close_share": 0.25}],
            },
            "limits": {"max_daily_loss_pct": 5, "cooldown_candles": 2},
        }
    )
    assert exit_rules(risk) == ExitRules(
        target=0.1, trail=0.03, stop_atr=2.0, max_hold=50, stage_at=(0.02, 0.04, 0.0), stage_part=(0.5, 0.25, 0.0)
    )
    assert limits_of(risk) == Limits(max_entries=3, daily_loss=0.05, cooldown=2)
    assert sizing_rules(risk).amount == 300.0
    assert (atr_candles(risk), candles_before_entry(risk)) == (14, 15)


TRAIL = {"trailing_stop_pct": 0.02}
CONTRADICTIONS = [
    pytest.param({"stop_loss_pct": 2, "exits": {"stop_loss_atr": 2}}, ["stop_loss_pct and exits.stop_loss_atr", "keep one"], id="two stops"),
    pytest.param({"take_profit_pct": 2, "exits": {"take_profit_atr": 2}}, ["take_profit_pct and exits.take_profit_atr"], id="two targets"),
    pytest.param({"exits": {**TRAIL, "trailing_stop_atr": 2}}, ["two distances"], id="two trailing stops"),
    pytest.param({"exits": TRAIL}, ["trailing_from_pct", "0 lets it follow at once"], id="a trailing stop without activation"),
    pytest.param({"exits": {"trailing_from_pct": 0.02}}, ["no trailing stop"], id="an activation without trailing stop"),
    pytest.param({"exits": {"trailing_stop_pct": 0.5}}, ["50%", "0.5 %", "write 50 or 0.005"], id="an ambiguous percentage"),
    pytest.param({"exits": {"take_profit_stages": [{"profit_pct": 4, "close_share": 0.5}, {"profit_pct": 2, "close_share": 0.5}]}}, ["4.00%, 2.00%", "ascending"], id="stages out of order"),
    pytest.param({"exits": {"take_profit_stages": [{"profit_pct": 2, "close_share": 0.7}, {"profit_pct": 4, "close_share": 0.5}]}}, ["1.2", "at most 1"], id="stages that close too much"),
    pytest.param({"exits": {"take_profit_stages": [{"profit_pct": 2 + i, "close_share": 0.1} for i in range(4)]}}, ["at most 3"], id="four stages"),
    pytest.param({"take_profit_pct": 2, "exits": {"break_even_pct": 0.03}}, ["exits.break_even_pct is 3.00%", "2.00%"], id="break-even beyond the target"),
    pytest.param({"take_profit_pct": 2, "exits": {**TRAIL, "trailing_from_pct": 2}}, ["exits.trailing_from_pct"], id="activation beyond the target"),
    pytest.param({"take_profit_pct": 2, "exits": {"take_profit_stages": [{"profit_pct": 3, "close_share": 0.5}]}}, ["take_profit_stages"], id="a stage beyond the target"),
    pytest.param({"sizing": {"method": "risk", "risk_pct": 1}}, ["distance to the stop", "add stop_loss_pct"], id="risk without a stop"),
    pytest.param({"sizing": {"method": "equity"}}, ['"equity" needs equity_share'], id="a method without its number"),
    pytest.param({"sizing": {"method": "martingale"}}, ["'martingale'"], id="no such method"),
    pytest.param({"sizing": {"amount_usd": 200}}, ["amount_usd 200", "max_position_size_usd 100"], id="an entry beyond the position"),
    pytest.param({"limits": {"max_symbol_share": 0.6, "max_total_share": 0.5}}, ["0.6", "0.5", "one symbol"], id="one symbol beyond all"),
    pytest.param({"preset": "reckless"}, ["'reckless'", "cautious"], id="no such preset"),
    pytest.param({"max_position_size_usd": 10000, "stop_loss_pct": 30, "limits": {"max_drawdown_pct": 10}}, ["30.00%", "100%", "max_drawdown_pct 10.00%", "nearer stop"], id="a stop wider than what may be lost"),
]  # fmt: skip


@pytest.mark.parametrize(("risk", "words"), CONTRADICTIONS)
def test_a_contradiction_is_one_clear_sentence(tmp_path, settings_document, risk, words):
    settings_document["risk"] = risk
    path = tmp_path / "config.json"
    path.write_text(json.dumps(settings_document))
    with pytest.raises(ConfigError) as caught:
        BotConfig.load_from_file(path, environment={})
    sentence = str(caught.value)
    assert [word for word in words if word not in sentence] == []
    assert "\n" not in sentence
    assert "risk" in sentence


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_valid_and_what_is_written_wins(settings_document, name):
    settings_document["risk"] = {"preset": name, "max_position_size_usd": 500, "limits": {"cooldown_candles": 77}}
    risk = BotConfig.model_validate(settings_document).risk
    assert limits_of(risk) == limits_of(RiskConfig.model_validate(PRESETS[name]))._replace(cooldown=77)
    assert sizing_rules(risk).method == RISK_PER_TRADE
    assert risk.max_position_size_usd == Decimal(500)


def test_another_distance_for_the_same_exit_replaces_the_presets():
    risk = RiskConfig.model_validate({"preset": "balanced", "exits": {"stop_loss_atr": 2, "trailing_stop_atr": 3}})
    rules = exit_rules(risk)
    assert (rules.stop, rules.stop_atr, rules.trail, rules.trail_atr, rules.trail_from) == (0.0, 2.0, 0.0, 3.0, 0.04)


def test_a_setting_can_be_changed_beside_its_preset():
    risk = RiskConfig.model_validate({"preset": "cautious"})
    risk.max_position_size_usd = Decimal(7)
    assert (risk.stop_loss_pct, risk.max_position_size_usd) == (0.02, 7)
