"""The invariants of docs/architecture.md, each by its name: by behaviour, import graph and syntax
tree.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import grimp
import pytest

from coinsync import config, errors
from coinsync.core.plan import Limits
from coinsync.exchange import http, vk
from coinsync.exchange.wire import Bounds
from coinsync.store.engines import base
from tests.support.engines import dump
from tests.support.school import KEY, VK_KEY, Installation
from webview import gallery, goods, launch, pages

HERE = Path(__file__).resolve().parent.parent
PRODUCT = ("coinsync", "webview", "cli.py")


@cache
def trees() -> dict[str, ast.Module]:
    """The syntax tree of every module of the product, by its path."""
    found = {}
    for place in PRODUCT:
        root = HERE / place
        for path in [root] if root.is_file() else sorted(root.rglob("*.py")):
            name = path.relative_to(HERE).as_posix()
            found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


@cache
def graph() -> grimp.ImportGraph:
    """Which module imports which."""
    return grimp.build_graph("coinsync", "webview")


def importers(module: str) -> set[str]:
    """The modules that import one directly."""
    return graph().find_modules_that_directly_import(module)


# --- 1 and 2: one write, and the plan that was shown ----------------------------------------------

#: Words with which a statement begins that changes rows.
CHANGING = ("INSERT ", "UPDATE ", "DELETE ", "REPLACE ")
#: Methods of peewee's models and of cursors that change rows.
CHANGING_METHODS = {
    "bulk_create",
    "bulk_update",
    "delete_instance",
    "executemany",
    "insert_many",
    "replace_many",
}


def statements_that_change(tree: ast.Module) -> Iterator[str]:
    """Texts of a module that begin like a changing statement, and calls of changing methods."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value.lstrip().startswith(CHANGING):
                yield node.value
        elif isinstance(node, ast.Attribute) and node.attr in CHANGING_METHODS:
            yield node.attr


def test_1_one_write() -> None:
    """Apart from migrations only the writer inserts, updates or deletes; a copy fills an empty
    database.

    A copy of a whole database is no plan: it holds nothing new, and it goes nowhere but where
    nothing is.
    """
    changing = {path for path, tree in trees().items() if any(statements_that_change(tree))}
    assert changing == {"coinsync/store/inserts.py", "coinsync/store/migrations/0001_first.py"}
    assert importers("coinsync.store.inserts") == {
        "coinsync.store.operations.copy",
        "coinsync.store.writer",
    }
    assert importers("coinsync.store.operations.copy") == {
        "coinsync.commands.databases",
        "coinsync.store.operations.backup",
    }
    assert importers("coinsync.store.writer") == {"coinsync.commands.posting"}


@pytest.mark.parametrize(
    "words",
    [
        ("sync", "--dry-run"),
        ("credit", "#101", "5", "--reason", "x", "--dry-run"),
        ("balance",),
        ("history", "#101", "--with-ineligible"),
        ("explain", "#101"),
        ("reconcile", "--with-crm"),
        ("journal",),
        ("doctor",),
        ("export",),
    ],
)
def test_1_what_only_looks_writes_nothing(open_desk: Installation, words: tuple[str, ...]) -> None:
    """Neither an entry nor a run nor a fact."""
    before = dump(open_desk.url)
    open_desk.run(*words)
    assert dump(open_desk.url) == before


def test_2_the_plan_shown_is_the_plan_applied(installation: Installation) -> None:
    """A dry run shows the digests of exactly the plans that are recorded as applied, of a sync and
    of a credit.
    """
    looked_at = installation.ok("sync", "--dry-run", "--json").json
    shown = plan_digests(looked_at)
    assert shown
    applied = installation.ok("sync", "--expect", looked_at["digest"], "--json").json
    assert plan_digests(applied) == shown
    assert set(shown) <= recorded_digests(installation)
    words = ("credit", "#101", "5", "--reason", "x", "--key", "k-1")
    promised = installation.ok(*words, "--dry-run", "--json").json["digest"]
    assert installation.ok(*words, "--yes", "--json").json["digest"] == promised
    assert promised in recorded_digests(installation)


def plan_digests(said: dict[str, list[dict[str, dict[str, str]]]]) -> list[str]:
    """Digests of the plans that change something, in their order."""
    reports = [result["report"] for result in said["results"]]
    return [report["digest"] for report in reports if report["changes"]]


def recorded_digests(installation: Installation) -> set[str]:
    """Digests of all applied plans."""
    with installation.reader() as reader:
        return {run.digest for run in reader.runs(100)}


def test_3_apply_then_plan_is_empty(synced: Installation) -> None:
    """A second sync has nothing to change."""
    report = synced.ok("sync", "--json").json
    assert {result["report"]["changes"] for result in report["results"]} == {0}


def test_4_the_ledger_only_grows(synced: Installation) -> None:
    """After days with edits every earlier entry is still there, as it was; corrections name what
    they correct.
    """
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


# --- 5 to 8: what may be reached, known and had ---------------------------------------------------


def test_5_the_web_view_only_reads(desk: Installation) -> None:
    """It cannot reach what writes, and its connection refuses to."""
    writing = {
        "coinsync.commands",
        "coinsync.desk",
        "coinsync.exchange",
        "coinsync.store.inserts",
        "coinsync.store.writer",
        "coinsync.sync",
    }
    for module in writing:
        chain = graph().find_shortest_chain("webview", module, as_packages=True)
        assert chain is None, chain
    with pytest.raises(errors.DatabaseUnusable, match="read-only"), desk.reader() as reader:
        reader._database.execute_sql("UPDATE head SET n = 0")


