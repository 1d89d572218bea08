"""What somebody gets wrong who sets the program up and uses it for the first days.

Every row is one wrong input: what was changed before, what is typed, and what the program answers:
one line that says what is wrong and where, one line of advice, and the documented exit code.
"""

from __future__ import annotations

import shlex
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.support.school import KEY, VK_KEY, Installation, copy_installation

#: A secret that stands where it must not stand, or as it must not be written.
SECRET = "a-secret-that-nobody-may-see"

# --- one installation for all rows, and what is changed in it before a row ------------------------


@dataclass
class Shared:
    """An installation that every row is tried on, and what it is put back to after each."""

    installation: Installation
    port: int
    taken_back: int = 0
    tables: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    _files: dict[str, bytes] = field(default_factory=dict)

    def keep(self) -> None:
        """Remember how everything is."""
        self.tables = self.installation.tables()
        for name in ("config.toml", "coinsync.secrets", "coinsync.db"):
            self._files[name] = (self.installation.folder / name).read_bytes()

    def put_back(self) -> None:
        """Undo what a row changed. The database is put back only where it was written to."""
        self.installation.environ = {"USER": "anna"}
        is_written = self.installation.tables() != self.tables
        for path in self.installation.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif is_written or not path.name.startswith("coinsync.db"):
                path.unlink()
        for name, content in self._files.items():
            path = self.installation.folder / name
            if is_written or name != "coinsync.db":
                path.write_bytes(content)
        (self.installation.folder / "coinsync.secrets").chmod(0o600)


Before = Callable[[Shared], None]


def edited(old: str, new: str, encoding: str = "utf-8") -> Before:
    """The configuration with another text in the place of one; PORT is where HTTP is spoken."""

    def edit(shared: Shared) -> None:
        path = shared.installation.config
        text = path.read_text(encoding="utf-8")
        assert old in text
        text = text.replace(old, new.replace("PORT", str(shared.port)), 1)
        path.write_bytes(text.encode(encoding))

    return edit


def database(url: str) -> Before:
    """Another address of the database."""
    return edited('"sqlite:///coinsync.db"', f'"{url}"')


def crm(url: str) -> Before:
    """Another address of the CRM."""
    return edited('"http://127.0.0.1:9"', f'"{url}"')


def file(name: str, content: str | bytes, encoding: str = "utf-8", mode: int = 0o600) -> Before:
    """A file with this content."""

    def write(shared: Shared) -> None:
        path = shared.installation.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        path.chmod(mode)

    return write


def secrets(text: str, encoding: str = "utf-8", mode: int = 0o600) -> Before:
    """Another file of secrets."""
    return file("coinsync.secrets", text, encoding, mode)


def without(name: str) -> Before:
    """A file is missing."""
    return lambda shared: (shared.installation.folder / name).unlink()


def folder(name: str) -> Before:
    """A folder, perhaps in the place of a file."""

    def make(shared: Shared) -> None:
        path = shared.installation.folder / name
        path.unlink(missing_ok=True)
        path.mkdir()

    return make


def environment(**variables: str) -> Before:
    """Variables of the environment."""
    return lambda shared: shared.installation.environ.update(variables)


def somebody_elses_database(shared: Shared) -> None:
    """A database that another program has made."""
    with closing(sqlite3.connect(shared.installation.folder / "other.db")) as opened:
        opened.execute("CREATE TABLE clients (id INTEGER)")
        opened.commit()


class PlainHttp(BaseHTTPRequestHandler):
    """Says no to everybody, as a web server does where something else is expected."""

    def do_POST(self) -> None:
        """Refuse."""
        self.send_error(400)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, master: Path) -> Iterator[Shared]:
    """A school after its first sync, with goods, a sale and an entry that was taken back."""
    installation = copy_installation(master, tmp_path_factory.mktemp("shared"))
    goods = installation.file("goods.csv", "code;name_ru;price\nmug;Кружка;10\n")
    installation.ok("catalog", "load", goods, "--yes")
    installation.ok("catalog", "stock", "receive", "mug", "5", "--yes")
    installation.ok("credit", "101", "40", "--reason", "Помогла", "--yes")
    installation.ok("sell", "101", "mug", "--key", "sold", "--yes")
    installation.ok("credit", "101", "7", "--reason", "Не тому", "--yes")
    last = installation.ledger()[-1].n
    installation.ok("reverse", str(last), "--note", "Не тот ученик", "--yes")
    server = ThreadingHTTPServer(("127.0.0.1", 0), PlainHttp)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        shared = Shared(installation, server.server_port, last)
        shared.keep()
        yield shared
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# --- the rows -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wrong:
    """What is typed, how it ends, and what must be said, in this order where " … " stands between.

    ``is_listed``: problems or candidates have a line each. ``is_shown``: the plan is shown first.
    """

    words: str
    code: int
    says: str
    advice: str
    before: tuple[Before, ...] = ()
    is_listed: bool = False
    is_shown: bool = False


