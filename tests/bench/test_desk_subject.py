from bench.desk_subject import MARKETS, Street


def test_a_tick_changes_the_share_that_was_asked_for_and_nothing_else():
    for share, count in [(1.0, MARKETS), (0.1, round(MARKETS / 10))]:
        street = Street(share)
        before = list(street.rows)
        changed = street.step()
        assert len(set(changed)) == count
        assert [n for n in range(MARKETS) if street.rows[n] != before[n]] == sorted(changed)


def test_both_subjects_get_the_same_changes():
    one, other = Street(0.1), Street(0.1)
    for _ in range(50):
        assert one.step() == other.step()
        assert one.rows == other.rows
