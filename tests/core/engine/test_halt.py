"""The halt flag: set at once, lifted only by who saw what."""

from core.engine.halt import HaltFlag


def test_a_press_that_nobody_saw_yet_is_not_lifted() -> None:
    flag = HaltFlag()
    first = flag.press()
    second = flag.press()
    flag.lift(first)
    assert flag.is_set
    flag.lift(second)
    assert not flag.is_set


def test_it_starts_lifted_and_an_old_lift_changes_nothing() -> None:
    flag = HaltFlag()
    assert not flag.is_set
    flag.lift(flag.press())
    newer = flag.press()
    flag.lift(newer - 1)
    assert flag.is_set