KEYS = "Correct the configuration file; config.toml.example explains every key."
NAMED = "Give each secret once, in the environment or as NAME=value in a file of mode 0600."
RESIDENTS = '"coinsync residents list" shows them'
DAYS = "Write days as 2026-11-22."
NUMBERS = "Write a whole number above 0 in plain digits, such as 10."
FILE = "Correct the file and run the command again; nothing of it was written."
STRAIGHT = 'write a text in straight quotes ("), yes and no as true and false'
DATE = "write a day as 2026-09-01, without quotes"
SINCE = "since = 2026-09-01"


def see(command: str) -> str:
    """The advice to read a command's help."""
    return f'See "coinsync {command} --help".'.replace("  ", " ")


def of_config(old: str, new: str, says: str) -> Wrong:
    """A wrong line of the configuration, under a command that only reads."""
    return Wrong("balance", 2, f"config: … {says}", KEYS, (edited(old, new),))


def of_toml(old: str, new: str, says: str) -> Wrong:
    """A line that is no TOML: the file and the line are named."""
    return of_config(old, new, f"config.toml: not valid TOML: … {says}")


CONFIGURATION = [
    of_toml("[school]", "[school", "Expected ']' … at line 3"),
    of_toml("coins = 10", "coins = 10 монет", "at line 62"),
    of_toml("coins = 10", "coins = ", "Invalid value (at line 62, column 9)"),
    of_toml(SINCE, "since = 01.09.2026", f"at line 64 … {DATE}"),
    of_toml(SINCE, "since = 1.9.2026", f"at line 64 … {DATE}"),
    of_toml(SINCE, "since = 09/01/2026", f"at line 64 … {DATE}"),
    of_toml(SINCE, "since = 2026-9-1", f"at line 64 … {DATE}"),
    of_toml(SINCE, "since = 2026-09-31", f"at line 64 … {DATE}"),
    of_toml('guest = "hold"', "guest = hold", f"at line 65 … {STRAIGHT}"),
    of_toml('guest = "hold"', "guest = “hold”", f"at line 65 … {STRAIGHT}"),
    of_toml('guest = "hold"', "guest = «hold»", f"at line 65 … {STRAIGHT}"),
    of_toml('guest = "hold"', 'guest = "hold', "at line 65 … a quote is missing"),
    of_toml('guest = "hold"', 'guest: "hold"', "Expected '=' after a key … at line 65"),
    of_toml("[vk]", "[vk]\nenabled = no", f"Invalid value … {STRAIGHT}"),
    of_toml('"coinsync.secrets"', '"C:\\Users\\anna"', "Invalid hex value (at line"),
    of_toml("days_back = 30", "days_back = 30\ndays_back = 45", "Cannot overwrite a value"),
    of_toml("[sync]", "[school]", "Cannot declare ('school',) twice"),
    of_config('crm = "alfacrm"', 'crm = "bitrix"', '[school] crm: expected "alfacrm" or "csv"'),
    of_config('"Europe/Moscow"', '"Moscow"', '[[branch]] 1 zone: … "Europe/Moscow" … got "Moscow"'),
    of_config('"Europe/Moscow"', '"UTC+3"', '[[branch]] 1 zone: … "Europe/Moscow" … got "UTC+3"'),
    of_config("coins = 10", "coins = 10.5", "[[rule]] 1 coins: … whole number from 1 … got 10.5"),
    of_config("coins = 10", "coins = -10", "[[rule]] 1 coins: … whole number from 1 … got -10"),
    of_config("coins = 10", 'coins = "10"', '[[rule]] 1 coins: … whole number from 1 … got "10"'),
    of_config("types = [2]", "types = 2", "[[rule]] 1 types: … list of numbers such as [2, 5]"),
    of_config("types = [2]", "types = [3]", "types: 3 stands in [lessons] as earning nothing"),
    of_config("types = [2]", "types = []", "types: expected at least one lesson type"),
    of_config(SINCE, 'since = "2026-09-01"', "[[rule]] 1 since: … without quotes, got"),
    of_config(SINCE, f"{SINCE}\nuntil = 2026-08-31", "until: 2026-08-31 is before since"),
    of_config('guest = "hold"', 'guest = "no"', '[[rule]] 1 guest: expected "hold" or "pay" or'),
    of_config("days_back = 30", "days_back = 0", "[sync] days_back: … from 1 to 366, got 0"),
    of_config("port = 8080", "port = 80800", "[web] port: … from 1 to 65535, got 80800"),
    of_config("app_id = 7000001", 'app_id = "7"', '[web] app_id: expected a whole number … "7"'),
    of_config('"#1f6fc9"', '"blue"', "[brand] accent_light: expected a colour such as #1f6fc9"),
    of_config('"surname_first"', '"first"', '[residents] names: expected "surname_first" or'),
    of_config("id = 2", "id = 1", "[[branch]] id 1: given twice"),
    of_config("id = 2", 'id = "2"', '[[branch]] 2 id: expected a whole number … got "2"'),
    of_config('"api@school.example"', '""', "[alfacrm] email: missing"),
    of_config('account = "test"', 'account = "школа"', "[alfacrm] account: expected letters a-z"),
    of_config('"монета", "монеты", "монет"', '"монета"', "[coin] ru: expected a list of 3 texts"),
    of_config("[alfacrm]", f'[alfacrm]\napi_key = "{SECRET}"', "[alfacrm] api_key is a secret"),
    Wrong(
        "balance",
        2,
        "unknown key [shcool] (did you mean school?) … [school] name: missing",
        KEYS,
        (edited("[school]", "[shcool]"),),
        is_listed=True,
    ),
    Wrong(
        "balance",
        2,
        "[school] name: missing … [[branch]]: expected at least one block, got nothing",
        KEYS,
        (file("config.toml", ""),),
        is_listed=True,
    ),
    Wrong(
        "balance",
        2,
        "config.toml is not UTF-8",
        "Save it as UTF-8: in Notepad",
        (edited("", "# школа\n", "cp1251"),),
    ),
    Wrong(
        "balance",
        2,
        "config.toml is not UTF-8",
        "Save it as UTF-8: in Notepad",
        (edited("", "", "utf-16"),),
    ),
    Wrong(
        "balance", 2, "config.toml cannot be read (no", "--config FILE", (without("config.toml"),)
    ),
    Wrong("balance", 2, "config.toml cannot be read (is a", "--config", (folder("config.toml"),)),
    Wrong("--config none.toml balance", 2, "none.toml cannot be read (no such", '"coinsync init"'),
    Wrong(
        "serve",
        2,
        "[web] app_id is 0, so every family would be refused",
        "Write the number of the VK app there",
        (edited("app_id = 7000001", "app_id = 0"),),
    ),
    Wrong(
        "serve",
        2,
        "[brand] accent_light: … a contrast of 1.07 : 1 … the nearest that passes",
        "shows every pair of colours",
        (edited('"#1f6fc9"', '"#ffff00"'),),
    ),
    Wrong(
        "serve",
        2,
        '[brand] logo: "none.png" cannot be read (no such file or directory)',
        "Correct [brand]",
        (edited('logo = ""', 'logo = "none.png"'),),
    ),
]


