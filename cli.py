"""The program: global options, which command stands where, and one ``main`` that turns errors into words.

What the program finds around it, clock and environment among it, comes in here and nowhere else. The commands that open
the window or play a school live here as well, because nothing in ``coinsync`` knows ``webview``; all others live in
``coinsync.commands``.
"""

from __future__ import annotations

import io
import os
import pwd
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TextIO

import typer

from coinsync import __version__
from coinsync.commands import (
    brand,
    catalog,
    databases,
    demo_shop,
    lessons,
    links,
    people,
    review,
    shop,
    till,
)
from coinsync.commands import coins as desk
from coinsync.commands import export as exporting
from coinsync.commands import history as looking
from coinsync.commands import init as installing
from coinsync.commands import reconcile as proving
from coinsync.commands.posting import Posting, posting_into
from coinsync.commands.session import PARTLY, Session
from coinsync.core.identity import clean
from coinsync.environment import Environment
from coinsync.errors import Ambiguous, Busy, CoinsyncError, UsageError

if TYPE_CHECKING:
    from coinsync.simulator.server import Simulator
    from coinsync.simulator.stage import Stage

app = typer.Typer(
    help="Attendance in AlfaCRM becomes coins that a family can open in VK.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
residents_app = typer.Typer(help="Who has coins.", no_args_is_help=True, rich_markup_mode=None)
catalog_app = typer.Typer(help="What the shop has.", no_args_is_help=True, rich_markup_mode=None)
stock_app = typer.Typer(help="How much of it.", no_args_is_help=True, rich_markup_mode=None)
shop_app = typer.Typer(help="What was sold.", no_args_is_help=True, rich_markup_mode=None)
review_app = typer.Typer(
    help="What waits for a person.", no_args_is_help=True, rich_markup_mode=None
)
brand_app = typer.Typer(help="How the cabinet looks.", no_args_is_help=True, rich_markup_mode=None)
links_app = typer.Typer(
    help="Which VK account sees whom.", no_args_is_help=True, rich_markup_mode=None
)
database_app = typer.Typer(
    help="The database: schema, backups, rights.", no_args_is_help=True, rich_markup_mode=None
)

# --- the surroundings ------------------------------------------------------------------------------------------------


def utc_now() -> datetime:
    """The time of this machine, aware, in UTC: the one place that asks the clock."""
    return datetime.now(UTC)  # noqa: TID251


def fresh_text() -> str:
    """32 hexadecimal digits that nobody has seen before."""
    return os.urandom(16).hex()


def _chance() -> float:
    return os.urandom(1)[0] / 256


def _program() -> str:
    """How this program was called, for commands that are to be repeated."""
    return sys.argv[0] if Path(sys.argv[0]).name == "coinsync" else "coinsync"


def environment(
    environ: Mapping[str, str], *, now: Callable[[], datetime] = utc_now
) -> Environment:
    """The real surroundings around ``environ``; a test may live at another time."""
    return Environment(
        environ=environ,
        now=now,
        monotonic=time.monotonic,
        sleep=time.sleep,
        fresh_text=fresh_text,
        chance=_chance,
        program=_program(),
    )


#: As much of a name as the ledger keeps.
ACTOR_LENGTH_MAX = 80

# --- the global options -----------------------------------------------------------------------------------------------


@app.callback(invoke_without_command=True)
def globals_(
    ctx: typer.Context,
    config: Annotated[
        Path, typer.Option("--config", help="Configuration file.", envvar="COINSYNC_CONFIG")
    ] = Path("config.toml"),
    branch: Annotated[
        list[str] | None, typer.Option("--branch", help="Only this branch; may be repeated.")
    ] = None,
    actor: Annotated[
        str, typer.Option("--actor", help="Who does it; your login if left out.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="For a program.")] = False,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="Say nothing when all is well.")
    ] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show every line.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an unexpected error comes from.")
    ] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """Global options stand before or after the command."""
    if version:
        typer.echo(f"coinsync {__version__}")
        raise typer.Exit
    environment: Environment = ctx.obj
    who = (clean(actor) or clean(_login(environment.environ)))[:ACTOR_LENGTH_MAX]
    ctx.obj = Session(config, tuple(branch or ()), who, json, quiet, verbose, environment)


def _login(environ: Mapping[str, str]) -> str:
    """The person behind sudo, else the login, else the account of this process."""
    named = (environ[name] for name in ("SUDO_USER", "LOGNAME", "USER") if environ.get(name))
    try:
        return next(named, None) or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


# --- the window ------------------------------------------------------------------------------------------------------


def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on.")] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, max=64, help="Requests answered at once.")
    ] = None,
) -> None:
    """Serve the cabinet, read-only."""
    session: Session = ctx.obj
    web = session.settings.web
    _serve(session, host or web.host, port or web.port, threads or web.threads)


