"""The door: options, opening things, show, ask, apply; an error becomes a message and an exit code in one ``main``.

Rooms are imported by the commands that enter them, so that ``--help`` does not wait for a database driver.
"""

from __future__ import annotations

import io
import os
import pwd
import shlex
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TextIO

import typer

from coinsync import __version__
from coinsync.errors import (
    Ambiguous,
    Busy,
    CoinsyncError,
    ConfigError,
    DigestMismatch,
    NotEnoughCoins,
    NotFound,
    StalePlan,
    UnsafePlan,
    UsageError,
)

if TYPE_CHECKING:
    from peewee import Database

    from coinsync.config import BranchSettings, Secrets, Settings
    from coinsync.core.facts import Resident
    from coinsync.core.ledger import Kind, Receipt
    from coinsync.core.plan import Plan, Scope
    from coinsync.core.report import Directory, PlanLine, PlanReport
    from coinsync.exchange.base import Exchange, Progress
    from coinsync.simulator.server import Simulator
    from coinsync.simulator.stage import Stage
    from coinsync.store.reader import Reader
    from coinsync.store.writer import Surroundings
    from coinsync.sync import Outcome

app = typer.Typer(
    help="Attendance in AlfaCRM becomes coins that a family can open in VK.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
residents_app = typer.Typer(help="Who has coins.", no_args_is_help=True, rich_markup_mode=None)
database_app = typer.Typer(help="The database's schema.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(residents_app, name="residents")
app.add_typer(database_app, name="db")

DIFFERENT, UNSAFE, PARTLY = 4, 5, 3


# --- the surroundings ------------------------------------------------------------------------------------------------


def utc_now() -> datetime:
    """The time of this machine, aware, in UTC: the one place that asks the clock."""
    return datetime.now(UTC)  # noqa: TID251


def fresh_text() -> str:
    """32 hexadecimal digits that nobody has seen before."""
    return os.urandom(16).hex()


@dataclass(frozen=True, slots=True)
class Outside:
    """What the program finds around it: environment, the words it was called with, clock, and pauses."""

    environ: Mapping[str, str]
    words: tuple[str, ...] = ()
    now: Callable[[], datetime] = utc_now
    sleep: Callable[[float], None] = time.sleep


@dataclass
class Door:
    """What the global options say, and what a command opens on its way in."""

    config: Path
    branches: tuple[str, ...]
    actor: str
    json: bool
    quiet: bool
    verbose: bool
    outside: Outside

    @cached_property
    def settings(self) -> Settings:
        """The configuration, read once."""
        from coinsync import config

        return config.load(self.config)

    @property
    def secrets(self) -> Secrets:
        """Where secrets are."""
        from coinsync.config import Secrets

        return Secrets(self.settings.secrets_file, self.outside.environ)

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return self.outside.now()

    def repeated_with(self, *words: str) -> str:
        """The command line of this very call, for real and with further words."""
        called = [word for word in self.outside.words if word not in ("--dry-run", "-q", "--quiet")]
        return shlex.join([_program(), *called, *words])

    def branch_names(self) -> dict[int, str]:
        """What branches are called: by the configuration, else by the CRM, as far as it was read."""
        from coinsync.core.facts import Branch

        try:
            with self.reader() as reader:
                names = {branch.id: branch.name for branch in reader.all(Branch)}
        except CoinsyncError:
            names = {}
        return names | {branch.id: branch.name for branch in self.settings.branches if branch.name}

    def chosen_branches(self) -> tuple[BranchSettings, ...]:
        """The branches that ``--branch`` names by id or name, or all."""
        known = self.settings.branches
        if not self.branches:
            return known
        names, chosen = self.branch_names(), []
        for wanted in self.branches:
            fits = [one for one in known if wanted in (str(one.id), names.get(one.id))]
            if not fits:
                listed = ", ".join(f"{one.id} {names.get(one.id, '')}".rstrip() for one in known)
                raise NotFound(f"branch {wanted!r} is not in the configuration", advice=f"There are: {listed}.")
            chosen += fits
        return tuple(dict.fromkeys(chosen))

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """A reader on a read-only connection and one snapshot."""
        from coinsync.store import database
        from coinsync.store.reader import Reader

        opened = database.open_readable(self.settings.database_url, wait_seconds=self.settings.wait_seconds)
        with database.reading(opened):
            yield Reader(opened)

    @contextmanager
    def writable(self) -> Iterator[Database]:
        """A writing connection."""
        from coinsync.store import database

        opened = database.open_writable(self.settings.database_url, wait_seconds=self.settings.wait_seconds)
        try:
            with database.speaking(database.path_of(self.settings.database_url)):
                yield opened
        finally:
            opened.close()

    @contextmanager
    def lock(self, what: str, wait_seconds: float) -> Iterator[None]:
        """The run lock beside the configuration."""
        from coinsync.store.lock import run_lock
        from coinsync.store.writer import utc_text

        holder = {"what": what, "actor": self.actor, "since": utc_text(self.now())}
        with run_lock(self.settings.path.parent / ".coinsync.lock", holder, wait_seconds, self.outside.sleep):
            yield

    @contextmanager
    def exchange(self, progress: Progress) -> Iterator[Exchange]:
        """The school's CRM."""
        from coinsync.exchange.csvfile import CsvExchange

        settings = self.settings
        if settings.crm == "csv" and not settings.csv_folder.is_dir():
            raise ConfigError(
                [f"config: [csv] folder: {settings.csv_folder} does not exist"],
                advice="Put the attendance files there; docs/csv.md describes them.",
            )
        exchange = CsvExchange(settings.csv_folder) if settings.crm == "csv" else self._alfacrm(progress)
        try:
            yield exchange
        finally:
            exchange.close()

    def _alfacrm(self, progress: Progress) -> Exchange:
        from coinsync.exchange.alfacrm import AlfaCrm, Reads
        from coinsync.exchange.http import Bounds, Http, Login, Pace

        crm, vault = self.settings.alfacrm, self.secrets
        key = vault.get("COINSYNC_ALFACRM_KEY").reveal()
        headers = {
            name: vault.get(value[1:]).reveal() if value.startswith("$") else value
            for name, value in crm.headers.items()
        }
        http = Http(
            crm.url,
            Login("auth/login", {"email": crm.email, "api_key": key}),
            pace=Pace(crm.per_second * crm.share_percent / 100, time.monotonic, self.outside.sleep),
            clock=time.monotonic,
            sleep=self.outside.sleep,
            bounds=Bounds(
                connect_seconds=min(Bounds().connect_seconds, crm.answer_seconds),
                read_seconds=min(Bounds().read_seconds, crm.answer_seconds),
                tries=crm.tries,
                pause_seconds=crm.pause_seconds,
                answer_seconds=crm.answer_seconds,
                run_seconds=crm.run_minutes * 60,
            ),
            headers=headers,
        )
        settings = self.settings
        reads = Reads(
            today=self.now().date(),
            page_size=crm.page_size,
            calls=crm.calls,
            names=settings.names,
            vk_field=settings.vk_field,
        )
        return AlfaCrm(http, reads, progress)

    def surroundings(self) -> Surroundings:
        """Clock, chance and pauses for the writer."""
        from coinsync.store.writer import Surroundings

        return Surroundings(self.now, fresh_text, lambda: os.urandom(1)[0] / 256, self.outside.sleep)

    def say(self, line: str) -> None:
        """Print a line for a person; nothing when quiet or when a program reads."""
        if not (self.quiet or self.json):
            typer.echo(line)

    def tell(self, data: Any) -> None:
        """Print data for a program, when one reads."""
        if self.json:
            from coinsync.render import as_json

            typer.echo(as_json(data))

    def complain(self, line: str) -> None:
        """Print a line to stderr, always."""
        typer.echo(line, err=True)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no day", advice="Write days as 2026-11-22.") from None


Day = Annotated[str | None, typer.Option(metavar="YYYY-MM-DD")]
AsCsv = Annotated[bool, typer.Option("--csv", help="For a spreadsheet.")]


@app.callback(invoke_without_command=True)
def globals_(
    ctx: typer.Context,
    config: Annotated[Path, typer.Option("--config", help="Configuration file.", envvar="COINSYNC_CONFIG")] = Path(
        "config.toml"
    ),
    branch: Annotated[list[str] | None, typer.Option("--branch", help="Only this branch; may be repeated.")] = None,
    actor: Annotated[str, typer.Option("--actor", help="Who does it; your login if left out.")] = "",
    json: Annotated[bool, typer.Option("--json", help="For a program.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing when all is well.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show every line.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an unexpected error comes from.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """Global options stand before or after the command."""
    if version:
        typer.echo(f"coinsync {__version__}")
        raise typer.Exit
    outside: Outside = ctx.obj
    ctx.obj = Door(config, tuple(branch or ()), actor or _login(outside.environ), json, quiet, verbose, outside)


def _login(environ: Mapping[str, str]) -> str:
    """The person behind sudo, else the login, else the account of this process."""
    named = (environ[name] for name in ("SUDO_USER", "LOGNAME", "USER") if environ.get(name))
    try:
        return next(named, None) or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


# --- sync ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Result:
    """What became of one plan: its report, and a receipt or the error that stopped it."""

    branch: str
    scope: Scope
    status: str
    report: PlanReport | None = None
    receipt: Receipt | None = None
    error: CoinsyncError | None = None

    @property
    def unreadable(self) -> tuple[PlanLine, ...]:
        """The records that could not be read, so that what they concern was left as it is."""
        return tuple(line for line in self.report.lines if line.verb == "unreadable") if self.report else ()

    def complaint(self, *, quiet: bool) -> str:
        """What to say on stderr: one line, and advice below it unless ``quiet``."""
        where = f"{self.branch} {self.scope.since} … {self.scope.until}"
        if self.error is not None:
            tail = "" if "nothing written" in self.error.message else "; nothing written"
            line, advice = f"{where}: {self.error.message}{tail}", self.error.advice
        else:
            first = self.unreadable[0]
            named = f"lesson {first.lesson}" if first.lesson is not None else f"card {first.who}"
            line = f"{where}: {len(self.unreadable)} records unreadable, first: {named} {first.note}"
            advice = "Look at it in the CRM; everything else is done."
        return line if quiet else f"{line}\n  → {advice}"

    def data(self) -> dict[str, Any]:
        """For a program."""
        from coinsync.render import as_data

        error = {"message": self.error.message, "advice": self.error.advice} if self.error else None
        return {
            "branch": self.branch,
            "scope": as_data(self.scope),
            "status": self.status,
            "report": as_data(self.report),
            "receipt": as_data(self.receipt),
            "error": error,
        }


@dataclass
class Posting:
    """Plans on their way into the database: each is shown, checked, applied, and what became of it is kept."""

    door: Door
    database: Database
    accepted: tuple[str, ...]
    dry_run: bool
    names: Directory
    results: list[Result] = field(default_factory=list)

    def take(self, outcome: Outcome) -> bool:
        """Show one plan and apply it unless this is a dry run; False when it is not to be counted on."""
        if outcome.plan is None:
            self.results.append(Result(self._name(outcome), outcome.scope, "failed", error=outcome.error))
            return False
        report = self._report(outcome, outcome.plan)
        result = Result(report.branch_name, outcome.scope, "planned", report)
        self.results.append(result)
        shown = self._show(outcome, report)
        try:
            if not self.dry_run:
                self._apply(outcome.plan, outcome.calls, result)
        except UnsafePlan as error:
            result.status, result.error = "refused", self._with_the_way_out(error, report)
        except StalePlan as error:
            result.status, result.error = "refused", error
        except NotEnoughCoins as error:
            # The planner counted on coins that somebody spent since: one branch's plan is stale, the others go on.
            result.status, result.error = "refused", StalePlan(f"plan is stale: {error.message}")
        if shown:
            self.door.say("")
        return result.error is None

    def _with_the_way_out(self, error: UnsafePlan, report: PlanReport) -> UnsafePlan:
        """Name the likely cause and the exact command that accepts this plan."""
        from coinsync.core.plan import DIGEST_SHOWN

        command = self.door.repeated_with("--accept-unsafe", report.digest[:DIGEST_SHOWN])
        return UnsafePlan(f"{error.message}. If true: {command}", advice=f"Likely {report.likely}.")

    def _apply(self, plan: Plan, calls: int, result: Result) -> None:
        from coinsync import render
        from coinsync.store import writer

        limits = self.door.settings.limits
        account, now = self.door.settings.account, self.door.now()
        order = writer.Order(self.door.actor, account, now, limits, self.accepted, calls)
        result.receipt = writer.apply(self.database, plan, order, self.door.surroundings())
        result.status = "applied"
        if plan:
            self.door.say(render.receipt_line(result.receipt))

    def _show(self, outcome: Outcome, report: PlanReport) -> bool:
        if self.door.quiet or self.door.json:
            return False
        from coinsync import render

        zone = str(outcome.branch.zone)
        return render.show_plan(render.console(), report, zone, outcome.calls, self.door.verbose)

    def _report(self, outcome: Outcome, plan: Plan) -> PlanReport:
        from coinsync import audit
        from coinsync.core import report
        from coinsync.store.reader import Reader

        self.names = self.names.joined(audit.names(Reader(self.database), plan))
        return report.of_plan(plan, self.names, self.door.settings.limits, self._name(outcome), outcome.today)

    def _name(self, outcome: Outcome) -> str:
        id = outcome.branch.id
        return outcome.branch.name or self.names.branches.get(id, "") or f"{id}"

    @property
    def digest(self) -> str:
        """Digest of all plans that change something; "" when none does."""
        from coinsync.core.plan import digest_of

        digests = [result.report.digest for result in self.results if result.report and result.report.changes]
        return digest_of(digests) if digests else ""

    def data(self) -> dict[str, Any]:
        """For a program."""
        results = [result.data() for result in self.results]
        return {"dry_run": self.dry_run, "digest": self.digest, "results": results}

    def finish(self) -> int:
        """Say what went wrong, branch by branch, and give the exit code."""
        for result in self.results:
            if result.error or result.unreadable:
                self.door.complain(result.complaint(quiet=self.door.quiet))
        return _exit_code(self.results)


def _exit_code(results: Sequence[Result]) -> int:
    """Refused as unsafe outranks partly done, which outranks the reason why nothing at all was done."""
    codes = [result.error.exit_code for result in results if result.error]
    if UNSAFE in codes:
        return UNSAFE
    if not codes:
        return PARTLY if any(result.unreadable for result in results) else 0
    # Recording who is who is not what a sync is for: without a single window of lessons nothing is done.
    done = any(result.report and result.report.purpose == "lessons" and not result.error for result in results)
    return PARTLY if done else max(codes)


@app.command()
def sync(
    ctx: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, write nothing.")] = False,
    since: Day = None,
    until: Day = None,
    save: Annotated[Path | None, typer.Option(help="Keep the plans in a file for `apply`.")] = None,
    expect: Annotated[str | None, typer.Option(metavar="DIGEST", help="Apply only if the plan is this one.")] = None,
    accept_unsafe: Annotated[
        list[str] | None, typer.Option(metavar="DIGEST", help="Apply this plan although a guard refuses it.")
    ] = None,
    rerate: Annotated[bool, typer.Option("--rerate", help="Post what changed rules give for the past.")] = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 4 when there were changes.")
    ] = False,
    lock_timeout: Annotated[float, typer.Option(metavar="SECONDS", help="Wait so long for another run.")] = 0.0,
    ping_url: Annotated[str | None, typer.Option(metavar="URL", help="Tell a watcher that all went well.")] = None,
) -> int:
    """Read attendance, show the difference, apply it."""
    door: Door = ctx.obj
    span = _span(since, until)
    with door.lock("sync", lock_timeout), door.writable() as database:
        posting = _posting(door, database, accept_unsafe, dry_run=dry_run)
        _sync(posting, span, rerate=rerate, save=save, expect=expect)
    door.tell(posting.data())
    code = posting.finish()
    if code == 0 and ping_url and not dry_run:
        _ping(door, ping_url)
    return DIFFERENT if detailed_exitcode and posting.digest and code == 0 else code


def _span(since: str | None, until: str | None) -> tuple[date | None, date | None]:
    first, last = _day(since), _day(until)
    if first and last and first > last:
        raise UsageError(f"--since {first} is after --until {last}")
    return first, last


def _posting(door: Door, database: Database, accepted: Iterable[str] | None, *, dry_run: bool) -> Posting:
    from coinsync.core.report import Directory

    return Posting(door, database, tuple(accepted or ()), dry_run, Directory(branches=door.branch_names()))


def _sync(
    posting: Posting,
    span: tuple[date | None, date | None],
    *,
    rerate: bool,
    save: Path | None,
    expect: str | None,
) -> None:
    """Plan and apply window by window; where the whole is to be kept or compared, plan all before applying any."""
    from coinsync import render
    from coinsync.store.reader import Reader
    from coinsync.sync import Sync

    door = posting.door
    bar = render.Bar(shown=sys.stderr.isatty() and not (door.quiet or door.json))
    with bar, door.exchange(bar) as exchange:
        run = Sync(exchange, Reader(posting.database), door.settings, rerate=rerate, accepted=posting.accepted)
        outcomes: Iterable[Outcome] = run.outcomes(door.chosen_branches(), *span, door.now())
        if save is not None or expect is not None:
            outcomes = _reviewed(door, list(outcomes), save, expect)
        for outcome in outcomes:
            bar.rest()
            if not posting.take(outcome) and outcome.plan is not None:
                run.refuse(outcome.plan)


def _reviewed(door: Door, outcomes: list[Outcome], save: Path | None, expect: str | None) -> list[Outcome]:
    from coinsync import planfile
    from coinsync.core.plan import DIGEST_SHOWN, digest_of, matches

    plans = [outcome.plan for outcome in outcomes if outcome.plan]
    digest = digest_of([plan.digest for plan in plans]) if plans else ""
    if save is not None:
        planfile.save(save, door.settings.account, plans)
        door.say(f"{len(plans)} plans kept in {save}   digest {digest[:DIGEST_SHOWN]}\n")
    if expect is not None and not matches(digest, expect):
        shown = digest[:DIGEST_SHOWN] or "empty"
        raise DigestMismatch(f"digest differs: expected {expect}, plan is {shown}; nothing written")
    return outcomes


def _ping(door: Door, url: str) -> None:
    from coinsync.exchange.http import ping

    if not ping(url) and door.verbose:
        door.complain("the watcher could not be told that all went well")


@app.command("apply")
def apply_file(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file that `sync --save` made.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plans, write nothing.")] = False,
    accept_unsafe: Annotated[
        list[str] | None, typer.Option(metavar="DIGEST", help="Apply this plan although a guard refuses it.")
    ] = None,
    lock_timeout: Annotated[float, typer.Option(metavar="SECONDS", help="Wait so long for another run.")] = 0.0,
) -> int:
    """Apply a saved plan."""
    from coinsync import planfile
    from coinsync.sync import Outcome

    door: Door = ctx.obj
    plans = planfile.load(file, door.settings.account)
    branches = {branch.id: branch for branch in door.settings.branches}
    foreign = sorted({plan.scope.branch for plan in plans} - set(branches))
    if foreign:
        raise NotFound(f"plan: branch {foreign[0]} is not in the configuration", advice="Add it, or plan anew.")
    with door.lock("apply", lock_timeout), door.writable() as database:
        posting = _posting(door, database, accept_unsafe, dry_run=dry_run)
        for plan in plans:
            branch = branches[plan.scope.branch]
            posting.take(Outcome(branch, plan.scope, door.now().astimezone(branch.zone).date(), plan))
    door.tell(posting.data())
    return posting.finish()


@app.command()
def runs(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 20,
    max_age: Annotated[
        str | None, typer.Option(metavar="26h", help="Exit with 4 when a branch was last synced longer ago.")
    ] = None,
    as_csv: AsCsv = False,
) -> int:
    """The last runs, and how fresh each branch is."""
    from coinsync import audit, render

    door: Door = ctx.obj
    oldest = _span_of(max_age) if max_age else None
    with door.reader() as reader:
        found = reader.runs(limit)
        fresh = audit.freshness(reader, door.settings, door.now())
    if door.json:
        typer.echo(render.as_json({"runs": found, "branches": fresh}))
    elif as_csv:
        columns = [one.name for one in fields(found[0])] if found else ["id"]
        typer.echo(render.as_csv(columns, ([getattr(run, name) for name in columns] for run in found)))
    elif not door.quiet:
        render.show_runs(render.console(), found, fresh)
    stale = [one for one in fresh if oldest is not None and (one.age is None or one.age > oldest)]
    for one in stale:
        told = "was never synced" if one.age is None else f"was last synced {render.age(one.age)} ago"
        door.complain(f"{one.name} {told}, more than {max_age}")
    return DIFFERENT if stale else 0


def _span_of(text: str) -> timedelta:
    units = {"m": "minutes", "h": "hours", "d": "days"}
    number, unit = text[:-1], text[-1:]
    if unit not in units or not (number.isascii() and number.isdigit()) or len(number) > 6:
        raise UsageError(f"{text!r} is no age", advice="Write ages as 90m, 26h or 3d.")
    return timedelta(**{units[unit]: int(number)})


# --- residents and their coins ---------------------------------------------------------------------------------------

Who = Annotated[str, typer.Argument(metavar="RESIDENT", help="#id, crm:123, vk:456, or a part of the name.")]


@app.command()
def explain(
    ctx: typer.Context,
    resident: Annotated[
        str | None, typer.Argument(metavar="[RESIDENT]", help="Left out: everybody in the --lesson.")
    ] = None,
    lesson: Annotated[int | None, typer.Option(help="This lesson.")] = None,
    day: Annotated[str | None, typer.Option("--date", metavar="YYYY-MM-DD", help="All lessons of a day.")] = None,
) -> None:
    """Why a lesson gave or did not give coins."""
    from coinsync import audit, render

    door: Door = ctx.obj
    if resident is None and lesson is None:
        raise UsageError("explain: say whose coins, or which --lesson")
    with door.reader() as reader:
        if resident is None:
            found = audit.explain_to_all(reader, door.settings, lesson or 0)
        else:
            one = audit.find_resident(reader, resident)
            found = audit.explain(reader, door.settings, one, lesson=lesson, day=_day(day))
    if door.json:
        door.tell(found)
    else:
        render.show_explanations(render.console(), found)


@app.command()
def balance(
    ctx: typer.Context,
    resident: Annotated[str | None, typer.Argument(metavar="[RESIDENT]", help="One resident; all if left out.")] = None,
    as_csv: AsCsv = False,
) -> None:
    """Coins of one resident, or of all."""
    from coinsync import audit, render

    door: Door = ctx.obj
    with door.reader() as reader:
        chosen = [audit.find_resident(reader, resident)] if resident else _residents(door, reader)
        balances = reader.balances(one.id for one in chosen)
    rows = [(one.id, one.name, balances[one.id]) for one in chosen]
    if door.json:
        typer.echo(render.as_json([{"id": id, "name": name, "coins": coins} for id, name, coins in rows]))
    elif as_csv:
        typer.echo(render.as_csv(("id", "name", "coins"), rows))
    else:
        render.show_residents(render.console(), chosen, balances)


@app.command()
def history(
    ctx: typer.Context,
    resident: Who,
    since: Day = None,
    until: Day = None,
    kind: Annotated[str | None, typer.Option(help="Only award, reversal, credit, debit, …")] = None,
    with_ineligible: Annotated[
        bool, typer.Option("--with-ineligible", help="Also lessons that gave nothing, and why.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many entries.")] = 50,
    as_csv: AsCsv = False,
) -> None:
    """All lines of one resident, newest first."""
    from coinsync import audit, render

    door: Door = ctx.obj
    first, last = _span(since, until)
    with door.reader() as reader:
        found = audit.history(
            reader,
            door.settings,
            audit.find_resident(reader, resident),
            since=first or date.min,
            until=last or date.max,
            kind=_kind(kind),
            with_ineligible=with_ineligible,
            limit=limit,
        )
    if door.json:
        typer.echo(render.as_json(found))
    elif as_csv:
        columns = ("day", "kind", "title", "coins", "balance", "reason")
        typer.echo(render.as_csv(columns, ([getattr(line, name) for name in columns] for line in found.lines)))
    else:
        render.show_history(render.console(), found)


def _kind(text: str | None) -> Kind | None:
    from coinsync.core.ledger import Kind

    try:
        return Kind(text) if text else None
    except ValueError:
        raise UsageError(f"{text!r} is no kind of entry", advice=f"Kinds: {', '.join(Kind)}.") from None


def _residents(door: Door, reader: Reader) -> list[Resident]:
    if not door.branches:
        return reader.residents()
    found = {one.id: one for branch in door.chosen_branches() for one in reader.residents(branch.id)}
    return sorted(found.values(), key=lambda one: (one.name, one.id))


@residents_app.command("list")
def residents_list(
    ctx: typer.Context,
    everybody: Annotated[bool, typer.Option("--all", help="Also leads, the archive and who is gone.")] = False,
    as_csv: AsCsv = False,
) -> None:
    """All residents with their balances."""
    from coinsync import render
    from coinsync.core.facts import Presence

    door: Door = ctx.obj
    with door.reader() as reader:
        found = [one for one in _residents(door, reader) if everybody or one.presence is Presence.CLIENT]
        balances = reader.balances(one.id for one in found)
    if door.json:
        typer.echo(render.as_json([{**render.as_data(one), "coins": balances[one.id]} for one in found]))
    elif as_csv:
        rows = ((one.id, one.name, " ".join(map(str, one.branches)), one.presence, balances[one.id]) for one in found)
        typer.echo(render.as_csv(("id", "name", "branches", "presence", "coins"), rows))
    else:
        render.show_residents(render.console(), found, balances)


@residents_app.command("show")
def residents_show(ctx: typer.Context, resident: Who) -> None:
    """All that is known of one resident."""
    from coinsync import audit, render

    door: Door = ctx.obj
    with door.reader() as reader:
        card = audit.card(reader, audit.find_resident(reader, resident))
    if door.json:
        typer.echo(render.as_json(card))
    else:
        render.show_card(render.console(), card)


# --- installation ----------------------------------------------------------------------------------------------------


@app.command()
def init(
    ctx: typer.Context,
    school: Annotated[str | None, typer.Option(help="The school's name as families see it.")] = None,
    url: Annotated[str | None, typer.Option(help="Address of the AlfaCRM, https://….s20.online")] = None,
    email: Annotated[str | None, typer.Option(help="E-mail of the CRM user made for the API.")] = None,
    csv_folder: Annotated[str | None, typer.Option(help="No CRM: attendance in CSV files of this folder.")] = None,
) -> None:
    """Make a configuration, by questions or from options, and create the database.

    Branches are given by --branch ID or --branch ID=ZONE, as in --branch 1=Europe/Moscow.
    """
    from coinsync import config
    from coinsync.store import database

    door: Door = ctx.obj
    values = _answers(door, school=school, url=url, email=email, csv_folder=csv_folder)
    made = not door.config.exists()
    if made:
        _write_new(door.config, config.example(values), 0o660)
    try:
        settings = door.settings
    except ConfigError:
        if made:
            door.config.unlink()
        raise
    if made and settings.crm == "alfacrm" and "COINSYNC_ALFACRM_KEY" not in door.outside.environ:
        _ask_for_key(door, settings.secrets_file)
    created = database.create(settings.database_url)
    path = database.path_of(settings.database_url)
    door.tell({"config": str(door.config), "written": made, "database": str(path), "created": created})
    door.say(f"{door.config}: {'written' if made else 'there already, left as it is'}")
    door.say(f"{path}: {'created' if created else 'there already, nothing to do'}")
    if made:
        door.say(f"Next: look through {door.config}, above all [lessons] and [[rule]], then: coinsync sync --dry-run")


def _answers(
    door: Door, *, school: str | None, url: str | None, email: str | None, csv_folder: str | None
) -> dict[str, Any]:
    if door.config.exists():
        return {}
    by_csv = csv_folder is not None
    values: dict[str, Any] = {
        "school.name": school or _ask("School's name as families see it", "--school"),
        "school.crm": "csv" if by_csv else "alfacrm",
        "alfacrm.url": "" if by_csv else url or _ask("Address of the AlfaCRM (https://….s20.online)", "--url"),
        "alfacrm.email": "" if by_csv else email or _ask("E-mail of its API user", "--email"),
        "web.app_id": 0,
    }
    if by_csv:
        values["csv.folder"] = csv_folder
    branches = door.branches or tuple(_ask("Branches, as 1=Europe/Moscow 2", "--branch").split())
    values["branch"] = [_branch_block(text) for text in branches]
    return values


def _branch_block(text: str) -> dict[str, Any]:
    id, _, zone = text.partition("=")
    if not (id.isascii() and id.isdigit()):
        raise UsageError(f"--branch {text!r}: expected ID or ID=ZONE, such as 1=Europe/Moscow")
    return {"id": int(id), "name": "", "zone": zone or "Europe/Moscow"}


def _ask(question: str, option: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError(f"init: {option} is missing, and nobody is there to ask")
    return str(typer.prompt(question))


def _ask_for_key(door: Door, file: Path) -> None:
    if sys.stdin.isatty() and not file.exists():
        key = str(
            typer.prompt(
                "API key of that user (not shown; empty: later)", hide_input=True, default="", show_default=False
            )
        )
        if key:
            _write_new(file, f"COINSYNC_ALFACRM_KEY={key}\n", 0o600)
            door.say(f"{file}: written, only you can read it")
    if not file.exists():
        door.say(f"Put COINSYNC_ALFACRM_KEY=… into {file} (mode 0600) or into the environment.")


def _write_new(path: Path, content: str, mode: int) -> None:
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
            # The web view may run as another user of the same group, and needs to write the files beside a database.
            path.parent.chmod(0o2770)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise ConfigError([f"{path} cannot be written ({type(error).__name__})"]) from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        # The mode is meant, whatever the umask takes away: a group may share the folder.
        os.fchmod(file.fileno(), mode)
        file.write(content)


@database_app.command("migrate")
def database_migrate(ctx: typer.Context) -> None:
    """Bring the database to this program's schema."""
    from coinsync.store import database

    door: Door = ctx.obj
    with door.lock("db migrate", 0.0):
        steps = database.migrate(door.settings.database_url)
    door.tell({"applied": steps})
    door.say("\n".join(f"applied {step}" for step in steps) or "nothing to do")


@database_app.command("status")
def database_status(ctx: typer.Context) -> None:
    """Which schema the database has, and how far the ledger has come."""
    from coinsync import render
    from coinsync.store import database

    door: Door = ctx.obj
    with door.reader() as reader:
        head = reader.head()
    steps = database.schema_steps()
    if door.json:
        typer.echo(render.as_json({"schema": steps[-1], "entries": head.n, "runs": head.runs, "account": head.account}))
    else:
        path = database.path_of(door.settings.database_url)
        account = head.account or "none yet"
        typer.echo(f"{path}: schema {steps[-1]}, {head.n} entries, {head.runs} runs, CRM account {account}")


# --- the window ------------------------------------------------------------------------------------------------------


@app.command()
def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, max=64, help="Requests answered at once.")] = None,
) -> None:
    """Serve the cabinet, read-only."""
    door: Door = ctx.obj
    web = door.settings.web
    _serve(door, host or web.host, port or web.port, threads or web.threads)


def _serve(door: Door, host: str, port: int, threads: int) -> None:
    import logging

    from webview.app import WebSettings, make_app
    from webview.serve import serve as listen

    settings = door.settings
    keys = door.secrets.get("COINSYNC_VK_KEYS").reveal().split(",")
    with door.reader():
        pass  # A database that cannot be read is told now, not to the first family.
    logging.basicConfig(level=logging.INFO if not door.quiet else logging.WARNING, format="%(asctime)s %(message)s")
    ru, en = settings.coin_ru, settings.coin_en
    web = WebSettings(
        school=settings.school,
        coin_forms_ru=(ru[0], ru[1], ru[2]),
        coin_forms_en=(en[0], en[1]),
        zone=settings.branches[0].zone,
        app_id=settings.web.app_id,
        keys=tuple(key.strip() for key in keys),
        age_seconds_max=settings.web.launch_hours_max * 3600,
        hosts=frozenset(settings.web.hosts),
    )
    try:
        listen(make_app(web, settings.database_url, now=lambda: door.now().timestamp()), host, port, threads)
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
        raise UsageError(str(error), advice="Remove that folder, or choose another --dir.") from error


@app.command()
def demo(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Option("--dir", help="Folder for configuration and database.")] = Path("demo"),
    seed: Annotated[int | None, typer.Option(help="Another number, another school; 1 if left out.")] = None,
    residents: Annotated[int | None, typer.Option(min=1, max=20_000, help="How many pupils; 60 if left out.")] = None,
    days: Annotated[int | None, typer.Option(min=1, max=1000, help="How many days of history; 45.")] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the cabinet.")] = 8080,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the cabinet, or end after the sync.")] = True,
) -> int:
    """An imaginary school: AlfaCRM simulator, database, sync, cabinet in the browser; nothing to configure."""
    from coinsync.store import database

    outer: Door = ctx.obj
    stage = _stage_of(folder)
    given = {"seed": seed, "residents": residents, "days": days}
    wanted = {name: value for name, value in given.items() if value is not None}
    if stage is None:
        stage = _new_stage(outer, folder, {"seed": 1, "residents": 60, "days": 45, **wanted})
    elif any(stage.description[name] != value for name, value in wanted.items()):
        raise UsageError(f"{folder} holds another school", advice="Choose another --dir, or remove that folder.")
    with _listening(stage) as simulator:
        door = _demo_door(outer, stage, simulator, port)
        database.create(door.settings.database_url)
        with door.lock("demo", 0.0), door.writable() as opened:
            posting = _posting(door, opened, None, dry_run=False)
            _sync(posting, (None, None), rerate=False, save=None, expect=None)
        code = posting.finish()
        if code not in (0, PARTLY):
            return code
        _show_demo(door, stage, port, posting, serving=serve)
        if serve:
            _serve(door, "127.0.0.1", port, door.settings.web.threads)
    return code


