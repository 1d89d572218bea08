"""The pretend AlfaCRM over HTTP: what it finds, in which order and shape, whom it lets in."""

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from coinsync.simulator import School, Simulator
from tests.simulator.fixtures import TODAY, Client, Clock, ids, running


@pytest.fixture
def crm() -> Iterator[Client]:
    """A client of a running simulator with the usual options."""
    with running() as client:
        yield client


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
EVERYONE = {"is_study": 2, "removed": 1}


# Calls, methods, errors


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b" "])
def test_an_empty_body_may_be_written_in_many_ways(crm: Client, body: bytes) -> None:
    """Nothing, an empty object and an empty list all ask for the first page."""
    answer = crm.session.post(
        f"{crm.simulator.url}/v2api/branch/index", data=body, headers=crm.headers
    )
    assert ids(answer.json()["items"]) == [1, 2]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("1/unicorn/index", 404),
        ("1/lesson/fly", 404),
        ("1/a/b/c", 404),
        ("", 404),
    ],
)
def test_unknown_addresses_get_the_frameworks_error(crm: Client, path: str, status: int) -> None:
    """An unknown entity or action is a 404 in the framework's body."""
    answer = crm.post(path)
    assert answer.status_code == status
    assert set(answer.json()) == {"name", "message", "code", "status"}
    assert answer.json()["status"] == status


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["auth/login", "1/lesson/index"])
def test_everything_is_post(crm: Client, method: str, path: str) -> None:
    """Any other method is a 405."""
    answer = crm.session.request(method, f"{crm.simulator.url}/v2api/{path}", headers=crm.headers)
    assert (answer.status_code, answer.json()["status"]) == (405, 405)