def _serve(session: Session, host: str, port: int, threads: int) -> None:
    import logging

    from webview.app import AppSettings, make_app
    from webview.serve import serve as listen

    settings = session.settings
    shown = brand.shown(settings)
    keys = session.secrets.get("COINSYNC_VK_KEYS").reveal().split(",")
    with session.reader():
        pass  # A database that cannot be read is told now, not to the first family.
    logging.basicConfig(
        level=logging.INFO if not session.quiet else logging.WARNING,
        format="%(asctime)s %(message)s",
    )
    app = AppSettings(
        settings.profile,
        app_id=settings.web.app_id,
        keys=tuple(key.strip() for key in keys),
        age_seconds_max=settings.web.launch_hours_max * 3600,
        hosts=frozenset(settings.web.hosts),
        own_pictures=shown.pictures,
        logo=shown.logo,
        coin=shown.coin,
    )
    try:
        listen(
            make_app(app, session.database_url, now=lambda: session.now().timestamp()),
            host,
            port,
            threads,
        )
    except OSError as error:
        raise UsageError(
            f"serve: cannot listen on {host}:{port} ({error.strerror or type(error).__name__})",
            advice="Choose another --port, or stop what listens there.",
        ) from error


# --- the imaginary school --------------------------------------------------------------------------------------------

DEMO_ZONE = "Europe/Moscow"
DEMO_APP = 7000001


def _stage_of(folder: Path) -> Stage | None:
    from coinsync.simulator.stage import Stage

    try:
        return Stage.load(folder)
    except ValueError as error:
        raise UsageError(
            str(error), advice="Remove that folder, or choose another --dir."
        ) from error


def demo(
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Option("--dir", help="Folder for configuration and database.")
    ] = Path("demo"),
    seed: Annotated[
        int | None, typer.Option(help="Another number, another school; 1 if left out.")
    ] = None,
    residents: Annotated[
        int | None, typer.Option(min=1, max=20_000, help="How many pupils; 60 if left out.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=1000, help="How many days of history; 45.")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the cabinet.")] = 8080,
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve the cabinet, or end after the sync.")
    ] = True,
) -> int:
    """An imaginary school, to try everything on.

    AlfaCRM simulator, database, sync, shop, and the cabinet in the browser; nothing to configure.
    """
    outer: Session = ctx.obj
    stage = _stage_of(folder)
    given = {"seed": seed, "residents": residents, "days": days}
    wanted = {name: value for name, value in given.items() if value is not None}
    if stage is None:
        stage = _new_stage(outer, folder, {"seed": 1, "residents": 60, "days": 45, **wanted})
    elif any(stage.description[name] != value for name, value in wanted.items()):
        raise UsageError(
            f"{folder} holds another school", advice="Choose another --dir, or remove that folder."
        )
    with _listening(stage) as simulator:
        session = _demo_door(outer, stage, simulator, port)
        installing.create_database(session)
        with session.lock("demo", 0.0), session.writable() as opened:
            posting = posting_into(session, opened, None, dry_run=False)
            lessons.post_windows(posting, (None, None), rerate=False, expect=None)
            demo_shop.open_shop(session, opened, stage.description["seed"])
        code = posting.finish()
        if code not in (0, PARTLY):
            return code
        _show_demo(session, stage, port, posting, serving=serve)
        if serve:
            _serve(session, "127.0.0.1", port, session.settings.web.threads)
    return code


def _new_stage(session: Session, folder: Path, wanted: Mapping[str, int]) -> Stage:
    from zoneinfo import ZoneInfo

    from coinsync.simulator.school import School
    from coinsync.simulator.stage import Stage

    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o2770)
    today = session.now().astimezone(ZoneInfo(DEMO_ZONE)).date()
    school = School.make(**wanted, today=today)
    stage = Stage(folder, school.description(), session.environment.fresh_text())
    stage.open().stop()
    stage.save()
    return stage


@contextmanager
def _listening(stage: Stage) -> Iterator[Simulator | None]:
    """The stage's CRM; None when one listens there already, started by hand."""
    try:
        simulator = stage.open()
    except OSError:
        yield None
        return
    with simulator:
        yield simulator


