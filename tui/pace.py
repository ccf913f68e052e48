"""How often to paint: at the pace asked for, or slower while the line does not drain what was written. Pure."""

from typing import Final

MOST: Final = 16
"""How many times slower it gets at the most."""
_BEHIND_BYTES: Final = 4_096
"""More than this still unwritten when the next paint is due: the line is slower than the desk."""
_CALM: Final = 20
"""Paints without a backlog before it speeds up again."""
_LONGEST_S: Final = 1.0


class Pace:
    """Halves the pace at each paint that finds the line behind, and doubles it after a while without."""

    def __init__(self) -> None:
        self.factor = 1
        """How many times slower than asked for; 1 is full pace."""
        self._calm = 0

    def may_paint(self, unwritten: int) -> bool:
        """Whether to paint now, with so many bytes that the terminal has not taken yet."""
        if unwritten > _BEHIND_BYTES:
            self.factor, self._calm = min(MOST, self.factor * 2), 0
            return False
        self._calm += 1
        if self._calm >= _CALM and self.factor > 1:
            self.factor, self._calm = self.factor // 2, 0
        return True

    def pause_s(self, fps: int, spent: int = 0, budget: int | None = None) -> float:
        """Seconds until the next paint; `spent` bytes since the last one must fit `budget` bytes a second, if any."""
        wanted = self.factor / fps
        if budget is not None:
            wanted = max(wanted, spent / budget)
        return min(wanted, max(_LONGEST_S, 1 / fps))
