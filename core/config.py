"""What the operator may set: a TOML file, `LIGHTER_TUI_*` variables over it, every problem reported at once.

Secrets are `SecretStr`: they show as stars wherever a value is printed. Nothing here reads the configuration by itself:
the composition root calls `load`.
"""

import os
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

from platformdirs import user_config_path, user_state_path
from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from core.commands import ExitPolicy
from core.durations import span_s
from core.errors import ConfigError
from core.limits import Frozen, RiskLimits, Symbol, Usdc
from core.problems import problem

APP: Final = "lighter-tui"
PAPER: Final = "paper"
ENV_PREFIX: Final = "LIGHTER_TUI_"

KeyIndex = Annotated[int, Field(ge=0, le=254)]
_SHORTEST_DEADMAN_S: Final = 300
_LONGEST_DEADMAN_S: Final = 15 * 86_400
"""The venue arms 5 minutes to 15 days ahead (apidocs.lighter.xyz/docs/trading)."""


def _deadman(value: object) -> object:
    """Seconds of a text such as `30m`; None for `off`."""
    if value is None or value == "off":
        return None
    try:
        seconds = span_s(value) if isinstance(value, str) else 0
    except ValueError:
        seconds = 0
    if not _SHORTEST_DEADMAN_S <= seconds <= _LONGEST_DEADMAN_S:
        raise ValueError("expected 'off', or '5m' to '15d', such as '30m' or '12h'")
    return seconds


class Sizing(Frozen):
    """How the position sizer turns an edge into a size; hard limits cap whatever it says."""

    method: Literal["kelly", "fixed", "volatility"] = "kelly"
    """`kelly`: `kelly_fraction` of what Kelly says; `fixed`: `fixed_fraction` of equity while there is an edge.

    `volatility`: as much as moves by `volatility_target` of equity on an ordinary day, while there is an edge.
    """
    kelly_fraction: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.25")
    fixed_fraction: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.01")
    volatility_target: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.01")
    min_moves: Annotated[int, Field(ge=10, le=240)] = 30
    """Of the mark, one a minute: with fewer, `volatility` uses the smallest size."""
    max_notional: Usdc = Decimal(2_000)
    min_trades: Annotated[int, Field(ge=1, le=100_000)] = 30
    """Fewer observed trades than this and the smallest size is used."""


class JournalSettings(Frozen):
    """How long the journal keeps what; money that is at stake is kept whatever its age."""

    keep_log_days: Annotated[int, Field(ge=7, le=36_500)] = 90
    """Rows of the log stay in the journal for so long, and in archives beside it afterwards."""
    keep_orders_days: Annotated[int, Field(ge=30, le=36_500)] = 730
    """Closed orders and their fills, so that a late fill finds whom it belongs to."""
    archive: bool = True
    """False removes old rows of the log instead of archiving them."""

    @model_validator(mode="after")
    def _ordered(self) -> "JournalSettings":
        if self.keep_orders_days < self.keep_log_days:
            raise ValueError(
                "expected keep_log_days <= keep_orders_days, "
                f"got {self.keep_log_days} and {self.keep_orders_days}: the log tells of orders that are kept"
            )
        return self


class Demo(Frozen):
    """The demo strategy of the paper profile: quotes both sides of a few markets."""

    enabled: bool = True
    markets: Annotated[tuple[Symbol, ...], Field(min_length=1, max_length=8)] = ("ETH", "SOL")


