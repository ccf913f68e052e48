"""The halt flag: set by a kill from any thread at once, asked by every send at its last instruction."""

import threading


class HaltFlag:
    """Set while any press has not been lifted; a press that nobody has seen yet cannot be lifted by mistake."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._presses = 0
        self._lifted = 0

    @property
    def is_set(self) -> bool:
        """Whether sends are stopped; two reads of an int, safe from any thread."""
        return self._presses != self._lifted

    @property
    def presses(self) -> int:
        """The number of the newest press."""
        return self._presses

    def press(self) -> int:
        """Set it; the number of this press."""
        with self._lock:
            self._presses += 1
            return self._presses

    def lift(self, press: int) -> None:
        """Lift every press up to this one; a newer one stays."""
        with self._lock:
            self._lifted = max(self._lifted, press)
