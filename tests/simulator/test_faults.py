"""Trouble on request: every kind of fault does what its name says, and only where it should."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from coinsync.simulator.faults import KINDS, Faults
from tests.simulator.fixtures import Client, ids, running

LESSONS = "1/lesson/index"


@pytest.fixture
def crm() -> Iterator[Client]:
    """A client of a running simulator with the usual options."""
    with running() as client:
        yield client


def add(crm: Client, kind: str, **settings: Any) -> None:
    """Switch a fault on for lessons."""
    crm.simulator.faults.add(kind, **{"match": "lesson/index", **settings})


def statuses(crm: Client, count: int, path: str = LESSONS) -> list[int]:
    """The statuses of a few calls."""
    return [crm.post(path).status_code for _ in range(count)]


# Where a fault strikes


def test_a_fault_strikes_what_it_matches(crm: Client) -> None:
    """Other addresses stay well; without `match` the login is struck too."""
    add(crm, "error_500")
    assert statuses(crm, 1) == [500]
    assert statuses(crm, 1, "branch/index") == [200]
    crm.simulator.faults.clear()
    crm.simulator.faults.add("error_500")
    assert crm.login().status_code == 500


def test_a_fault_strikes_at_places_and_for_a_time(crm: Client) -> None:
    """`at` counts matching requests from 1 since it was added; `times` ends it."""
    crm.post(LESSONS)
    add(crm, "error_500", at=[2, 4])
    assert statuses(crm, 5) == [200, 500, 200, 500, 200]
    crm.simulator.faults.clear()
    add(crm, "error_502", times=2)
    assert statuses(crm, 4) == [502, 502, 200, 200]


def test_a_random_fault_is_seeded_and_drawn_anew_for_each_request() -> None:
    """The same seed strikes the same requests, about that share of them; a repeat may succeed."""
    struck = []
    for seed in (1, 1, 2):
        faults = Faults()
        faults.add("error_500", rate=0.3, seed=seed)
        struck.append([bool(faults.strike("/v2api/1/lesson/index")) for _ in range(400)])
    assert struck[0] == struck[1] != struck[2]
    assert 80 < sum(struck[0]) < 160


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("plague", {}),
        (None, {}),
        ("hang", {"seconds": "long"}),
        ("drop", {"where": "after"}),
    ],
)
def test_a_wrong_fault_is_refused(kind: object, settings: dict[str, object]) -> None:
    """Unknown kinds and settings are refused in one line."""
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        Faults().add(kind, **settings)


# Answers instead of work


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_errors_come_as_html(crm: Client, status: int) -> None:
    """A gateway's page instead of JSON."""
    add(crm, f"error_{status}")
    answer = crm.post(LESSONS)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert str(status) in answer.text


@pytest.mark.parametrize("after", [None, 1.5])
def test_a_burst_of_429(crm: Client, after: float | None) -> None:
    """As the options say, with or without Retry-After, and then all is well."""
    crm.simulator.options.retry_after = after
    add(crm, "too_many", times=3)
    answers = [crm.post(LESSONS) for _ in range(4)]
    assert [one.status_code for one in answers] == [429, 429, 429, 200]
    assert answers[0].headers.get("Retry-After") == (None if after is None else "1.5")


@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_leads_away(crm: Client, status: int) -> None:
    """To whatever address the test chose, at login too."""
    crm.simulator.faults.add("redirect", status=status, to="http://127.0.0.1:9/other")
    for answer in (crm.post(LESSONS), crm.login()):
        assert (answer.status_code, answer.headers["Location"]) == (
            status,
            "http://127.0.0.1:9/other",
        )


def test_a_token_is_lost_in_the_middle_of_a_read(crm: Client) -> None:
    """The second page is a 401, the token stays worthless, a new login goes on."""
    add(crm, "lost_token", at=[2])
    assert statuses(crm, 3) == [200, 401, 401]
    assert crm.login().status_code == 200
    assert statuses(crm, 1) == [200]


# Bodies


@pytest.mark.parametrize(
    ("kind", "body"), [("empty_body", b""), ("null_body", b"null"), ("list_body", b"[]")]
)
def test_bodies_that_hold_nothing(crm: Client, kind: str, body: bytes) -> None:
    """Status 200, and nothing an importer can use."""
    add(crm, kind)
    answer = crm.post(LESSONS)
    assert (answer.status_code, answer.content) == (200, body)


def test_html_with_200(crm: Client) -> None:
    """A maintenance page that says all is well."""
    add(crm, "html_200")
    answer = crm.post(LESSONS)
    assert answer.status_code == 200
    assert answer.text.startswith("<html>")


