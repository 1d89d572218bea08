"""How many connections a whole sync opens: no more than calls may be under way at once."""

import json
import lzma
import socket
from datetime import datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.test_golden import GOLDEN, Playback, PlaybackHandler, call


class KeepAliveHandler(PlaybackHandler):
    """Answers the next request on the same connection, unless the client ends it."""

    protocol_version = "HTTP/1.1"


class KeepAlivePlayback(Playback):
    """Recorded answers from a server that leaves connections open; it counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.RequestHandlerClass = KeepAliveHandler
        self.connections = 0

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection and count it."""
        self.connections += 1
        return super().get_request()


@pytest.mark.parametrize("calls", [1, 3])
def test_a_sync_asks_everything_over_few_connections(tmp_path: Path, calls: int) -> None:
    """Twenty connections and as many TLS handshakes would take longer than the answers."""
    sync = json.loads(lzma.decompress((GOLDEN / "answers.json.xz").read_bytes()))[0]
    now = datetime.fromisoformat(sync["now"])
    with KeepAlivePlayback() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            text = (GOLDEN / sync["config"]).read_text(encoding="utf-8")
            text = text.replace("http://crm.invalid", server.url)
            text = text.replace("[alfacrm]", f"[alfacrm]\ncalls = {calls}")
            (tmp_path / "config.toml").write_text(text, encoding="utf-8")
            assert call(tmp_path, ["init"], now) == 0
            server.load(sync["exchanges"])
            assert call(tmp_path, ["sync", "--quiet", *sync["options"]], now) == sync["code"]
            assert not server.unrecorded
            assert 1 <= server.connections <= calls
        finally:
            server.shutdown()
            thread.join()
