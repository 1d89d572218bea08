"""Whole lists of AlfaCRM, page by page, or word that what came may not be all.

Paging is no snapshot there: rows of equal rank fall differently on each page that is asked for, so
that a row comes twice and its neighbour not at all, and what is added or deleted moves the rest. So
rows are counted by their numbers, every page must promise the same total, and a list that does not
add up is read again. From what never adds up nothing is concluded: a missing lesson takes coins.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from coinsync.environment import Progress
from coinsync.errors import NotAnAnswer
from coinsync.exchange import values
from coinsync.exchange.base import Reading
from coinsync.exchange.http import Http
from coinsync.exchange.values import Record

PAGES_MAX = 2_000
READINGS_MAX = 3
#: How many rows accounts have been seen to put on a page, whatever is asked for.
PAGE_SIZES_SEEN = (20, 50, 100)


@dataclass(slots=True)
class _Walk:
    """One walk through the pages of a list; ``why`` says what is wrong with it.

    ``copies`` are rows that came again, and differ.
    """

    page_size: int
    rows: dict[int, Record] = field(default_factory=dict)
    copies: list[Record] = field(default_factory=list)
    totals: set[int] = field(default_factory=set)
    pages: int = 0
    why: str = ""

    @property
    def complete(self) -> bool:
        """Tell whether all totals were the same and so many different rows came."""
        return not self.why and self.totals == {len(self.rows)}

    def take(self, total: int, count: int, items: list[Any]) -> bool:
        """Take a page in; tell whether the walk is at its end."""
        self.pages += 1
        self.totals.add(total)
        ids = _ids(items)
        if ids is None:
            self.why = "a row without a number"
            return True
        if count != len(items):
            self.why = f"{len(items)} rows where {count} are announced"
            return True
        rows_before = len(self.rows)
        for id, item in zip(ids, items, strict=True):
            if self.rows.setdefault(id, item) != item:
                self.copies.append(item)
        # Past its end a list is empty, or its last page comes again and again.
        if len(self.rows) == rows_before:
            return True
        # A first page that is exactly full may carry the page's size in the place of the total, so
        # one more is asked for.
        is_full = len(items) in (*PAGE_SIZES_SEEN, self.page_size)
        doubtful = self.pages == 1 and len(items) == total and is_full
        return len(self.rows) >= total and not doubtful


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A list to ask for: where, what progress calls it, and filters in the body and the query."""

    path: str
    what: str
    asked: Record = field(default_factory=dict)
    query: Record | None = None


class PagedLists:
    """Reads whole lists."""

    def __init__(self, http: Http, page_size: int, progress: Progress) -> None:
        self._http = http
        self._page_size = page_size
        self._progress = progress

    def first_page(self, request: ListRequest, rows_max: int) -> tuple[int, list[Record]]:
        """How many rows a list says it has, and some of them; nothing follows about the others."""
        body = {**request.asked, "page": 0, "pageSize": rows_max}
        total, _, items = _envelope(self._http.call(request.path, body, request.query))
        self._progress(request.what, total, total)
        return total, [item for item in items if isinstance(item, dict)]

    def read_all(self, requests: Iterable[ListRequest]) -> list[Reading[Record]]:
        """Read lists one after another, up to the first one that is not whole."""
        readings = []
        for request in requests:
            readings.append(self.read(request))
            if not readings[-1].complete:
                break
        return readings

    def read(self, request: ListRequest) -> Reading[Record]:
        """Read a list, again when what came does not add up; say so if it never does."""
        for _ in range(READINGS_MAX):
            walk = self._walk(request)
            if walk.complete:
                return Reading((*walk.rows.values(), *walk.copies))
        totals = "/".join(map(str, sorted(walk.totals))) or "?"
        why = walk.why or f"{len(walk.rows)} distinct of {totals}"
        pages = f"on {walk.pages} pages, read {READINGS_MAX} times"
        return Reading.incomplete(f"{request.what}: {why} {pages}")

    def _walk(self, request: ListRequest) -> _Walk:
        walk = _Walk(self._page_size)
        for page in range(PAGES_MAX):
            # Pages begin at 0. The size asked for is a wish: the CRM may put fewer rows on a page.
            body = {**request.asked, "page": page, "pageSize": self._page_size}
            answer = self._http.call(request.path, body, request.query)
            total, count, items = _envelope(answer)
            ended = walk.take(total, count, items)
            if walk.why:
                return walk
            self._progress(request.what, len(walk.rows), total)
            if ended:
                return walk
        walk.why = f"more than {PAGES_MAX} pages"
        return walk


def _envelope(answer: Record) -> tuple[int, int, list[Any]]:
    items = answer.get("items")
    if not isinstance(items, list):
        raise NotAnAnswer("not an AlfaCRM answer (a list without items)")
    count = answer.get("count")
    try:
        total = values.whole(answer, "total")
        return total, len(items) if count is None else values.whole(answer, "count"), items
    except values.UnreadableRecord as error:
        raise NotAnAnswer(f"not an AlfaCRM answer (a list without {error.path})") from None


def _ids(items: list[Any]) -> list[int] | None:
    """The numbers of a page's rows; None where one of them has none."""
    if not all(isinstance(item, dict) for item in items):
        return None
    try:
        return [values.number(item, "id") for item in items]
    except values.UnreadableRecord:
        return None
