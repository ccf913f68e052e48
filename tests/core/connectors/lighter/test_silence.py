"""Links that look well and are not, and books that look dead and are not."""

from contextlib import asynccontextmanager

import msgspec
import pytest
from aiohttp import web
from pydantic import SecretStr

from core.clock import MILLISECOND_NS, SECOND_NS
from core.connectors.lighter.board import Board, Shard
from core.connectors.lighter.bodies import MarketRow
from core.connectors.lighter.convert import market
from core.connectors.lighter.market_data import MarketData
from core.connectors.lighter.objects import WirePosition
from core.connectors.lighter.session import Send, Session, SessionPolicy
from core.connectors.lighter.signer import Signer
from core.connectors.lighter.silence import AGAIN_NS, LASTING_NS, Witness
from core.connectors.lighter.wire import decode_frame
from core.errors import ConfigError
from core.events import LinkChanged, LinkName, LinkStatus, Noticed, NoticeLevel
from core.model import BookStatus
from core.units import MarketId
from tests.support.scripted_lighter import book_body, market_row
from tests.support.waiting import eventually

ETH = MarketId(0)


def _rows(*rows: tuple[int, str, int, int | None]) -> list[WirePosition]:
    return [
        WirePosition(market_id=at, sign=sign, position=msgspec.Raw(f'"{size}"'.encode()), open_order_count=count)
        for at, size, sign, count in rows
    ]


def _witness(*rows: tuple[int, str, int, int | None]) -> Witness:
    witness = Witness()
    witness.told(_rows(*rows), is_complete=True)
    return witness


def test_a_difference_that_lasts_while_the_stream_says_nothing_is_silence():
    witness = _witness((0, "0.0000", 1, 0))
    shown = _rows((0, "0.5000", -1, 2))
    assert witness.compare(shown, 0) == ""
    assert witness.compare(shown, LASTING_NS - 1) == ""
    sentence = witness.compare(shown, LASTING_NS)
    assert sentence == (
        "the stream is silent: it last told 0 and 0 open orders in market 0, REST shows -0.5000 and 2 open orders"
    )


def test_a_stream_that_tells_of_the_market_meanwhile_is_not_silent():
    witness = _witness((0, "0", 1, 0))
    shown = _rows((0, "0.5", 1, 2))
    witness.compare(shown, 0)
    witness.told(_rows((0, "0.4", 1, 2)), is_complete=False)
    assert witness.compare(shown, LASTING_NS) == ""
    witness.told(_rows((0, "0.5", 1, 2)), is_complete=False)
    assert witness.compare(shown, 3 * LASTING_NS) == ""


def test_a_number_that_moves_on_is_news_each_time_and_not_silence_yet():
    witness = _witness()
    for at in range(1, 6):
        assert witness.compare(_rows((0, f"{at}", 1, 0)), at * LASTING_NS) == ""


def test_a_market_that_rest_leaves_out_is_flat_and_an_unknown_number_of_orders_proves_nothing():
    witness = _witness((3, "1.0", 1, 1), (4, "0", 1, None))
    witness.compare(_rows((4, "0", 1, 9)), 0)
    assert "market 3" in witness.compare(_rows((4, "0", 1, 9)), LASTING_NS)


def test_nothing_is_compared_before_a_complete_list_or_after_the_link_was_lost():
    witness = Witness()
    shown = _rows((0, "0.5", 1, 2))
    for at in (0, LASTING_NS, 2 * LASTING_NS):
        assert witness.compare(shown, at) == ""
    witness.told([], is_complete=True)
    witness.compare(shown, 0)
    witness.forget()
    assert witness.compare(shown, LASTING_NS) == ""


def test_a_new_connection_that_changes_nothing_is_not_tried_again_at_once():
    witness = _witness()
    shown = _rows((0, "0.5", 1, 2))
    witness.compare(shown, 0)
    assert witness.compare(shown, LASTING_NS)
    witness.forget()
    witness.told([], is_complete=True)
    witness.compare(shown, 2 * LASTING_NS)
    assert witness.compare(shown, 4 * LASTING_NS) == ""
    assert witness.compare(shown, LASTING_NS + AGAIN_NS)


