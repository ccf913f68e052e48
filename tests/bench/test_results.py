from bench.results import compared, interleave, latencies


def test_subjects_take_turns():
    order = []
    interleave({"a": lambda: order.append("a") or 1.0, "b": lambda: order.append("b") or 2.0}, rounds=2)
    assert order == ["a", "b", "a", "b"]


def test_the_ratio_is_the_median_of_each_rounds_own():
    ours, peer = compared("book", "msg/s", {"ours": [10.0, 20.0, 90.0], "peer": [1.0, 2.0, 3.0]}, "peer")
    assert (ours.median, ours.low, ours.high, ours.count) == (20.0, 10.0, 90.0, 3)
    assert ours.ratio == 10.0
    assert peer.ratio == 1.0


def test_a_latency_shows_its_tail():
    figure = latencies("kill", "idle", [float(value) for value in range(1, 101)])
    assert (figure.median, figure.low, figure.high) == (50.5, 1.0, 100.0)
