"""Serving the web view: to families, and to the school alone for a look."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer import Context, Option

from coinsync.commands.checks.vk_app import NOBODY, keys_of, launch_fields, vk_app_problems
from coinsync.commands.options import Who
from coinsync.commands.session import Session
from coinsync.core.facts import Resident
from coinsync.errors import ConfigError
from coinsync.lookup.residents import find_resident
from coinsync.store.reader import Reader

if TYPE_CHECKING:
    from peewee import Database

#: Nobody but this machine reaches it.
LOOPBACK = "127.0.0.1"
PREVIEW_SECONDS = 3600
PREVIEW_APP = 1
PREVIEW_THREADS = 4


@dataclass(frozen=True)
class CabinetTerms:
    """How the web view is served: where, and which launches it accepts.

    ``listening`` is told the port; ``reader`` makes what asks the database, the usual one if None.
    """

    host: str
    port: int
    threads: int
    app_id: int
    keys: tuple[str, ...] = field(repr=False)
    age_seconds_max: int
    hosts: tuple[str, ...] = ()
    listening: Callable[[int], None] = lambda _port: None
    reader: Callable[[Any], Reader] | None = None


def serve(
    ctx: Context,
    host: Annotated[str | None, Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, Option(min=1, max=65535, help="Port to listen on.")] = None,
    threads: Annotated[int | None, Option(min=1, max=64, help="Requests answered at once.")] = None,
) -> None:
    """Serve the cabinet, read-only."""
    session: Session = ctx.obj
    web = session.settings.web
    address = host or web.host

    def listening(port: int) -> None:
        shown = f"[{address}]" if ":" in address else address
        session.say(f"The cabinet listens on http://{shown}:{port}/ until Ctrl-C.")

    serve_families(session, address, port or web.port, threads or web.threads, listening)


def serve_families(
    session: Session,
    host: str,
    port: int,
    threads: int,
    listening: Callable[[int], None] = lambda _port: None,
) -> None:
    """Serve the school's VK app. Raises ``ConfigError`` where no family could be let in."""
    from coinsync import brand

    web = session.settings.web
    lines = brand.problems(session.settings.brand)
    if lines:
        lines.append(f"  → {brand.ADVICE}")
    # A server that refuses everybody would look well from outside, so it does not start.
    for problem in vk_app_problems(session):
        lines += [problem.said, f"  → {problem.advice}"]
    if lines:
        # The last advice is printed by itself, below the message.
        *lines, advice = lines
        raise ConfigError(lines, advice=advice.removeprefix("  → "))
    terms = CabinetTerms(
        host,
        port,
        threads,
        app_id=web.app_id,
        keys=keys_of(session),
        age_seconds_max=web.launch_hours_max * 3600,
        hosts=web.hosts,
        listening=listening,
    )
    session.web_view.serve(session, terms)


class FamilyReader(Reader):
    """A reader to which every visitor is the same family, whatever is linked."""

    def __init__(self, database: Database, residents: frozenset[int]) -> None:
        """Show these ``residents``."""
        super().__init__(database)
        self._residents = residents

    def residents_of_visitor(self, vk: int) -> list[Resident]:
        """The family, by name."""
        residents = self.recorded(Resident, self._residents)
        return sorted(residents, key=lambda resident: (resident.name, resident.id))


def preview(
    ctx: Context,
    resident: Who,
    port: Annotated[
        int, Option(min=0, max=65535, help="Port to listen on; a free one if left out.")
    ] = 0,
) -> None:
    """Show the cabinet as a resident's family sees it, on this machine alone, for an hour.

    VK and its key are not needed. Nobody is linked to anything.
    """
    session: Session = ctx.obj
    with session.reader() as reader:
        family = _family_of(reader, find_resident(reader, resident))
    # The key lives as long as this process, and opens no other server than this one.
    key = session.environment.fresh_text()
    fields = launch_fields(PREVIEW_APP, NOBODY, int(session.now().timestamp()))
    query = session.web_view.sign(fields, key)

    def listening(port: int) -> None:
        link = f"http://{LOOPBACK}:{port}/?{query}"
        session.tell({"link": link, "residents": sorted(family)})
        session.say("The cabinet of this family, for an hour or until Ctrl-C:")
        if not session.json:
            typer.echo(link)
        session.say(f"From another machine first:  ssh -L {port}:{LOOPBACK}:{port} THIS-SERVER")

    terms = CabinetTerms(
        LOOPBACK,
        port,
        PREVIEW_THREADS,
        app_id=PREVIEW_APP,
        keys=(key,),
        age_seconds_max=PREVIEW_SECONDS,
        listening=listening,
        reader=lambda database: FamilyReader(database, family),
    )
    with _ended_after(PREVIEW_SECONDS):
        session.web_view.serve(session, terms)


def _family_of(reader: Reader, resident: Resident) -> frozenset[int]:
    """A resident, with the brothers and sisters whom the same VK account sees."""
    for link in reader.links_of([resident.id]):
        if link.live:
            return frozenset(each.id for each in reader.residents_of_visitor(link.vk))
    return frozenset([resident.id])


@contextmanager
def _ended_after(seconds: int) -> Iterator[None]:
    """End the server that runs inside after some time, as SIGTERM does."""
    before = signal.signal(signal.SIGALRM, _end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _end(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(0)
