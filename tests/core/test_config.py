from decimal import Decimal

import pytest

from core.commands import ExitPolicy
from core.config import default_file, load
from core.decisions import TradingState
from core.errors import ConfigError

KEY = "0x" + "ab" * 40
OTHER_KEY = "0x" + "cd" * 40
LIVE = f"""
[profiles.live]
url = "https://venue.example"
ws_url = "wss://venue.example/stream"
chain_id = 304
account_index = 5
api_key_index = 3
private_key = "{KEY}"
"""


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch, tmp_path):
    monkeypatch.setattr("os.environ", {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")})


@pytest.fixture
def config(tmp_path):
    def read(text, **arguments: str):
        path = tmp_path / "config.toml"
        path.write_text(text)
        return load(path, **arguments)

    return read


def problem(config, text, *words: str, **arguments: str):
    with pytest.raises(ConfigError) as caught:
        config(text, **arguments)
    for word in words:
        assert word in str(caught.value), caught.value
    return str(caught.value)


def test_without_a_file_the_defaults_are_the_paper_profile_with_limits():
    settings = load()
    assert settings.profile == "paper"
    assert settings.exit_policy is ExitPolicy.CANCEL
    assert settings.risk.max_order_notional <= settings.risk.max_position_notional <= settings.risk.max_gross_notional
    assert settings.risk.breaker_trips_to is TradingState.REDUCING
    assert settings.demo.markets == ("ETH", "SOL")


def test_the_default_file_is_read_when_it_is_there():
    default_file().parent.mkdir(parents=True)
    default_file().write_text("[desk]\nfps = 5\n")
    assert load().desk.fps == 5


def test_the_environment_names_another_file_which_must_then_exist(monkeypatch, tmp_path):
    path = tmp_path / "other.toml"
    monkeypatch.setenv("LIGHTER_TUI_CONFIG", str(path))
    with pytest.raises(ConfigError, match=r"other\.toml: expected a configuration file, found none"):
        load()
    path.write_text("[desk]\nfps = 6\n")
    assert load().desk.fps == 6


def test_environment_wins_over_file_and_argument_over_both(config, monkeypatch):
    text = 'profile = "paper"\n[risk]\nmax_open_orders = 9\nmax_order_notional = 100\n' + LIVE
    monkeypatch.setenv("LIGHTER_TUI_RISK__MAX_OPEN_ORDERS", "7")
    monkeypatch.setenv("LIGHTER_TUI_PROFILE", "paper")
    settings = config(text, profile="live")
    assert settings.risk.max_open_orders == 7
    assert settings.risk.max_order_notional == Decimal(100)
    assert settings.profile == "live"


def test_a_misspelt_variable_is_not_passed_over(monkeypatch):
    monkeypatch.setenv("LIGHTER_TUI_RISKS__MAX_OPEN_ORDERS", "7")
    with pytest.raises(ConfigError, match=r"LIGHTER_TUI_RISKS__MAX_OPEN_ORDERS: no such setting; .*LIGHTER_TUI_RISK,"):
        load()


def test_a_list_in_the_environment_is_written_with_commas(monkeypatch):
    monkeypatch.setenv("LIGHTER_TUI_MARKETS", "ETH, BTC")
    assert load().markets == ("ETH", "BTC")


@pytest.mark.parametrize(("written", "value"), [("0.1", "0.1"), ('"0.1"', "0.1"), ("2.675", "2.675"), ("3", "3")])
def test_a_limit_is_exactly_what_was_written(config, written, value):
    settings = config(f"[risk.markets.ETH]\nmax_order_size = {written}\n")
    assert str(settings.risk.markets["ETH"].max_order_size) == value


def test_every_problem_is_reported_at_once_with_field_value_and_what_is_accepted(config):
    text = 'foo = 1\nprofile = "NO"\n[risk]\nmax_order_notional = -1\nmax_open_orders = "x"\n[desk]\nfps = 99\n'
    lines = problem(config, text).splitlines()
    assert len(lines) == 6
    for field, *words in [
        ("foo", "no such setting"),
        ("profile", "'NO'", "lower-case"),
        ("risk.max_order_notional", "greater than 0", "-1"),
        ("risk.max_open_orders", "integer", "'x'"),
        ("desk.fps", "less than or equal to 30", "99"),
    ]:
        (line,) = [line for line in lines if line.startswith(f"  {field}:")]
        assert all(word in line for word in words), line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("profile = [", ["expected TOML"]),
        ("\ufeff\x00", ["expected TOML"]),
        ("[risk]\nmax_order_notional = 1e6", ["contradict", "1000000", "50000"]),
        ("[risk]\nmax_order_notional = nan", ["risk.max_order_notional", "finite"]),
        ("[risk]\nmax_order_notional = inf", ["risk.max_order_notional", "finite"]),
        ('[risk]\nbreaker_trips_to = "active"', ["breaker_trips_to", "'reducing' or 'halted'"]),
        ("[risk.markets.eth]\nmax_order_size = 1", ["risk.markets.eth", "symbol such as ETH"]),
        ("[risk.markets.ETH]\nmax_order_sise = 1", ["risk.markets.ETH.max_order_sise", "no such setting"]),
        ('exit_policy = "leave"', ["exit_policy", "'cancel', 'keep' or 'flatten'", "'leave'"]),
        ("[sizing]\nkelly_fraction = 2", ["sizing.kelly_fraction", "less than or equal to 1"]),
        ("[demo]\nmarkets = []", ["demo.markets", "at least 1"]),
        ("[journal]\nkeep_orders_days = 80", ["journal", "keep_log_days <= keep_orders_days", "90 and 80"]),
        ("[journal]\nkeep_log_days = 1", ["journal.keep_log_days", "greater than or equal to 7"]),
        ("stale_after_ms = 1", ["stale_after_ms", "250"]),
        ("[connector]\nmarket_connections = 0", ["connector.market_connections", "greater than or equal to 1", "0"]),
        ("[connector]\nmarket_connections = 17", ["connector.market_connections", "less than or equal to 16", "17"]),
        ('[connector]\ntier = "gold"', ["connector.tier", "'auto', 'standard'", "'gold'"]),
        ("[connector]\ndrop_coppy = true", ["connector.drop_coppy", "no such setting"]),
    ],
)
def test_what_cannot_be_used_is_explained(config, text, words):
    problem(config, text, *words)