def test_a_body_that_is_not_json_is_a_bad_request(crm: Client) -> None:
    """Half a JSON text is a 400."""
    answer = crm.session.post(
        f"{crm.simulator.url}/v2api/1/lesson/index", data=b"{", headers=crm.headers
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("action", ["create", "update", "delete", "teach"])
@pytest.mark.parametrize("entity", ["customer", "lesson"])
def test_a_write_is_refused(crm: Client, entity: str, action: str) -> None:
    """The API's user may only read: the answer is a 403, and the school stays as it is."""
    before = crm.items("1/lesson/index"), crm.items("1/customer/index")
    answer = crm.post(f"1/{entity}/{action}", {"name": "A", "status": 2}, id=101)
    assert (answer.status_code, answer.json()["message"]) == (403, "Access Denied")
    assert (crm.items("1/lesson/index"), crm.items("1/customer/index")) == before
    assert crm.simulator.school.actions == []


def test_index_may_be_left_out(crm: Client) -> None:
    """The address without an action reads the list."""
    assert crm.page("1/lesson") == crm.page("1/lesson/index")


# Tokens and rights


@pytest.mark.parametrize("code", [401, 403])
def test_no_token_or_a_wrong_one_is_refused(code: int) -> None:
    """With the status that the option names."""
    with running(refusal_code=code) as crm:
        crm.headers = {"X-ALFACRM-TOKEN": "wrong"}
        assert crm.post("branch/index").status_code == code
        crm.headers = {}
        assert crm.post("branch/index").status_code == code


@pytest.mark.parametrize("life", [900.0, 3600.0])
def test_tokens_expire(life: float) -> None:
    """A token is good until its life is over, not a second longer."""
    clock = Clock()
    with running(clock=clock, token_life=life) as crm:
        clock.now += life - 1
        assert crm.post("branch/index").status_code == 200
        clock.now += 1
        assert crm.post("branch/index").status_code == 401


def test_a_wrong_login_is_refused(crm: Client) -> None:
    """With the body that is on record."""
    answer = crm.login(api_key="wrong")
    assert answer.status_code == 403
    assert answer.json() == {
        "name": "Forbidden",
        "message": "Not Authorized",
        "code": 0,
        "status": 403,
    }


@pytest.mark.parametrize(("kills", "status"), [(False, 200), (True, 401)])
def test_a_new_login_may_kill_the_old_token(kills: bool, status: int) -> None:
    """Both behaviours are there."""
    with running(new_login_kills_old=kills) as crm:
        old = crm.headers
        crm.login()
        assert crm.headers != old
        assert crm.post("branch/index").status_code == 200
        crm.headers = old
        assert crm.post("branch/index").status_code == status


def test_a_user_without_the_right_is_denied() -> None:
    """The login works, every call is a 403."""
    with running(user_without_right=True) as crm:
        answer = crm.post("branch/index")
    assert (answer.status_code, answer.json()["message"]) == (403, "Access Denied")


def test_an_app_key_may_be_required() -> None:
    """Without the header X-APP-KEY the call is denied."""
    with running(required_app_key="k") as crm:
        assert crm.post("branch/index").status_code == 403
        crm.headers["X-APP-KEY"] = "k"
        assert crm.post("branch/index").status_code == 200


# The envelope and its pages


def test_pages_begin_at_zero_and_go_on_to_the_end(crm: Client) -> None:
    """All pages together are the whole list, each row once, and the envelope counts them."""
    whole = ids(crm.items("1/lesson/index"))
    page = crm.page("1/lesson/index", {"pageSize": 20})
    assert (page["total"], page["count"], page["page"]) == (len(whole), 20, 0)
    assert ids(crm.walk("1/lesson/index", pageSize=20)) == whole


@pytest.mark.parametrize(
    ("query", "body", "size"),
    [
        ({}, {}, 50),
        ({}, {"pageSize": 7}, 7),
        ({}, {"pageSize": "7"}, 7),
        ({"per-page": 9}, {}, 9),
        ({"per-page": 9}, {"pageSize": 7}, 9),
        ({}, {"per-page": 9, "per_page": 9, "count": 9}, 50),
        ({}, {"pageSize": 0}, 50),
        ({}, {"pageSize": "many"}, 50),
        ({}, {"pageSize": 5000}, 60),
    ],
)
def test_the_page_size(query: dict[str, Any], body: dict[str, Any], size: int) -> None:
    """`pageSize` in the body and `per-page` in the query are known, up to the cap, nothing else."""
    with running(page_size_max=60) as crm:
        assert len(crm.page("lesson/index", body, **query)["items"]) == size


def test_the_page_size_by_option() -> None:
    """Where nobody asks for a size it may be another one."""
    with running(page_size_default=20) as crm:
        assert len(crm.page("lesson/index")["items"]) == 20


@pytest.mark.parametrize("past", ["empty", "repeat"])
def test_past_the_end(past: str) -> None:
    """A page after the last one is empty, or the last one again."""
    with running(past_the_end=past) as crm:
        total = crm.page("1/lesson/index")["total"]
        last = crm.page("1/lesson/index", {"pageSize": 10, "page": (total - 1) // 10})["items"]
        page = crm.page("1/lesson/index", {"pageSize": 10, "page": 99})
    assert page["items"] == ([] if past == "empty" else last)
    assert page["total"] == total


def test_what_nobody_knows_is_ignored(crm: Client) -> None:
    """A misspelt or a wrapped filter returns everything."""
    everything = ids(crm.items("1/lesson/index"))
    wrong = {"datefrom": "2026-11-21", "filters": {"status": 1}, "sort": "id"}
    assert ids(crm.items("1/lesson/index", wrong)) == everything


def test_orders(crm: Client) -> None:
    """Lessons newest first, clients by name, leads by creation."""
    dates = [row["date"] for row in crm.items("1/lesson/index")]
    assert dates == sorted(dates, reverse=True)
    names = [
        row["name"].casefold()
        for row in crm.items("1/customer/index", {"is_study": 1, "removed": 1})
    ]
    assert names == sorted(names)
    created = [
        row["b_date"] for row in crm.items("1/customer/index", {"is_study": 0, "removed": 1})
    ]
    assert created == sorted(created, reverse=True)
    assert ids(crm.items("lesson-type/index")) == [2, 1, 3, 4, 7]


def test_ties_may_fall_differently_in_each_request() -> None:
    """Dates stay in order, rows of one date do not: a paged read repeats some and misses others."""
    with running(unstable_ties=True) as crm:
        reads = [crm.items("1/lesson/index") for _ in range(2)]
        assert [row["date"] for row in reads[0]] == [row["date"] for row in reads[1]]
        assert ids(reads[0]) != ids(reads[1])
        assert sorted(ids(reads[0])) == sorted(ids(reads[1]))
        paged = ids(crm.walk("1/lesson/index", pageSize=5))
    assert len(paged) == len(reads[0])
    assert len(set(paged)) < len(paged)


# Lessons


def test_lessons_are_conducted_ones_unless_asked(crm: Client) -> None:
    """Without `status` only status 3 is found, by number too."""
    assert {row["status"] for row in crm.items("1/lesson/index")} == {3}
    planned = crm.items("1/lesson/index", {"status": 1})
    assert {row["status"] for row in planned} == {1}
    number = planned[0]["id"]
    assert crm.items("1/lesson/index", {"id": number}) == []
    assert ids(crm.items("1/lesson/index", {"id": number, "status": 1})) == [number]
    assert ids(crm.items("1/lesson/index", {"id": str(number), "status": "1"})) == [number]
    both = ids(planned)[:2]
    assert sorted(ids(crm.items("1/lesson/index", {"id": both, "status": 1}))) == sorted(both)
    assert crm.page("1/lesson/index", {"id": 5}) == {"total": 0, "count": 0, "page": 0, "items": []}


def test_dates_are_inclusive_at_both_ends(crm: Client) -> None:
    """A range of one day finds that day; a range finds its first and last day."""
    every = [row["date"] for row in crm.items("1/lesson/index")]
    first, last = every[-1], every[0]
    day = crm.items("1/lesson/index", {"date_from": last, "date_to": last})
    assert [row["date"] for row in day] == [one for one in every if one == last]
    assert len(crm.items("1/lesson/index", {"date_from": first, "date_to": last})) == len(every)
    assert crm.items("1/lesson/index", {"date_from": "", "date_to": None}) != []


@pytest.mark.parametrize("spelling", ["21.11.2026", "once", 20261121])
def test_another_spelling_of_a_date_finds_nothing(crm: Client, spelling: object) -> None:
    """And it is no error, as at the CRM since September 2024."""
    assert crm.items("1/lesson/index", {"date_to": spelling}) == []


def test_lesson_filters(crm: Client) -> None:
    """Type, group, teacher, subject and pupil; what is no number fits nothing."""
    every = crm.items("1/lesson/index")
    sample = next(row for row in every if row["group_ids"] and row["details"])
    wanted = {
        "lesson_type_id": sample["lesson_type_id"],
        "group_id": sample["group_ids"][0],
        "teacher_id": [sample["teacher_ids"][0]],
        "subject_id": str(sample["subject_id"]),
        "customer_id": int(sample["details"][0]["customer_id"]),
    }
    for name, value in wanted.items():
        found = ids(crm.items("1/lesson/index", {name: value}))
        assert sample["id"] in found
        assert len(found) < len(every)
    assert sample["id"] in ids(crm.items("1/lesson/index", wanted))
    assert crm.items("1/lesson/index", {"group_id": "x"}) == []


@pytest.mark.parametrize("kind", ["present", "null", "missing"])
def test_regular_id_by_option(kind: str) -> None:
    """The number of the regular lesson is there, null, or the key is missing on every row."""
    with running(regular_id=kind) as crm:
        rows = crm.items("1/lesson/index")
    assert all(("regular_id" in row) is (kind != "missing") for row in rows)
    assert any(row.get("regular_id") for row in rows) is (kind == "present")


def test_planned_lessons_may_show_nobody() -> None:
    """By option planned lessons have no pupils and no attendance rows."""
    with running() as crm:
        rows = crm.items("1/lesson/index", {"status": 1})
        assert any(row["customer_ids"] for row in rows)
        assert any(
            detail["is_attend"] in (0, "0", False) for row in rows for detail in row["details"]
        )
        crm.simulator.options.details_on_planned = False
        rows = crm.items("1/lesson/index", {"status": 1})
    assert all(row["customer_ids"] == row["details"] == [] for row in rows)


def test_lessons_are_in_their_own_branch_only(crm: Client) -> None:
    """The branches share no lesson; without a branch, or under branch 0, all are found."""
    here, there = (set(ids(crm.items(f"{branch}/lesson/index"))) for branch in (1, 2))
    assert not here & there
    assert (
        set(ids(crm.items("lesson/index"))) == here | there == set(ids(crm.items("0/lesson/index")))
    )


@pytest.mark.parametrize(("kind", "status"), [("forbidden", 403), ("missing", 404), ("empty", 200)])
def test_an_unknown_branch(kind: str, status: int) -> None:
    """Three answers are possible."""
    with running(unknown_branch=kind) as crm:
        answer = crm.post("9/lesson/index")
    assert answer.status_code == status
    assert answer.json().get("items", []) == []


# Shapes


def test_lesson_rows_have_the_mixed_types_of_the_crm(crm: Client) -> None:
    """Start seconds, decimal strings, marks and numbers of several types, kinds of nothing."""
    rows = crm.items("lesson/index")
    details = [detail for row in rows for detail in row["details"]]
    assert all(row["time_from"].endswith(":01") for row in rows)
    assert all(re.fullmatch(r"\d+\.\d\d", detail["commission"]) for detail in details)
    marks = {(type(one.get("is_attend")), one.get("is_attend")) for one in details}
    assert {(int, 1), (int, 0), (bool, True), (str, "1"), (type(None), None)} <= marks
    assert any("is_attend" not in one for one in details)
    assert any("branch_id" not in one for one in details)
    assert {type(one["customer_id"]) for one in details} == {int, str}
    assert any(not set(map(int, one["customer_ids"])) for one in rows if one["details"])


def test_customer_rows_have_the_mixed_types_of_the_crm(crm: Client) -> None:
    """Three spellings of dates, custom fields present, empty, null and missing."""
    rows = crm.items("customer/index", EVERYONE)
    assert {bool(re.fullmatch(r"\d\d\.\d\d\.\d{4}", row["dob"])) for row in rows} == {True, False}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row["b_date"]) for row in rows)
    assert "2030-12-31" in {row["e_date"] for row in rows}
    assert any("\r\n" in row["note"] for row in rows)
    links = [row.get("custom_vk", "missing") for row in rows]
    assert {"", None, "missing"} <= set(links)
    assert any(re.search("[a-z]", row["name"]) for row in rows)


def test_teachers_may_come_by_name() -> None:
    """`teacher_ids` holds numbers, or names by option, and is often empty on cards."""
    with running(teacher_names=True) as crm:
        assert all(isinstance(row["teacher_ids"][0], str) for row in crm.items("1/lesson/index"))
        taught = [row["teacher_ids"] for row in crm.items("1/customer/index", EVERYONE)]
        crm.simulator.options.teacher_names = False
        assert all(isinstance(row["teacher_ids"][0], int) for row in crm.items("1/group/index"))
    assert [] in taught
    assert any(taught)


# Cards


def test_hidden_defaults_of_customers(crm: Client) -> None:
    """Without a word only active clients come; both defaults are settable."""
    school = crm.simulator.school
    archived = {one.id for one in school.tables.customers.values() if one.archived_on(TODAY)}
    leads = {one.id for one in school.tables.customers.values() if not one.is_study}
    everyone = set(school.tables.customers)
    path = "customer/index"
    assert set(ids(crm.items(path))) == everyone - archived - leads
    assert set(ids(crm.items(path, {"is_study": 2}))) == everyone - archived
    assert set(ids(crm.items(path, EVERYONE))) == everyone
    assert set(ids(crm.items(path, {"is_study": 2, "removed": 2}))) == archived
    assert set(ids(crm.items(path, {"is_study": 0, "removed": 0}))) == leads - archived
    crm.simulator.options.is_study_default = 2
    crm.simulator.options.removed_default = 1
    assert set(ids(crm.items(path))) == everyone


def test_a_card_is_in_each_of_its_branches(crm: Client) -> None:
    """A pupil of two branches is found under both, once without a branch."""
    both = next(row for row in crm.items("customer/index", EVERYONE) if len(row["branch_ids"]) == 2)
    for branch in both["branch_ids"]:
        assert both["id"] in ids(crm.items(f"{branch}/customer/index", EVERYONE))


def test_cards_are_found_by_number(crm: Client) -> None:
    """One number or a list of them, as numbers or as texts."""
    assert ids(crm.items("customer/index", {"id": 101})) == [101]
    assert sorted(ids(crm.items("customer/index", {"id": ["101", 102]}))) == [101, 102]


@pytest.mark.parametrize("kind", ["objects", "ids", "absent"])
def test_with_groups(kind: str) -> None:
    """`withGroups` adds current memberships as objects or numbers, or is not known."""
    with running(with_groups=kind) as crm:
        row = crm.items("1/customer/index", {"id": 101, "withGroups": True})[0]
        assert "groups" not in crm.items("1/customer/index", {"id": 101})[0]
    if kind == "objects":
        assert row["groups"][0] == {
            "id": 1,
            "name": "Python-1",
            "b_date": "07.09.2026",
            "e_date": "31.12.2030",
        }
    else:
        assert row.get("groups") == ([1] if kind == "ids" else None)


def test_memberships_need_their_number_in_the_query(crm: Client) -> None:
    """`cgi` refuses without it, and does not look into the body."""
    answer = crm.post("1/cgi/index", {"group_id": 1})
    message = "Отсутствуют обязательные параметры: group_id"
    assert (answer.status_code, answer.json()["message"]) == (400, message)
    members = crm.items("1/cgi/index", group_id=1)
    assert {row["group_id"] for row in members} == {1}
    assert 101 in {row["customer_id"] for row in members}
    both = crm.items("1/cgi/index", group_id=1, customer_id=101)
    assert both == crm.items("1/cgi/index", customer_id=101)
    assert crm.items("2/cgi/index", group_id=1) == []


def test_past_memberships_are_forgotten_unless_by_option(crm: Client) -> None:
    """After a change of group only the new one is listed."""
    school = crm.simulator.school
    school.act("change_group", customer=101, from_group=1, to_group=3)
    school.act("advance")
    current = [row["group_id"] for row in crm.items("1/cgi/index", customer_id=101)]
    crm.simulator.options.cgi_past = True
    assert current == [3]
    assert [row["group_id"] for row in crm.items("1/cgi/index", customer_id=101)] == [1, 3]


def test_small_lists(crm: Client) -> None:
    """Subjects, locations, groups and the schedule; the last three are those of the branch."""
    assert [row["name"] for row in crm.items("1/subject/index")][:2] == ["Python", "Roblox"]
    assert ids(crm.items("2/location/index")) == [2]
    assert {branch for row in crm.items("1/group/index") for branch in row["branch_ids"]} == {1}
    assert ids(crm.items("1/group/index", {"id": 3})) == [3]
    assert {row["branch_id"] for row in crm.items("2/regular-lesson/index")} == {2}
    rows = crm.items("1/regular-lesson/index", {"group_id": 1})
    assert {(row["related_class"], row["related_id"]) for row in rows} == {("Group", 1)}
    assert {row["day"] for row in rows} <= set(range(1, 8))


# The life of a lesson, seen from outside


def test_edits_by_hand_show_at_once(crm: Client) -> None:
    """Each edit changes exactly the lists that the CRM would change."""
    act = crm.simulator.school.act
    number = act("add_lesson", branch=1, group=1, date=TODAY, type=2)
    act("conduct", lesson=number)

    def found(branch: int = 1, **body: Any) -> bool:
        return number in ids(crm.items(f"{branch}/lesson/index", body))

    assert found()
    act("cancel", lesson=number)
    assert (found(), found(status=2)) == (False, True)
    act("plan", lesson=number)
    assert (found(), found(status=1)) == (False, True)
    act("conduct", lesson=number)
    act("move", lesson=number, date=TODAY + timedelta(days=3))
    assert (found(date_to="2026-11-21"), found()) == (False, True)
    act("move_branch", lesson=number, branch=2)
    assert (found(), found(2)) == (False, True)
    act("delete", lesson=number)
    assert not any(found(branch, status=status) for branch in (1, 2) for status in (1, 2, 3))
    act("restore", lesson=number)
    assert found(2)
    act("empty", branch=2)
    assert crm.items("2/lesson/index") == []


# The rate


def test_five_requests_in_a_second_and_no_more() -> None:
    """The sixth within a second is a 429, login and all branches counted together."""
    clock = Clock()
    with running(clock=clock, rate_limit=5.0) as crm:
        codes = [crm.post(f"{branch}/lesson/index").status_code for branch in (1, 2, 1, 2, 1)]
        assert codes == [200, 200, 200, 200, 429]
        assert crm.login().status_code == 429
        clock.now += 1.0
        assert crm.post("branch/index").status_code == 200


@pytest.mark.parametrize(("kind", "after"), [("json", None), ("html", 2.0)])
def test_the_answer_to_too_many_requests(kind: str, after: float | None) -> None:
    """JSON or HTML, with or without Retry-After."""
    with running(clock=Clock(), rate_limit=1.0, too_many_body=kind, retry_after=after) as crm:
        answer = crm.post("branch/index")
    assert answer.status_code == 429
    assert answer.headers.get("Retry-After") == (None if after is None else "2")
    assert answer.headers["Content-Type"].startswith(
        "text/html" if kind == "html" else "application/json"
    )


# What is recorded


def test_every_request_is_recorded() -> None:
    """Number, time, method, path, query, body, headers, and the status of the answer."""
    clock = Clock()
    with running(clock=clock) as crm:
        clock.now += 2
        crm.page("1/lesson/index", {"status": 1}, **{"per-page": 3})
        crm.headers = {}
        crm.post("nowhere/index")
        login, read, last = crm.simulator.requests
    assert (login.number, login.path, login.at) == (1, "/v2api/auth/login", 1000.0)
    assert (read.number, read.at, read.method, read.status) == (2, 1002.0, "POST", 200)
    assert (read.query, read.fields()) == ({"per-page": "3"}, {"status": 1})
    assert read.headers["content-type"] == "application/json"
    assert ["x-alfacrm-token" in one.headers for one in (login, read)] == [False, True]
    assert (last.status, last.fields()) == (401, {})


# Starting and stopping


def test_a_busy_port_is_an_error() -> None:
    """Two simulators cannot share a port."""
    school = School(seed=1, residents=5, days=2, today=TODAY)
    with Simulator(school) as first:
        port = int(first.url.rsplit(":", 1)[1])
        with pytest.raises(OSError, match="in use"):
            Simulator(school, port=port).start()


def test_it_can_be_started_again_and_stopped_twice() -> None:
    """Stopping is harmless at any time, and no thread stays behind."""
    threads = threading.active_count()
    simulator = Simulator(School(seed=1, residents=5, days=2, today=TODAY))
    simulator.stop()
    with pytest.raises(RuntimeError, match="does not listen"):
        _ = simulator.url
    for _ in range(2):
        with simulator.start():
            assert requests.get(simulator.url, timeout=5).status_code == 200
    simulator.stop()
    assert threading.active_count() == threads


def test_a_silent_connection_does_not_keep_it_from_stopping() -> None:
    """A client that connects and says nothing is hung up on."""
    with running() as crm, socket.create_connection(crm.address) as silent:
        assert crm.post("branch/index").status_code == 200
        crm.simulator.stop()
        # One that the server had not come to accept yet is reset by the system instead.
        with contextlib.suppress(ConnectionResetError):
            assert silent.recv(1) == b""


def test_requests_share_a_connection_that_does_not_keep_it_from_stopping() -> None:
    """One client needs one connection, and when it stands idle it is cut at once."""
    with running() as crm, socket.create_connection(crm.address) as idle:
        answers = idle.makefile("rb")
        for _ in range(3):
            idle.sendall(b"POST /v2api/branch/index HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
            head = list(iter(answers.readline, b"\r\n"))
            assert head[0] == b"HTTP/1.1 401 Unauthorized\r\n"
            length = next(line for line in head if line.startswith(b"Content-Length"))
            assert json.loads(answers.read(int(length.split()[1])))["status"] == 401
        begun = time.monotonic()
        crm.simulator.stop()
        assert answers.read(1) == b""
    assert time.monotonic() - begun < 1


def test_a_client_may_end_the_connection() -> None:
    """`Connection: close` is heeded, and one that speaks HTTP/1.0 is not kept waiting for more."""
    for head in (b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"):
        with running() as crm, socket.create_connection(crm.address) as connection:
            connection.sendall(head)
            text = b"".join(iter(lambda: connection.recv(65536), b""))
        assert text.endswith(b"</html>\n")


def test_a_body_of_unknown_length_is_not_taken_for_the_next_request() -> None:
    """It is refused, and the connection ends."""
    with running() as crm, socket.create_connection(crm.address) as connection:
        connection.sendall(b"POST /v2api/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        text = b"".join(iter(lambda: connection.recv(65536), b""))
    assert text.startswith(b"HTTP/1.1 411 ")
    assert text.count(b"HTTP/1.1") == 1


# What a person may do


def test_actions_by_json_and_by_form() -> None:
    """Both kinds of body work, the result comes back, and the listener is told of every change."""
    told: list[int] = []
    with running(on_change=lambda: told.append(1)) as crm:
        url = f"{crm.simulator.url}/control"
        lesson = {"branch": 1, "group": 1, "date": "2026-11-21", "type": 2}
        done = crm.session.post(f"{url}/add_lesson", json=lesson).json()
        number = done["result"]
        assert done["ok"] is True
        page = crm.session.post(f"{url}/conduct", data={"lesson": number})
        assert (page.status_code, page.url) == (200, f"{crm.simulator.url}/")
        assert number in ids(crm.items("1/lesson/index"))
        days = crm.session.post(f"{url}/advance", data='{"days": 2}', headers=FORM).json()
        assert days == {"ok": True, "result": None, "today": "2026-11-23"}
        assert crm.session.post(f"{url}/advance").json()["today"] == "2026-11-24"
        crm.session.post(f"{url}/cancel", json={"lesson": 5})
        crm.session.post(f"{url}/fault", json={"kind": "nan", "match": "pay"})
        assert len(told) == len(crm.simulator.school.actions) == 4


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("fly", "{}"),
        ("__init__", "{}"),
        ("records", "{}"),
        ("cancel", '{"lesson": 5}'),
        ("cancel", "{"),
        ("cancel", "[1]"),
        ("options", '{"colour": 1}'),
        ("options", '{"refusal_code": 402}'),
        ("options", '{"rate_limit": "fast"}'),
        ("fault", "{}"),
        ("fault", '{"kind": "plague"}'),
        ("fault", '{"kind": "hang", "colour": 1}'),
    ],
)
def test_a_wrong_control_is_refused_in_one_line(crm: Client, what: str, body: str) -> None:
    """400, `ok` false, and one line that says why."""
    headers = {"Content-Type": "application/json"}
    answer = crm.session.post(f"{crm.simulator.url}/control/{what}", data=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["ok"] is False
    assert len(answer.json()["error"].splitlines()) == 1


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "control/advance"), ("POST", ""), ("GET", "x")]
)
def test_there_is_nothing_at_other_addresses(crm: Client, method: str, path: str) -> None:
    """404; above all, nothing is changed by a GET."""
    assert crm.session.request(method, f"{crm.simulator.url}/{path}").status_code == 404
    assert crm.simulator.school.actions == []


