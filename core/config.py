"""What the operator may set: a TOML file, `LIGHTER_TUI_*` variables over it, every problem reported at once.

Secrets are `SecretStr`: they show as stars wherever a value is printed. Nothing here reads the configuration by itself:
the composition root calls `load`.
"""

import os
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, ClassVar, Final

from platformdirs import user_config_path, user_state_path
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from core.commands import ExitPolicy
from core.decisions import TradingState
from core.errors import ConfigError

APP: Final = "lighter-tui"
PAPER: Final = "paper"
ENV_PREFIX: Final = "LIGHTER_TUI_"
_MAX_SHOWN: Final = 60

_PATTERNS: Final = {
    "url": "an address such as https://host or http://127.0.0.1:8080",
    "ws_url": "an address such as wss://host/stream",
    "profile": "a name of lower-case letters, digits, '-' and '_'",
    "markets": "a market's symbol such as ETH",
}

Usdc = Annotated[Decimal, Field(gt=0, le=Decimal("1e12"), allow_inf_nan=False)]
Size = Annotated[Decimal, Field(gt=0, le=Decimal("1e12"), allow_inf_nan=False)]
KeyIndex = Annotated[int, Field(ge=0, le=254)]
Symbol = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9/_.-]{0,31}$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class MarketLimits(_Frozen):
    """Limits of one market, in base units, beside the ones in USDC that hold for every market."""

    max_order_size: Size | None = None
    max_position_size: Size | None = None


class RiskLimits(_Frozen):
    """Hard limits, checked for every order; worst case: position + open + in flight."""

    max_order_notional: Usdc = Decimal(25_000)
    max_position_notional: Usdc = Decimal(50_000)
    """Per market."""
    max_gross_notional: Usdc = Decimal(200_000)
    """Over all markets."""
    max_open_orders: Annotated[int, Field(ge=1, le=1_500)] = 60
    """Of the account; the venue's own ceiling is 1,500 (apidocs, data structures and errors)."""
    markets: dict[Symbol, MarketLimits] = {}
    breaker_trips_to: TradingState = TradingState.REDUCING

    @model_validator(mode="after")
    def _ordered(self) -> "RiskLimits":
        if not self.max_order_notional <= self.max_position_notional <= self.max_gross_notional:
            raise ValueError(
                "limits contradict each other: expected "
                "max_order_notional <= max_position_notional <= max_gross_notional, "
                f"got {self.max_order_notional}, {self.max_position_notional}, {self.max_gross_notional}"
            )
        if self.breaker_trips_to is TradingState.ACTIVE:
            raise ValueError("breaker_trips_to: expected 'reducing' or 'halted', got 'active'")
        return self


class Sizing(_Frozen):
    """How the position sizer turns an edge into a size; hard limits cap whatever it says."""

    kelly_fraction: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.25")
    max_notional: Usdc = Decimal(2_000)
    min_trades: Annotated[int, Field(ge=1, le=100_000)] = 30
    """Fewer observed trades than this and the smallest size is used."""


class Demo(_Frozen):
    """The demo strategy of the paper profile: quotes both sides of a few markets."""

    enabled: bool = True
    markets: Annotated[tuple[Symbol, ...], Field(min_length=1, max_length=8)] = ("ETH", "SOL")


class Paper(_Frozen):
    """The paper venue that the desk starts for the paper profile."""

    port: Annotated[int, Field(ge=0, le=65_535)] = 0
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    markets: Annotated[int, Field(ge=1, le=200)] = 12


class VenueProfile(_Frozen):
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


class DeskSettings(_Frozen):
    """How the terminal behaves."""

    fps: Annotated[int, Field(ge=1, le=30)] = 10


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
    risk: RiskLimits = RiskLimits()
    sizing: Sizing = Sizing()
    demo: Demo = Demo()
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
        lines = [_problem(detail) for detail in error.errors(include_url=False)]
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


def _problem(detail: ErrorDetails) -> str:
    field = ".".join(str(part) for part in detail["loc"]) or "configuration"
    expected = detail["msg"].removeprefix("Value error, ")
    rest = expected.removeprefix("Input should be ")
    if rest != expected:
        expected = f"expected {rest}" if rest.startswith(("a ", "an ", "'")) else f"expected a value {rest}"
    if detail["type"] == "string_pattern_mismatch":
        name = next((str(part) for part in reversed(detail["loc"]) if str(part) in _PATTERNS), "markets")
        expected = f"expected {_PATTERNS[name]}"
    if detail["type"] == "extra_forbidden":
        return f"  {field}: no such setting; remove it or correct its name"
    if detail["type"] == "missing":
        return f"  {field}: expected a value, found none"
    if "key" in field.lower() or isinstance(detail["input"], dict | BaseModel):  # may hold a secret
        return f"  {field}: {expected}"
    came = repr(detail["input"])
    return f"  {field}: {expected}, got {came if len(came) <= _MAX_SHOWN else came[: _MAX_SHOWN - 1] + '…'}"
