from core.clock import DAY_US, Instant, ManualClock, SystemClock


def test_a_manual_clock_moves_only_when_told_and_both_readings_move_together():
    clock = ManualClock(utc_us=1_000_000, mono_ns=5)
    assert clock.now() == clock.now() == Instant(mono_ns=5, utc_us=1_000_000)
    assert clock.advance(ns=1_500, us=2, seconds=3) == clock.now()
    assert clock.now() == Instant(mono_ns=5 + 3_000_003_500, utc_us=1_000_000 + 3_000_003)


def test_the_machines_clock_never_goes_back_on_the_monotonic_side():
    clock = SystemClock()
    readings = [clock.now().mono_ns for _ in range(100)]
    assert readings == sorted(readings)


def test_an_instant_knows_its_day_and_shows_utc():
    assert Instant(mono_ns=0, utc_us=DAY_US - 1).utc_day == 0
    assert Instant(mono_ns=0, utc_us=DAY_US).utc_day == 1
    assert Instant(mono_ns=0, utc_us=DAY_US - 1).text() == "23:59:59"