def of_secrets(says: str, advice: str, *before: Before) -> Wrong:
    """A wrong file of secrets, where the key of the CRM is needed."""
    return Wrong("sync", 2, f"secret: … {says}", advice, before)


WRITE_KEY = "write COINSYNC_ALFACRM_KEY=… into … coinsync.secrets (mode 0600)."
MISSING = "COINSYNC_ALFACRM_KEY is missing"
TWICE = f"COINSYNC_ALFACRM_KEY={SECRET}\nCOINSYNC_ALFACRM_KEY={SECRET}2\n"

OF_SECRETS = [
    of_secrets(MISSING, WRITE_KEY, secrets("")),
    of_secrets(MISSING, WRITE_KEY, without("coinsync.secrets")),
    of_secrets(MISSING, "into none.secrets", environment(COINSYNC_SECRETS="none.secrets")),
    of_secrets("KEY is empty or has spaces", WRITE_KEY, secrets("COINSYNC_ALFACRM_KEY=\n")),
    of_secrets("KEY is empty or has", WRITE_KEY, secrets(f"COINSYNC_ALFACRM_KEY = {SECRET} \n")),
    of_secrets("line 1: unknown name", NAMED, secrets(f"COINSYNC_ALFACRM_KEY: {SECRET}\n")),
    of_secrets("line 1: unknown name (did", NAMED, secrets(f"ALFACRM_KEY={SECRET}\n")),
    of_secrets("line 2: unknown name", NAMED, secrets(f"# key\n{SECRET}\n")),
    of_secrets("line 2: COINSYNC_ALFACRM_KEY stands there twice", NAMED, secrets(TWICE)),
    of_secrets("is not UTF-8", "Save it as UTF-8", secrets(f"# ключ\n{TWICE}", "cp1251")),
    of_secrets("is not UTF-8", "Save it as UTF-8", secrets(TWICE, "utf-16")),
    of_secrets("others (mode 0644)", "Run: chmod 600 ", secrets(TWICE, mode=0o644)),
    of_secrets("coinsync.secrets is no file", "Put the file", folder("coinsync.secrets")),
    of_secrets("given twice, in the", NAMED, environment(COINSYNC_ALFACRM_KEY=SECRET)),
    of_secrets("COINSYNC_DATABASE_URL: expected", NAMED, environment(COINSYNC_DATABASE_URL=SECRET)),
    Wrong("serve", 2, "COINSYNC_VK_KEYS is missing", "COINSYNC_VK_KEYS=… into", (secrets(""),)),
    Wrong(
        "serve",
        2,
        "COINSYNC_VK_KEYS: the key is too short (5 characters)",
        "Copy the protected key from the VK app's settings",
        (secrets("COINSYNC_VK_KEYS=short\n"),),
    ),
]

HOST = "Check the host in the address"
PORT = "Check the port in the address"
DIGEST = 'Pass the digest that "coinsync sync --dry-run" shows.'
NAMES = "Nothing was written. Correct what the line names"
SERVER = "Check the database, its address and disk, then try again."
OWN = "Nothing was written. Correct [database] url."


def of_sync(url: str, says: str, advice: str) -> Wrong:
    """An address of the CRM where somebody else answers, or nobody."""
    return Wrong("sync --branch 1", 75, says, advice, (crm(url),))


def of_crm(url: str, says: str) -> Wrong:
    """An address of the CRM that is none."""
    says = f"[alfacrm] url: expected an address such as https://school.s20.online, got {says}"
    return Wrong("sync", 2, says, KEYS, (crm(url),))


