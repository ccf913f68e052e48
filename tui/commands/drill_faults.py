"""The faults of a drill: switched on at the venue right before each kill, and off once it is confirmed."""

import asyncio
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

import msgspec

from core.connectors.venue.child import VenueReady
from core.connectors.venue.faults import parse
from core.errors import ConfigError, LinkDown

_NONE: Final = b'{"faults": []}'
_SECONDS: Final = 5.0


class _Seeded(msgspec.Struct):
    """Of a schedule only what a drill changes."""

    faults: list[msgspec.Raw] = []
    seed: int = 1


def read(file: Path) -> bytes:
    """A schedule as JSON, after the paper venue's own parser took it.

    Raises:
        ConfigError: it cannot be read or used; the text says where.
    """
    try:
        text = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"--faults: cannot read {file}: {error.strerror}") from None
    is_toml = file.suffix == ".toml"
    parse(text, is_toml=is_toml)
    return msgspec.json.encode(msgspec.toml.decode(text)) if is_toml else text


class Trouble:
    """Switches a schedule on and off at a venue that was started with `--control`."""

    def __init__(self, ready: VenueReady, schedule: bytes | None) -> None:
        """None never switches anything on."""
        self._ready = ready
        self._schedule = None if schedule is None else msgspec.json.decode(schedule, type=_Seeded)
        self._rounds = 0

    async def begin(self) -> None:
        """Switch it on, with other dice than in the rounds before."""
        if self._schedule is not None:
            self._rounds += 1
            seeded = msgspec.structs.replace(self._schedule, seed=self._schedule.seed + self._rounds)
            await asyncio.to_thread(self._post, msgspec.json.encode(seeded))

    async def end(self) -> None:
        """Switch it off."""
        if self._schedule is not None:
            await asyncio.to_thread(self._post, _NONE)

    def _post(self, body: bytes) -> None:
        token = self._ready.control_token
        headers = {"authorization": token.get_secret_value() if token else "", "content-type": "application/json"}
        request = urllib.request.Request(f"{self._ready.url}/control/faults", data=body, headers=headers)  # noqa: S310 - our own venue's address
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=_SECONDS):
                return
        except (urllib.error.URLError, TimeoutError) as error:
            raise LinkDown(f"the paper venue does not switch faults: {error}") from None