def test_cut_json_has_the_right_length(crm: Client) -> None:
    """The text ends too early although every announced byte arrived."""
    whole = crm.post(LESSONS).content
    add(crm, "cut_json")
    answer = crm.post(LESSONS)
    assert whole.startswith(answer.content)
    assert int(answer.headers["Content-Length"]) == len(answer.content) < len(whole)


def test_a_key_comes_twice(crm: Client) -> None:
    """The same key with two values: a careless reader takes the last."""
    add(crm, "duplicate_keys")
    pairs = json.loads(crm.post(LESSONS).content, object_pairs_hook=list)
    names = [name for name, _ in pairs]
    assert names.count("total") == 2
    assert len({value for name, value in pairs if name == "total"}) == 2


@pytest.mark.parametrize(
    ("kind", "part"), [("nan", b"NaN"), ("huge", b"7" * 5000), ("deep", b"[" * 200_000)]
)
def test_values_that_no_encoder_writes(crm: Client, kind: str, part: bytes) -> None:
    """NaN, a number of 5,000 digits, 200,000 brackets, in place of the total."""
    add(crm, kind)
    assert crm.post(LESSONS).content.startswith(b'{"total":' + part)


# Falsified pages


def test_items_may_be_null(crm: Client) -> None:
    """The list is not a list."""
    add(crm, "items_null")
    assert crm.page(LESSONS)["items"] is None


def test_the_total_may_be_wrong(crm: Client) -> None:
    """One row more is promised than there is."""
    total = crm.page(LESSONS)["total"]
    add(crm, "wrong_total")
    assert crm.page(LESSONS)["total"] == total + 1


def test_the_first_page_may_be_empty(crm: Client) -> None:
    """Rows are promised, none comes; the second page is well."""
    add(crm, "empty_first_page")
    page = crm.page(LESSONS, {"pageSize": 10})
    assert page["total"] > 0
    assert (page["count"], page["items"]) == (0, [])
    assert len(crm.page(LESSONS, {"pageSize": 10, "page": 1})["items"]) == 10


def test_rows_may_come_twice_or_not_at_all(crm: Client) -> None:
    """A row is repeated, or left out, while the total stays."""
    whole = crm.page(LESSONS, {"pageSize": 10})
    add(crm, "duplicate_row", times=1)
    double = crm.page(LESSONS, {"pageSize": 10})
    assert ids(double["items"]) == [*ids(whole["items"]), whole["items"][0]["id"]]
    crm.simulator.faults.clear()
    add(crm, "missing_row", row=-1)
    less = crm.page(LESSONS, {"pageSize": 10})
    assert ids(less["items"]) == ids(whole["items"])[:-1]
    assert whole["total"] == double["total"] == less["total"]


def test_falsified_pages_survive_having_no_rows(crm: Client) -> None:
    """A fault that needs a row does nothing to an empty page, or to one without a list."""
    for kind in ("items_null", "duplicate_row", "missing_row", "bad_field", "details_missing"):
        add(crm, kind)
    assert crm.page(LESSONS)["items"] is None
    del crm.simulator.faults.active[0]
    assert crm.page(LESSONS, {"id": 5})["items"] == []


def test_details_may_be_missing(crm: Client) -> None:
    """The key is not there at all, on any row."""
    add(crm, "details_missing")
    assert all("details" not in row for row in crm.page(LESSONS)["items"])


@pytest.mark.parametrize(
    ("path", "value"),
    [("id", "12x"), ("details.0.is_attend", 2), ("date", None), ("group_ids.0", [1])],
)
def test_a_field_may_be_bad(crm: Client, path: str, value: object) -> None:
    """The field of one row has another value, and nothing else changes."""
    query = {"lesson_type_id": 2, "pageSize": 3}
    well = crm.page(LESSONS, query)
    add(crm, "bad_field", path=path, value=value, row=1)
    ill = crm.page(LESSONS, query)
    place: Any = ill["items"][1]
    for step in path.split("."):
        place = place[int(step)] if step.isdigit() else place[step]
    assert place == value
    assert [ill["items"][0], ill["items"][2]] == [well["items"][0], well["items"][2]]


def test_a_bad_field_that_is_not_there_spoils_nothing(crm: Client) -> None:
    """A path into nowhere is no error."""
    well = crm.page(LESSONS)
    for path in ("details.99.is_attend", "note.0", "group_ids.99", "nothing.at.all"):
        add(crm, "bad_field", path=path, value=1)
    assert crm.page(LESSONS) == well


# Rows that move while they are read