async def test_an_account_stream_that_is_subscribed_and_silent_gets_a_new_connection_and_the_operator_an_alert(
    venue, start, monkeypatch
):
    monkeypatch.setattr("core.connectors.lighter.silence.LASTING_NS", 0)
    monkeypatch.setattr("core.connectors.lighter.housekeeping._IDLE_NS", 0)
    connector, events = await start(venue.settings())
    await eventually(lambda: all(link.status is LinkStatus.LIVE for link in connector.links()), "links")
    assert len(venue.private_sockets) == 1
    row = {"market_id": 0, "symbol": "ETH", "sign": 1, "position": "0.5000", "open_order_count": 1}
    venue.held = [{**row, "avg_entry_price": "2000.00"}]  # REST knows, no frame was sent
    await eventually(lambda: len(venue.private_sockets) == 2, "a new connection")
    [alert] = [one for one in events if isinstance(one, Noticed) and "the stream is silent" in one.text]
    assert alert.level is NoticeLevel.ALERT
    downs = [one.link for one in events if isinstance(one, LinkChanged) and one.link.status is LinkStatus.DOWN]
    assert downs[0].name is LinkName.ACCOUNT
    assert "REST shows 0.5000" in downs[0].detail


class Thin:
    """One connection with books that seldom change, driven by hand."""

    def __init__(self, count: int = 1) -> None:
        rows = [msgspec.convert(market_row(at, f"M{at}"), MarketRow, strict=False) for at in range(count)]
        self.shard = Shard(MarketData({MarketId(row.market_id): market(row) for row in rows}, 3_000), has_trades=False)
        self.session = Session(self.shard.channels, SessionPolicy(data_is_life=True))
        self.shard.subscribe_with(self.session)
        self.board = Board([self.shard])
        asked = self.sent(self.session.opened(0))
        for _, channel in asked:
            asked += self.sent(self.answer(channel, 0))

    @staticmethod
    def sent(outputs) -> list[tuple[str, str]]:
        frames = [msgspec.json.decode(output.text) for output in outputs if isinstance(output, Send)]
        return [(frame["type"], frame["channel"]) for frame in frames if "channel" in frame]

    def answer(self, channel: str, now: int):
        name, _, of = channel.partition("/")
        body = {"order_book": book_body(9, 0, [("2000.00", "1.0")], [])} if name == "order_book" else {}
        said = {"channel": f"{name}:{of}", "market_stats": {}, **body, "type": f"subscribed/{name}"}
        return self.hear(said, now)

    def stats(self, now: int) -> None:
        """The link speaks, the books do not."""
        self.hear({"channel": "market_stats:all", "market_stats": {}, "type": "update/market_stats"}, now)

    def hear(self, said, now: int):
        frame = decode_frame(msgspec.json.encode(said))
        self.shard.on_frame(frame, now)
        return self.session.heard(frame, now)

    def until(self, second: int) -> list[tuple[str, str]]:
        """Drain and tick once a second; what was sent."""
        out: list[tuple[str, str]] = []
        for at in range(getattr(self, "_at", 0) + 1, second + 1):
            self.stats(at * SECOND_NS)
            self.board.drain(at * SECOND_NS)
            out += self.sent(self.session.tick(at * SECOND_NS))
        self._at = second
        return out


def test_a_quiet_book_is_proven_by_a_new_snapshot_before_it_would_be_stale():
    thin = Thin()
    assert thin.until(45) == []
    assert thin.until(46) == [("unsubscribe", "order_book/0"), ("subscribe", "order_book/0")]
    thin.answer("order_book/0", 46 * SECOND_NS)
    assert thin.until(70) == []
    assert thin.board.quote(ETH, 70 * SECOND_NS).status is BookStatus.LIVE


def test_a_book_whose_new_snapshot_does_not_come_is_stale_sooner_than_its_silence_would_make_it():
    thin = Thin()
    thin.until(46)
    thin.stats(49 * SECOND_NS)
    assert thin.board.quote(ETH, 49 * SECOND_NS).status is BookStatus.LIVE
    quote = thin.board.quote(ETH, 49 * SECOND_NS + MILLISECOND_NS)
    assert (quote.status, quote.reason) == (BookStatus.STALE, "waiting for a new snapshot")
    thin.stats(50 * SECOND_NS)
    assert [one.status for one in thin.board.drain(50 * SECOND_NS)] == [BookStatus.STALE]
    thin.answer("order_book/0", 51 * SECOND_NS)
    assert [one.status for one in thin.board.drain(51 * SECOND_NS)] == [BookStatus.LIVE]


