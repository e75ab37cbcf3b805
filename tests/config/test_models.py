import json
from decimal import Decimal
from pathlib import Path

import pytest

from app.config.environment import secrets_from_environment
from app.config.masking import MASK, mask
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


def set_at(key, value):
    """A change of a document: `set_at("risk.stop_loss_pct", 2)`."""

    def change(document):
        *parts, name = key.split(".")
        for part in parts:
            document = document.setdefault(part, {})
        document[name] = value

    return change


OUT_OF_BOUNDS = [
    pytest.param("risk.max_position_size_usd", 1e30, "less than or equal to 1000000000000000", id="huge position"),
    pytest.param("risk.max_position_size_usd", "1e999", "less than or equal", id="position beyond floats"),
    pytest.param("risk.max_position_size_usd", "1e-19", "18 decimal places", id="19 decimals"),
    pytest.param("risk.max_position_size_usd", "Infinity", "finite", id="infinite position"),
    pytest.param("risk.take_profit_pct", "inf", "finite", id="infinite profit"),
    pytest.param("exchange.market.price_tick", "1e-60", "18 decimal places", id="absurd tick"),
    pytest.param("exchange.market.price_tick", "1e-13", "greater than or equal", id="tiny tick"),
    pytest.param("exchange.market.quantity_step", 0, "greater than or equal", id="no step"),
    pytest.param("exchange.market.min_notional", 1e16, "less than or equal", id="huge minimum"),
    pytest.param("paper.fee_rate", "0.0010000000000000000001", "18 decimal places", id="long fee"),
    pytest.param("paper.cash", "1e16", "less than or equal", id="too rich"),
    pytest.param("exchange.simulated.speed", 1e-9, "greater than or equal to 0.001", id="still exchange"),
    pytest.param("exchange.simulated.speed", 1e300, "less than or equal to 1000000", id="racing exchange"),
    pytest.param("exchange.simulated.speed", "Infinity", "finite", id="infinite exchange"),
    pytest.param("exchange.replay", {"file": "f", "speed": 1e-9}, "write 0, or 0.001 to 1000000", id="still replay"),
    pytest.param("exchange.replay", {"file": "f", "speed": 1e300}, "less than or equal", id="racing replay"),
    pytest.param("exchange.replay", {"file": "f", "speed": "inf"}, "finite", id="infinite replay"),
    pytest.param("strategy.symbol", "A/B/C", "base/quote", id="three assets"),
    pytest.param("strategy.symbol", "BTC / USDT", "base/quote", id="spaces"),
    pytest.param("strategy.symbol", "BTC/USDT\n", "base/quote", id="line break"),
    pytest.param("strategy.symbol", "BTC/USDT:", "base/quote", id="no settle"),
]


@pytest.mark.parametrize(("key", "value", "words"), OUT_OF_BOUNDS)
def test_a_value_out_of_bounds_is_refused_in_one_sentence(config_file, key, value, words):
    path = config_file(set_at(key, value))
    with pytest.raises(ConfigError, match=words) as caught:
        BotConfig.load_from_file(path)
    assert key in str(caught.value)


AT_THE_BOUNDS = [
    pytest.param("risk.max_position_size_usd", 10**15, id="largest position"),
    pytest.param("risk.stop_loss_pct", 0.999, id="nearly everything"),
    pytest.param("exchange.market.price_tick", "1e-12", id="smallest tick"),
    pytest.param("paper.fee_rate", "0.000000000000000001", id="18 decimals"),
    pytest.param("exchange.replay", {"file": "f", "speed": 0}, id="replay at once"),
    pytest.param("exchange.replay", {"file": "f", "speed": 0.001}, id="slowest replay"),
    pytest.param("strategy.symbol", "BTC/USDT:USDT", id="a derivative"),
    pytest.param("strategy.symbol", "1000SATS/USDT", id="digits"),
]


@pytest.mark.parametrize(("key", "value"), AT_THE_BOUNDS)
def test_a_value_at_its_bound_is_taken(config_file, key, value):
    assert BotConfig.load_from_file(config_file(set_at(key, value)))


