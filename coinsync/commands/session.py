"""One invocation: its options, what it opens, what it says."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn
from urllib.parse import urlsplit

import typer

from coinsync.core.identity import clean
from coinsync.environment import Environment
from coinsync.errors import CoinsyncError, NotFound, UsageError
from coinsync.staff_texts import ENGLISH, StaffText, in_language

if TYPE_CHECKING:
    from peewee import Database

    from coinsync.commands.serve import CabinetTerms
    from coinsync.config import BranchSettings, Secrets, Settings
    from coinsync.exchange.wire import PingEvent
    from coinsync.render.listing import Listing, Page
    from coinsync.render.progress import Bar
    from coinsync.store.database import PooledConnection
    from coinsync.store.reader import Reader

# Exit codes of a whole command: something changed or is too old, a guard refused, a part could not
# be done.
DIFFERENT, UNSAFE, PARTLY = 4, 5, 3
#: How much longer than its reading of the CRM a run may hold the lock before that is said.
LOCK_MINUTES_SPARE = 30
#: As much of a name as the ledger keeps.
ACTOR_LENGTH_MAX = 80
_NOBODY_LOGGED_IN = 2**32 - 1
_YES = frozenset({"y", "yes", "у", "д", "да"})
_NO = frozenset({"n", "no", "н", "нет"})


@dataclass
class Session:
    """What the global options say, and what a command opens.

    ``web_view`` is brought along, because nothing in ``coinsync`` knows it.
    """

    environment: Environment
    web_view: WebView
    config: Path
    branches: tuple[str, ...]
    actor: str
    json: bool
    quiet: bool
    verbose: bool
    ping_url: str = ""
    _complained: str = ""

    def __post_init__(self) -> None:
        named = clean(self.actor) or clean(_login(self.environment.environ))
        self.actor = named[:ACTOR_LENGTH_MAX]
        self.ping_url = self.ping_url or self.environment.environ.get("COINSYNC_PING_URL", "")
        if self.ping_url and not is_address(self.ping_url):
            # The address may be a secret, so it is not repeated.
            advice = "Write http:// or https://, a host and perhaps a path."
            raise UsageError("--ping-url or COINSYNC_PING_URL is no web address", advice=advice)

    @cached_property
    def settings(self) -> Settings:
        """The configuration, read once."""
        from coinsync import config

        return config.load(self.config)

    @property
    def staff_language(self) -> str:
        """The language of what clerks read; programs read English."""
        return ENGLISH if self.json else self.settings.school.staff_language

    def for_staff(self, text: str) -> str:
        """A text as clerks read it; one without a translation needs no configuration."""
        return in_language(text, self.staff_language) if isinstance(text, StaffText) else text

    @property
    def secrets(self) -> Secrets:
        """Where secrets are."""
        from coinsync.config import Secrets

        return Secrets.of(self.settings, self.environment.environ)

    @cached_property
    def database_url(self) -> str:
        """The database's address; it may hold a password."""
        from coinsync import config

        return config.database_url(self.settings, self.secrets)

    @cached_property
    def seal_file(self) -> Path:
        """Where the last seal is kept that was seen of this database."""
        from coinsync.store import database
        from coinsync.store.lock import seal_file

        place = database.place(self.database_url)
        return seal_file(self.settings.state_folder, place, self.settings.account)

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return self.environment.now()

    def today(self, branches: Iterable[int] = ()) -> date:
        """The day at these branches, or at the school."""
        return self.settings.profile.today(branches, self.now())

    def branch_names(self) -> dict[int, str]:
        """What branches are called."""
        from coinsync.core.facts import Branch

        try:
            with self.reader() as reader:
                names = reader.names(Branch)
        except CoinsyncError:
            # Without a database, as before the first sync, the configuration's names are all.
            names = {}
        for branch in self.settings.branches:
            if branch.name:
                names[branch.id] = branch.name
        return names

    def chosen_branches(self) -> tuple[BranchSettings, ...]:
        """The branches that ``--branch`` names, or all."""
        known = self.settings.branches
        if not self.branches:
            return known
        names = self.branch_names()
        chosen: list[BranchSettings] = []
        for wanted in self.branches:
            named = [branch for branch in known if wanted in (str(branch.id), names.get(branch.id))]
            if not named:
                listed = [f"{branch.id} {names.get(branch.id, '')}".rstrip() for branch in known]
                advice = f"There are: {', '.join(listed)}."
                raise NotFound(f"branch {wanted!r} is not in the configuration", advice=advice)
            chosen += named
        # A branch may be named twice, by its number and by its name.
        return tuple(dict.fromkeys(chosen))

    def chosen_branch_ids(self) -> frozenset[int] | None:
        """The numbers of ``chosen_branches``; None when ``--branch`` is left out."""
        if not self.branches:
            return None
        return frozenset(branch.id for branch in self.chosen_branches())

    @property
    def _wait_seconds(self) -> float:
        return self.settings.database.wait_seconds

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """A reader on a read-only connection and one snapshot."""
        from coinsync.store import database
        from coinsync.store.reader import Reader

        opened = database.open_readable(self.database_url, wait_seconds=self._wait_seconds)
        with database.reading(opened):
            yield Reader(opened)

    @contextmanager
    def writable(self) -> Iterator[Database]:
        """A writing connection."""
        from coinsync.store import database

        opened = database.open_writable(self.database_url, wait_seconds=self._wait_seconds)
        with closing(opened), database.speaking(opened):
            yield opened

    def pooled(self) -> closing[PooledConnection]:
        """A writing connection for many small plans."""
        from coinsync.store.database import PooledConnection

        return closing(PooledConnection(self.database_url, wait_seconds=self._wait_seconds))

    @contextmanager
    def lock(self, what: str, wait_seconds: float) -> Iterator[None]:
        """The lock of a run, in the state folder."""
        from coinsync.core.ledger import utc_text
        from coinsync.store.lock import run_lock

        path = self.settings.lock_path
        holder = {"what": what, "actor": self.actor, "since": utc_text(self.now())}
        minutes_max = self.settings.alfacrm.run_minutes + LOCK_MINUTES_SPARE
        sleep = self.environment.sleep
        with run_lock(path, holder, wait_seconds, sleep, minutes_max=minutes_max):
            yield

    def say(self, line: str) -> None:
        """Print a line for a person, unless quiet."""
        if not (self.quiet or self.json):
            typer.echo(self.for_staff(line))

    def tell(self, data: Any) -> None:
        """Print data for a program, when one reads."""
        if self.json:
            from coinsync.render.data import json_text

            typer.echo(json_text(data))

    def complain(self, line: str) -> None:
        """Print a line to stderr, always, and for a program as JSON."""
        if self.json:
            from coinsync.render.data import json_text

            message, _, advice = line.partition("\n  → ")
            line = json_text({"message": message, "advice": advice})
        typer.echo(line, err=True)

    def complain_once(self, line: str) -> None:
        """Print a line to stderr unless it was just that before."""
        if line != self._complained:
            self._complained = line
            self.complain(line)

    def ping(self, event: PingEvent, body: str = "") -> None:
        """Tell the watcher outside that a run starts, succeeded or failed, where there is one."""
        if not self.ping_url:
            return
        from coinsync.exchange.wire import ping

        if not ping(self.ping_url, event, body=body) and self.verbose:
            self.complain(f"the watcher could not be told ({event})")
        if event != "start":
            self.ping_url = ""  # One run ends once.

    def print_page(self, page: Page, *, on_paper: bool = False) -> None:
        """Print a page on the terminal, ``on_paper`` no wider than a sheet."""
        # A program that reads JSON or CSV need not wait for what draws tables.
        from coinsync.render.terminal import console, paper, show

        show(paper() if on_paper else console(), page, self.staff_language)

    def print_listing(
        self, listing: Listing, as_csv: bool = False, *, on_paper: bool = False
    ) -> None:
        """Print a listing for a program, a spreadsheet or a person. Raises ``UsageError``."""
        if self.json and as_csv:
            raise UsageError("--json and --csv: say one of them")
        if self.json:
            self.tell(listing.data)
        elif as_csv:
            from coinsync.render.data import csv_text

            typer.echo(csv_text(listing.columns, listing.rows))
        else:
            self.print_page(listing.page, on_paper=on_paper)

    def progress_bar(self) -> Bar:
        """A bar on stderr; it never appears where nobody looks."""
        from coinsync.render.progress import Bar

        return Bar(shown=sys.stderr.isatty() and not (self.quiet or self.json))


