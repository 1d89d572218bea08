"""The laws of the house, each by its name."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from coinsync import config, errors
from coinsync.commands.sync_posting import Posting
from coinsync.core.plan import Limits
from coinsync.exchange.wire import Bounds
from coinsync.store import writer
from tests.support.school import KEY, VK_KEY, House

HERE = Path(__file__).resolve().parent.parent
ROOMS = ("coinsync", "webview", "cli.py")


def sources(*places: str) -> Iterator[tuple[str, str]]:
    """(path, text) of every Python file of the named places."""
    for place in places or ROOMS:
        root = HERE / place
        for path in [root] if root.is_file() else sorted(root.rglob("*.py")):
            yield path.relative_to(HERE).as_posix(), path.read_text(encoding="utf-8")


def imported(text: str) -> set[str]:
    """Names of the top-level modules that a source imports."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {one.name.split(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_law_1_one_write() -> None:
    """Apart from migrations only store/writer.py inserts, updates or deletes; store/copying.py fills an empty database.

    A copy of a whole database is no plan: it holds nothing new, and it goes nowhere but where nothing is.
    """
    statements = r"\b(INSERT INTO|UPDATE \w+ SET|UPDATE \{|DELETE FROM|REPLACE INTO)\b"
    calls = r"executemany|\.(save|insert_many|create|bulk_create|insert)\("
    writes = re.compile(f"{statements}|{calls}")
    # The database is made, schema and all, in one other place; what is saved beyond that are files.
    # A statement that is only explained is not carried out: it asks whether an account may.
    innocent = re.compile(
        r"\b(database\.create|stage\.save|picture\.save)\(|EXPLAIN (UPDATE \{table\} SET|DELETE FROM)"
    )
    guilty = {
        path
        for path, text in sources()
        if writes.search(innocent.sub("", text))
        and not path.startswith(("coinsync/simulator/", "coinsync/store/migrations/"))
    }
    assert guilty == {"coinsync/store/writer.py", "coinsync/store/copying.py"}
    fillers = [path for path, text in sources() if re.search(r"\bcopying\.copy\(", text)]
    assert fillers == ["coinsync/commands/databases.py"]
    assert "WHERE id = 1 AND n = 0 AND runs = 0" in (HERE / "coinsync/store/copying.py").read_text(
        encoding="utf-8"
    )
    makers = [path for path, text in sources() if "database.create(" in text]
    assert makers == ["coinsync/commands/installing.py"]


def test_law_2_the_plan_shown_is_the_object_applied() -> None:
    """One function shows and applies, and it takes one plan: there is no way to show one and apply another."""
    body = inspect.getsource(Posting.take)
    assert body.index("self._report(outcome, outcome.plan)") < body.index(
        "self._apply(outcome.plan"
    )
    callers = [path for path, text in sources() if "writer.apply(" in text]
    assert callers == ["coinsync/commands/posting.py"]


def test_law_3_apply_then_plan_is_empty(synced: House) -> None:
    """A second sync has nothing to change."""
    report = synced.ok("sync", "--json").json
    assert {result["report"]["changes"] for result in report["results"]} == {0}


def test_law_4_the_ledger_only_grows(synced: House) -> None:
    """After days with edits every earlier entry is still there, as it was; corrections name what they correct."""
    synced.configure(guards__reversals_free=100)
    seen = synced.ledger()
    for _ in range(4):
        synced.school.act("advance", days=1)
        synced.school.act("cancel", lesson=synced.paid_lessons()[0].id)
        synced.ok("sync")
        now = synced.ledger()
        assert now[: len(seen)] == seen
        seen = now
    reversals = [posted.entry for posted in seen if posted.entry.coins < 0]
    assert reversals
    by_number = {posted.n: posted.entry for posted in seen}
    for entry in reversals:
        assert entry.reverses is not None
        original = by_number[entry.reverses]
        assert (original.key, original.resident, original.coins) == (
            entry.key,
            entry.resident,
            -entry.coins,
        )


def test_law_5_the_window_only_reads() -> None:
    """The web view cannot reach what writes, opens nothing but reading connections, and answers only GET and HEAD."""
    reached = {
        name
        for _, text in sources("webview")
        for name in re.findall(r"from (coinsync[\w.]*) import|import (coinsync[\w.]*)", text)
        for name in name
        if name
    }
    assert reached <= {
        "coinsync.core",
        "coinsync.core.catalog",
        "coinsync.core.colour",
        "coinsync.core.facts",
        "coinsync.core.identity",
        "coinsync.core.ledger",
        "coinsync.core.rules",
        "coinsync.core.school",
        "coinsync.core.wording",
        "coinsync.errors",
        "coinsync.store.database",
        "coinsync.store.reader",
    }
    assert not any("open_writable" in text for _, text in sources("webview"))


FOREIGN = {
    "PIL": ("coinsync/pictures.py",),
    "bottle": ("webview/", "coinsync/simulator/"),
    "peewee": ("coinsync/store/",),
    "playhouse": ("coinsync/store/",),
    "pymysql": ("coinsync/store/",),
    "requests": ("coinsync/exchange/",),
    "rich": ("coinsync/render/",),
    "tenacity": ("coinsync/exchange/",),
    "typer": ("cli.py", "coinsync/commands/"),
    "waitress": ("webview/",),
}