EXCHANGE = '"exchange": {"name": "binance"}'
UNREADABLE = [
    pytest.param("[" * 200_000, "nested too deeply", id="200,000 brackets"),
    pytest.param('{"db_path": ' + "1" * 5001 + "}", "4300", id="5,001 digits"),
    pytest.param('{"strategy": {"symbol": "\\ud800/USDT"}}', "strategy.symbol", id="half a surrogate pair"),
    pytest.param('{"strategy": {"params": {"x": ["\\ud800"]}}}', "strategy.params.x", id="deep surrogate"),
    pytest.param('{"db_path": "a\\u0000b"}', "db_path", id="NUL in a path"),
    pytest.param(f"{{{EXCHANGE}, {EXCHANGE}}}", "'exchange' stands twice", id="a key twice"),
    pytest.param('{"strategy": {"params": {"a": 1, "a": 2}}}', "'a' stands twice", id="a parameter twice"),
    pytest.param('{"strategy": {"params": {"a": NaN}}}', "NaN is no number", id="NaN"),
    pytest.param('{"strategy": {"params": {"a": -Infinity}}}', "-Infinity is no number", id="infinity"),
    pytest.param('{"strategy": {"params": {"a": 1e999}}}', "1e999 is too large", id="beyond floats"),
]


@pytest.mark.parametrize(("content", "words"), UNREADABLE)
def test_a_file_that_no_program_should_have_written_is_one_sentence(tmp_path, content, words):
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=words) as caught:
        BotConfig.load_from_file(path)
    str(caught.value).encode()
    assert len(str(caught.value)) < 300 + len(str(path))


def test_a_dotenv_file_that_is_not_utf8_is_named(tmp_path):
    dotenv = tmp_path / ".env"
    dotenv.write_bytes(b"KEEL_API_KEY=\xff\n")
    with pytest.raises(ConfigError, match=r"\.env cannot be read \(it is not UTF-8\)"):
        secrets_from_environment({}, dotenv)


@pytest.mark.parametrize(
    ("exchange", "shown"),
    [
        pytest.param([{"api_key": "SECRETKEY"}], "exchange is list", id="a list"),
        pytest.param("SECRETKEY", "exchange is str", id="a text"),
        pytest.param({"name": {"api_key": "SECRETKEY"}}, "exchange.name is a dict", id="an object for a text"),
        pytest.param({"name": "binance", "api_key": 12345678}, "api_key is a hidden value", id="a number for a key"),
    ],
)
def test_a_misplaced_secret_is_not_shown(config_file, exchange, shown):
    path = config_file(set_at("exchange", exchange))
    with pytest.raises(ConfigError) as caught:
        BotConfig.load_from_file(path)
    assert shown in str(caught.value)
    assert "SECRETKEY" not in str(caught.value)
    assert "12345678" not in str(caught.value)


def test_a_long_value_is_cut_in_the_sentence(config_file):
    path = config_file(set_at("exchange.sandbox_mode", "x" * 100_000))
    with pytest.raises(ConfigError) as caught:
        BotConfig.load_from_file(path)
    assert len(str(caught.value)) < 300 + len(str(path))


def test_the_secrets_of_a_settings_file_are_masked_from_then_on(config_file):
    path = config_file(lambda d: d["exchange"].update(api_key="K-of-the-file-in-masking-test"))
    BotConfig.load_from_file(path, environment={"KEEL_API_SECRET": "S-of-the-environment-in-masking-test"})
    assert mask("K-of-the-file-in-masking-test, S-of-the-environment-in-masking-test") == f"{MASK}, {MASK}"


@pytest.mark.parametrize("loss", [0.02, 2.0, 0.5, 99])
def test_a_stop_loss_may_be_a_fraction_or_percent(settings_document, loss):
    settings_document["risk"]["stop_loss_pct"] = loss
    assert BotConfig.model_validate(settings_document).risk.stop_loss_pct == loss
