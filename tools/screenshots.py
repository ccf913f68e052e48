"""Takes the pictures that the README shows: the whole program on the paper venue, in a terminal of its own.

`make screenshots` runs it. Keys are pressed as an operator would, F9 saves each picture, and one that does not show
what it should, is too large or names a folder of this machine is refused.
"""

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.terminal import Terminal, private_env

OUT: Final = Path(__file__).resolve().parents[1] / "docs" / "screenshots"
PICTURES: Final = {
    "desk": ("d", ("prices", "tasks", "breaker", "ACTIVE", "BTC")),
    "market": ("m", ("ladder", "tape", "ACTIVE")),
    "risk": ("r", ("limits", "positions", "ACTIVE")),
}
"""Name of each picture: the key that shows it, and what must be on it."""
MOST_BYTES: Final = 300_000
SIZE: Final = (140, 42)
"""Columns and rows: as many as can still be read in a page's width."""
_SEED: Final = "7"
_TRADING_SECONDS: Final = 20.0
"""What the demo strategy gets to quote and be filled before the first picture."""
_NOTE_SECONDS: Final = 7.0
"""What the note of the last picture gets to go away, and a screen to fill: more than the five it is shown for."""
_PATIENCE_SECONDS: Final = 60.0
_F9: Final = "\x1b[20~"
_FONTS: Final = re.compile(r"@font-face\s*\{[^}]*\}\s*")
_TEXT: Final = re.compile(r"<text[^>]*>([^<]*)</text>")


def main() -> int:
    """Take all of them; 0 when every picture is what it should be."""
    with TemporaryDirectory() as home:
        try:
            pictures = _taken(home)
            for name, picture in pictures.items():
                check(name, picture, home)
        except (TimeoutError, ValueError) as error:
            print(f"no pictures were changed: {error}", file=sys.stderr)
            return 1
    OUT.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        (OUT / f"{name}.svg").write_text(picture, encoding="utf-8")
        print(f"docs/screenshots/{name}.svg  {len(picture.encode()):,} bytes")
    return 0


def check(name: str, picture: str, home: str) -> None:
    """Refuse a picture that must not be shown.

    Raises:
        ValueError: it lacks what it is of, is larger than `MOST_BYTES`, or names the folder `home`.
    """
    shown = words(picture)
    missing = [word for word in PICTURES[name][1] if word not in shown]
    if missing:
        raise ValueError(f"the picture of {name} shows no {', '.join(missing)}; look at the screen, then try again")
    if home in shown or home in picture:
        raise ValueError(f"the picture of {name} names a folder of this machine; wait longer for its note to go")
    if len(picture.encode()) > MOST_BYTES:
        raise ValueError(f"the picture of {name} has {len(picture.encode()):,} bytes, at most {MOST_BYTES:,}")


def words(picture: str) -> str:
    """What can be read on a picture."""
    return "\n".join(_TEXT.findall(picture)).replace("&#160;", " ")


def _taken(home: str) -> dict[str, str]:
    env = {**private_env(home), "LIGHTER_TUI_PAPER__SEED": _SEED}
    env.pop("SSH_CONNECTION", None)  # what a slow line leaves out would be missing
    pictures: dict[str, str] = {}
    command = [sys.executable, "-m", "tui", "--profile", "paper"]
    with Terminal(command, env, SIZE) as terminal:
        terminal.wait_for("ACTIVE", seconds=_PATIENCE_SECONDS)
        time.sleep(_TRADING_SECONDS)
        for name, (key, _) in PICTURES.items():
            terminal.press(key)
            time.sleep(_NOTE_SECONDS)
            terminal.press(_F9)
            # A page that shows it must not fetch a font from elsewhere: any fixed-width one will do.
            pictures[name] = _FONTS.sub("", _newest(Path(home), len(pictures) + 1))
    return pictures


def _newest(home: Path, count: int) -> str:
    """The newest picture, once there are so many and it is whole."""

    def found() -> str | None:
        files = sorted(home.rglob("*.svg"), key=lambda file: file.stat().st_mtime_ns)
        text = files[-1].read_text(encoding="utf-8") if len(files) == count else ""
        return text if text.rstrip().endswith("</svg>") else None

    return _awaited(found)


def _awaited(found: Callable[[], str | None]) -> str:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if (text := found()) is not None:
            return text
        time.sleep(0.1)
    raise TimeoutError(f"F9 saved no picture within {_PATIENCE_SECONDS:g} s")


if __name__ == "__main__":
    sys.exit(main())
