"""A folder in which the pretend CRM lives on: its school, its account, its port."""

import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coinsync.errors import UsageError
from coinsync.files import write_whole
from coinsync.simulator.school import School
from coinsync.simulator.server import HOST, Simulator

EMAIL = "api@school.example"
# Below the ports that the system lends to outgoing connections.
PORTS = range(20_000, 32_000)
#: The goods of the made-up school's shop: pictures, and a catalog that names them.
GOODS = Path(__file__).with_name("goods")


def free_port() -> int:
    """A port to listen on today and tomorrow."""
    first = os.getpid() % len(PORTS)
    ports: list[int] = [*PORTS[first:], *PORTS[:first]]
    for port in ports:
        try:
            with socket.create_server((HOST, port)):
                return port
        except OSError:
            continue
    raise OSError(f"no free port from {PORTS.start} to {PORTS.stop}")


@dataclass
class DemoFolder:
    """The school of one folder, kept at every change; `port` is 0 until it listens."""

    folder: Path
    description: dict[str, Any]
    api_key: str
    port: int = 0

    @classmethod
    def load(cls, folder: Path) -> "DemoFolder | None":
        """What the folder holds, or None. Raises ``UsageError`` when its file is damaged."""
        path = folder / "school.json"
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            return cls(folder, kept["school"], kept["api_key"], kept["port"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{path} cannot be used ({type(error).__name__})",
                advice="Remove that folder, or choose another --dir.",
            ) from error

    def save(self) -> None:
        """Keep everything, whole or not at all."""
        kept = {"school": self.description, "api_key": self.api_key, "port": self.port}
        # The file holds the key of the account.
        write_whole(self.folder / "school.json", json.dumps(kept).encode(), 0o600)

    def open(self, clock: Callable[[], float]) -> Simulator:
        """The CRM of this school, listening. OSError when the port is taken."""
        school = School.replay(self.description)
        self.port = self.port or free_port()

        # Kept at every change, because the program may be ended at any time.
        def keep() -> None:
            self.description = school.description()
            self.save()

        crm = Simulator(school, EMAIL, self.api_key, port=self.port, clock=clock, on_change=keep)
        return crm.start()
