"""The colours, by the names the style sheet uses; the only place where a colour has a number."""

from typing import Final

from textual.theme import Theme

NAME: Final = "lighter-night"

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