def of_database(url: str, code: int, says: str, advice: str, *before: Before) -> Wrong:
    """A wrong address of the database, under a command that only reads."""
    return Wrong("balance", code, says, advice, (database(url), *before))


ADDRESSES = [
    of_sync("http://127.0.0.1:9", "at http://127.0.0.1:9 (nothing listens)", PORT),
    of_sync("https://no.invalid", "at https://no.invalid (no such host)", HOST),
    of_sync("https://127.0.0.1:PORT", "at https://127.0.0.1: … (no https there)", PORT),
    of_sync("http://127.0.0.1:PORT", "not an AlfaCRM answer (HTTP 400)", "Check the address: a"),
    of_crm("http://school.s20.online", '"http://school.s20.online"'),
    of_crm("school.s20.online", '"school.s20.online"'),
    of_crm("https://school.s20.online/v2api", '"https://school.s20.online/v2api"'),
    of_crm("ftp://school.s20.online", '"ftp://school.s20.online"'),
    of_crm(f"https://anna:{SECRET}@school.s20.online", '"https://anna:***@school.s20.online"'),
    of_crm("https://", '"https://"'),
    of_database("coinsync.db", 2, "[database] url: expected sqlite:///PATH or mysql://", KEYS),
    of_database("sqlite://coinsync.db", 2, "[database] url: expected sqlite:///PATH", KEYS),
    of_database("sqlite:///other.db", 2, "other.db does not exist", 'Run "coinsync init"'),
    of_database("sqlite:////", 2, "database: / is a folder", "Name a file, as in sqlite:///"),
    of_database("sqlite:///a", 2, "/a is a folder", "Name a file, as in sqlite:///", folder("a")),
    of_database(
        "sqlite:///notes.txt",
        1,
        "notes.txt is damaged, or no database",
        "restore it from a backup, or correct [database] url",
        file("notes.txt", "это не база " * 200),
    ),
    of_database("sqlite:///a.db", 2, "a.db is empty", "db migrate", file("a.db", "")),
    of_database(
        "sqlite:///other.db",
        2,
        "other.db holds the tables of another program",
        OWN,
        somebody_elses_database,
    ),
    Wrong(
        "db migrate",
        2,
        "other.db holds the tables of another program",
        OWN,
        (database("sqlite:///other.db"), somebody_elses_database),
    ),
    of_database(f"mysql://coins:{SECRET}@", 2, "mysql://USER@HOST/NAME, got", KEYS),
    of_database(f"postgres://coins:{SECRET}@db/coins", 2, 'got "postgres://coins:***@db', KEYS),
    of_database(f"mysql://a:{SECRET}@127.0.0.1:9/b", 75, "cannot reach 127.0.0.1:9/b", SERVER),
    of_database(f"mysql://a:{SECRET}@no.invalid/b", 75, "cannot reach no.invalid:3306/b", SERVER),
    of_database(f"mysql://a:{SECRET}@127.0.0.1:x/b", 2, "'127.0.0.1:x' is no host", NAMES),
    of_database(f"mysql://a:{SECRET}@h/b?ssl=1", 2, "expected options tls=on, tls=off", NAMES),
    Wrong(
        "credit 101 5 --reason Помогла --yes",
        2,
        "belongs to the CRM account 'test'",
        "Use one database for each AlfaCRM account",
        (edited('account = "test"', 'account = "other"'),),
        is_shown=True,
    ),
    Wrong("db copy nothing", 2, "nothing: expected sqlite:///PATH or mysql", see("db copy")),
    Wrong("db copy sqlite:///a", 2, "/a is a folder", "Name a file, as in", (folder("a"),)),
    Wrong("db copy sqlite:///coinsync.db", 2, "coinsync.db cannot be copied onto itself", NAMES),
    Wrong(
        "sync",
        2,
        "[csv] folder: … attendance does not exist",
        "docs/csv.md describes them",
        (edited('crm = "alfacrm"', 'crm = "csv"'),),
    ),
    Wrong(
        "sync --branch 1",
        3,
        "branches.csv: no such file or directory; nothing written",
        "look at that list or file",
        (edited('crm = "alfacrm"', 'crm = "csv"'), folder("attendance")),
    ),
]

