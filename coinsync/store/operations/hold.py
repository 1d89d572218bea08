"""Keeping a database's file open, so that others can read it without the right to write."""

from collections.abc import Callable
from contextlib import closing

from coinsync.errors import UsageError
from coinsync.store.database import engine_at, open_writable, speaking
from coinsync.store.engines.sqlite import SQLITE, path_of

#: How soon a file that was put in the place of another is noticed.
LOOK_SECONDS = 1.0


def hold_open(url: str, sleep: Callable[[float], None]) -> None:
    """Keep a SQLite database open until interrupted; no lock is held meanwhile.

    A reader in WAL mode needs the -wal and -shm files. SQLite deletes both when the last connection
    is closed, and whoever may not write cannot make them anew. Raises ``UsageError`` for a server.
    """
    if engine_at(url) is not SQLITE:
        raise UsageError("db hold: only a database in a file needs it")
    path = path_of(url)
    while True:
        with closing(open_writable(url)) as database, speaking(database):
            # The two files come with the first question.
            database.execute_sql("SELECT 1 FROM sqlite_master LIMIT 1")
            held = SQLITE.must_exist(url), SQLITE.beside(url)
            while path.is_file() and (SQLITE.must_exist(url), SQLITE.beside(url)) == held:
                sleep(LOOK_SECONDS)
