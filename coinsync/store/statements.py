"""Constant SQL: what a page, a till and a night ask so often that building the text would tell.

Peewee builds all other questions from the models. The figures are what building a statement here by
peewee would add, as time of one processor: more than SQLite takes to answer it.

Values are marked by ``?``; ``{marks}`` stands for as many of them as there are values.
"""

from collections.abc import Sequence
from functools import cache

from coinsync.core.catalog import Item
from coinsync.core.facts import Lesson, Resident
from coinsync.store.models import ENTRY_COLUMNS, RUN_COLUMNS
from coinsync.store.rows import TABLES, Table


def _columns(alias: str, columns: Sequence[str]) -> str:
    return ", ".join(f"{alias}.{column}" for column in columns)


# --- what a writer reads again under its lock ---
#
# Other writers wait meanwhile. A sale takes 0.8 ms; each of these would add 70 to 170 µs to it.

HEAD = "SELECT n, runs, account, stock FROM head WHERE id = 1"

MERGES = "SELECT resident_id, into_id, vk_ids, ever_ids FROM merged_card ORDER BY resident_id"

RESIDENTS_PRESENT = "SELECT id FROM resident WHERE presence = ?"

LAST_RUNS = f"SELECT {', '.join(RUN_COLUMNS)} FROM run WHERE id < ? ORDER BY id DESC LIMIT ?"

STOCK_KEYS = "SELECT op_key FROM stock_move WHERE op_key IN ({marks})"

STOCK = """
SELECT item_code, SUM(quantity) FROM stock_move
WHERE item_code IN ({marks}) GROUP BY item_code
"""

#: A night asks for every key of a month, 500 in a statement: 1.8 ms more, where this takes 0.2 ms.
KEY_STATES = """
SELECT op_key, MAX(seq), SUM(coins), MAX(CASE WHEN kind = 'award' THEN n END)
FROM entry WHERE op_key IN ({marks}) GROUP BY op_key
"""

#: 170 µs more.
BALANCES = """
SELECT resident_id, SUM(coins) FROM entry
WHERE resident_id IN ({marks}) AND n <= ? AND happened_on <= ? GROUP BY resident_id
"""

#: The same by day; what happened up to the first one stands together.
COINS_BY_DAY = """
SELECT resident_id, MAX(happened_on), SUM(coins) FROM entry WHERE resident_id IN ({marks})
GROUP BY resident_id, CASE WHEN happened_on > ? THEN happened_on ELSE '' END
"""


@cache
def facts_by(table: Table, column: str) -> str:
    """Facts of a kind by a column: 1.7 ms more for 500 values."""
    return f"SELECT {', '.join(table.columns)} FROM {table.name} WHERE {column} IN ({{marks}})"


REFUND_RUNS = "SELECT sale_id, line, run_id FROM refund_line WHERE sale_id IN ({marks})"

#: The hashes of runs: what every seal is compared with.
CHAINS = "SELECT id, chain FROM run WHERE id IN ({marks})"


# --- lines of the ledger ---

_LINE_COLUMNS = (
    f"{_columns('e', ENTRY_COLUMNS)}, {_columns('l', TABLES[Lesson].columns)}, t.text, r.n"
)
#: A line is an entry with the lesson that it is for, its note, and what has taken it back.
_LINE_JOINS = """
LEFT JOIN lesson l ON l.id = e.lesson_id
LEFT JOIN note t ON t.n = e.n
LEFT JOIN entry r ON r.reverses = e.n
"""

#: Lines of entries that a condition chooses: 560 µs more, where a resident's balance and last fifty
#: lines take 230 µs together.
LINES = f"SELECT {_LINE_COLUMNS} FROM entry e {_LINE_JOINS}"

LINES_OF_RESIDENT = f"""{LINES}
WHERE e.resident_id IN ({{marks}}) AND e.happened_on >= ? AND e.happened_on <= ?
ORDER BY e.happened_on DESC, e.n DESC LIMIT ?
"""