OF_RESIDENTS = [
    Wrong("balance Никто", 6, "no resident answers to 'Никто'", RESIDENTS),
    Wrong("balance а", 6, "residents answer to 'а'", "Use a number or a code", is_listed=True),
    Wrong("balance ''", 6, "no resident answers to ''", RESIDENTS),
    Wrong("balance ' '", 6, "no resident answers to ''", RESIDENTS),
    Wrong("balance 999999", 6, "no resident answers to '999999'", RESIDENTS),
    Wrong("balance vk:1", 6, "no resident answers to 'vk:1'", RESIDENTS),
    Wrong("balance vk:x", 6, "no resident answers to 'vk:x'", RESIDENTS),
    Wrong("balance crm:0", 6, "no resident answers to 'crm:0'", RESIDENTS),
    Wrong("history ''", 6, "no resident answers to ''", RESIDENTS),
    Wrong("statement '101 102'", 6, "no resident answers to '101 102'", RESIDENTS),
    Wrong("residents show", 2, "Missing argument 'RESIDENT'", see("residents show")),
    Wrong("residents show 101 102", 2, "unexpected extra argument(s) (102)", see("residents show")),
    Wrong("residents merge 101 101 --yes", 2, "#101 and #101 are one card", "residents merge"),
    Wrong("residents merge 101 999999 --yes", 6, "no resident answers to '999999'", RESIDENTS),
    Wrong(
        "residents unmerge 101 --yes",
        7,
        "#101 is not merged into any",
        "shows what was done before",
    ),
    Wrong("residents erase", 2, "Missing argument 'RESIDENT'", see("residents erase")),
    Wrong("explain", 2, "explain: say whose coins, or which --lesson", see("explain")),
    Wrong("explain 101 --lesson 1", 6, "lesson 1 is not recorded", 'see "coinsync journal"'),
]

WHY = "--reason Помогла --yes"

COINS = [
    Wrong("credit 101", 2, "say how many coins, or --for which way to earn", see("credit")),
    Wrong(f"credit 101 ten {WHY}", 2, "'ten' is no number of coins", NUMBERS),
    Wrong(f"credit 101 0 {WHY}", 2, "'0' is no number of coins", NUMBERS),
    Wrong(f"credit 101 -5 {WHY}", 2, "'-5' is below 0", '"coinsync debit" takes coins.'),
    Wrong(f"credit 101 1.5 {WHY}", 2, "'1.5' is no number of coins", NUMBERS),
    Wrong(f"credit 101 1,5 {WHY}", 2, "'1,5' is no number of coins", NUMBERS),
    Wrong(f"credit 101 '1 000' {WHY}", 2, "'1 000' is no number of coins", NUMBERS),
    Wrong(f"credit 101 1e3 {WHY}", 2, "'1e3' is no number of coins", NUMBERS),
    Wrong(f"credit 101 {'9' * 21} {WHY}", 2, f"'{'9' * 21}' is no number of coins", NUMBERS),
    Wrong(f"credit 101 5000 {WHY}", 7, "5000 coins is above the limit of 1000", "[guards] coins_"),
    Wrong(f"credit 5 101 {WHY}", 6, "no resident answers to '5'", RESIDENTS),
    Wrong(f"credit '' 5 {WHY}", 6, "no resident answers to ''", RESIDENTS),
    Wrong("credit 101 5 --yes", 2, "say why: --reason TEXT, or --for WAY", see("credit")),
    Wrong("credit 101 5 --reason '' --yes", 2, "say why: --reason TEXT, or --for", see("credit")),
    Wrong(f"credit 101 5 --reason {'x' * 201}", 2, "201 characters, at most 200", see("credit")),
    Wrong("credit 101 --for nothing --yes", 6, "no way to earn is called 'nothing'", "There are:"),
    Wrong("credit 101 --for '' --yes", 2, "say how many coins, or --for", see("credit")),
    Wrong("credit 101 5 --for olympiad --yes", 2, "olympiad gives 50; leave the", see("credit")),
    Wrong(f"credit 101 5 --key '' {WHY}", 2, "--key '' is no key", "Keys are letters a-z"),
    Wrong(f"credit 101 5 --key 'мой ключ' {WHY}", 2, "--key 'мой ключ' is no key", "Keys are"),
    Wrong(
        "credit 101 5 --reason Помогла",
        2,
        "nobody is there to ask; nothing written",
        "Pass --yes, or --dry-run to look.",
        is_shown=True,
    ),
    Wrong(f"debit 101 900 {WHY}", 7, "coins, 900 needed; nothing written", '"coinsync balance'),
    Wrong(f"debit 101 -5 {WHY}", 2, "'-5' is below 0", "Write a number above 0"),
    Wrong("credit 101 5 6 --yes", 2, "unexpected extra argument(s) (6)", see("credit")),
    Wrong(f"debit 101 {WHY}", 2, "Missing argument 'COINS'", see("debit")),
    Wrong("debit 101 5 --yes", 2, "say why: --reason TEXT", see("debit")),
    Wrong("reverse 999999 --note x --yes", 6, "entry 999999 does not exist", '"coinsync history'),
    Wrong("reverse abc --note x --yes", 2, "'abc' is no number of an entry", NUMBERS),
    Wrong("reverse 0 --note x --yes", 2, "'0' is no number of an entry", NUMBERS),
    Wrong("reverse 1 --yes", 2, "say why: --note TEXT", see("reverse")),
    Wrong(
        "reverse TAKEN --note x --yes",
        7,
        "is already reversed by",
        "only a new credit, debit or sale",
    ),
]