def walk(crm: Client) -> tuple[list[int], list[int]]:
    """The numbers of all rows, and the totals of all pages, of one read in pages of ten."""
    rows: list[int] = []
    totals: list[int] = []
    for number in range(50):
        page = crm.page(LESSONS, {"pageSize": 10, "page": number})
        if not page["items"]:
            break
        rows.extend(ids(page["items"]))
        totals.append(page["total"])
    return rows, totals


def test_a_row_is_inserted_while_reading(crm: Client) -> None:
    """The last row of one page comes again on the next, the total grows; the next read is well."""
    whole, totals = walk(crm)
    add(crm, "drift_insert", at=[3])
    rows, moved = walk(crm)
    assert rows == [*whole[:20], *whole[19:]]
    assert moved == totals[:2] + [total + 1 for total in totals[2:]]
    assert walk(crm) == (whole, totals)


def test_a_row_is_deleted_while_reading(crm: Client) -> None:
    """A row that nobody touched is never given, the total shrinks, and the next read is well."""
    whole, totals = walk(crm)
    add(crm, "drift_delete", at=[2])
    rows, moved = walk(crm)
    assert rows == [*whole[:10], *whole[11:]]
    assert moved == totals[:1] + [total - 1 for total in totals[1:]]
    assert len(set(rows)) == moved[-1]
    assert walk(crm) == (whole, totals)


def test_ties_fall_differently_between_two_pages(crm: Client) -> None:
    """One row comes twice and its neighbour not at all, and every count agrees."""
    whole, totals = walk(crm)
    add(crm, "tie_swap", at=[2])
    rows, moved = walk(crm)
    assert rows == [*whole[:10], whole[9], *whole[11:]]
    assert moved == totals
    assert len(rows) == totals[0] > len(set(rows))


# Slow and broken connections


def test_an_answer_may_hang_without_blocking_others(crm: Client) -> None:
    """The one call waits for its time-out, another is answered meanwhile; a stop does not wait."""
    add(crm, "hang", times=1)
    with pytest.raises(requests.ReadTimeout):
        crm.session.post(f"{crm.simulator.url}/v2api/{LESSONS}", headers=crm.headers, timeout=0.1)
    assert statuses(crm, 1) == [200]
    begun = time.monotonic()
    crm.simulator.stop()
    assert time.monotonic() - begun < 5


def test_a_short_hang_ends_with_the_answer(crm: Client) -> None:
    """A hang is a late answer."""
    add(crm, "hang", seconds=0.05)
    assert statuses(crm, 1) == [200]


def test_an_answer_may_drip(crm: Client) -> None:
    """Byte after byte, each before the time-out of a read, and whole in the end."""
    add(crm, "drip", seconds=0.001)
    page = crm.page(LESSONS, {"id": 5})
    assert page["items"] == []


def test_a_dripping_answer_ends_when_the_simulator_stops(crm: Client) -> None:
    """The thread does not go on dripping, and the client sees that bytes are missing."""
    add(crm, "drip")
    url = f"{crm.simulator.url}/v2api/{LESSONS}"
    with crm.session.post(url, headers=crm.headers, stream=True, timeout=5) as answer:
        assert answer.raw.read(1) == b"{"
        crm.simulator.stop()
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            _ = answer.content


@pytest.mark.parametrize("where", ["before", "middle"])
def test_a_connection_may_be_dropped(crm: Client, where: str) -> None:
    """Before the answer or in the middle of its body: an error of the connection, not of JSON."""
    add(crm, "drop", where=where, times=1)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        crm.post(LESSONS)
    assert statuses(crm, 1) == [200]


def test_an_empty_list_is_empty_in_good_order() -> None:
    """Nothing contradicts itself: total, count and rows all say that there is nothing."""
    with running() as client:
        client.simulator.faults.add("empty_list", match="customer/index")
        assert client.page("1/customer/index") == {"total": 0, "count": 0, "page": 0, "items": []}


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"hang", "drip", "drop"}))
def test_every_fault_can_strike_a_login_and_a_refusal(crm: Client, kind: str) -> None:
    """A fault made for lists does no harm where there is no list; the others strike as always."""
    crm.simulator.faults.add(kind)
    statuses = {"too_many": 429, "redirect": 302, "html_200": 200}
    own = int(kind[-3:]) if kind.startswith("error_") else statuses.get(kind)
    account = {"email": crm.simulator.email, "api_key": crm.simulator.api_key}
    assert crm.post("auth/login", account).status_code == (own or 200)
    refusal = 401 if kind == "lost_token" else 403
    assert crm.post("1/customer/update", {"is_study": 1}, id=101).status_code == (own or refusal)
