"""The colours, by the names the style sheet uses; the only place where a colour has a number."""

from typing import Final

from textual.theme import Theme

NAME: Final = "lighter-night"
"""Of the theme that holds until the configuration says another."""

TOKENS: Final = {
    "bid": "#6cc39a",
    "ask": "#e0828c",
    "gain": "#6cc39a",
    "loss": "#e0828c",
    "stale": "#c9a45c",
    "armed": "#e2b45a",
    "halted": "#f0525f",
    "alarm": "#8c2733",
    "calm": "#7fb4d8",
    "dim-text": "#75818f",
    "faint": "#2b3440",
    "row": "#1b3044",
    "row-idle": "#18212c",
}
"""Tokens of our own; every theme falls back to these."""

_DAY: Final = {
    "bid": "#0b6b43",
    "ask": "#a3222f",
    "gain": "#0b6b43",
    "loss": "#a3222f",
    "stale": "#7a5a12",
    "armed": "#8a5a00",
    "halted": "#b00020",
    "alarm": "#f2b8be",
    "calm": "#1f5f8b",
    "dim-text": "#5a6572",
    "faint": "#c3ccd6",
    "row": "#d3e4f2",
    "row-idle": "#e6edf3",
}
_CONTRAST: Final = {
    "bid": "#00ff9c",
    "ask": "#ff8fa0",
    "gain": "#00ff9c",
    "loss": "#ff8fa0",
    "stale": "#ffd75f",
    "armed": "#ffd700",
    "halted": "#ff5c6c",
    "alarm": "#b00020",
    "calm": "#7fd4ff",
    "dim-text": "#c8c8c8",
    "faint": "#808080",
    "row": "#003a5c",
    "row-idle": "#262626",
}
# Blue against orange stay apart for every common kind of colour blindness; red against green do not.
_SAFE: Final = {
    **TOKENS,
    "bid": "#56b4e9",
    "ask": "#e69f00",
    "gain": "#56b4e9",
    "loss": "#e69f00",
    "stale": "#b8b8a0",
    "armed": "#f0e442",
    "halted": "#ff9a4d",
    "alarm": "#7a3d00",
}
_MONO: Final = {
    "bid": "#d0d0d0",
    "ask": "#d0d0d0",
    "gain": "#d0d0d0",
    "loss": "#d0d0d0",
    "stale": "#9a9a9a",
    "armed": "#f0f0f0",
    "halted": "#ffffff",
    "alarm": "#585858",
    "calm": "#e0e0e0",
    "dim-text": "#909090",
    "faint": "#444444",
    "row": "#3a3a3a",
    "row-idle": "#262626",
}


def _theme(name: str, tokens: dict[str, str], grounds: tuple[str, str, str, str], *, is_dark: bool = True) -> Theme:
    """A theme of these tokens; `grounds` are foreground, background, surface and panel."""
    foreground, background, surface, panel = grounds
    return Theme(
        name=name,
        primary=tokens["calm"],
        secondary=tokens["dim-text"],
        accent=tokens["calm"],
        foreground=foreground,
        background=background,
        surface=surface,
        panel=panel,
        success=tokens["gain"],
        warning=tokens["armed"],
        error=tokens["halted"],
        dark=is_dark,
        variables={**tokens, "border": tokens["faint"], "input-selection-background": f"{tokens['calm']} 35%"},
    )


NIGHT: Final = Theme(
    name=NAME,
    primary="#7fb4d8",
    secondary="#8a9bb0",
    accent="#7fb4d8",
    foreground="#d5dce4",
    background="#0c1117",
    surface="#111820",
    panel="#18212c",
    success="#6cc39a",
    warning="#e2b45a",
    error="#f0525f",
    dark=True,
    variables={**TOKENS, "border": "#2b3440", "input-selection-background": "#7fb4d8 35%"},
)

_DARK: Final = ("#d5dce4", "#0c1117", "#111820", "#18212c")

THEMES: Final = {
    "night": NIGHT,
    "day": _theme("lighter-day", _DAY, ("#1a222b", "#f7f9fb", "#eef2f6", "#e2e9f0"), is_dark=False),
    "contrast": _theme("lighter-contrast", _CONTRAST, ("#ffffff", "#000000", "#101010", "#1c1c1c")),
    "safe": _theme("lighter-safe", _SAFE, _DARK),
    "mono": _theme("lighter-mono", _MONO, ("#e4e4e4", "#101010", "#161616", "#1e1e1e")),
}
"""By the names the configuration uses."""