class Strategies(Frozen):
    """What becomes of a strategy that fails. It always stops, alone, until a human starts it again."""

    cancel_on_fault: bool = True
    """Whether its orders are cancelled; otherwise they are left where they are."""
    answer_within_ms: Annotated[int, Field(ge=100, le=60_000)] = 2_000
    """One that thinks for longer has failed."""
    load: tuple[Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")], ...] = ()
    """Strategies of the operator's own, each as `module:name` of a class or function that makes one."""
    folder: Path | None = None
    """Where their modules are looked for first; None for installed ones alone."""


class Engine(Frozen):
    """How the engine carries out orders."""

    max_in_flight: Annotated[int, Field(ge=1, le=16)] = 2
    """Orders handed to the connector and not answered. The venue takes one transaction of a key at a time (nonces are
    strict: apidocs, nonce management), so more of them only queue where priority no longer counts."""
    recent_orders: Annotated[int, Field(ge=1, le=100_000)] = 256
    """Closed orders kept in memory; older ones stay on disk, where a late fill still finds them."""
    reconcile_every_s: Annotated[int, Field(ge=5, le=3_600)] = 30
    """Seconds between two comparisons of orders and positions with the venue's own lists; each costs two requests."""
    flatten_slippage_bps: Annotated[int, Field(ge=1, le=500)] = 100
    """How far from the mark a flatten may trade, in hundredths of a percent; the venue's own band is 5 %."""
    flatten_slice: Usdc = Decimal(10_000)
    """The largest order of a flatten, in USDC; the hard limits hold as well."""
    flatten_limit_s: Annotated[int, Field(ge=5, le=600)] = 60
    """After so many seconds a flatten gives up and says what is left; 15 at the end of the engine."""
    entry_expiry_s: Annotated[int, Field(ge=330, le=28 * 86_400)] | None = None
    """Seconds after which the venue itself ends a resting order that is not reduce-only, as a dead-man's switch of its
    own; none for its longest, 28 days. It takes 5 minutes to 30 days (apidocs, trading)."""


class Connection(Frozen):
    """How the connector speaks to the venue."""

    market_connections: Annotated[int, Field(ge=1, le=16)] = 1
    """Over how many sockets market data is spread; more are used where the venue's limits need them."""
    public_trades: bool = False
    """Whether the public trades of every market are followed from the start; else of the markets looked at."""
    drop_copy: bool = False
    """Whether a second private connection is held, and what it tells of fills and orders compared with the first."""
    tier: Literal["auto", "standard", "plus", "premium", "builder"] = "auto"
    """Whose budgets to keep to; `auto` asks the venue what the account is signed up for, and what it stakes."""


class Paper(Frozen):
    """The paper venue that the desk starts for the paper profile."""

    port: Annotated[int, Field(ge=0, le=65_535)] = 0
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    markets: Annotated[int, Field(ge=1, le=200)] = 12


class VenueProfile(Frozen):
    """Where to trade and as whom."""

    url: Annotated[str, Field(pattern=r"^https?://[^/\s]+/?$")]
    ws_url: Annotated[str, Field(pattern=r"^wss?://\S+$")]
    chain_id: Annotated[int, Field(ge=1)]
    account_index: Annotated[int, Field(ge=1)]
    api_key_index: KeyIndex
    private_key: SecretStr
    kill_api_key_index: KeyIndex | None = None
    """A second registered key, used by the kill switch alone: its own nonces, so nothing can stand before it."""
    kill_private_key: SecretStr | None = None

    @field_validator("private_key", "kill_private_key")
    @classmethod
    def _is_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        digits = value.get_secret_value().removeprefix("0x")
        if len(digits) != 80 or any(letter not in "0123456789abcdefABCDEF" for letter in digits):
            raise ValueError(f"expected 80 hexadecimal digits (40 bytes), got {len(digits)} characters")
        return value

    @model_validator(mode="after")
    def _kill_key_whole(self) -> "VenueProfile":
        if (self.kill_api_key_index is None) != (self.kill_private_key is None):
            raise ValueError("kill_api_key_index and kill_private_key: expected both or neither")
        if self.kill_api_key_index == self.api_key_index:
            raise ValueError("kill_api_key_index: expected another key than api_key_index, got the same")
        return self


def _listed(value: object) -> object:
    """One key may stand without brackets."""
    return (value,) if isinstance(value, str) else value


ActionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
KeyNames = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=32)], ...],
    Field(min_length=1, max_length=4),
    BeforeValidator(_listed),
]


class DeskSettings(Frozen):
    """How the terminal behaves."""

    fps: Annotated[int, Field(ge=1, le=30)] = 10
    kilobytes_a_second: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """What painting may write to the terminal on average; unset it is 25 over SSH and unlimited elsewhere."""
    theme: Literal["night", "day", "contrast", "safe", "mono"] = "night"
    bell: bool = True
    """Ring the terminal's bell for a new alert."""
    flash: bool = True
    """Let the header stand out for a moment for a new alert."""
    mouse: bool = True
    """Clicks select and the wheel scrolls; the terminal's own selection of text then takes Shift."""
    ladder_sizes: Annotated[tuple[Usdc, ...], Field(min_length=1, max_length=8)] = (
        Decimal(25),
        Decimal(100),
        Decimal(500),
    )
    """Sizes of orders that the ladder offers, in USDC."""
    keys: dict[ActionName, KeyNames] = Field(default_factory=dict)
    """Other keys for actions than the key map's own; the desk knows which there are."""


