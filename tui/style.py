"""Finds the one style sheet: at the root of a checkout, inside the package of an installed wheel."""

from pathlib import Path

from core.errors import ConfigError


def style_sheet(package: Path | None = None) -> Path:
    """The path of `tui.tcss`.

    Raises:
        ConfigError: the installation is incomplete.
    """
    home = Path(__file__).resolve().parent if package is None else package
    for candidate in (home / "tui.tcss", home.parent / "tui.tcss"):
        if candidate.is_file():
            return candidate
    raise ConfigError(f"{home / 'tui.tcss'}: expected the style sheet, found none; install lighter-tui again")