OF_DAYS = [
    Wrong("balance --as-of завтра", 2, "'завтра' is no day", DAYS),
    Wrong("balance --as-of 2026-02-30", 2, "'2026-02-30' is no day", DAYS),
    Wrong("balance --as-of 20.11.2026", 2, "'20.11.2026' is no day", DAYS),
    Wrong("balance --as-of ''", 2, "'' is no day", DAYS),
    Wrong("history 101 --since 2026-11-02 --until 2026-11-01", 2, "is after --until", "history"),
    Wrong("statement 101 --since 2999-01-01", 2, "--since 2999-01-01 is after", see("statement")),
    Wrong(f"credit 101 5 --date 2999-01-01 {WHY}", 2, "is still to come", see("credit")),
    Wrong(f"credit 101 5 --date 20.11.2026 {WHY}", 2, "'20.11.2026' is no day", DAYS),
    Wrong("explain 101 --date yesterday", 2, "'yesterday' is no day", DAYS),
    Wrong("reconcile --as-of 2026-11-01 --with-crm", 2, "--as-of looks back", see("reconcile")),
    Wrong("export --format beancount --since 2026-11-01", 2, "a journal holds every", "export"),
    Wrong("sync --until 2999-01-01", 2, "2999-01-01 is still to come", see("sync")),
    Wrong("sync --since 2999-01-01", 2, "2999-01-01 is still to come", see("sync")),
    Wrong("sync --since 1900-01-01", 2, "1900-01-01 is more than ten years ago", see("sync")),
    Wrong("sync --until 1900-01-01", 2, "1900-01-01 is more than ten years ago", see("sync")),
    Wrong(
        "shop report --since 2026-11-02 --until 2026-11-01", 2, "is after --until", "shop report"
    ),
    Wrong("sync --since 2026-11-02 --until 2026-11-01", 2, "is after --until", see("sync")),
]

OPTIONS = [
    Wrong("sync --branch 99", 6, "branch '99' is not in the configuration", "There are: 1 "),
    Wrong("sync --branch ''", 6, "branch '' is not in the configuration", "There are: 1 "),
    Wrong("balance --branch Нигде", 6, "branch 'Нигде' is not in the", "There are: 1 "),
    Wrong("sync --lock-timeout nan", 2, "'--lock-timeout': 'nan' is not a whole", see("sync")),
    Wrong("sync --lock-timeout inf", 2, "'--lock-timeout': 'inf' is not a whole", see("sync")),
    Wrong("sync --lock-timeout -5", 2, "'--lock-timeout': -5 is not in the range", see("sync")),
    Wrong("sync --expect xyz", 2, "'xyz' is no digest", DIGEST),
    Wrong("sync --expect ''", 2, "'' is no digest", DIGEST),
    Wrong("sync --expect 0123456", 2, "'0123456' is no digest", DIGEST),
    Wrong("sync --expect 01234567", 75, "AlfaCRM out of reach at http://127.0.0.1:9", PORT),
    Wrong("sync --accept-unsafe xyz", 2, "'xyz' is no digest", DIGEST),
    Wrong("sync --guests maybe", 2, "'--guests': 'maybe' is not one of", see("sync")),
    Wrong("sync --ping-url", 2, "Option '--ping-url' requires an argument", see("")),
    Wrong("--branch", 2, "Option '--branch' requires an argument", see("")),
    Wrong("balance --config", 2, "Option '--config' requires an argument", see("")),
    Wrong("waiting --max-age 26", 2, "'26' is no age", "Write ages in hours, as 26h."),
    Wrong("waiting --max-age ''", 2, "'' is no age", "Write ages in hours, as 26h."),
    Wrong("journal --limit 0", 2, "'--limit': 0 is not in the range", see("journal")),
    Wrong("history 101 --limit all", 2, "'--limit': 'all' is not a whole number", see("history")),
    Wrong("history 101 --kind ''", 2, "'' is not one of 'award', 'reversal'", see("history")),
    Wrong("history 101 --kind bonus", 2, "'bonus' is not one of 'award'", see("history")),
    Wrong("reconcile --check nothing", 2, "no check is called 'nothing'", "There are: entry,"),
    Wrong("reconcile --check crm", 2, "check crm needs --with-crm", "Possible here: entry,"),
    Wrong("statement 101 --lang de", 2, "'de' is not one of 'ru', 'en'", see("statement")),
    Wrong("balance --unknown", 2, "No such option: --unknown", see("balance")),
    Wrong("residents list --branch 99", 6, "branch '99' is not in the", "There are: 1 "),
    Wrong("links list --problem", 2, "No such option: --problem", see("links list")),
    Wrong("statement 101 --lang ''", 2, "'' is not one of 'ru', 'en'", see("statement")),
    Wrong("serve --port 0", 2, "'--port': 0 is not in the range", see("serve")),
    Wrong("preview 999999", 6, "no resident answers to '999999'", RESIDENTS),
    Wrong("init --csv-folder", 2, "'--csv-folder' requires an argument", see("init")),
    Wrong("init --unknown", 2, "No such option: --unknown", see("init")),
]


def of_import(content: str | bytes, says: str) -> Wrong:
    """A sheet that cannot be taken."""
    before = (file("a.csv", content),)
    return Wrong("import a.csv --yes", 2, f"a.csv: … {says}", FILE, before, is_listed=True)


def of_catalog(content: str, says: str) -> Wrong:
    """A catalog that cannot be taken."""
    before = (file("a.csv", content),)
    says = f"a.csv: 1 problem; nothing written … {says}"
    return Wrong("catalog load a.csv --yes", 2, says, FILE, before, is_listed=True)


HEADINGS = "ученик;монеты;за что\n"