def test_law_6_one_foreign_library_one_room() -> None:
    """Each library is known in one room, none in the core; two rooms serve pages, each alone."""
    standard = sys.stdlib_module_names | {"coinsync", "webview", "cli"}
    for path, text in sources():
        for name in imported(text) - standard:
            # Commands name the type of what they pass on, and import nothing for it at run time.
            in_commands = path.startswith("coinsync/commands/")
            typing_only = in_commands and f"if TYPE_CHECKING:\n    from {name} import" in text
            assert typing_only or path.startswith(FOREIGN[name]), f"{path} imports {name}"


def test_law_7_clock_sleep_randomness_and_environment_come_in_as_arguments() -> None:
    """Below the door nobody asks the clock, sleeps, draws or reads the environment."""
    forbidden = re.compile(
        r"datetime\.now\(|date\.today\(|time\.(time|sleep|monotonic)\(|\brandom\.(random|choice|randint)\(|os\.environ|getenv|uuid4\(|secrets\.token|urandom"
    )
    for path, text in sources("coinsync", "webview"):
        found = forbidden.search(text)
        assert not found, f"{path}: {found}"


def test_law_8_everything_is_bounded() -> None:
    """Every wait, size, number of tries, of pages, of changes has a limit that is a number."""
    limits = [getattr(Bounds(), name) for name in Bounds.__slots__] + [
        getattr(Limits(), name) for name in Limits.__slots__
    ]
    from coinsync.exchange import paging, vk
    from webview import gallery, goods, launch, pages

    limits += [
        gallery.BYTES_MAX,
        gallery.NAMES_MAX,
        goods.GOODS_MAX,
        pages.RESIDENTS_MAX,
        pages.LINES_MAX,
    ]
    limits += [vk.BATCH_MAX, vk.SINGLES_MAX, vk.HALVINGS_MAX]
    limits += [
        paging.PAGES_MAX,
        paging.READINGS_MAX,
        writer.ATTEMPTS_MAX,
        launch.AGE_SECONDS_DEFAULT,
    ]
    assert all(isinstance(limit, (int, float)) and 0 < limit < 10**9 for limit in limits)


def test_law_9_an_empty_answer_never_takes_coins(synced: House) -> None:
    """Neither an emptied CRM nor a list that is empty by mistake moves a coin."""
    before = synced.content()
    for branch in (1, 2):
        synced.school.act("empty", branch=branch)
    assert synced.run("sync").code == 5
    assert synced.content() == before
    for branch in (1, 2):
        synced.school.act("refill", branch=branch)
    assert synced.simulator is not None
    synced.simulator.faults.add("empty_first_page", match="lesson/index")
    assert synced.run("sync").code == 3
    assert synced.content() == before
    synced.simulator.faults.clear()
    for nobody in (
        "customer/index",
        "group/index",
        "cgi/index",
        "regular-lesson/index",
        "lesson-type/index",
    ):
        synced.simulator.faults.add("empty_list", match=nobody)
        synced.run("sync")
        assert synced.content() == before, nobody
    synced.simulator.faults.clear()
    synced.ok("sync")
    assert synced.content() == before


def every_error() -> list[type[errors.CoinsyncError]]:
    """All classes of the tree."""
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.CoinsyncError)
    ]


@pytest.mark.parametrize("kind", every_error())
def test_law_10_every_error_has_a_code_and_advice(kind: type[errors.CoinsyncError]) -> None:
    """A documented exit code, and one line that says what to do."""
    assert kind.exit_code in (1, 2, 3, 4, 5, 6, 7, 75)
    assert kind.advice.strip()
    assert "\n" not in kind.advice


def test_law_10_nobody_sees_a_traceback(tmp_path: Path) -> None:
    """A real process that fails prints a line and advice."""
    done = subprocess.run(
        [sys.executable, "-m", "cli", "--config", str(tmp_path / "none.toml"), "balance"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_law_11_the_example_is_complete_and_loads() -> None:
    """config.toml.example loads without a problem, is what the loader's own table says, and holds every key."""
    path = HERE / "config.toml.example"
    text = path.read_text(encoding="utf-8")
    assert text == config.example()
    assert config.load(path).school
    for section in config.sections().values():
        heading = f"\n[[{section.name}]]\n" if section.repeated else f"\n[{section.name}]\n"
        block = text.split(heading, 1)[1].split("\n[", 1)[0]
        for key in section.keys:
            assert re.search(rf"^{key.name} = ", block, re.MULTILINE), (
                f"[{section.name}] {key.name}"
            )


def test_law_12_no_secret_reaches_what_is_said_or_kept(house: House) -> None:
    """Neither plans, reports, messages nor the database hold a key, whatever goes wrong."""
    said = []
    said.append(house.run("sync", "--dry-run", "-v"))
    said.append(house.run("sync", "-v", "--json"))
    assert house.simulator is not None
    for kind in ("html_200", "error_500", "drop", "lost_token", "cut_json"):
        house.simulator.faults.add(kind, match="index")
        said.append(house.run("sync", "-v"))
        house.simulator.faults.clear()
    house.simulator.api_key = "changed"
    said.append(house.run("sync", "-v", "--debug"))
    written = [path.read_bytes() for path in house.folder.glob("coinsync.db*")]
    for secret in (KEY, VK_KEY):
        assert not any(secret in one.out + one.err for one in said)
        assert not any(secret.encode() in content for content in written)
        assert secret not in repr(
            config.Secrets(house.folder / "coinsync.secrets", {}).get("COINSYNC_ALFACRM_KEY")
        )
