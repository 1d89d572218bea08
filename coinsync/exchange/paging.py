"""A whole list of AlfaCRM, page by page, or word that what came may not be the whole list.

Paging is no snapshot there. Rows of equal rank fall differently on each page that is asked for, so
that a row comes twice and its neighbour not at all; what is added or deleted meanwhile moves the
rest. So rows are counted by their numbers, every page must promise the same total, and a list that
does not add up is read again from its beginning. From what never adds up nothing is concluded:
a lesson that is missing takes coins away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from coinsync.errors import NotAnAnswer
from coinsync.exchange import values
from coinsync.exchange.base import Progress, Reading
from coinsync.exchange.http import Http

PAGES_MAX = 2_000
READINGS_MAX = 3
#: How many rows accounts have been seen to put on a page, whatever is asked for.
PAGE_SIZES_SEEN = (20, 50, 100)

Record = Mapping[str, Any]


@dataclass(slots=True)
class _Walk:
    """One walk through the pages of a list; ``why`` says what is wrong with it."""

    page_size: int
    rows: dict[int, Record] = field(default_factory=dict)
    totals: set[int] = field(default_factory=set)
    pages: int = 0
    why: str = ""
    _previous: list[int] | None = None

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
        self.rows.update(zip(ids, items, strict=True))
        # Past its end a list is empty, or its last page comes again and again.
        repeated = ids == self._previous or (self.pages > 1 and len(self.rows) == rows_before)
        self._previous = ids
        return not items or repeated or self._has_all(total, len(items))

    def _has_all(self, total: int, rows: int) -> bool:
        """Tell whether as many rows came as the total promises."""
        # A first page that is exactly full may carry the page's size in the place of the total, so
        # one more is asked for.
        full = rows in (*PAGE_SIZES_SEEN, self.page_size)
        doubtful = self.pages == 1 and rows == total and full
        return len(self.rows) >= total and not doubtful


class PagedLists:
    """Reads whole lists over one connection."""

    def __init__(self, http: Http, page_size: int, progress: Progress) -> None:
        """Ask for ``page_size`` rows a page, and tell ``progress`` after each."""
        self._http = http
        self._page_size = page_size
        self._progress = progress

    def read(
        self, path: str, asked: Record, what: str, query: Record | None = None
    ) -> Reading[Record]:
        """Read a list, again when what came does not add up; say so if it never does."""
        walk = _Walk(self._page_size)
        for _ in range(READINGS_MAX):
            walk = self._walk(path, asked, what, query)
            if walk.complete:
                return Reading(tuple(walk.rows.values()))
        totals = "/".join(map(str, sorted(walk.totals))) or "?"
        why = walk.why or f"{len(walk.rows)} distinct of {totals}"
        pages = f"on {walk.pages} pages, read {READINGS_MAX} times"
        return Reading((), complete=False, why=f"{what}: {why} {pages}")

    def _walk(self, path: str, asked: Record, what: str, query: Record | None) -> _Walk:
        walk = _Walk(self._page_size)
        for page in range(PAGES_MAX):
            # Pages begin at 0. The size asked for is a wish: the CRM may put fewer rows on a page.
            body = {**asked, "page": page, "pageSize": self._page_size}
            total, count, items = _envelope(self._http.call(path, body, query))
            ended = walk.take(total, count, items)
            if walk.why:
                return walk
            self._progress(what, len(walk.rows), total)
            if ended:
                return walk
        walk.why = f"more than {PAGES_MAX} pages"
        return walk


def _envelope(answer: Record) -> tuple[int, int, list[Any]]:
    """Take total, count and rows out of a list's answer; the count may be missing."""
    items = answer.get("items")
    if not isinstance(items, list):
        raise NotAnAnswer("not an AlfaCRM answer (a list without items)")
    count = answer.get("count")
    try:
        total = values.whole(answer.get("total"), "total")
        return total, len(items) if count is None else values.whole(count, "count"), items
    except values.UnreadableRecord as error:
        raise NotAnAnswer(f"not an AlfaCRM answer (a list without {error.path})") from None


def _ids(items: list[Any]) -> list[int] | None:
    """The numbers of a page's rows; None where one of them has none."""
    ids = []
    for item in items:
        if not isinstance(item, dict):
            return None
        try:
            ids.append(values.number(item.get("id"), "id"))
        except values.UnreadableRecord:
            return None
    return ids