FILES = [
    Wrong("import none.csv --yes", 2, "import: none.csv cannot be read (no such", see("import")),
    Wrong("import . --yes", 2, "import: . cannot be read (is a directory)", see("import")),
    Wrong("import --yes", 2, "Missing argument 'FILE.csv'", see("import")),
    of_import("", "1 problem; nothing written … line 1: the file is empty"),
    of_import("resident;coins\n101;5\n", "1 problem … line 2, column reason: is empty"),
    of_import("ученик;баланс\n101;5\n", 'line 1, column "баланс": is not known … is missing'),
    of_import(f"{HEADINGS}101;пять;игра\n", 'line 2, column coins: "пять" is not a whole number'),
    of_import(f"{HEADINGS}101;5;игра;еще\n", "line 2, column 4: the row has 4 cells where 3"),
    of_import(
        "ученик;монеты;за что;дата\n101;5;игра;31.11.2026\n",
        'line 2, column date: "31.11.2026" is not a day like 2026-11-20 or 20.11.2026',
    ),
    of_import(b"PK\x03\x04" + bytes(range(256)), "line 1: … save the sheet as CSV UTF-8"),
    Wrong(
        "import a.csv --yes",
        6,
        "line 2, column resident: no resident answers to 'Никто'; nothing written",
        RESIDENTS,
        (file("a.csv", f"{HEADINGS}Никто;5;игра\n"),),
    ),
    Wrong(
        "import a.csv --yes",
        7,
        "coins, 900 needed; nothing written",
        '"coinsync balance RESIDENT"',
        (file("a.csv", f"{HEADINGS}101;-900;игра\n"),),
    ),
    Wrong("catalog load none.csv --yes", 2, "none.csv cannot be read (no", see("catalog load")),
    Wrong("catalog load . --yes", 2, ". cannot be read (is a directory)", see("catalog load")),
    of_catalog("", "line 1: the file is empty"),
    of_catalog("код;название;цена\n", "there is nothing in it: a shop without goods is rather"),
    of_catalog(
        "код;название;цена\nmug;Кружка;пять\n", 'line 2, column price: "пять" is not a whole number'
    ),
    of_catalog("код;название;цена;colour\nmug;Кружка;50;1\n", 'column "colour": is not known'),
    of_catalog(
        "код;название;цена;фото\nmug;Кружка;50;mug.png\n", 'picture: "mug.png" is not there: the'
    ),
    of_catalog("код;название\nmug;Кружка\n", "line 1, column price: is missing"),
    of_catalog(
        "код;название;цена\nmug;Кружка;50\nmug;Кружка;60\n",
        'line 3, column code: "mug" stands in line 2 too',
    ),
    Wrong("export", 2, "Missing option '--format'", see("export")),
    Wrong("export --format xml", 2, "'xml' is not one of 'csv', 'jsonl'", see("export")),
    Wrong(
        "export --format csv --to coinsync.db", 2, "coinsync.db is there already", "another name"
    ),
    Wrong("export --format csv --to none/x.csv", 2, "none/x.csv cannot be written", see("export")),
    Wrong("db backup", 2, "name a FILE, or a folder as [data] backups", see("db backup")),
    Wrong("db backup ''", 2, ". is there already", "Choose another name."),
    Wrong("export --format csv --to ''", 2, ". is there already", "Choose another name."),
    Wrong("import '' --yes", 2, ". cannot be read (is a directory)", see("import")),
    Wrong("import a.csv b.csv", 2, "unexpected extra argument(s) (b.csv)", see("import")),
    Wrong("catalog load", 2, "Missing argument 'FILE'", see("catalog load")),
    Wrong("catalog load a.csv --pictures", 2, "'--pictures' requires an argument", "catalog load"),
    Wrong("db backup coinsync.db", 2, "coinsync.db is there already", "Choose another name."),
    Wrong("db backup none/x", 2, "none/x cannot be written (no such", see("db backup")),
    Wrong("db backup x --keep 3", 2, "--keep goes without FILE", see("db backup")),
    Wrong("db backup --keep 0", 2, "'--keep': 0 is not in the range", see("db backup")),
    Wrong("db grants", 2, "the configured database is a file", "Its rights are those of the file"),
]

COMMANDS = [
    Wrong("balans", 2, "No such command 'balans'. Did you mean 'balance'?", see("")),
    Wrong("catalog lod a.csv", 2, "No such command 'lod'. Did you mean 'load'?", see("catalog")),
    Wrong("'balance 101'", 2, "No such command 'balance 101'. Did you mean 'balance'", see("")),
    Wrong("import-file a.csv", 2, "No such command 'import-file'. Did you mean 'im", see("")),
    Wrong("db delete", 2, "No such command 'delete'.", see("db")),
]