def _demo_door(outer: Session, stage: Stage, simulator: Simulator | None, port: int) -> Session:
    """Configuration and secrets of the imaginary school, written where they are missing."""
    from coinsync import config
    from coinsync.simulator.school import School
    from coinsync.simulator.stage import EMAIL

    path, kept = stage.folder / "config.toml", stage.folder / "coinsync.secrets"
    if not kept.exists():
        secrets = f"COINSYNC_ALFACRM_KEY={stage.api_key}\nCOINSYNC_VK_KEYS={outer.environment.fresh_text()}\n"
        installing.write_new(kept, secrets, 0o600)
    if not path.exists():
        school = simulator.school if simulator else School.replay(stage.description)
        residents, days = stage.description["residents"], stage.description["days"]
        first_day = school.today - timedelta(days=days)
        values = {
            "alfacrm.url": f"http://127.0.0.1:{stage.port}",
            "alfacrm.email": EMAIL,
            "alfacrm.account": "demo",
            "alfacrm.pause_seconds": 0.2,
            "branch": [
                {"id": id, "name": "", "zone": DEMO_ZONE} for id in sorted(school.books.branches)
            ],
            "rule": [
                {
                    "name": "group lesson",
                    "coins": 10,
                    "types": [2],
                    "since": first_day,
                    "guest": "hold",
                }
            ],
            # An imaginary school is edited by hand, several lessons at a time.
            "guards.reversals_free": min(30, residents // 2),
            "guards.coins_per_run_max": max(50_000, residents * 1_000),
            "web.port": port,
            "web.app_id": DEMO_APP,
            "web.launch_hours_max": 168,
        }
        installing.write_new(path, config.example(values), 0o660)
    # The demo's secrets stand in its own folder; whatever the environment holds belongs to a real school.
    environ = {
        name: value
        for name, value in outer.environment.environ.items()
        if not name.startswith("COINSYNC_")
    }
    return replace(outer, config=path, environment=replace(outer.environment, environ=environ))


def _show_demo(
    session: Session, stage: Stage, port: int, posting: Posting, *, serving: bool
) -> None:
    from coinsync.core.catalog import Item
    from coinsync.render.people import show_residents
    from coinsync.render.terminal import console

    with session.reader() as reader:
        visitor, children = demo_shop.family(reader)
        balances = reader.balances(one.id for one in children)
        goods = sum(not item.archived for item in reader.all(Item))
        shop = {"items": goods, "sales": len(reader.sales())}
    link = _signed_link(session, visitor, port)
    if session.json:
        session.tell(
            {
                "dir": str(stage.folder.resolve()),
                "link": link,
                "visitor": visitor,
                "shop": shop,
                "sync": posting.data(),
            }
        )
        return
    if not session.quiet:
        show_residents(console(), children, balances)
        program = session.environment.program
        at = f"{program} --config {session.config}"
        if children:
            session.say(
                f"\nThis family has VK account {visitor}. In another terminal:  {at} history '#{children[0].id}'"
            )
        session.say(
            f"The shop has {shop['items']} goods and sold {shop['sales']} times:  {at} catalog list"
        )
        session.say(
            f"The imaginary CRM, to change its days and lessons:  http://127.0.0.1:{stage.port}/"
        )
        if not serving:
            session.say(f"(it runs while this does:  {program} simulator --dir {stage.folder})")
        session.say("\nThe cabinet" + (", until Ctrl-C:" if serving else f", after  {at} serve:"))
    typer.echo(link)


def _signed_link(session: Session, visitor: int, port: int) -> str:
    from webview.launch import sign

    fields = {
        "vk_access_token_settings": "",
        "vk_app_id": str(DEMO_APP),
        "vk_are_notifications_enabled": "0",
        "vk_is_app_user": "1",
        "vk_language": "ru",
        "vk_platform": "desktop_web",
        "vk_ts": str(int(session.now().timestamp())),
        "vk_user_id": str(visitor),
    }
    key = session.secrets.get("COINSYNC_VK_KEYS").reveal().split(",")[0]
    return f"http://127.0.0.1:{port}/?{sign(fields, key)}"


def simulator(
    ctx: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Option("--dir", help="A demo's folder: its school, and what happens is kept."),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port; 0 takes the demo's, or a free one.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Without --dir: another number, another school.")] = 1,
    residents: Annotated[
        int, typer.Option(min=1, max=20_000, help="Without --dir: how many pupils.")
    ] = 60,
    days: Annotated[
        int, typer.Option(min=1, max=1000, help="Without --dir: how many days of history.")
    ] = 45,
) -> None:
    """The demo's AlfaCRM alone, to point any client at.

    Days, edits and faults by hand, in the browser or over HTTP.
    """
    session: Session = ctx.obj
    try:
        with _stage_for(
            session, folder, port, seed=seed, residents=residents, days=days
        ) as running:
            _show_simulator(session, running)
            with suppress(KeyboardInterrupt):
                signal.pause()
    except OSError as error:
        raise UsageError(
            f"simulator: cannot listen on port {port} ({error.strerror or type(error).__name__})",
            advice="Choose another --port, or stop what listens there.",
        ) from error


def _stage_for(
    session: Session, folder: Path | None, port: int, *, seed: int, residents: int, days: int
) -> Simulator:
    from coinsync.simulator.school import School
    from coinsync.simulator.server import Simulator
    from coinsync.simulator.stage import EMAIL

    if folder is None:
        school = School.make(seed=seed, residents=residents, days=days, today=session.now().date())
        return Simulator(
            school, port=port, email=EMAIL, api_key=session.environment.fresh_text()
        ).start()
    stage = _stage_of(folder)
    if stage is None:
        raise UsageError(
            f"{folder} holds no demo", advice=f"Make one: coinsync demo --no-serve --dir {folder}"
        )
    before, stage.port = stage.port, port or stage.port
    running = stage.open()
    if stage.port != before:
        _follow(stage, before)
    return running


def _follow(stage: Stage, before: int) -> None:
    """Let the folder's configuration follow its CRM to the port where it listens now."""
    config = stage.folder / "config.toml"
    old, new = (f'url = "http://127.0.0.1:{port}"\n' for port in (before, stage.port))
    config.write_text(config.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    stage.save()


def _show_simulator(session: Session, running: Simulator) -> None:
    import json

    known = {
        "url": running.url,
        "email": running.email,
        "api_key": running.api_key,
        "branches": list(running.branch_ids),
    }
    if session.json:
        print(json.dumps(known), flush=True)  # noqa: T201
        return
    branches = " ".join(map(str, running.branch_ids))
    for name, value in (
        ("address", running.url),
        ("e-mail", running.email),
        ("API key", running.api_key),
    ):
        typer.echo(f"{name:<10}{value}")
    typer.echo(
        f"{'branches':<10}{branches}\n\nDays, lessons and faults by hand: open {running.url}/ in a browser,"
    )
    typer.echo(
        f"or:  curl -X POST {running.url}/control/advance -d '{{\"days\": 1}}'\nCtrl-C ends it."
    )


# --- which command stands where --------------------------------------------------------------------------------------

app.command("sync")(lessons.sync)
app.command("runs")(lessons.runs)
app.command("explain")(lessons.explain)
app.command("balance")(looking.balance)
app.command("history")(looking.history)
app.command("statement")(looking.statement)
app.command("reconcile")(proving.reconcile)
app.command("credit")(desk.credit)
app.command("debit")(desk.debit)
app.command("reverse")(desk.reverse)
app.command("import")(desk.import_file)
app.command("sell")(shop.sell)
app.command("refund")(shop.refund)
app.command("till")(till.till)
app.command("export")(exporting.export)
app.command("init")(installing.init)
app.command("doctor")(databases.doctor)
app.command("serve")(serve)
app.command("demo")(demo)
app.command("simulator")(simulator)

residents_app.command("list")(people.list_all)
residents_app.command("show")(people.show)
residents_app.command("merge")(people.merge)
residents_app.command("unmerge")(people.unmerge)
residents_app.command("erase")(people.erase)
residents_app.command("export")(people.export)

catalog_app.command("list")(catalog.list_all)
catalog_app.command("load")(catalog.load)
catalog_app.command("add")(catalog.add)
catalog_app.command("edit")(catalog.edit)
catalog_app.command("archive")(catalog.archive)

stock_app.command("list")(catalog.stock_list)
stock_app.command("receive")(catalog.receive)
stock_app.command("count")(catalog.count)
stock_app.command("write-off")(catalog.write_off)

shop_app.command("sales")(shop.sales)
shop_app.command("sale")(shop.sale)
shop_app.command("report")(shop.report)
shop_app.command("events")(shop.events)
shop_app.command("open")(shop.open_fair)
shop_app.command("close")(shop.close_fair)

review_app.command("list")(review.list_cases)
review_app.command("post")(review.post)
review_app.command("forgive")(review.forgive)
review_app.command("waive")(review.waive)

links_app.command("list")(links.list_all)
links_app.command("add")(links.add)
links_app.command("revoke")(links.revoke)

brand_app.command("check")(brand.check)

database_app.command("status")(databases.status)
database_app.command("migrate")(databases.migrate)
database_app.command("backup")(databases.backup)
database_app.command("copy")(databases.copy)
database_app.command("grants")(databases.grants)

catalog_app.add_typer(stock_app, name="stock")
app.add_typer(catalog_app, name="catalog")
app.add_typer(shop_app, name="shop")
app.add_typer(review_app, name="review")
app.add_typer(residents_app, name="residents")
app.add_typer(links_app, name="links")
app.add_typer(brand_app, name="brand")
app.add_typer(database_app, name="db")


# --- main ------------------------------------------------------------------------------------------------------------

_FLAGS = frozenset({"--json", "-q", "--quiet", "-v", "--verbose", "--debug"})
_VALUED = frozenset({"--config", "--branch", "--actor"})


def hoisted(argv: Sequence[str]) -> list[str]:
    """Put global options first, wherever they stand: people write ``coinsync sync --json`` as well."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word in _FLAGS or word.partition("=")[0] in _VALUED:
            front.append(word)
            if word in _VALUED:
                front += [value for value in [next(words, None)] if value is not None]
        else:
            rest.append(word)
    return front + rest


class PatientStream:
    """A stream that does not mind when nobody reads any more: a closed pipe must not stop a run half-way.

    Nor does a full disk behind it, but that is kept in ``failed`` and told in the end.
    """

    def __init__(self, stream: TextIO) -> None:
        """Write to ``stream`` as long as it takes it; characters that it cannot show are written as escapes."""
        self._stream = stream
        self.failed: OSError | None = None
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        """Write, or drop what nobody reads."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        """Flush, or drop what nobody reads."""
        try:
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self.failed = self.failed or (None if isinstance(error, BrokenPipeError) else error)
        self._stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@cache
def _commands() -> Callable[..., Any]:
    """The tree of commands; making it takes longer than most commands do, and some run many of them."""
    return typer.main.get_command(app)


#: What a shell gives for a program that was interrupted from the keyboard.
INTERRUPTED = 130


def main(argv: Sequence[str], environment: Environment) -> int:
    """Run a command line and return its exit code; whatever goes wrong becomes one line and one line of advice."""
    words = hoisted(argv)
    quiet = not {"-q", "--quiet"}.isdisjoint(words)
    try:
        environment = replace(environment, words=tuple(words))
        code = _commands()(args=words, prog_name="coinsync", standalone_mode=False, obj=environment)
        if code == INTERRUPTED:
            raise KeyboardInterrupt  # The library catches it outside of questions, and would say nothing.
        return code if isinstance(code, int) else 0
    except typer.TyperException as error:
        message = " ".join(error.format_message().replace("Value error, ", "").split())
        return _told(f"coinsync: {message}", 'See "coinsync --help".', 2, quiet=quiet)
    except Ambiguous as error:
        candidates = "".join(f"\n    {one}" for one in error.candidates)
        return _told(
            f"coinsync: {error.message}{candidates}", error.advice, error.exit_code, quiet=quiet
        )
    except Busy as error:
        # Two crons that meet are no news: the one that came first does the work.
        return (
            error.exit_code
            if quiet
            else _told(f"coinsync: {error.message}", error.advice, error.exit_code)
        )
    except CoinsyncError as error:
        return _told(f"coinsync: {error.message}", error.advice, error.exit_code, quiet=quiet)
    except (KeyboardInterrupt, typer.Abort):
        return _told(
            "coinsync: interrupted; nothing is half-written",
            "Run the same command again.",
            INTERRUPTED,
            quiet=quiet,
        )
    except MemoryError:
        return _told(
            "coinsync: out of memory; nothing written",
            "Give the process more memory.",
            1,
            quiet=quiet,
        )
    except Exception as error:
        if "--debug" in words:
            raise
        message = f"coinsync: unexpected error ({type(error).__name__}); nothing is half-written"
        return _told(message, CoinsyncError.advice, 1, quiet=quiet)


def _told(message: str, advice: str, code: int, *, quiet: bool = False) -> int:
    typer.echo(message if quiet else f"{message}\n  → {advice}", err=True)
    return code


def run() -> NoReturn:
    """The program ``coinsync``."""
    sys.stdout, sys.stderr = out, _ = PatientStream(sys.stdout), PatientStream(sys.stderr)
    code = main(sys.argv[1:], environment(dict(os.environ)))  # noqa: TID251
    out.flush()
    if out.failed is not None:
        told = f"coinsync: its output could not be written whole ({out.failed.strerror})"
        code = code or _told(
            told, "What it posted stands; look with a command that can be read.", 1
        )
    sys.exit(code)


if __name__ == "__main__":
    run()