def test_quiet_books_leave_half_of_the_minutes_messages_to_others():
    thin = Thin(120)
    sent: list[tuple[str, str]] = []
    for second in range(46, 100):
        fresh = thin.until(second)
        for verb, channel in fresh:  # grows while it is walked: each answer lets the next one go
            if verb == "subscribe":
                fresh += thin.sent(thin.answer(channel, second * SECOND_NS))
        sent += fresh
    assert 80 <= len(sent) <= 100


def test_a_quiet_book_that_is_looked_at_is_proven_first_and_when_the_chores_have_spent_their_share():
    thin = Thin(120)
    last, looked = "order_book/119", MarketId(119)
    spent = 0
    for second in range(46, 62):  # the oldest are asked for until nothing is left for chores
        fresh = thin.until(second)
        for verb, channel in fresh:
            if verb == "subscribe":
                fresh += thin.sent(thin.answer(channel, second * SECOND_NS))
        spent += len(fresh)
    assert 80 <= spent <= 100
    assert thin.until(63) == []
    assert thin.board.book(looked, 20, 63 * SECOND_NS).status is BookStatus.STALE
    assert thin.until(64) == [("unsubscribe", last), ("subscribe", last)]
    thin.answer(last, 64 * SECOND_NS)
    assert thin.board.quote(looked, 64 * SECOND_NS).status is BookStatus.LIVE


def test_a_book_that_nobody_looks_at_any_more_waits_its_turn_again():
    thin = Thin(20)
    thin.board.book(MarketId(19), 20, 40 * SECOND_NS)
    thin.board.book(MarketId(18), 20, 46 * SECOND_NS)
    asked = [channel for verb, channel in thin.until(46) if verb == "subscribe"]
    assert asked == ["order_book/18", *(f"order_book/{at}" for at in range(7))]


def test_nothing_is_asked_for_on_a_link_that_is_silent_itself():
    thin = Thin()
    for at in range(1, 60):
        thin.board.drain(at * SECOND_NS)
    assert thin.session.status(3 * SECOND_NS)[0] is LinkStatus.DEGRADED
    assert not thin.session._queue


async def test_streams_connect_as_soon_as_rest_answers_again(venue, start, monkeypatch):
    monkeypatch.setattr("core.connectors.lighter.stream._FIRST_BACKOFF_MS", 60_000)
    monkeypatch.setattr("core.connectors.lighter.stream._MAX_BACKOFF_MS", 60_000)
    connector, _ = await start(venue.settings())
    await eventually(lambda: all(link.status is LinkStatus.LIVE for link in connector.links()), "links")
    await venue.cut()
    resting = [task for task in connector._tasks if "rest" not in task.get_name()]
    await eventually(lambda: connector.links()[0].status is LinkStatus.DOWN, "the cut")
    assert all(not task.done() for task in resting)
    async with _failing_reads(venue):
        await eventually(lambda: connector.links()[-1].status is LinkStatus.DOWN, "REST to fail", timeout=10)
    await eventually(
        lambda: all(link.status is LinkStatus.LIVE for link in connector.links()), "every link", timeout=10
    )


@asynccontextmanager
async def _failing_reads(venue):
    async def handler(_):
        return web.Response(status=503, text="<html>maintenance</html>")

    venue.answers["/api/v1/account"] = handler
    yield
    del venue.answers["/api/v1/account"]


def _signer(chain: int, key: str, account: int = 987) -> Signer:
    return Signer(chain_id=chain, account_index=account, api_key_index=9, private_key=SecretStr(key))


async def test_one_process_signs_for_one_network_a_key():
    first, again = _signer(304, "11" * 40), _signer(304, "11" * 40)
    elsewhere, other_key, other_account = _signer(300, "11" * 40), _signer(304, "12" * 40), _signer(300, "11" * 40, 988)
    try:
        assert await first.start() == await again.start() == await first.start()
        for refused in (elsewhere, other_key):
            with pytest.raises(ConfigError, match="API key 9 of account 987 signs for chain 304 in this process"):
                await refused.start()
        await other_account.start()
        first.close()
        with pytest.raises(ConfigError, match="close that connector first"):
            await elsewhere.start()
        again.close()
        assert await elsewhere.start()
    finally:
        for one in (first, again, elsewhere, other_key, other_account):
            one.close()