DESK = [
    Wrong("review post", 2, "review post: say which cases, or --all", see("review post")),
    Wrong("review post --all 1:1 --yes", 2, "say which cases, or --all", see("review post")),
    Wrong("review post 999999-1 --yes", 6, "'999999-1' is not held", '"coinsync review list"'),
    Wrong("review waive --all --yes", 2, "say why: --note", see("review waive")),
    Wrong("review post --all --kind x --yes", 2, "is not one of 'reversal'", see("review post")),
    Wrong("links add 101 vk.com/xyz --yes", 2, "without COINSYNC_VK_SERVICE_KEY", "the number"),
    Wrong("links add 101 0 --yes", 2, "'0' names no person in VK", "Write the number that"),
    Wrong("links add 101 vk.com/club5 --yes", 2, "names no person in VK", "Write the number that"),
    Wrong("links add vk.com/id5 101 --yes", 6, "no resident answers to 'vk.com/id5'", RESIDENTS),
    Wrong("links revoke 101 5 --yes", 6, "VK 5 has no link to #101", '"coinsync links list"'),
    Wrong("sell 101 кружечка --yes", 6, "no item answers to 'кружечка'", '"coinsync catalog list"'),
    Wrong("links add 101 --yes", 2, "Missing argument 'VK'", see("links add")),
    Wrong("links add 101 '' --yes", 2, "'' names no person in VK", "Write the number that"),
    Wrong("shop open", 2, "Missing argument 'EVENT'", see("shop open")),
    Wrong("refund --note x", 2, "Missing argument 'SALE'", see("refund")),
    Wrong("sell 101 --yes", 2, "Missing argument 'ITEM'", see("sell")),
    Wrong("sell 101 mug --quantity 100 --yes", 7, "mug: 4 left, 100 needed", "catalog stock list"),
    Wrong("sell 101 mug --quantity 0 --yes", 2, "'0' is no number of pieces", NUMBERS),
    Wrong("sell 101 mug --price 1 --yes", 2, "needs a reason: --reason TEXT", see("sell")),
    Wrong("sell 101 mug --event fair-9 --yes", 6, "no fair is called 'fair-9'", "shop open fair-9"),
    Wrong("sell 101 mug --also 102 --yes", 2, "expected RESIDENT=COINS", "Everybody but the first"),
    Wrong("sell 101 mug --also 102=999 --yes", 2, "the parts make 999 coins", "Name smaller parts"),
    Wrong("sell 101 mug --key '' --yes", 2, "--key '' is no key", "Keys are letters a-z"),
    Wrong("refund abc --note x --yes", 6, "sale 'abc' does not exist", '"coinsync shop sales"'),
    Wrong("refund sold --yes", 2, "say why: --note TEXT", see("refund")),
    Wrong("refund sold --line 9 --note x --yes", 6, "sale sold has no line 9", "shop sale sold"),
    Wrong("shop open 'Осенняя ярмарка' --yes", 2, "is no code", "Codes are letters a-z, digits"),
    Wrong("shop close none --yes", 6, "no fair is called 'none'", '"coinsync shop events"'),
    Wrong("catalog stock receive mug five --yes", 2, "'five' is no number of pieces", NUMBERS),
    Wrong("catalog stock receive mug 5 --key '' --yes", 2, "--key '' is no key", "Keys are"),
    Wrong("catalog stock receive ручка 5 --yes", 6, "no item answers to 'ручка'", "catalog list"),
    Wrong("catalog stock write-off mug 1 --yes", 2, "say why: --note TEXT", "stock write-off"),
    Wrong("catalog stock write-off mug 9 --note x --yes", 7, "4 left, 9 needed", "stock list"),
    Wrong("catalog stock count mug --yes", 2, "Missing argument 'PIECES'", "catalog stock count"),
]

ROWS = (
    *CONFIGURATION,
    *OF_SECRETS,
    *ADDRESSES,
    *OF_RESIDENTS,
    *COINS,
    *OF_DAYS,
    *OPTIONS,
    *FILES,
    *COMMANDS,
    *DESK,
)


def in_order(text: str, wanted: str) -> bool:
    """Whether the parts of ``wanted`` stand in a text one behind the other."""
    at = 0
    for part in wanted.split(" … "):
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return True


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.words}: {row.says}")
def test_a_wrong_input_is_answered_by_one_line_and_one_of_advice(
    shared: Shared, row: Wrong, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong and where, what to do, the right exit code; no secret, nothing written."""
    installation = shared.installation
    monkeypatch.chdir(installation.folder)
    words = row.words.replace("TAKEN", str(shared.taken_back))
    try:
        for before in row.before:
            before(shared)
        said = installation.run(*shlex.split(words))
        tables = installation.tables()
    finally:
        shared.put_back()
    assert said.code == row.code, said.err
    *lines, advice = said.err.splitlines()
    assert in_order("\n".join(lines), row.says), said.err
    assert advice.startswith("  → "), said.err
    assert in_order(advice, row.advice), said.err
    assert len(lines) == 1 or row.is_listed, said.err
    assert bool(said.out) == row.is_shown, said.out
    assert "Traceback" not in said.err
    for secret in (SECRET, KEY, VK_KEY):
        assert secret not in said.out + said.err
    assert tables == shared.tables


@pytest.mark.parametrize("group", ["catalog", "db", "links", "residents", "review", "shop"])
def test_a_group_without_a_command_shows_its_commands(shared: Shared, group: str) -> None:
    """It is a question and no fault: help on the screen, nothing written."""
    said = shared.installation.run(group)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"Usage: coinsync {group} ")
    assert shared.installation.tables() == shared.tables