#: What was posted late stands among older lines, so the number alone does not say what follows.
OLDER_LINES = f"""{LINES}
WHERE e.resident_id IN ({{marks}})
AND e.happened_on <= ? AND (e.happened_on < ? OR e.n < ?)
ORDER BY e.happened_on DESC, e.n DESC LIMIT ?
"""

NOTES_OF_RESIDENTS = """
SELECT t.n, t.salt, t.text FROM note t JOIN entry e ON e.n = t.n
WHERE e.resident_id IN ({marks}) ORDER BY t.n
"""


def last_lines(cards_of_children: Sequence[Sequence[int]]) -> str:
    """The last lines of several children; the values are the cards of each, and its limit."""
    # The numbers of the entries are found first, by the index of residents and days, and *joined*.
    # As ``e.n IN (SELECT … UNION ALL SELECT …)`` MariaDB took the union for a dependent subquery
    # and read the whole ledger: 1.9 s of a million entries instead of 5 ms.
    parts: list[str] = []
    for number, cards in enumerate(cards_of_children):
        # Only a derived table of its own may have an order and a limit inside of a union.
        marks = ", ".join("?" * len(cards))
        last = (
            f"SELECT n FROM entry WHERE resident_id IN ({marks})"
            " ORDER BY happened_on DESC, n DESC LIMIT ?"
        )
        parts.append(f"SELECT n FROM ({last}) last_{number}")
    return f"""
SELECT {_LINE_COLUMNS}
FROM ({" UNION ALL ".join(parts)}) chosen
JOIN entry e ON e.n = chosen.n
{_LINE_JOINS}
ORDER BY e.happened_on DESC, e.n DESC
"""


# --- what else a family's page asks ---
#
# A page takes 5 ms; its eight statements built by peewee would add 2 ms.

#: 220 µs more.
RESIDENTS_OF_VISITOR = f"""
SELECT {_columns("r", TABLES[Resident].columns)}
FROM link k JOIN resident r ON r.id = k.resident_id
WHERE k.vk = ? AND k.live = 1 ORDER BY r.name, r.id
"""

#: 310 µs more.
SHELF = f"""
SELECT {_columns("i", TABLES[Item].columns)},
    COALESCE((SELECT SUM(m.quantity) FROM stock_move m WHERE m.item_code = i.code), 0)
FROM item i WHERE i.shown = 1 AND i.archived = 0 ORDER BY i.place, i.code LIMIT ?
"""

#: When the school's coins began: one of the first runs, so that hardly any is looked at.
BEGAN_AT = "SELECT posted_at FROM run WHERE purpose = 'lessons' ORDER BY id LIMIT 1"

#: A run of lessons whose window ends on the day when its branch's people were read, or later. A
#: backfill of old days is none.
_FULL = """r.purpose = 'lessons' AND r.until >= COALESCE((
    SELECT p.until FROM run p WHERE p.branch = r.branch AND p.purpose = 'people' AND p.id < r.id
    ORDER BY p.id DESC LIMIT 1
), '')"""

#: When the branch that waits longest was synced up to the day. The last such run of each branch is
#: found from the newest one backwards. Grouping all runs of lessons instead, each with its question
#: for the people's run before it, took 50 ms where there are 10,000 of them; this takes 0.7 ms.
LAST_SYNCED_AT = f"""
SELECT MIN((
    SELECT r.posted_at FROM run r WHERE r.branch = b.branch AND {_FULL}
    ORDER BY r.id DESC LIMIT 1
)) FROM (SELECT DISTINCT branch FROM run WHERE purpose = 'lessons') b
"""

#: Constant so that the condition is written once.
LAST_FULL_RUN = f"""
SELECT {_columns("r", RUN_COLUMNS)} FROM run r WHERE r.branch = ? AND {_FULL}
ORDER BY r.id DESC LIMIT 1
"""
