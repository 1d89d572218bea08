"""The made-up school: demo, and its CRM alone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from typer import Context, Option

from coinsync import config
from coinsync.commands.catalog import keep_copies, read_goods
from coinsync.commands.init import write_new
from coinsync.commands.lessons import post_windows
from coinsync.commands.posting import apply
from coinsync.commands.serve import keys_of, serve_families, signed_launch
from coinsync.commands.session import PARTLY, Session
from coinsync.commands.sync_posting import Posting
from coinsync.core.catalog import Item, MoveKind, Pick
from coinsync.core.facts import Presence, Resident
from coinsync.core.plan import Change, Plan
from coinsync.core.proposal import Author
from coinsync.core.rules import GuestPolicy
from coinsync.desk.catalog import load, move_stock, propose_goods
from coinsync.desk.gather import Clerk
from coinsync.desk.shop import Buyer, sell
from coinsync.errors import UsageError, reason_of
from coinsync.files import write_whole
from coinsync.lookup.residents import with_coins
from coinsync.lookup.shop import shelf
from coinsync.render.people import residents_page
from coinsync.simulator.chance import Chance
from coinsync.simulator.school import GOODS, School
from coinsync.simulator.server import HOST, Simulator
from coinsync.store.database import create
from coinsync.store.reader import Reader

if TYPE_CHECKING:
    from peewee import Database


ZONE = "Europe/Moscow"
APP_ID = 7000001
DEFAULTS = {"seed": 1, "residents": 60, "days": 45}
CATALOG = "catalog.csv"
#: Pieces of each that come in before the first sale, and on how many days somebody buys.
PIECES, DAYS_OF_SALES = 20, 10
EMAIL = "api@school.example"
# Below the ports that the system lends to outgoing connections.
PORTS = range(20_000, 32_000)


def demo(
    ctx: Context,
    folder: Annotated[Path, Option("--dir", help="Folder for configuration and database.")] = Path(
        "demo"
    ),
    seed: Annotated[
        int | None, Option(help="Another number, another school; 1 if left out.")
    ] = None,
    residents: Annotated[
        int | None, Option(min=1, max=20_000, help="How many pupils; 60 if left out.")
    ] = None,
    days: Annotated[
        int | None, Option(min=1, max=1000, help="How many days of history; 45.")
    ] = None,
    port: Annotated[int, Option(min=1, max=65535, help="Port of the cabinet.")] = 8080,
    serve: Annotated[
        bool, Option("--serve/--no-serve", help="Serve the cabinet, or end after the sync.")
    ] = True,
) -> int:
    """A made-up school, to try everything on.

    AlfaCRM simulator, database, sync, shop, and the cabinet in the browser; nothing to configure.
    """
    outer: Session = ctx.obj
    given = {"seed": seed, "residents": residents, "days": days}
    wanted = {name: value for name, value in given.items() if value is not None}
    school = _school_of(outer, folder, wanted)
    with _listening(outer, school):
        session = _session_of(outer, school, port)
        create(session.database_url)
        with session.lock("demo", 0.0), session.writable() as database:
            posting = Posting(session, database, dry_run=False)
            # A made-up school has nobody who knows more about a visit than its CRM.
            post_windows(posting, (None, None), guests=GuestPolicy.PAY)
            posting.show_results()
            open_shop(session, database, school.description["seed"])
        code = posting.finish()
        if code not in (0, PARTLY):
            return code
        _show_demo(session, school, port, posting, serving=serve)
        if serve:
            serve_families(session, port=port)
    return code


def _school_of(session: Session, folder: Path, wanted: Mapping[str, int]) -> DemoFolder:
    school = DemoFolder.load(folder)
    if school is None:
        return _make(session, folder, {**DEFAULTS, **wanted})
    if not wanted.items() <= school.description.items():
        advice = "Choose another --dir, or remove that folder."
        raise UsageError(f"{folder} holds another school", advice=advice)
    return school


def _make(session: Session, folder: Path, wanted: Mapping[str, int]) -> DemoFolder:
    # A real school may live there, whose ledger would get the made-up sales.
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        advice = "Choose another --dir: an empty folder, or one that is not there."
        raise UsageError(f"{folder} holds something that is no demo", advice=advice)
    folder.mkdir(parents=True, exist_ok=True)
    # The web view may run as another user of the same group.
    folder.chmod(0o2750)
    today = session.now().astimezone(ZoneInfo(ZONE)).date()
    description = School(**wanted, today=today).description()
    school = DemoFolder(folder, description, session.environment.fresh_text(), free_port())
    school.save()
    return school


def _listening(session: Session, school: DemoFolder) -> AbstractContextManager[Any]:
    try:
        # Its rate limit goes by the clock by which the sync keeps to it.
        return school.open(session.environment.monotonic)
    except OSError:
        # One listens there already, started by hand.
        return nullcontext()


def _session_of(outer: Session, school: DemoFolder, port: int) -> Session:
    fresh_text = outer.environment.fresh_text
    secrets, path = school.folder / "coinsync.secrets", school.folder / "config.toml"
    if not secrets.exists():
        keys = f"COINSYNC_ALFACRM_KEY={school.api_key}\nCOINSYNC_VK_KEYS={fresh_text()}\n"
        write_new(secrets, keys, 0o600)
    if not path.exists():
        write_new(path, config.example(_settings(school, port)), 0o640)
    # The demo's secrets lie in its own folder; what the environment holds is a real school's.
    given = outer.environment.environ.items()
    environ = {name: value for name, value in given if not name.startswith("COINSYNC_")}
    return replace(outer, config=path, environment=replace(outer.environment, environ=environ))


def _settings(school: DemoFolder, port: int) -> dict[str, Any]:
    residents, days = school.description["residents"], school.description["days"]
    since = date.fromisoformat(school.description["today"]) - timedelta(days=days)
    rule = {"name": "group lesson", "coins": 10, "types": [2], "since": since, "guest": "hold"}
    numbers = range(1, school.description["branches"] + 1)
    branches = [{"id": id, "name": "", "zone": ZONE} for id in numbers]
    return {
        "alfacrm.url": f"http://127.0.0.1:{school.port}",
        "alfacrm.email": EMAIL,
        "alfacrm.account": "demo",
        "alfacrm.pause_seconds": 0.2,
        "branch": branches,
        "rule": [rule],
        # A made-up school is edited by hand, several lessons at a time.
        "guards.reversals_free": min(30, residents // 2),
        "guards.coins_per_run_max": max(50_000, residents * 1_000),
        # Its day goes on only when somebody says so.
        "guards.clock_hours_max": 100_000,
        "web.port": port,
        "web.app_id": APP_ID,
        "web.launch_hours_max": 168,
    }


def _show_demo(
    session: Session, school: DemoFolder, port: int, posting: Posting, *, serving: bool
) -> None:
    with session.reader() as reader:
        visitor, children = family(reader)
        coins = with_coins(reader, children, session.today)
        goods, sales = sum(not item.archived for item in reader.all(Item)), len(reader.sales())
    query = signed_launch(session, APP_ID, visitor, keys_of(session)[0])
    link = f"http://127.0.0.1:{port}/?{query}"
    folder = str(school.folder.resolve())
    shop = {"items": goods, "sales": sales}
    data = {"dir": folder, "link": link, "visitor": visitor, "shop": shop, "sync": posting.data()}
    session.tell(data)
    if session.json:
        return
    if not session.quiet:
        session.print_page(residents_page(coins, session.branch_names()))
    name = session.environment.program
    program = f"{name} --config {session.config}"
    if children:
        look = f"In another terminal:  {program} history {children[0].id}"
        session.say(f"\nThis family has VK account {visitor}. {look}")
    session.say(f"The shop has {goods} goods and sold {sales} times:  {program} catalog list")
    crm = f"http://127.0.0.1:{school.port}/"
    session.say(f"The made-up CRM, to change its days and lessons:  {crm}")
    if serving:
        session.say("\nThe cabinet, until Ctrl-C:")
    else:
        session.say(f"(it runs while this does:  {name} simulator --dir {school.folder})")
        session.say(f"\nThe cabinet, after  {program} serve:")
    typer.echo(link)


def simulator(
    ctx: Context,
    folder: Annotated[
        Path, Option("--dir", help="A demo's folder: its school, and what happens is kept.")
    ] = Path("demo"),
) -> None:
    """The demo's AlfaCRM alone, to point any client at.

    Days, edits and faults by hand, in the browser or over HTTP.
    """
    session: Session = ctx.obj
    school = DemoFolder.load(folder)
    if school is None:
        advice = f"Make one: coinsync demo --no-serve --dir {folder}"
        raise UsageError(f"{folder} holds no demo", advice=advice)
    try:
        with school.open(session.environment.monotonic) as crm:
            _show_simulator(session, crm)
            with suppress(KeyboardInterrupt):
                signal.pause()
    except OSError as error:
        raise UsageError(
            f"simulator: cannot listen on port {school.port} ({reason_of(error)})",
            advice="Stop what listens there.",
        ) from error


def _show_simulator(session: Session, crm: Simulator) -> None:
    branches = sorted(crm.school.tables.branches)
    if session.json:
        account = {"url": crm.url, "email": crm.email, "api_key": crm.api_key, "branches": branches}
        # Whoever started it waits for this line while the CRM goes on.
        print(json.dumps(account), flush=True)  # noqa: T201
        return
    typer.echo(
        f"address   {crm.url}\n"
        f"e-mail    {crm.email}\n"
        f"API key   {crm.api_key}\n"
        f"branches  {' '.join(map(str, branches))}\n\n"
        f"Days, lessons and faults by hand: open {crm.url}/ in a browser,\n"
        f"or:  curl -X POST {crm.url}/control/advance -d '{{\"days\": 1}}'\n"
        "Ctrl-C ends it."
    )


# --- its folder ---


def free_port() -> int:
    """A port to listen on today and tomorrow."""
    first = os.getpid() % len(PORTS)
    ports: list[int] = [*PORTS[first:], *PORTS[:first]]
    for port in ports:
        with suppress(OSError), socket.create_server((HOST, port)):
            return port
    raise OSError(f"no free port from {PORTS.start} to {PORTS.stop}")


@dataclass
class DemoFolder:
    """The school of one folder, kept at every change."""

    folder: Path
    description: dict[str, Any]
    api_key: str
    port: int

    @classmethod
    def load(cls, folder: Path) -> DemoFolder | None:
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

        # Kept at every change, because the program may be ended at any time.
        def keep() -> None:
            self.description = school.description()
            self.save()

        crm = Simulator(school, EMAIL, self.api_key, port=self.port, clock=clock, on_change=keep)
        return crm.start()


# --- its shop ---


def open_shop(session: Session, database: Database, seed: int) -> None:
    """Fill the shop and sell something; a shop that has goods stays as it is."""
    author = Author(session.actor, session.now(), f"demo-{seed}")
    clerk = Clerk(Reader(database), session.settings, author)
    write = partial(apply, session, database)
    if not clerk.reader.all(Item):
        write(_catalog(session, clerk))
        write(_received(clerk))
        _sell(write, clerk, Chance(seed))


def family(reader: Reader) -> tuple[int, list[Resident]]:
    """The VK account that sees most children, and these."""
    links = Counter(link.vk for link in reader.links())
    visitor = max(links, key=lambda vk: (links[vk], -vk), default=1)
    return visitor, reader.residents_of_visitor(visitor)


def _catalog(session: Session, clerk: Clerk) -> Plan:
    folder = session.settings.shop.pictures
    shutil.copytree(GOODS, folder, dirs_exist_ok=True)
    items, copies = read_goods(session, folder / CATALOG, folder)
    keep_copies(session.settings, copies)
    return load(clerk, items).plan


def _received(clerk: Clerk) -> Plan:
    changes: list[Change] = []
    for item in clerk.reader.all(Item):
        if item.tracked:
            day = clerk.today(item.branches) - timedelta(days=DAYS_OF_SALES)
            keeper = _on_day(clerk, item.code, day)
            changes += move_stock(keeper, item, MoveKind.RECEIVE, PIECES).plan.changes
    return propose_goods(clerk, changes).plan


def _on_day(clerk: Clerk, name: str | int, day: date) -> Clerk:
    """The clerk on another day, under a key of its own."""
    return replace(clerk, author=replace(clerk.author, key=f"{clerk.author.key}-{name}", day=day))


def _sell(write: Callable[[Plan], object], clerk: Clerk, chance: Chance) -> None:
    """One sale on each day; the last one is to the family that the demo shows."""
    reader = clerk.reader
    pupils = [each for each in reader.residents() if each.presence is Presence.CLIENT]
    _, children = family(reader)
    for days_ago in reversed(range(DAYS_OF_SALES)):
        candidates = pupils if days_ago else children
        buyers = chance.some(candidates, len(candidates), lambda each: each.id, "buyer", days_ago)
        for buyer in buyers:
            # Counted back from the buyer's own today: another branch's may be still to come there.
            day = clerk.today(buyer.branches) - timedelta(days=days_ago)
            goods = _affordable(reader, buyer, day)
            if goods:
                pick = Pick(chance.pick(goods, "goods", days_ago), 1)
                write(sell(_on_day(clerk, days_ago, day), [pick], [Buyer(buyer)]).plan)
                break


def _affordable(reader: Reader, buyer: Resident, day: date) -> list[Item]:
    """The goods that are there and that a buyer could have paid for on a day."""
    balance = reader.balance(buyer.id, day)
    goods = [item for item in shelf(reader).values() if item.is_sold_at(buyer.branches)]
    pieces = reader.stock(item.code for item in goods if item.tracked)
    return [each for each in goods if each.price <= balance and pieces.get(each.code) != 0]
