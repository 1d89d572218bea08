"""How long a command takes to start, against what its libraries alone take."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime
from functools import partial
from itertools import count
from pathlib import Path

from bench import pairs
from bench.environment import environment
from coinsync import config
from coinsync.commands.program import COMMANDS
from coinsync.core.facts import Presence, Resident
from coinsync.core.ledger import Entry, Kind
from coinsync.core.plan import Plan, Post, Purpose, Put
from coinsync.core.proposal import scope_of
from coinsync.store import database, writer

NOW, DAY = datetime(2026, 12, 20, 12, tzinfo=UTC), date(2026, 12, 20)
RESIDENTS = range(1, 61)

#: A program of as many commands as ours, none of which does anything.
BARE_APP = f"""
import typer
app = typer.Typer(rich_markup_mode=None)
for number in range({len(COMMANDS)}):
    @app.command(f"command-{{number}}")
    def command(ctx: typer.Context) -> None:
        "What it does."
app()
"""
#: The least that a program with our libraries can do: one option, one query, one line for each row.
BARE_QUERY = """
import peewee
import typer
def balance(file: str) -> None:
    opened = peewee.SqliteDatabase(file)
    rows = opened.execute_sql("SELECT resident_id, SUM(coins) FROM entry GROUP BY resident_id")
    for resident, coins in rows:
        typer.echo(f"{resident} {coins}")
typer.run(balance)
"""


def main() -> None:
    """Measure and print the lines."""
    program = str(Path(sys.executable).with_name("coinsync"))
    python = sys.executable
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        school(folder)
        file = str(folder / "coinsync.db")
        balance = (program, "--config", str(folder / "config.toml"), "balance")
        line(
            "--version : import typer", 0.5, (program, "--version"), (python, "-c", "import typer")
        )
        line("--help : a bare app", 1.0, (program, "--help"), (python, "-c", BARE_APP, "--help"))
        line("balance : typer, peewee, one query", 2.0, balance, (python, "-c", BARE_QUERY, file))


def line(name: str, goal: float, ours: tuple[str, ...], floor: tuple[str, ...]) -> None:
    """Measure one program against another."""
    pairs.ratio(f"13 start, {name}", goal, partial(start, ours), partial(start, floor), rounds=15)


def start(words: tuple[str, ...]) -> None:
    """Run a program to its end."""
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def school(folder: Path) -> None:
    """A configuration, and a database in which some residents have coins."""
    path = folder / "config.toml"
    values = {"alfacrm.account": "bench", "branch": [{"id": 1, "zone": "Europe/Moscow"}]}
    path.write_text(config.example(values), encoding="utf-8")
    url = f"sqlite:///{folder / 'coinsync.db'}"
    database.create(url)
    changes: list[Put | Post] = []
    for id in RESIDENTS:
        changes.append(Put(Resident(id, f"Resident {id}", Presence.CLIENT, (1,))))
        changes.append(Post(Entry(f"desk:{id}", 1, id, 10, Kind.CREDIT, DAY, "by_hand", "bench")))
    numbers = count(1)
    opened = database.open_writable(url)
    writer.apply(
        opened,
        Plan.of(Purpose.DESK, scope_of(DAY), changes),
        writer.Order("bench", "bench", NOW),
        environment(NOW, lambda: f"{next(numbers):032x}"),
    )
    opened.close()


if __name__ == "__main__":
    main()
