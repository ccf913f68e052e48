"""The operator's log: bounded, and no flood of one sentence pushes the others out."""

from core.clock import SECOND_NS, Instant
from core.engine.notices import NoticeLog
from core.events import NoticeLevel

INFO, WARN, ALERT = NoticeLevel.INFO, NoticeLevel.WARN, NoticeLevel.ALERT


def at(seconds: int) -> Instant:
    return Instant(mono_ns=seconds * SECOND_NS, utc_us=seconds * 1_000_000)


def test_the_same_information_again_is_counted_on_its_line():
    log = NoticeLog()
    log.add(INFO, "risk", "accepted", at(1))
    for second in range(2, 302):
        log.add(INFO, "risk", "denied maker: killed", at(second))
    assert [one.text for one in log.all()] == ["accepted", "denied maker: killed (300 times)"]
    assert (log.all()[-1].seq, log.all()[-1].at_us) == (301, 301_000_000)


def test_another_line_between_begins_anew():
    log = NoticeLog()
    for text in ("a", "a", "b", "a"):
        log.add(INFO, "risk", text, at(1))
    assert [one.text for one in log.all()] == ["a (2 times)", "b", "a"]


def test_another_source_or_a_minute_of_rest_begins_anew():
    log = NoticeLog()
    log.add(INFO, "risk", "a", at(1))
    log.add(INFO, "link", "a", at(1))
    log.add(INFO, "link", "a", at(62))
    assert [(one.source, one.text) for one in log.all()] == [("risk", "a"), ("link", "a"), ("link", "a")]


def test_warnings_and_alerts_each_have_their_line():
    log = NoticeLog()
    for level in (WARN, WARN, ALERT, ALERT, INFO):
        log.add(level, "engine", "a", at(1))
    assert [one.level for one in log.all()] == [WARN, WARN, ALERT, ALERT, INFO]
    assert {one.text for one in log.all()} == {"a"}