#: Where each foreign library may be imported.
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


def imported(tree: ast.AST) -> Iterator[str]:
    """Names of the top-level modules that are imported at run time, wherever in a module that
    stands.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            # Commands name the type of what they pass on, and import nothing for it at run time.
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]
        else:
            yield from imported(node)


def test_6_one_foreign_library_one_package() -> None:
    """Each library is known in one package, none in the core; two packages serve pages, each alone."""  # noqa: E501
    own = sys.stdlib_module_names | {"coinsync", "webview", "cli"}
    for path, tree in trees().items():
        for name in set(imported(tree)) - own:
            assert path.startswith(FOREIGN[name]), f"{path} imports {name}"


#: What asks the clock, waits, draws or reads variables, as "module.name".
OUTER_WORLD = {
    "date.today",
    "datetime.now",
    "datetime.utcnow",
    "os.environ",
    "os.getenv",
    "os.urandom",
    "random.choice",
    "random.randint",
    "random.random",
    "secrets.token_bytes",
    "secrets.token_hex",
    "time.monotonic",
    "time.sleep",
    "time.time",
    "uuid.uuid4",
}


def test_7_clock_sleep_randomness_and_variables_come_in_as_arguments() -> None:
    """Only cli.py knows them."""
    for path, tree in trees().items():
        # The pretend CRM is a program of its own, with a clock and a wire of its own.
        if path in {"cli.py", "coinsync/simulator/server.py"}:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                named = f"{node.value.id}.{node.attr}"
                assert named not in OUTER_WORLD, f"{path}:{node.lineno} {named}"


#: What makes or changes a file; opening one to read it has no such name.
WRITES = {"O_CREAT", "O_WRONLY", "O_TRUNC", "write_bytes", "write_text", "mkstemp", "mkdtemp"}
WRITERS = {"coinsync/files.py", "coinsync/store/lock.py"}


def test_files_are_written_in_one_module() -> None:
    """So every file has its mode from the start, and no link that somebody laid is followed."""
    for path, tree in trees().items():
        for node in ast.walk(tree):
            name = getattr(node, "attr", getattr(node, "id", ""))
            assert name not in WRITES or path in WRITERS, f"{path} {name}"


def test_8_everything_is_bounded() -> None:
    """Every wait, size, number of tries, of pages, of changes has a limit that is a number."""
    limits = [getattr(Bounds(), name) for name in Bounds.__slots__]
    limits += [getattr(Limits(), name) for name in Limits.__slots__]
    limits += [gallery.BYTES_MAX, goods.GOODS_MAX]
    limits += [pages.RESIDENTS_MAX, pages.LINES_MAX, launch.AGE_SECONDS_DEFAULT]
    limits += [vk.BATCH_MAX, vk.SINGLES_MAX]
    limits += [http.PAGES_MAX, http.READINGS_MAX, base.TRIES_MAX]
    assert all(isinstance(limit, (int, float)) and 0 < limit < 10**9 for limit in limits)


# --- 9 to 12 --------------------------------------------------------------------------------------


def test_9_an_empty_answer_never_takes_coins(synced: Installation) -> None:
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
def test_10_every_error_has_a_code_and_advice(kind: type[errors.CoinsyncError]) -> None:
    """A documented exit code, and one line that says what to do."""
    assert kind.exit_code in (1, 2, 3, 4, 5, 6, 7, 75)
    assert kind.advice.strip()
    assert "\n" not in kind.advice


def test_10_nobody_sees_a_traceback(tmp_path: Path) -> None:
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


def test_11_the_example_is_complete_and_loads() -> None:
    """config.toml.example loads without a problem, is what the loader's own table says, and holds
    every key.
    """
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


def test_12_no_secret_reaches_what_is_said_or_kept(installation: Installation) -> None:
    """Neither plans, reports, messages nor the database hold a key, whatever goes wrong."""
    said = []
    said.append(installation.run("sync", "--dry-run", "-v"))
    said.append(installation.run("sync", "-v", "--json"))
    assert installation.simulator is not None
    for kind in ("html_200", "error_500", "drop", "lost_token", "cut_json"):
        installation.simulator.faults.add(kind, match="index")
        said.append(installation.run("sync", "-v"))
        installation.simulator.faults.clear()
    installation.simulator.api_key = "changed"
    said.append(installation.run("sync", "-v", "--debug"))
    written = [path.read_bytes() for path in installation.folder.glob("coinsync.db*")]
    for secret in (KEY, VK_KEY):
        assert not any(secret in one.out + one.err for one in said)
        assert not any(secret.encode() in content for content in written)
        assert secret not in repr(
            config.Secrets(installation.folder / "coinsync.secrets", {}).get("COINSYNC_ALFACRM_KEY")
        )


# --- code that can be read ------------------------------------------------------------------------


def test_modules_and_functions_stay_short() -> None:
    """A module has at most 450 lines and a function at most 50."""
    for path, tree in trees().items():
        lines = len((HERE / path).read_text(encoding="utf-8").splitlines())
        assert lines <= 450, f"{path} has {lines} lines"
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno is not None
                length = node.end_lineno - node.lineno + 1
                assert length <= 50, f"{path}: {node.name} has {length} lines"


def test_a_class_name_stands_once() -> None:
    """Whoever reads a name anywhere knows which class it is."""
    places: dict[str, set[str]] = {}
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, set()).add(path)
    # peewee and Typer look for classes of these names inside ours.
    assert {name for name, paths in places.items() if len(paths) > 1} <= {"Meta"}
