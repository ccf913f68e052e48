"""Which alerts wait for somebody to look."""

from core.events import NoticeLevel
from core.state import Notice
from tui.alerts import Alerts


def a_notice(seq: int, level: NoticeLevel = NoticeLevel.ALERT) -> Notice:
    return Notice(seq=seq, at_us=1, level=level, source="engine", text=f"notice {seq}")


def test_each_alert_counts_once_until_it_is_acknowledged():
    alerts = Alerts()
    assert alerts.take((a_notice(1), a_notice(2, NoticeLevel.WARN), a_notice(3, NoticeLevel.INFO)))
    assert not alerts.take((a_notice(1), a_notice(2, NoticeLevel.WARN), a_notice(3, NoticeLevel.INFO)))
    assert alerts.new == 1
    assert [(row.notice.seq, row.is_new) for row in alerts.rows()] == [(1, True), (2, True)]
    alerts.acknowledge()
    assert alerts.new == 0
    assert alerts.take((a_notice(3), a_notice(4)))
    assert [(row.notice.seq, row.is_new) for row in alerts.rows()] == [(1, False), (2, False), (4, True)]


def test_a_warning_rings_no_bell():
    assert not Alerts().take((a_notice(1, NoticeLevel.WARN),))


def test_they_outlive_the_engines_bounded_log():
    alerts = Alerts()
    alerts.take((a_notice(1),))
    alerts.take(tuple(a_notice(seq, NoticeLevel.INFO) for seq in range(2, 600)))
    assert [row.notice.seq for row in alerts.rows()] == [1]


def test_rows_are_the_same_object_until_something_changes():
    alerts = Alerts()
    alerts.take((a_notice(1),))
    assert alerts.rows() is alerts.rows()