class WebView(NamedTuple):
    """What the commands need of the web view.

    ``launch_fault`` says why it refuses a launch, "" when it does not: the query, a key, the
    number of the VK app, and the time in Unix seconds.
    """

    serve: Callable[[Session, CabinetTerms], None]
    sign: Callable[[Mapping[str, str], str], str]
    launch_fault: Callable[[str, str, int, int], str]


def is_address(text: str) -> bool:
    """Whether a text is the address of something in the web."""
    try:
        parts = urlsplit(text)
        has_host = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    return has_host and parts.scheme in ("http", "https") and text.isprintable() and " " not in text


def _login(environ: Mapping[str, str]) -> str:
    """The person behind sudo, else the login, else the account of this process."""
    for name in ("SUDO_USER", "LOGNAME", "USER"):
        if environ.get(name):
            return environ[name]
    return account_name(os.getuid())


def refuse_branches(command: str) -> NoReturn:
    """Say that ``--branch`` means nothing to a command, or to one that names whom it is about."""
    raise UsageError(f"{command}: --branch says nothing here", advice="Leave --branch out.")


def account_name(uid: int) -> str:
    """The name of an account of this machine; its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def account_of_machine() -> str:
    """The account behind this process, whatever name was given: "anna(1000)"."""
    uid = os.getuid()
    # Whoever changes the account, by sudo or su, stays who logged in. Where nobody did, as at the
    # start of a machine, the number is the highest.
    with suppress(OSError, ValueError):
        login = int(Path("/proc/self/loginuid").read_text(encoding="ascii"))
        uid = login if login < _NOBODY_LOGGED_IN else uid
    return f"{account_name(uid)}({uid})"


def somebody_is_there() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty()


@contextmanager
def at_terminal() -> Iterator[None]:
    """Put a question where the person is, wherever the output goes."""
    if not somebody_is_there():
        # A program that answers through a pipe reads what is said there.
        yield
        return
    with ExitStack() as stack:
        stream: Any = sys.stdout
        if not stream.isatty():
            stream = sys.stderr
        if not stream.isatty():
            # Whoever writes both into a file would wait for a program that waits for an answer.
            with suppress(OSError):
                stream = stack.enter_context(open("/dev/tty", "w", encoding="utf-8"))
        stack.enter_context(redirect_stdout(stream))
        yield


def is_yes(answer: str, *, default: bool) -> bool | None:
    """Whether a word means yes, in either language and layout; None where it means neither."""
    from coinsync.core.till import other_layout

    word = answer.strip().casefold()
    for typed in (word, other_layout(word)):
        if typed in _YES or typed in _NO:
            return typed in _YES
    return None if word else default


def confirm(question: str, *, default: bool = False) -> bool:
    """Whether the person says yes; silence is no."""

    def meant(answer: str) -> bool:
        means_yes = is_yes(answer, default=default)
        if means_yes is None:
            raise typer.BadParameter("y / n")
        return means_yes

    suffix = " [Y/n]: " if default else " [y/N]: "
    try:
        with at_terminal():
            answer = typer.prompt(
                question, "", show_default=False, prompt_suffix=suffix, value_proc=meant
            )
            return bool(answer)
    except typer.Abort as aborted:
        typer.echo()  # What follows begins on a line of its own.
        if isinstance(aborted.__context__, EOFError):
            return False
        raise