def test_a_file_that_is_not_text_or_a_folder_is_explained(tmp_path):
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="expected TOML"):
        load(path)
    with pytest.raises(ConfigError, match="expected a readable file"):
        load(tmp_path)


class TestProfiles:
    def test_a_whole_one_is_accepted(self, config):
        profile = config(LIVE, profile="live").venue_profile()
        assert profile.private_key.get_secret_value() == KEY
        assert profile.kill_private_key is None

    def test_one_that_is_not_defined_names_those_that_are(self, config):
        problem(config, LIVE, "expected one of paper, live, got 'test'", "[profiles.test]", profile="test")

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (("chain_id = 304", ""), ["profiles.live.chain_id", "found none"]),
            (("https://", "ftp://"), ["profiles.live.url", "https://host"]),
            (("wss://", "https://"), ["profiles.live.ws_url", "wss://host"]),
            (("api_key_index = 3", "api_key_index = 255"), ["profiles.live.api_key_index", "254"]),
        ],
    )
    def test_a_broken_one_is_explained(self, config, change, words):
        problem(config, LIVE.replace(*change), *words, profile="live")

    def test_the_kill_key_comes_whole_and_is_another(self, config):
        problem(config, LIVE + "kill_api_key_index = 4\n", "expected both or neither", profile="live")
        pair = f'kill_api_key_index = {{}}\nkill_private_key = "{OTHER_KEY}"\n'
        problem(config, LIVE + pair.format(3), "another key than api_key_index", profile="live")
        assert config(LIVE + pair.format(4), profile="live").venue_profile().kill_api_key_index == 4


class TestSecrets:
    def test_they_never_show(self, config):
        settings = config(LIVE, profile="live")
        for shown in (repr(settings), str(settings), settings.model_dump_json(), repr(settings.venue_profile())):
            assert KEY not in shown
            assert KEY.removeprefix("0x") not in shown

    @pytest.mark.parametrize("secret", ["tellnobody", "0x" + "zz" * 40, KEY + "a"])
    def test_not_even_when_they_are_wrong(self, config, monkeypatch, secret):
        text = problem(config, LIVE.replace(KEY, secret), "expected 80 hexadecimal digits", profile="live")
        assert secret not in text
        monkeypatch.setenv("LIGHTER_TUI_PROFILES__LIVE__PRIVATE_KEY", secret)
        with pytest.raises(ConfigError) as caught:
            load(profile="live")
        assert secret not in str(caught.value)


@pytest.mark.parametrize(("text", "seconds"), [("5m", 300), ("12h", 43_200), ("15d", 1_296_000), ("off", None)])
def test_the_dead_mans_switch_is_off_or_a_span_that_the_venue_takes(config, text, seconds):
    assert config("").deadman is None
    assert config(f'deadman = "{text}"').deadman == seconds


@pytest.mark.parametrize("text", ['"4m"', '"16d"', '"5"', "300", "true", '""'])
def test_any_other_span_is_one_sentence(config, text):
    problem(config, f"deadman = {text}", "deadman: expected 'off', or '5m' to '15d'", "got")
