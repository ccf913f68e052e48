"""What changes only how the desk looks to its operator: nothing here reaches the engine."""

from tui.host import Host


class Looks(Host):
    """Privacy, pictures, colours, hints, and what has been read."""

    def action_privacy(self) -> None:
        """Hide amounts, or show them again."""
        self.pump.is_private = not self.pump.is_private

    def action_picture(self) -> None:
        """Save what is on the screen."""
        folder = self.pump.options.pictures
        try:
            where = self.save_screenshot(path=None if folder is None else str(folder))
        except OSError as error:
            self.notify(f"no picture: {folder} cannot be written: {error.strerror}", severity="error")
        else:
            self.notify(f"saved {where}")

    def action_theme(self, name: str) -> None:
        """Change the colours, for this run."""
        self.theme = name

    def action_hide_hint(self) -> None:
        """The hint of the screen in sight has been read."""
        hints = self.pump.options.hints
        if hints is not None:
            hints.hide({self.surface.NAME})

    def action_acknowledge(self) -> None:
        """Every alert so far has been seen."""
        self.pump.alerts.acknowledge()