def _new_stage(door: Door, folder: Path, wanted: Mapping[str, int]) -> Stage:
    from zoneinfo import ZoneInfo

    from coinsync.simulator.school import School
    from coinsync.simulator.stage import Stage

    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o2770)
    today = door.now().astimezone(ZoneInfo(DEMO_ZONE)).date()
    school = School.make(**wanted, today=today)
    stage = Stage(folder, school.description(), fresh_text())
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


def _demo_door(outer: Door, stage: Stage, simulator: Simulator | None, port: int) -> Door:
    """Configuration and secrets of the imaginary school, written where they are missing."""
    from coinsync import config
    from coinsync.simulator.school import School
    from coinsync.simulator.stage import EMAIL

    path, kept = stage.folder / "config.toml", stage.folder / "coinsync.secrets"
    if not kept.exists():
        _write_new(kept, f"COINSYNC_ALFACRM_KEY={stage.api_key}\nCOINSYNC_VK_KEYS={fresh_text()}\n", 0o600)
    if not path.exists():
        school = simulator.school if simulator else School.replay(stage.description)
        residents, days = stage.description["residents"], stage.description["days"]
        first_day = school.today - timedelta(days=days)
        values = {
            "alfacrm.url": f"http://127.0.0.1:{stage.port}",
            "alfacrm.email": EMAIL,
            "alfacrm.account": "demo",
            "alfacrm.pause_seconds": 0.2,
            "branch": [{"id": id, "name": "", "zone": DEMO_ZONE} for id in sorted(school.books.branches)],
            "rule": [{"name": "group lesson", "coins": 10, "types": [2], "since": first_day, "guest": "hold"}],
            # An imaginary school is edited by hand, several lessons at a time.
            "guards.reversals_free": min(30, residents // 2),
            "guards.coins_per_run_max": max(50_000, residents * 1_000),
            "web.port": port,
            "web.app_id": DEMO_APP,
            "web.launch_hours_max": 168,
        }
        _write_new(path, config.example(values), 0o660)
    # The demo's secrets stand in its own folder; whatever the environment holds belongs to a real school.
    environ = {name: value for name, value in outer.outside.environ.items() if not name.startswith("COINSYNC_")}
    return replace(outer, config=path, outside=replace(outer.outside, environ=environ))


def _show_demo(door: Door, stage: Stage, port: int, posting: Posting, *, serving: bool) -> None:
    from coinsync import render

    with door.reader() as reader:
        links = Counter(link.vk for link in reader.links())
        visitor = max(links, key=lambda vk: (links[vk], -vk), default=1)
        children = reader.residents_of_visitor(visitor)
        balances = reader.balances(one.id for one in children)
    link = _signed_link(door, visitor, port)
    if door.json:
        door.tell({"dir": str(stage.folder.resolve()), "link": link, "visitor": visitor, "sync": posting.data()})
        return
    if not door.quiet:
        render.show_residents(render.console(), children, balances)
        program = _program()
        at = f"{program} --config {door.config}"
        if children:
            door.say(f"\nThis family has VK account {visitor}. In another terminal:  {at} history '#{children[0].id}'")
        door.say(f"The imaginary CRM, to change its days and lessons:  http://127.0.0.1:{stage.port}/")
        if not serving:
            door.say(f"(it runs while this does:  {program} simulator --dir {stage.folder})")
        door.say("\nThe cabinet" + (", until Ctrl-C:" if serving else f", after  {at} serve:"))
    typer.echo(link)


def _program() -> str:
    """How this program was called, for commands that are to be repeated."""
    return sys.argv[0] if Path(sys.argv[0]).name == "coinsync" else "coinsync"


def _signed_link(door: Door, visitor: int, port: int) -> str:
    from webview.launch import sign

    fields = {
        "vk_access_token_settings": "",
        "vk_app_id": str(DEMO_APP),
        "vk_are_notifications_enabled": "0",
        "vk_is_app_user": "1",
        "vk_language": "ru",
        "vk_platform": "desktop_web",
        "vk_ts": str(int(door.now().timestamp())),
        "vk_user_id": str(visitor),
    }
    key = door.secrets.get("COINSYNC_VK_KEYS").reveal().split(",")[0]
    return f"http://127.0.0.1:{port}/?{sign(fields, key)}"


@app.command()
def simulator(
    ctx: typer.Context,
    folder: Annotated[
        Path | None, typer.Option("--dir", help="A demo's folder: its school, and what happens is kept.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes the demo's, or a free one.")] = 0,
    seed: Annotated[int, typer.Option(help="Without --dir: another number, another school.")] = 1,
    residents: Annotated[int, typer.Option(min=1, max=20_000, help="Without --dir: how many pupils.")] = 60,
    days: Annotated[int, typer.Option(min=1, max=1000, help="Without --dir: how many days of history.")] = 45,
) -> None:
    """The demo's AlfaCRM alone, to point any client at; days, edits and faults by hand."""
    door: Door = ctx.obj
    try:
        with _stage_for(door, folder, port, seed=seed, residents=residents, days=days) as running:
            _show_simulator(door, running)
            with suppress(KeyboardInterrupt):
                signal.pause()
    except OSError as error:
        raise UsageError(
            f"simulator: cannot listen on port {port} ({error.strerror or type(error).__name__})",
            advice="Choose another --port, or stop what listens there.",
        ) from error


def _stage_for(door: Door, folder: Path | None, port: int, *, seed: int, residents: int, days: int) -> Simulator:
    from coinsync.simulator.school import School
    from coinsync.simulator.server import Simulator
    from coinsync.simulator.stage import EMAIL

    if folder is None:
        school = School.make(seed=seed, residents=residents, days=days, today=door.now().date())
        return Simulator(school, port=port, email=EMAIL, api_key=fresh_text()).start()
    stage = _stage_of(folder)
    if stage is None:
        raise UsageError(f"{folder} holds no demo", advice=f"Make one: coinsync demo --no-serve --dir {folder}")
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


def _show_simulator(door: Door, running: Simulator) -> None:
    import json

    known = {
        "url": running.url,
        "email": running.email,
        "api_key": running.api_key,
        "branches": list(running.branch_ids),
    }
    if door.json:
        print(json.dumps(known), flush=True)  # noqa: T201
        return
    branches = " ".join(map(str, running.branch_ids))
    for name, value in (("address", running.url), ("e-mail", running.email), ("API key", running.api_key)):
        typer.echo(f"{name:<10}{value}")
    typer.echo(f"{'branches':<10}{branches}\n\nDays, lessons and faults by hand: open {running.url}/ in a browser,")
    typer.echo(f"or:  curl -X POST {running.url}/control/advance -d '{{\"days\": 1}}'\nCtrl-C ends it.")


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
    """A stream that does not mind when nobody reads any more: a closed pipe must not stop a run half-way."""

    def __init__(self, stream: TextIO) -> None:
        """Write to ``stream`` as long as it takes it; characters that it cannot show are written as escapes."""
        self._stream = stream
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        """Write, or drop what nobody reads."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            self._stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
            return len(text)

    def flush(self) -> None:
        """Flush, or drop what nobody reads."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def main(argv: Sequence[str], outside: Outside) -> int:
    """Run a command line and return its exit code; whatever goes wrong becomes one line and one line of advice."""
    words = hoisted(argv)
    quiet = not {"-q", "--quiet"}.isdisjoint(words)
    try:
        outside = replace(outside, words=tuple(words))
        code = app(args=words, prog_name="coinsync", standalone_mode=False, obj=outside)
        return code if isinstance(code, int) else 0
    except typer.TyperException as error:
        return _told(f"coinsync: {error.format_message()}", 'See "coinsync --help".', 2, quiet=quiet)
    except Ambiguous as error:
        candidates = "".join(f"\n    {one}" for one in error.candidates)
        return _told(f"coinsync: {error.message}{candidates}", error.advice, error.exit_code, quiet=quiet)
    except Busy as error:
        # Two crons that meet are no news: the one that came first does the work.
        return error.exit_code if quiet else _told(f"coinsync: {error.message}", error.advice, error.exit_code)
    except CoinsyncError as error:
        return _told(f"coinsync: {error.message}", error.advice, error.exit_code, quiet=quiet)
    except (KeyboardInterrupt, typer.Abort):
        return _told("coinsync: interrupted; nothing is half-written", "Run the same command again.", 130, quiet=quiet)
    except MemoryError:
        return _told("coinsync: out of memory; nothing written", "Give the process more memory.", 1, quiet=quiet)
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
    sys.stdout, sys.stderr = PatientStream(sys.stdout), PatientStream(sys.stderr)
    code = main(sys.argv[1:], Outside(dict(os.environ)))  # noqa: TID251
    sys.stdout.flush()
    sys.exit(code)


if __name__ == "__main__":
    run()
