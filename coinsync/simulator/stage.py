"""A folder in which the pretend CRM lives on: the school's description, the account, the port. Kept at every change."""

import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coinsync.simulator.school import School
from coinsync.simulator.server import Simulator

EMAIL = "api@school.example"
HOST = "127.0.0.1"
PORTS = range(20_000, 32_000)
#: The goods of the imaginary school's shop: pictures, and a catalog that names them.
GOODS = Path(__file__).with_name("goods")


def free_port() -> int:
    """A port to listen on today and tomorrow: free, and below those that the system lends to outgoing connections."""
    first = PORTS.start + os.getpid() % len(PORTS)
    candidates: list[int] = [*range(first, PORTS.stop), *range(PORTS.start, first)]
    for port in candidates:
        try:
            with socket.create_server((HOST, port)):
                return port
        except OSError:
            continue
    raise OSError(f"no free port from {PORTS.start} to {PORTS.stop}")


@dataclass
class Stage:
    """The school of one folder; its file holds the API key of an imaginary account, hence mode 0600."""

    folder: Path
    description: dict[str, Any]
    api_key: str
    port: int = 0

    @property
    def file(self) -> Path:
        """Where the stage is kept."""
        return self.folder / "school.json"

    @classmethod
    def load(cls, folder: Path) -> "Stage | None":
        """The stage of a folder, or None where there is none; ValueError when its file is damaged."""
        try:
            kept = json.loads((folder / "school.json").read_text(encoding="utf-8"))
            return cls(folder, kept["school"], kept["api_key"], kept["port"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{folder / 'school.json'} cannot be used ({type(error).__name__})"
            ) from error

    def save(self) -> None:
        """Keep the stage, whole or not at all."""
        part = self.file.with_suffix(".part")
        with os.fdopen(
            os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            json.dump(
                {"school": self.description, "api_key": self.api_key, "port": self.port}, file
            )
        part.replace(self.file)

    def open(self) -> Simulator:
        """The CRM of this school, listening; what happens in it is kept at once. OSError when the port is taken."""
        school = School.replay(self.description)
        keep = self._keeper(school)
        self.port = self.port or free_port()
        return Simulator(
            school, port=self.port, email=EMAIL, api_key=self.api_key, on_change=keep
        ).start()

    def _keeper(self, school: School) -> Callable[[], None]:
        def keep() -> None:
            self.description = school.description()
            self.save()

        return keep
