"""Textual's command palette over a desk that goes on changing below it; what it offers is in `tui.app`."""

from typing import Final

from textual.command import CommandPalette

from tui.painter import PatchedScreen


class Palette(CommandPalette, PatchedScreen[None]):
    """The palette."""

    ID: Final = "--command-palette"
    """By which Textual knows that it is open."""
