"""One connection to AlfaCRM, with the token renewed when the CRM asks for it, and whole lists.

Paging is no snapshot there: rows of equal rank fall differently on each page that is asked for, so
that a row comes twice and its neighbour not at all, and what is added or deleted moves the rest. So
rows are counted by their numbers, every page must promise the same total, and a list that does not
add up is read again. From what never adds up nothing is concluded: a missing lesson takes coins.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from coinsync.environment import Progress
from coinsync.errors import CrmRefused, CrmUnreachable, NotAnAnswer
from coinsync.exchange.base import Reading
from coinsync.exchange.decode import Record, UnreadableRecord, number, whole
from coinsync.exchange.wire import Bounds, Denied, Wire

#: A token goes into a header, where a space or a line end would mean something else.
_TOKEN = re.compile(r"[!-~]+")

PAGES_MAX = 2_000
READINGS_MAX = 3
#: How many rows accounts have been seen to put on a page, whatever is asked for.
PAGE_SIZES_SEEN = (20, 50, 100)


class Http(Wire):
    """A connection to one AlfaCRM account."""

    name = "AlfaCRM"
    answer = "an AlfaCRM answer"
    bad_header = "[alfacrm] headers: one of them cannot be sent as it is written"
    unreachable_error = CrmUnreachable
    answer_error = NotAnAnswer

    def __init__(
        self,
        url: str,
        email: str,
        key: str,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        bounds: Bounds,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(clock=clock, sleep=sleep, bounds=bounds, headers=headers)
        self._url = f"{url.rstrip('/')}/v2api"
        self._login = {"email": email, "api_key": key}
        self._token = ""
        self._token_at = 0.0
        self._token_lock = Lock()
        self._login_refused = ""

    def call(
        self, path: str, body: Mapping[str, Any], query: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Post ``body`` to ``path`` and return the object in the answer.

        Raises ``CrmUnreachable``, ``NotAnAnswer``, or ``CrmRefused`` for a fresh token too.
        """
        refused, status = "", 0
        # An expired token is 401 in the documentation, and some accounts answer 403, which
        # elsewhere means that the role may not use the API. Only a fresh token tells which.
        for _ in range(2):
            token = self._valid_token(refused=refused)
            try:
                return self._ask(path, body, query, token)
            except Denied as denied:
                refused, status = token, denied.status
        raise CrmRefused(f"AlfaCRM refused the key (HTTP {status}, twice)")

    def log_in(self) -> None:
        """Get a token, unless there is a valid one; raises what ``call`` raises."""
        self._valid_token(refused="")

    def _valid_token(self, *, refused: str) -> str:
        # Of several threads whose token is refused, one logs in and the others take its token.
        with self._token_lock:
            is_old = self._clock() - self._token_at > self._bounds.token_seconds
            if not self._token or is_old or self._token == refused:
                self._log_in()
            return self._token

    def _log_in(self) -> None:
        if not self._login_refused:
            try:
                answer = self._ask("auth/login", self._login, None, "")
            except Denied as denied:
                self._login_refused = f"AlfaCRM refused e-mail or key (HTTP {denied.status})"
        if self._login_refused:
            # A wrong key does not become right by asking again, and asking may lock the account.
            raise CrmRefused(self._login_refused)
        token = answer.get("token")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise NotAnAnswer("not an AlfaCRM answer (login without a token)")
        self._token, self._token_at = token, self._clock()

    def _ask(
        self, path: str, body: Mapping[str, Any], query: Mapping[str, Any] | None, token: str
    ) -> dict[str, Any]:
        url = f"{self._url}/{path}"
        headers = {"X-ALFACRM-TOKEN": token} if token else {}
        return self.with_retries(lambda: self.post(url, headers=headers, query=query, body=body))


# --- whole lists, page by page ---


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
    asked: Record = field(default_factory=dict, hash=False)
    query: Record | None = field(default=None, hash=False)


