import json
from decimal import Decimal
from pathlib import Path

import pytest

from app.config.environment import secrets_from_environment
from app.config.models import BotConfig, ExchangeConfig, RiskConfig, StrategyConfig
from app.domain.errors import ConfigError


@pytest.fixture
def config_file(tmp_path, settings_document):
    def write(change=lambda document: None) -> Path:
        change(settings_document)
        path = tmp_path / "config.json"
        path.write_text(json.dumps(settings_document))
        return path

    return write


def test_a_settings_file_becomes_a_config(config_file):
    config = BotConfig.load_from_file(config_file(), environment={})
    assert isinstance(config.exchange, ExchangeConfig)
    assert isinstance(config.risk, RiskConfig)
    assert isinstance(config.strategy, StrategyConfig)
    assert config.exchange.name == "binance"
    assert config.exchange.sandbox_mode is True
    assert config.risk.max_position_size_usd == Decimal(1000)
    assert config.strategy.params == {"fast_window": 2, "slow_window": 4}
    assert config.db_path == "keel.db"


def test_the_shipped_settings_are_valid():
    config = BotConfig.load_from_file(Path(__file__).parent.parent.parent / "settings" / "config.json")
    assert config.exchange.api_key.get_secret_value() == ""


def test_a_price_written_as_a_float_is_taken_as_written(config_file):
    path = config_file(lambda d: d["risk"].update(max_position_size_usd=0.1))
    assert BotConfig.load_from_file(path).risk.max_position_size_usd == Decimal("0.1")


MISTAKES = [
    pytest.param(lambda d: d.update(sleep=5), ["unknown setting 'sleep'", "db_path"], id="unknown key at the top"),
    pytest.param(lambda d: d["risk"].update(stop=1), ["'risk.stop'", "stop_loss_pct"], id="unknown key inside"),
    pytest.param(lambda d: d.pop("strategy"), ["'strategy' is missing"], id="missing part"),
    pytest.param(lambda d: d["strategy"].pop("symbol"), ["'strategy.symbol' is missing"], id="missing key"),
    pytest.param(
        lambda d: d["risk"].update(max_position_size_usd="lots"), ["max_position_size_usd is 'lots'"], id="word"
    ),
    pytest.param(
        lambda d: d["risk"].update(max_position_size_usd=0), ["max_position_size_usd is 0", "greater"], id="zero"
    ),
    pytest.param(lambda d: d["risk"].update(stop_loss_pct=-1), ["risk.stop_loss_pct is -1"], id="negative"),
    pytest.param(lambda d: d["strategy"].update(timeframe="7m"), ["strategy.timeframe", "'7m'", "1m"], id="timeframe"),
    pytest.param(
        lambda d: d["strategy"].update(symbol="BTCUSDT"), ["strategy.symbol", "'BTCUSDT'", "BTC/USDT"], id="symbol"
    ),
    pytest.param(
        lambda d: d["strategy"].update(params={"fast_window": 9, "slow_window": 9}),
        ["fast_window 9", "slow_window 9", "fast < slow"],
        id="fast not below slow",
    ),
    pytest.param(
        lambda d: d["strategy"].update(params={"fast_window": 2.5}), ["params.fast_window is 2.5"], id="half a candle"
    ),
    pytest.param(lambda d: d["exchange"].update(name=""), ["exchange.name", "empty"], id="no exchange"),
    pytest.param(lambda d: d["exchange"].update(name="replay"), ["replay", "file"], id="replay without a file"),
    pytest.param(lambda d: d["exchange"].update(sandbox_mode="perhaps"), ["sandbox_mode is 'perhaps'"], id="bool"),
]


@pytest.mark.parametrize(("change", "words"), MISTAKES)
def test_a_mistake_is_one_sentence_with_key_and_value(config_file, change, words):
    path = config_file(change)
    with pytest.raises(ConfigError) as caught:
        BotConfig.load_from_file(path)
    sentence = str(caught.value)
    assert sentence.startswith(str(path))
    assert "\n" not in sentence
    assert [word for word in words if word not in sentence] == []
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("{", ["line 1", "no valid JSON"], id="half a file"),
        pytest.param("[]", ["list", "object of settings"], id="a list"),
        pytest.param("\ufffd\x00", ["no valid JSON"], id="binary"),
    ],
)
def test_a_file_that_is_no_settings_object_is_refused(tmp_path, content, words):
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(ConfigError) as caught:
        BotConfig.load_from_file(path)
    assert [word for word in words if word not in str(caught.value)] == []


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="nowhere.json' does not exist"):
        BotConfig.load_from_file(tmp_path / "nowhere.json")


def test_secrets_of_the_environment_win_over_the_file(config_file):
    path = config_file(lambda d: d["exchange"].update(api_key="from-file"))
    config = BotConfig.load_from_file(
        path, environment={"KEEL_API_KEY": "from-environment", "KEEL_API_SECRET": "s3cret"}
    )
    assert config.exchange.api_key.get_secret_value() == "from-environment"
    assert config.exchange.api_secret.get_secret_value() == "s3cret"


def test_a_dotenv_file_gives_what_the_environment_does_not(tmp_path):
    dotenv = tmp_path / ".env"
    dotenv.write_text("# keys\nexport KEEL_API_KEY='abc'\nKEEL_API_SECRET=\"d=ef\"\n\nOTHER=1\n")
    assert secrets_from_environment({}, dotenv) == {"api_key": "abc", "api_secret": "d=ef"}
    assert secrets_from_environment({"KEEL_API_KEY": "x"}, dotenv)["api_key"] == "x"
    assert secrets_from_environment({"KEEL_API_KEY": ""}, tmp_path / "none") == {}


def test_a_dotenv_line_without_an_equals_sign_is_named(tmp_path):
    dotenv = tmp_path / ".env"
    dotenv.write_text("KEEL_API_KEY=a\nnonsense\n")
    with pytest.raises(ConfigError, match="line 2"):
        secrets_from_environment({}, dotenv)


def test_secrets_are_in_no_text_of_the_config(settings_document):
    settings_document["exchange"].update(api_key="K-very-secret", api_secret="S-very-secret")
    config = BotConfig.model_validate(settings_document)
    for text in (repr(config), str(config), config.model_dump_json(), repr(config.exchange)):
        assert "very-secret" not in text


def test_a_wrong_secret_is_not_shown_in_the_error(config_file):
    path = config_file(lambda d: d["exchange"].update(api_secret=["very-secret"]))
    with pytest.raises(ConfigError) as caught:
        BotConfig.load_from_file(path)
    assert "api_secret" in str(caught.value)
    assert "very-secret" not in str(caught.value)
    assert "very-secret" not in repr(caught.value.__cause__)
