"""The composition root: reads the command line, builds everything, and knows everyone. Nobody imports it."""


def main() -> int:
    """Entry point of the command `lighter-tui`."""
    return 0