def test_options_and_faults_by_control(crm: Client) -> None:
    """They take effect with the next request."""
    url = f"{crm.simulator.url}/control"
    settings = {"page_size_default": 20, "retry_after": None, "unstable_ties": True}
    crm.session.post(f"{url}/options", json=settings)
    assert len(crm.page("lesson/index")["items"]) == 20
    fault = {"kind": "error_503", "at": "[2, 3]", "rate": "", "match": "lesson"}
    crm.session.post(f"{url}/fault", data=fault)
    assert [crm.post("1/lesson/index").status_code for _ in range(4)] == [200, 503, 503, 200]
    crm.session.post(f"{url}/faults/clear")
    assert crm.simulator.faults.active == []


def test_the_page_for_a_person(crm: Client) -> None:
    """It shows the day, lessons, faults, options and actions; its forms lead back to it."""
    url = crm.simulator.url
    tables = crm.simulator.school.tables
    shown = next(row for row in tables.visible_lessons() if row.date == TODAY and row.details)
    pupil = shown.details[0].customer_id
    crm.simulator.school.act("rename", customer=pupil, name="<script>alert(1)</script>")
    page = crm.session.get(f"{url}/").text
    assert "Saturday, 21 November 2026" in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert f"#{shown.id} " in page
    assert "change_group" in page
    assert 'name="page_size_default" value="50"' in page
    form = {"lesson": shown.id, "customer": pupil, "is_attend": "null"}
    done = crm.session.post(f"{url}/control/mark", data=form)
    assert done.url == f"{url}/"
    assert shown.details[0].is_attend is None
    crm.simulator.faults.add("drip", rate=0.5, times=2)
    assert "struck 0 of 0" in crm.session.get(f"{url}/").text


def test_edits_while_reading_leave_every_answer_whole(crm: Client) -> None:
    """An answer given while days go by is the state before or after, never a mixture that fails."""
    stop = threading.Event()

    def edit() -> None:
        while not stop.is_set():
            requests.post(f"{crm.simulator.url}/control/advance", timeout=10)

    editor = threading.Thread(target=edit)
    editor.start()
    try:
        for _ in range(15):
            page = crm.page("lesson/index", {"pageSize": 500})
            assert page["count"] == len(page["items"]) == min(page["total"], 500)
    finally:
        stop.set()
        editor.join()
