"""How a reader without the right to write may read a SQLite file: three ways beside one another.

`python -m bench.readers` makes a file of a million entries and prints, for a rollback journal, for
WAL with a holder, and for a copy: how long pages take beside a writer, how long sales wait while
everything is read, and what a copy costs. docs/operations.md says what was chosen, and why.
"""

from __future__ import annotations

import multiprocessing
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path

ENTRIES = 1_000_000
RESIDENTS = 2_000
SECONDS = 8.0
PAGE = "SELECT n, coins, text FROM entry WHERE resident = ? ORDER BY n DESC LIMIT 50"
BALANCE = "SELECT sum(coins) FROM entry WHERE resident = ?"
# What reconcile does: every row goes through the program once.
EVERYTHING = "SELECT n, resident, coins, text FROM entry ORDER BY n"


def make(file: Path, journal: str) -> None:
    """A ledger of so many entries in a journal mode."""
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(f"PRAGMA journal_mode = {journal}")
        database.execute(
            "CREATE TABLE entry (n INTEGER PRIMARY KEY, resident INT, coins INT, text TEXT)"
        )
        rows = ((n, n % RESIDENTS, 10, f"lesson {n} {'x' * 120}") for n in range(ENTRIES))
        database.executemany("INSERT INTO entry VALUES (?, ?, ?, ?)", rows)
        database.execute("CREATE INDEX by_resident ON entry (resident, n)")


def sell(file: Path, stop: float, latencies: multiprocessing.Queue[list[float]]) -> None:
    """Sales, ten a second, each in one transaction that is on the disk when it ends."""
    taken = []
    with closing(sqlite3.connect(file, timeout=60, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = full")
        while time.monotonic() < stop:
            begun = time.perf_counter()
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO entry (resident, coins, text) VALUES (7, -5, 'mug')")
            database.execute("COMMIT")
            taken.append(time.perf_counter() - begun)
            time.sleep(0.1)
    latencies.put(taken)


def read_pages(file: Path, stop: float, latencies: multiprocessing.Queue[list[float]]) -> None:
    """Pages of families, one after the other, on a connection that only reads."""
    taken = []
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=60)) as database:
        number = 0
        while time.monotonic() < stop:
            number = (number + 37) % RESIDENTS
            begun = time.perf_counter()
            database.execute(BALANCE, (number,)).fetchone()
            database.execute(PAGE, (number,)).fetchall()
            taken.append(time.perf_counter() - begun)
            time.sleep(0.005)
    latencies.put(taken)


def read_everything(file: Path) -> None:
    """Read the ledger from the first entry to the last."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=60)) as database:
        for _ in database.execute(EVERYTHING):
            pass


def quantile(latencies: list[float], share: float) -> str:
    """Milliseconds that this share of them stays below."""
    ordered = sorted(latencies)
    return f"{ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000:.1f} ms"


def measure(name: str, file: Path) -> None:
    """Print one way: pages beside sales, sales beside a reading of everything."""
    stop = time.monotonic() + SECONDS
    sales: multiprocessing.Queue[list[float]] = multiprocessing.Queue()
    pages: multiprocessing.Queue[list[float]] = multiprocessing.Queue()
    processes = [
        multiprocessing.Process(target=sell, args=(file, stop, sales)),
        multiprocessing.Process(target=read_pages, args=(file, stop, pages)),
    ]
    for process in processes:
        process.start()
    while time.monotonic() < stop - 2.0:
        read_everything(file)
    sold, shown = sales.get(), pages.get()
    for process in processes:
        process.join()
    print(
        f"{name:<18} page median {quantile(shown, 0.5):>8}  p99 {quantile(shown, 0.99):>8}"
        f"   sale median {quantile(sold, 0.5):>9}  slowest {quantile(sold, 1.0):>9}"
    )


def main() -> None:
    """Measure the three ways."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for journal in ("delete", "wal"):
            make(folder / f"{journal}.db", journal)
        measure("rollback journal", folder / "delete.db")
        with closing(sqlite3.connect(folder / "wal.db")) as holder:
            holder.execute("SELECT 1 FROM sqlite_master").fetchall()
            measure("WAL, held open", folder / "wal.db")
            taken = []
            for number in range(3):
                begun = time.perf_counter()
                with closing(sqlite3.connect(folder / f"copy{number}.db")) as copy:
                    holder.backup(copy)
                taken.append(time.perf_counter() - begun)
            size = (folder / "wal.db").stat().st_size / 2**20
            print(f"a copy of {size:.0f} MiB: {statistics.median(taken):.2f} s, each time anew")


if __name__ == "__main__":
    main()
