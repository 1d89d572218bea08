"""Serving the web view: to families, and to the school alone for a look."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer import Context, Option

from coinsync.commands.options import Who
from coinsync.commands.session import Session
from coinsync.config.secrets import VK_KEYS
from coinsync.core.facts import Resident
from coinsync.errors import ConfigError, SecretError
from coinsync.lookup.residents import find_resident
from coinsync.store.reader import Reader

if TYPE_CHECKING:
    from peewee import Database

#: Nobody but this machine reaches it.
LOOPBACK = "127.0.0.1"
PREVIEW_SECONDS = 3600
PREVIEW_APP = 1
PREVIEW_THREADS = 4
#: Whom a launch names that the program signs for itself.
NOBODY = 1


@dataclass(frozen=True)
class CabinetTerms:
    """How the web view is served: where, and which launches it accepts.

    ``listening`` is told the port; ``reader`` makes what asks the database.
    """

    host: str
    port: int
    threads: int
    app_id: int
    keys: tuple[str, ...] = field(repr=False)
    age_seconds_max: int
    hosts: tuple[str, ...] = ()
    listening: Callable[[int], None] = lambda _port: None
    reader: Callable[[Any], Reader] = Reader


def serve(
    ctx: Context,
    host: Annotated[str | None, Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, Option(min=1, max=65535, help="Port to listen on.")] = None,
    threads: Annotated[int | None, Option(min=1, max=64, help="Requests answered at once.")] = None,
) -> None:
    """Serve the cabinet, read-only."""
    session: Session = ctx.obj
    address = host or session.settings.web.host

    def listening(port: int) -> None:
        shown = f"[{address}]" if ":" in address else address
        session.say(f"The cabinet listens on http://{shown}:{port}/ until Ctrl-C.")

    serve_families(session, address, port, threads, listening)


def serve_families(
    session: Session,
    host: str | None = None,
    port: int | None = None,
    threads: int | None = None,
    listening: Callable[[int], None] = lambda _port: None,
) -> None:
    """Serve the school's VK app, where the configuration says what is left out.

    Raises ``ConfigError`` where no family could be let in.
    """
    from coinsync.pictures import BRAND_ADVICE, brand_problems

    web = session.settings.web
    lines = brand_problems(session.settings.brand)
    if lines:
        lines.append(f"  → {BRAND_ADVICE}")
    # A server that refuses everybody would look well from outside, so it does not start.
    for problem, advice in launch_problems(session):
        lines += [problem, f"  → {advice}"]
    if lines:
        # The last advice is printed by itself, below the message.
        *lines, advice = lines
        raise ConfigError(lines, advice=advice.removeprefix("  → "))
    terms = CabinetTerms(
        host or web.host,
        port or web.port,
        threads or web.threads,
        app_id=web.app_id,
        keys=keys_of(session),
        age_seconds_max=web.launch_hours_max * 3600,
        hosts=web.hosts,
        listening=listening,
    )
    session.web_view.serve(session, terms)


# --- which launches are accepted ---


def launch_problems(session: Session) -> Iterator[tuple[str, str]]:
    """Why the web view would let nobody in, each with advice."""
    app_id = session.settings.web.app_id
    if app_id <= 0:
        advice = "Write the number of the VK app there; it stands in the app's settings."
        yield "config: [web] app_id is 0, so every family would be refused", advice
    try:
        keys = keys_of(session)
    except SecretError as error:
        yield error.message, error.advice
        return
    advice = "Copy the protected key from the VK app's settings: Development, Access keys."
    for number, key in enumerate(keys, 1):
        fault = _fault_of_key(session, key, app_id or 1)
        if fault:
            name = f"key {number} of {len(keys)}" if len(keys) > 1 else "the key"
            yield f"secret: {VK_KEYS}: {name} {fault}", advice


def keys_of(session: Session) -> tuple[str, ...]:
    """The keys of the VK app, the newest first. Raises ``SecretError``."""
    keys = session.secrets.get(VK_KEYS).reveal().split(",")
    return tuple(key.strip() for key in keys)


def _fault_of_key(session: Session, key: str, app_id: int) -> str:
    query = signed_launch(session, app_id, NOBODY, key)
    moment = int(session.now().timestamp())
    fault = session.web_view.launch_fault(query, key, app_id, moment)
    if fault == "no_key":
        return f"is too short ({len(key)} characters); VK's have 20"
    return f"does not accept its own launch ({fault})" if fault else ""


def signed_launch(session: Session, app_id: int, visitor: int, key: str) -> str:
    """The query of a launch at this moment, as VK would send it."""
    fields = {
        "vk_access_token_settings": "",
        "vk_app_id": str(app_id),
        "vk_are_notifications_enabled": "0",
        "vk_is_app_user": "1",
        "vk_language": "ru",
        "vk_platform": "desktop_web",
        "vk_ts": str(int(session.now().timestamp())),
        "vk_user_id": str(visitor),
    }
    return session.web_view.sign(fields, key)


# --- a look for the school alone ---


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
    query = signed_launch(session, PREVIEW_APP, NOBODY, key)

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
    # The server ends then as it does by SIGTERM.
    signal.signal(signal.SIGALRM, _end)
    signal.alarm(PREVIEW_SECONDS)
    session.web_view.serve(session, terms)


def _family_of(reader: Reader, resident: Resident) -> frozenset[int]:
    """A resident, with the brothers and sisters whom the same VK account sees."""
    for link in reader.links_of([resident.id]):
        if link.live:
            return frozenset(each.id for each in reader.residents_of_visitor(link.vk))
    return frozenset([resident.id])


def _end(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(0)
