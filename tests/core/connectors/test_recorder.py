"""Recording a venue: public and private frames and replies, no secrets, and a file the venue can play again."""

import asyncio
import json
import os
import signal
import subprocess
import sys

import aiohttp

from core.clock import SystemClock
from core.connectors.lighter.settings import LighterSettings
from core.connectors.recorder import record
from core.connectors.venue.child import PaperVenue, VenueReady
from core.connectors.venue.recording import Kind, Recorder, read
from tests.support import venue_tx as tx
from tests.support.waiting import wait_until


def settings(ready: VenueReady, url: str | None = None) -> LighterSettings:
    return LighterSettings(
        name="paper",
        world="test",
        url=url or ready.url,
        ws_url=ready.ws_url,
        chain_id=ready.chain_id,
        account_index=ready.trading.account_index,
        api_key_index=ready.trading.api_key_index,
        private_key=ready.trading.private_key,
        markets=("ETH",),
    )


def test_both_sides_of_a_session_are_on_the_disk_and_no_secret_is(tmp_path):
    file = tmp_path / "session.ltrec"
    with PaperVenue(markets=2) as venue:
        ready = venue.ready

        async def trade(recorder: Recorder) -> None:
            async with asyncio.timeout(10):
                while recorder.count < 30:
                    await asyncio.wait([asyncio.create_task(ping())])
            form = {"tx_type": "14", "tx_info": tx.create(nonce=0, Type=tx.MARKET, TimeInForce=tx.IOC, Price=300_000)}
            async with aiohttp.ClientSession() as http, http.post(f"{ready.url}/api/v1/sendTx", data=form) as answer:
                assert answer.status == 200

        async def ping() -> None:
            async with aiohttp.ClientSession() as http, http.get(ready.url) as answer:
                assert answer.status == 200

        async def run() -> None:
            recorder = Recorder(file)
            await asyncio.gather(record(settings(ready), recorder, SystemClock(), 3), trade(recorder))

        asyncio.run(run())
        secret = ready.trading.private_key.get_secret_value()
    lines = list(read(file))
    kinds = {json.loads(line.body).get("type") for line in lines if line.kind is Kind.FRAME}
    assert {"subscribed/order_book", "update/order_book", "update/trade", "update/market_stats"} <= kinds
    assert {"subscribed/account_all_orders", "update/account_all_trades", "update/account_all_positions"} <= kinds
    assert [line.about.rpartition("/")[2] for line in lines if line.kind is Kind.REPLY] == [
        "orderBookDetails",
        "account",
        "accountActiveOrders",
        "accountInactiveOrders",
    ]
    assert all(line.body[:1] == "{" for line in lines)
    assert [line.time_us for line in lines] == sorted(line.time_us for line in lines)
    text = "\n".join(line.body for line in lines)
    assert secret not in text
    assert '"auth"' not in text
    with PaperVenue(markets=2, options=("--replay", str(file), "--speed", "100")) as again:
        assert again.is_running


def test_the_command_records_until_it_is_told_to_stop(tmp_path):
    file = tmp_path / "session.ltrec"
    environment = os.environ | {"XDG_STATE_HOME": str(tmp_path / "state"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    command = [sys.executable, "-m", "tui", "record", "--profile", "paper", "--out", str(file)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True) as process:
        try:
            wait_until(lambda: file.exists() and sum(1 for _ in read(file)) > 50, "a recording on the disk", 15)
        finally:
            process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=10)
    assert process.returncode == 0, said
    assert said.endswith(f"messages written to {file}\n")
    assert said.count("\n") == 1


def test_a_venue_that_does_not_answer_is_one_sentence(tmp_path):
    file, config = tmp_path / "session.ltrec", tmp_path / "config.toml"
    config.write_text(f'state_dir = "{tmp_path}"\n')
    command = [sys.executable, "-m", "tui", "record", "--config", str(config), "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "cannot be written" in done.stderr
    assert not file.exists()
