"""A plain client of the simulator for its own tests: it knows HTTP and nothing of coinsync."""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import requests

from coinsync.simulator import Options, School, Simulator
from tests.support.edited_school import EditedSchool

TODAY = date(2026, 11, 21)

# Made once and copied for each test, which is several times faster than making it anew.
_SCHOOL = pickle.dumps(EditedSchool(seed=7, today=TODAY))


def usual_school() -> School:
    """A school of the usual size, for this test alone."""
    school: School = pickle.loads(_SCHOOL)
    return school


class Clock:
    """A clock that moves when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The time it is."""
        return self.now


class Client:
    """Logs in once and calls."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.session = requests.Session()
        self.session.trust_env = False
        self.headers: dict[str, str] = {}

    @property
    def address(self) -> tuple[str, int]:
        """Where the simulator listens."""
        return ("127.0.0.1", int(self.simulator.url.rpartition(":")[2]))

    def login(self, **changed: str) -> requests.Response:
        """Ask for a token and use it from now on."""
        account = {"email": self.simulator.email, "api_key": self.simulator.api_key, **changed}
        answer = self.post("auth/login", account)
        if answer.status_code == 200:
            self.headers = {"X-ALFACRM-TOKEN": answer.json()["token"]}
        return answer

    def post(self, path: str, body: Any = None, **query: Any) -> requests.Response:
        """One call, whatever it answers."""
        return self.session.post(
            f"{self.simulator.url}/v2api/{path}",
            json=body,
            params=query,
            headers=self.headers,
            timeout=10,
            allow_redirects=False,
        )

    def page(self, path: str, body: Any = None, **query: Any) -> Any:
        """The envelope of one page."""
        answer = self.post(path, body, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def items(self, path: str, body: Any = None, **query: Any) -> list[Any]:
        """The rows of a read that fits on one page."""
        page = self.page(path, {"pageSize": 500, **(body or {})}, **query)
        assert page["total"] == page["count"] == len(page["items"])
        items: list[Any] = page["items"]
        return items

    def walk(self, path: str, **body: Any) -> list[Any]:
        """The rows of all pages until an empty one."""
        rows: list[Any] = []
        for number in range(200):
            items = self.page(path, {**body, "page": number})["items"]
            if not items:
                return rows
            rows.extend(items)
        raise AssertionError("the pages do not end")


@contextmanager
def running(school: School | None = None, **settings: Any) -> Iterator[Client]:
    """A client that is logged in; settings beyond clock and listener are options."""
    given = {name: settings.pop(name) for name in ("clock", "on_change") if name in settings}
    options = Options(**{"rate_limit": None, **settings})
    with Simulator(school or usual_school(), options=options, **given) as simulator:
        client = Client(simulator)
        client.login()
        with client.session:
            yield client


def ids(rows: list[Any]) -> list[int]:
    """The numbers of the rows."""
    return [row["id"] for row in rows]
