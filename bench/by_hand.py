"""The floor of a page: the same statements by the bare driver, rows put straight into the page."""

from __future__ import annotations

import gzip
import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from bench.family import CHILDREN, NOW, VK, School
from bench.places import Place
from coinsync.core.wording import RUSSIAN
from coinsync.store import database
from coinsync.store.models import ENTRY_COLUMNS
from coinsync.store.reader import Reader
from webview import pages
from webview.app import family_of
from webview.goods import Category, Good, Reach
from webview.page_renderer import PageRenderer

Statement = tuple[str, Sequence[Any]]


class PageByHand:
    """Answers with the family's page, whatever is asked, on one connection for each thread.

    It verifies nothing, knows one kind of line and of goods, and takes from a page that was made
    before what does not change.
    """

    def __init__(self, place: Place, school: School) -> None:
        """Learn the statements from a visit, and all else from the page that it makes."""
        self._place = place
        self._url = school.url
        self._of_thread = threading.local()
        self._renderer = PageRenderer()
        opened = database.open_readable(school.url)
        with database.reading(opened), _statements_sent() as statements:
            family = family_of(Reader(opened), VK)
        self._statements = statements
        pictures = {item.picture: f"/pictures/{item.picture}" for item, _ in family.shelf}
        self._page = pages.cabinet(replace(family, pictures=pictures), school.words(), "ru", NOW)

    def __call__(self, _environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with the page."""
        body = gzip.compress(self._renderer.print(self._read()), 6, mtime=0)
        headers = [("Content-Type", "text/html; charset=UTF-8"), ("Content-Encoding", "gzip")]
        start_response("200 OK", [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def _read(self) -> pages.Cabinet:
        if not hasattr(self._of_thread, "cursor"):
            # The connection is kept as well: it would be closed with its last reference.
            self._of_thread.connection = self._place.connect(self._url)
            self._of_thread.cursor = self._of_thread.connection.cursor()
        answers: list[Sequence[Any]] = []
        for sql, values in self._statements:
            self._of_thread.cursor.execute(sql, values)
            answers.append(self._of_thread.cursor.fetchall())
        _, _, lines, balances, _, groups, _, _, shelf = answers
        return self._page_of(lines, dict(balances), dict(groups), shelf)

    def _page_of(
        self,
        lines: Sequence[Any],
        coins: dict[int, int],
        groups: dict[int, str],
        shelf: Sequence[Any],
    ) -> pages.Cabinet:
        rows: dict[int, list[pages.HistoryRow]] = {child: [] for child in CHILDREN}
        for line in lines:
            rows[line[3]].append(_row(line, groups))
        children: list[pages.Child] = []
        for child in self._page.children:
            shown = tuple(rows[child.id][: pages.LINES_MAX])
            months = _months(shown)
            balance = str(coins[child.id])
            children.append(replace(child, balance=balance, rows=shown, months=months))
        shop = replace(self._page.shop, categories=tuple(_categories(shelf, children)))
        return replace(self._page, children=tuple(children), shop=shop)


@contextmanager
def _statements_sent() -> Iterator[list[Statement]]:
    """Collect what peewee sends meanwhile, as it writes it to its log."""
    statements: list[Statement] = []

    class Collector(logging.Handler):
        """Keeps statements with their values."""

        def emit(self, record: logging.LogRecord) -> None:
            """Keep one; peewee's message is the pair itself."""
            statement: Any = record.msg
            statements.append(statement)

    logger, collector = logging.getLogger("peewee"), Collector()
    logger.addHandler(collector)
    logger.setLevel(logging.DEBUG)
    yield statements
    logger.setLevel(logging.NOTSET)
    logger.removeHandler(collector)


def _row(line: Sequence[Any], groups: dict[int, str]) -> pages.HistoryRow:
    day, group_ids = line[6], line[len(ENTRY_COLUMNS) + 6]
    year = "" if day[:4] == "2026" else f" {day[:4]}"
    when = f"{int(day[8:])} {RUSSIAN.months.split()[int(day[5:7]) - 1]}{year}"
    what = ", ".join(groups[int(id)] for id in group_ids.strip(",").split(","))
    return pages.HistoryRow(
        line[0],
        "lesson",
        what,
        "",
        when,
        day,
        (),
        line[4],
        f"+{line[4]}",
        gain=True,
        cancelled=False,
    )


def _months(rows: Sequence[pages.HistoryRow]) -> tuple[pages.Month, ...]:
    names = RUSSIAN.months_alone.split()
    months: list[pages.Month] = []
    for key, lines in groupby(rows, lambda row: row.day[:7]):
        of_month = tuple(lines)
        # More lines of the last month follow.
        sums = "" if of_month[-1] is rows[-1] else f"+{sum(row.coins for row in of_month)}"
        months.append(pages.Month(key, names[int(key[5:]) - 1], sums, of_month))
    return tuple(months)


def _categories(shelf: Iterable[Any], children: Sequence[pages.Child]) -> Iterator[Category]:
    by_category = groupby(shelf, lambda row: row[3])
    for number, (title, rows) in enumerate(by_category, 1):
        yield Category(number, title, [_good(row, children) for row in rows])


def _good(row: Sequence[Any], children: Sequence[pages.Child]) -> Good:
    code, name, _, _, _, text, _, price, _, picture, *_, pieces = row
    reach = tuple(Reach(child.id, child.name, True, "хватает") for child in children)
    coins = RUSSIAN.coin(price, ("монета", "монеты", "монет"))
    return Good(
        code,
        name,
        text,
        f"/pictures/{picture}",
        name[0],
        price,
        str(price),
        coins,
        f"осталось {pieces}",
        False,
        reach,
        f"В избранное: {name}",
    )