class PagedLists:
    """Reads whole lists, by one call at a time or by several."""

    def __init__(self, http: Http, page_size: int, progress: Progress, calls: int) -> None:
        self._http = http
        self._page_size = page_size
        self._progress = progress
        # Pages that wait for their turn take memory: so many of them, however long the lists are.
        self._pages_ahead_max = 3 * calls
        self._pool = ThreadPoolExecutor(calls) if calls > 1 else None
        self._expected: list[ListRequest] = []
        self._ahead: dict[tuple[ListRequest, int], Future[Record]] = {}

    def close(self) -> None:
        """Wait for the calls that are under way, and make no more."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def expect(self, requests: Iterable[ListRequest]) -> None:
        """Learn which lists will be read next, in this order, so that they are asked for early."""
        self._forget(self._expected)
        self._expected = list(requests)

    def first_page(self, request: ListRequest, rows_max: int) -> tuple[int, list[Record]]:
        """How many rows a list says it has, and some of them; nothing follows about the others."""
        body = {**request.asked, "page": 0, "pageSize": rows_max}
        total, _, items = _envelope(self._http.call(request.path, body, request.query))
        self._progress(request.what, total, total)
        return total, [item for item in items if isinstance(item, dict)]

    def read_all(self, requests: Sequence[ListRequest]) -> Iterator[Reading[Record]]:
        """Read lists one after another, each when it is needed, up to one that is not whole."""
        if not all(request in self._expected for request in requests):
            self._expected = [*requests, *self._expected]
        for request in requests:
            reading = self.read(request)
            yield reading
            if not reading.complete:
                return

    def read(self, request: ListRequest) -> Reading[Record]:
        """Read a list, again when what came does not add up; say so if it never does."""
        first_page = self._first_page(request)
        for reading in range(READINGS_MAX):
            if reading:
                first_page = self._page(request, 0)
            try:
                walk = self._walk(request, first_page)
            finally:
                # A page that was asked for with an earlier first page says nothing to a later one.
                self._forget([request])
            if walk.complete:
                return Reading((*walk.rows.values(), *walk.copies))
        totals = "/".join(map(str, sorted(walk.totals))) or "?"
        why = walk.why or f"{len(walk.rows)} distinct of {totals}"
        pages = f"on {walk.pages} pages, read {READINGS_MAX} times"
        return Reading.incomplete(f"{request.what}: {why} {pages}")

    def _first_page(self, request: ListRequest) -> Record:
        if request in self._expected:
            # What was expected before it will not be read any more.
            position = self._expected.index(request)
            self._forget(self._expected[:position])
            del self._expected[:position]
            self._ask_ahead()
            del self._expected[0]
        return self._page(request, 0)

    def _forget(self, lists: Sequence[ListRequest]) -> None:
        for asked, page in list(self._ahead):
            if asked in lists:
                self._ahead.pop((asked, page)).cancel()

    def _ask_ahead(self) -> None:
        """Ask for pages of the next lists: the first ones, and others once these say how many."""
        if self._pool is None:
            return
        for request in self._expected:
            first_page = self._ahead.get((request, 0))
            pages = 1
            if first_page and first_page.done() and not first_page.exception():
                pages = _pages_promised(first_page.result())
            for page in range(pages):
                if len(self._ahead) >= self._pages_ahead_max:
                    return
                self._submit(self._pool, request, page)

    def _submit(self, pool: ThreadPoolExecutor, request: ListRequest, page: int) -> None:
        if (request, page) not in self._ahead:
            self._ahead[request, page] = pool.submit(self._call, request, page)

    def _page(self, request: ListRequest, page: int) -> Record:
        if self._pool is None:
            return self._call(request, page)
        # With several calls at once all are the pool's, so that never more of them are under way.
        answer = self._ahead.pop((request, page), None)
        return (answer or self._pool.submit(self._call, request, page)).result()

    def _call(self, request: ListRequest, page: int) -> Record:
        # Pages begin at 0. The size asked for is a wish: the CRM may put fewer rows on a page.
        body = {**request.asked, "page": page, "pageSize": self._page_size}
        return self._http.call(request.path, body, request.query)

    def _pages(self, request: ListRequest, first_page: Record) -> Iterator[Record]:
        """The pages as they are needed, those that the first one promises several at once."""
        yield first_page
        if self._pool:
            for page in range(1, _pages_promised(first_page)):
                self._submit(self._pool, request, page)
        # The total may be the page's size instead, or may change meanwhile.
        for page in range(1, PAGES_MAX):
            self._ask_ahead()
            yield self._page(request, page)

    def _walk(self, request: ListRequest, first_page: Record) -> _Walk:
        walk = _Walk(self._page_size)
        for page in self._pages(request, first_page):
            total, count, items = _envelope(page)
            ended = walk.take(total, count, items)
            if walk.why:
                return walk
            self._progress(request.what, len(walk.rows), total)
            if ended:
                return walk
        walk.why = f"more than {PAGES_MAX} pages"
        return walk


def _pages_promised(first_page: Record) -> int:
    try:
        total, _, items = _envelope(first_page)
    except NotAnAnswer:
        # Whoever reads the list will say so.
        return 1
    return min(-(-total // max(len(items), 1)), PAGES_MAX)


def _envelope(answer: Record) -> tuple[int, int, list[Any]]:
    items = answer.get("items")
    if not isinstance(items, list):
        raise NotAnAnswer("not an AlfaCRM answer (a list without items)")
    count = answer.get("count")
    try:
        total = whole(answer, "total")
        return total, len(items) if count is None else whole(answer, "count"), items
    except UnreadableRecord as error:
        raise NotAnAnswer(f"not an AlfaCRM answer (a list without {error.path})") from None


def _ids(items: list[Any]) -> list[int] | None:
    """The numbers of a page's rows; None where one of them has none."""
    if not all(isinstance(item, dict) for item in items):
        return None
    try:
        return [number(item, "id") for item in items]
    except UnreadableRecord:
        return None