class Settings(BaseSettings):
    """Everything an operator may set."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        hide_input_in_errors=True,
    )
    file: ClassVar[Path | None] = None

    profile: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")] = PAPER
    markets: Annotated[tuple[Symbol, ...], NoDecode] = ()
    """Markets to trade and show; empty for all of the venue's."""
    state_dir: Path = Field(default_factory=lambda: user_state_path(APP))
    """Journal and log files, one folder a profile."""
    stale_after_ms: Annotated[int, Field(ge=250, le=60_000)] = 3_000
    """A book with no frame on its link for this long is STALE, and risk refuses to trade on it."""
    book_silent_after_ms: Annotated[int, Field(ge=1_000, le=3_600_000)] = 60_000
    """The same for a book or a mark price without a frame of its own, however lively its link: thin markets pause."""
    exit_policy: ExitPolicy = ExitPolicy.CANCEL
    deadman: Annotated[int | None, BeforeValidator(_deadman)] = None
    """How far ahead the venue's dead-man's switch is kept armed, in seconds; None leaves it alone."""
    risk: RiskLimits = RiskLimits()
    sizing: Sizing = Sizing()
    journal: JournalSettings = JournalSettings()
    demo: Demo = Demo()
    strategies: Strategies = Strategies()
    engine: Engine = Engine()
    connector: Connection = Connection()
    paper: Paper = Paper()
    desk: DeskSettings = DeskSettings()
    profiles: dict[str, VenueProfile] = {}

    @field_validator("markets", mode="before")
    @classmethod
    def _from_list(cls, value: object) -> object:
        """The environment has no lists: there it is `ETH,BTC`."""
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments over environment over file."""
        del dotenv_settings, file_secret_settings
        sources: tuple[PydanticBaseSettingsSource, ...] = (init_settings, env_settings)
        return sources if cls.file is None else (*sources, TomlConfigSettingsSource(settings_cls, cls.file))

    def venue_profile(self) -> VenueProfile:
        """The profile chosen, for any but `paper`.

        Raises:
            ConfigError: it is not defined.
        """
        if self.profile in self.profiles:
            return self.profiles[self.profile]
        known = ", ".join([PAPER, *sorted(self.profiles)])
        raise ConfigError(
            f"profile: expected one of {known}, got {self.profile!r}; "
            f"add a [profiles.{self.profile}] table to {self.file or default_file()}"
        )


def default_file() -> Path:
    """Where the configuration is looked for when no `--config` says otherwise."""
    named = os.environ.get(ENV_PREFIX + "CONFIG")
    return Path(named) if named else user_config_path(APP) / "config.toml"


def load(file: Path | None = None, *, profile: str | None = None) -> Settings:
    """Read file and environment; `profile` wins over both.

    Raises:
        ConfigError: the file is missing although named, is not TOML, or holds values that cannot be used; the text
            lists every problem on a line of its own, with the field, the value and what is accepted.
    """
    path = file if file is not None else default_file()
    is_named = file is not None or ENV_PREFIX + "CONFIG" in os.environ
    found = _checked_file(path, is_named=is_named)

    _refuse_unknown_variables()

    class _FromFile(Settings):
        file: ClassVar[Path | None] = found

    try:
        settings = _FromFile() if profile is None else _FromFile(profile=profile)
    except ValidationError as error:
        lines = [f"  {problem(detail)}" for detail in error.errors(include_url=False)]
        raise ConfigError("\n".join([f"the configuration cannot be used ({found or 'no file'}):", *lines])) from None
    except SettingsError as error:
        raise ConfigError(f"the environment cannot be used: {error}") from None
    if settings.profile != PAPER:
        settings.venue_profile()
    return settings


def _refuse_unknown_variables() -> None:
    """A misspelt variable would leave a limit at its default without a word."""
    known = {*Settings.model_fields, "config"}
    names = [name for name in os.environ if name.startswith(ENV_PREFIX)]
    unknown = sorted(name for name in names if name.removeprefix(ENV_PREFIX).partition("__")[0].lower() not in known)
    if unknown:
        settings = ", ".join(f"{ENV_PREFIX}{name.upper()}" for name in sorted(known))
        raise ConfigError(f"{', '.join(unknown)}: no such setting; the environment may hold {settings}")


def _checked_file(path: Path, *, is_named: bool) -> Path | None:
    try:
        with path.open("rb") as opened:
            tomllib.load(opened)
    except FileNotFoundError:
        if is_named:
            raise ConfigError(f"{path}: expected a configuration file, found none; check the path") from None
        return None
    except OSError as error:
        raise ConfigError(f"{path}: expected a readable file, got: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: expected TOML, got: {error}") from None
    return path
