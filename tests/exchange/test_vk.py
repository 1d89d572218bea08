"""Screen names become numbers through VK's API over real HTTP; no answer makes a wrong link."""

import json
import traceback
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import FrozenInstanceError, replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coinsync.core.facts import PageKind
from coinsync.errors import CoinsyncError, VkRefused, VkUnavailable
from coinsync.exchange import vk
from coinsync.exchange.vk import VkAnswer, VkApi
from tests.exchange.test_http import Stub, Time, endless, says
from tests.support.vk_double import CUT_JSON, DROP, HTML, Trouble, VkDouble

KEY = "service-key-that-nobody-may-see"
ADA = {"id": 101, "screen_name": "ada.example"}
BORIS = {"id": 102, "screen_name": "Boris_Example"}
CHESS = {"screen_name": "chess_club", "type": "group", "object_id": 7}
NOBODY, COMMUNITY, GONE = (
    VkAnswer(PageKind.NOBODY),
    VkAnswer(PageKind.COMMUNITY),
    VkAnswer(PageKind.GONE),
)


def fault(code: int) -> Trouble:
    """One of VK's own errors."""
    return Trouble(code=code)


def person(number: int) -> VkAnswer:
    """A living one."""
    return VkAnswer(PageKind.PERSON, number)


def crowd(size: int) -> list[dict[str, Any]]:
    """So many people."""
    return [{"id": 1000 + n, "screen_name": f"pupil_{n:04}"} for n in range(size)]


def names_of(people: Collection[Mapping[str, Any]]) -> list[str]:
    """Their screen names as the CRM's text gives them: in lower case."""
    return [str(one["screen_name"]).lower() for one in people]


@contextmanager
def opened(
    url: str, *, key: str = KEY, clock: Time | None = None, **bounds: Any
) -> Iterator[VkApi]:
    """A client that waits for nothing really."""
    timing = clock or Time()
    api = VkApi(url, key, clock=timing, sleep=timing.sleep, bounds=replace(vk.BOUNDS, **bounds))
    try:
        yield api
    finally:
        api.close()


@contextmanager
def pretended(
    people: Collection[Mapping[str, Any]] = (ADA, BORIS),
    others: Collection[Mapping[str, Any]] = (CHESS,),
    *,
    clock: Time | None = None,
    per_second: int | None = None,
    **bounds: Any,
) -> Iterator[tuple[VkDouble, VkApi]]:
    """VK's double and a client of it, on one clock."""
    timing = clock or Time()
    with (
        VkDouble(
            list(people), list(others), key=KEY, per_second=per_second, clock=timing
        ) as double,
        opened(double.url, clock=timing, **bounds) as api,
    ):
        yield double, api


def told(error: BaseException) -> str:
    """Everything that a person may see of an error: messages, notes and the whole traceback."""
    whole = "".join(traceback.format_exception(error))
    advice = error.advice if isinstance(error, CoinsyncError) else ""
    return f"{error} {error!r} {error.args} {advice} {whole} {vars(error)}"


# Who is who


def test_people_are_found_by_name_in_whatever_order_and_case_they_come() -> None:
    """VK's double shuffles, and shows names as their owners write them."""
    people = [*crowd(40), BORIS, ADA]
    with pretended(people) as (double, api):
        found = api.resolve(names_of(people))
    assert found.error is None
    assert found.answers == {
        str(one["screen_name"]).lower(): person(int(one["id"])) for one in people
    }
    assert double.methods() == ["users.get"]


def test_a_name_given_twice_is_asked_once() -> None:
    """Two residents may share a parent."""
    with pretended() as (double, api):
        assert api.resolve(["ada.example", "ada.example"]).answers == {"ada.example": person(101)}
    assert double.calls[0].names == ["ada.example"]


def test_nobody_and_a_community_are_told_apart() -> None:
    """Both are left out by ``users.get``, so each is asked by itself."""
    with pretended() as (double, api):
        found = api.resolve(["nobody_here", "ada.example", "chess_club"])
    assert found.answers == {
        "ada.example": person(101),
        "chess_club": COMMUNITY,
        "nobody_here": NOBODY,
    }
    assert double.methods() == ["users.get", "utils.resolveScreenName", "utils.resolveScreenName"]


@pytest.mark.parametrize(
    "kind",
    [
        "group",
        "application",
        "event",
        "page",
        "vk_app",
        "community_application",
        "not_yet_invented",
    ],
)
def test_what_is_no_person_is_never_linked(kind: str) -> None:
    """Whatever else a name may stand for."""
    with pretended(others=[{**CHESS, "type": kind}]) as (_, api):
        assert api.resolve(["chess_club"]).answers == {"chess_club": COMMUNITY}


@pytest.mark.parametrize("fate", ["deleted", "banned"])
def test_who_is_deleted_or_banned_is_gone(fate: str) -> None:
    """And has no number to link to, also when VK hides the screen name."""
    shown = {"id": 5, "screen_name": "vera_example", "deactivated": fate}
    hidden = {"id": 6, "screen_name": "gleb_example", "deactivated": fate, "nameless": True}
    with pretended([shown, hidden, ADA]) as (_, api):
        found = api.resolve(["vera_example", "gleb_example", "ada.example"])
    assert found.answers == {"vera_example": GONE, "gleb_example": GONE, "ada.example": person(101)}


def test_who_took_the_name_meanwhile_is_a_person() -> None:
    """Left out by the first question, known to the second."""
    with pretended(others=[{"screen_name": "new_name", "type": "user", "object_id": 77}]) as (
        _,
        api,
    ):
        assert api.resolve(["new_name"]).answers == {"new_name": person(77)}


def test_nothing_is_asked_for_nobody() -> None:
    """No names, no call."""
    with pretended() as (double, api):
        found = api.resolve([])
        assert (found.answers, found.error) == ({}, None)
        assert api.calls == len(double.calls) == 0


@pytest.mark.parametrize(
    "text", ["5", "id5", "ada,boris", "Ada.Example", "ada example", "a", "", "адам", "a" * 65, "-1"]
)
def test_what_is_no_screen_name_is_not_asked(text: str) -> None:
    """A comma would ask for somebody else besides, a number is asked by nobody."""
    with pretended() as (double, api):
        found = api.resolve([text])
    assert (found.answers, found.error, double.calls) == ({}, None, [])


def test_answers_do_not_change() -> None:
    """They are values."""
    with pytest.raises(FrozenInstanceError):
        NOBODY.number = 5  # type: ignore[misc]


# What is sent


def test_a_question_is_a_form_with_the_key_in_the_header() -> None:
    """Address, version, fields; the key stands nowhere else."""
    with pretended() as (double, api):
        api.resolve(["ada.example", "nobody_here"])
    first, second = double.calls
    assert (first.verb, first.method) == ("POST", "users.get")
    assert first.params == {
        "user_ids": "ada.example,nobody_here",
        "fields": "screen_name",
        "v": "5.199",
    }
    assert second.params == {"screen_name": "nobody_here", "v": "5.199"}
    for call in (first, second):
        assert call.headers["authorization"] == f"Bearer {KEY}"
        assert call.headers["content-type"] == "application/x-www-form-urlencoded"


def test_a_slash_after_the_host_does_no_harm() -> None:
    """One slash all the same."""
    with VkDouble([ADA], key=KEY) as double, opened(double.url + "/") as api:
        assert api.resolve(["ada.example"]).answers == {"ada.example": person(101)}


@pytest.mark.parametrize(("size", "calls"), [(1, 1), (999, 1), (1000, 1), (1001, 2), (2500, 3)])
def test_a_thousand_names_are_one_question(size: int, calls: int) -> None:
    """As many as VK takes at once."""
    people = crowd(size)
    with pretended(people) as (double, api):
        found = api.resolve(names_of(people))
    assert len(found.answers) == size
    assert all(
        found.answers[name] == person(int(one["id"]))
        for name, one in zip(names_of(people), people, strict=True)
    )
    assert double.methods() == ["users.get"] * calls
    assert max(len(call.names) for call in double.calls) <= 1000


def test_single_questions_are_bounded() -> None:
    """What is beyond the bound is not answered this time, and that is no error."""
    names = [f"nobody_{n:03}" for n in range(vk.SINGLES_MAX + 20)]
    with pretended() as (double, api):
        found = api.resolve([*names, "ada.example"])
    assert found.error is None
    assert found.answers == {
        "ada.example": person(101),
        **dict.fromkeys(names[: vk.SINGLES_MAX], NOBODY),
    }
    assert len(double.calls) == 1 + vk.SINGLES_MAX


def test_calls_keep_to_the_pace() -> None:
    """VK's three calls in any second are never exceeded, tries and both methods among them."""
    clock = Time()
    with pretended(clock=clock, per_second=3) as (double, api):
        double.next(fault(10), after=5)
        found = api.resolve([f"nobody_{n}" for n in range(30)])
    assert found.error is None
    assert len(found.answers) == 30
    moments = [call.at for call in double.calls]
    assert len(moments) == 32
    assert all(later - earlier > 1 / 3 for earlier, later in pairwise(moments))


# Errors that pass


PASSING = {
    "unknown": fault(1),
    "internal": fault(10),
    "crowd": fault(6),
    "500": Trouble(status=500),
    "503": Trouble(status=503),
    "429": Trouble(status=429, headers={"Retry-After": "2"}),
    "html": HTML,
    "cut": CUT_JSON,
    "drop": DROP,
    "empty": Trouble(body=b""),
    "neither": Trouble(body=b"{}"),
}


@pytest.mark.parametrize("trouble", PASSING.values(), ids=PASSING)
def test_what_passes_is_not_told(trouble: Trouble) -> None:
    """Three times, and then the answer."""
    with pretended() as (double, api):
        double.next(trouble, times=3)
        found = api.resolve(["ada.example"])
    assert (found.answers, found.error) == ({"ada.example": person(101)}, None)
    assert len(double.calls) == 4


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        (fault(1), "VK out of reach (error 1), 4 tries"),
        (fault(10), "VK out of reach (error 10), 4 tries"),
        (fault(6), "VK answers that there are too many requests (error 6), 4 tries"),
        (Trouble(status=500), "VK out of reach (HTTP 500), 4 tries"),
        (HTML, "not a VK answer (text/html, 33 bytes), 4 tries"),
        (CUT_JSON, "not a VK answer (application/json, 32 bytes), 4 tries"),
        (DROP, "VK out of reach at {url} (no connection), 4 tries"),
        (Trouble(body=b"[]"), "not a VK answer (application/json, 2 bytes), 4 tries"),
        (
            Trouble(body=b'{"response": [], "response": []}'),
            "not a VK answer (application/json, 32 bytes), 4 tries",
        ),
        (
            Trouble(body=b'{"response": NaN}'),
            "not a VK answer (application/json, 17 bytes), 4 tries",
        ),
        (Trouble(body=b"{}"), "not a VK answer (users.get in an unknown form), 4 tries"),
        (
            Trouble(body=b'{"error": "invalid_request"}'),
            "not a VK answer (an error without a number), 4 tries",
        ),
        (
            Trouble(body=b'{"error": {"error_code": true}}'),
            "not a VK answer (an error without a number), 4 tries",
        ),
        (
            Trouble(body=b'{"error": {"error_code": -1}}'),
            "not a VK answer (an error without a number), 4 tries",
        ),
        (
            Trouble(body=b'{"error": {"error_code": 100000}}'),
            "not a VK answer (an error without a number), 4 tries",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_stays_is_told_after_four_tries(trouble: Trouble, message: str) -> None:
    """Try later, and what it was."""
    with pretended() as (double, api):
        double.always(trouble)
        found = api.resolve(["ada.example"])
    assert found.answers == {}
    assert isinstance(found.error, VkUnavailable)
    expected = message.replace("{url}", double.url)
    assert (found.error.message, found.error.exit_code) == (expected, 75)
    assert len(double.calls) == 4


def test_after_too_many_requests_there_is_a_real_pause() -> None:
    """At least 0.4 seconds, also where other pauses are short."""
    clock = Time()
    with pretended(clock=clock, pause_seconds=0.0) as (double, api):
        double.next(fault(6), times=3)
        assert api.resolve(["ada.example"]).error is None
    assert all(later.at - earlier.at >= 0.4 for earlier, later in pairwise(double.calls))


def test_the_tries_of_one_question_end_with_their_time() -> None:
    """Whatever their number."""
    clock = Time()
    began = clock.now
    with pretended(clock=clock, tries=1000, tries_seconds=60.0) as (double, api):
        double.always(Trouble(status=502))
        assert isinstance(api.resolve(["ada.example"]).error, VkUnavailable)
    assert clock.now - began <= 60.0 + 1
    assert len(double.calls) < 10


def test_a_run_ends_with_its_time() -> None:
    """Whatever the number of questions; what was found stays."""
    clock = Time()
    with pretended(clock=clock, run_seconds=5.0) as (double, api):
        found = api.resolve(["ada.example", *(f"nobody_{n}" for n in range(40))])
    assert isinstance(found.error, VkUnavailable)
    assert "still reading after 5 s" in found.error.message
    assert found.answers["ada.example"] == person(101)
    assert 10 < len(double.calls) < 20


def test_silence_is_stopped_by_the_time_out() -> None:
    """An answer that does not even begin."""
    with pretended(read_seconds=0.1, tries=1) as (double, api):
        double.always(Trouble(seconds=20.0))
        error = api.resolve(["ada.example"]).error
    assert isinstance(error, VkUnavailable)
    assert "no answer in time" in error.message


def test_an_answer_is_bounded() -> None:
    """A server that never ends is not listened to for ever."""
    flood = endless(says(b"", "Content-Length: 1000000000000"))
    with Stub(flood) as stub, opened(stub.url, answer_bytes=2**20) as api:
        error = api.resolve(["ada.example"]).error
    assert isinstance(error, VkUnavailable)
    assert error.message == "not a VK answer (more than 1048576 bytes)"


# Errors that stop


STOPPING = {
    **dict.fromkeys((9, 29), (VkUnavailable, "VK asks to stop until the next run")),
    14: (VkUnavailable, "VK asks for a captcha"),
    **dict.fromkeys((2, 4, 5, 7, 15, 20, 21, 27, 28), (VkRefused, "VK refused the service key")),
    **dict.fromkeys(
        (3, 17, 603, 99_999), (VkUnavailable, "VK answers with an error that we do not know")
    ),
}


@pytest.mark.parametrize("code", STOPPING)
@pytest.mark.parametrize("singly", [False, True])
def test_an_error_that_stops_is_told_at_once(code: int, singly: bool) -> None:
    """No second try, and no further question, in either method."""
    kind, message = STOPPING[code]
    with pretended() as (double, api):
        double.next(fault(code), after=int(singly))
        found = api.resolve(["ada.example", "nobody_1", "nobody_2"])
    assert type(found.error) is kind
    assert found.error is not None
    assert found.error.message == f"{message} (error {code})"
    assert found.error.exit_code == (2 if kind is VkRefused else 75)
    assert found.answers == ({"ada.example": person(101)} if singly else {})
    assert len(double.calls) == 1 + singly


def test_a_wrong_key_is_refused() -> None:
    """By VK itself, with its error 5."""
    with VkDouble([ADA], key=KEY) as double, opened(double.url, key="another") as api:
        found = api.resolve(["ada.example"])
    assert isinstance(found.error, VkRefused)
    assert found.error.message == "VK refused the service key (error 5)"


@pytest.mark.parametrize("key", ["", " key", "key\n", "key\r\nX-Other: 1", "ключ"])
def test_a_key_that_cannot_be_sent_is_not_sent(key: str) -> None:
    """And not shown."""
    with VkDouble([ADA], key=KEY) as double, opened(double.url, key=key) as api:
        found = api.resolve(["ada.example"])
    assert isinstance(found.error, VkRefused)
    assert found.error.message == "the VK service key cannot be sent as it is written"
    assert double.calls == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
def test_another_status_is_no_answer(status: int) -> None:
    """VK tells its errors with 200, so this comes from somebody else."""
    with pretended() as (double, api):
        double.always(Trouble(status=status))
        error = api.resolve(["ada.example"]).error
    assert isinstance(error, VkUnavailable)
    assert error.message == f"not a VK answer (HTTP {status})"
    assert len(double.calls) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_refused(status: int) -> None:
    """The key is handed to nobody else."""
    with VkDouble(key=KEY) as elsewhere, pretended() as (double, api):
        double.always(
            Trouble(status=status, headers={"Location": f"{elsewhere.url}/method/users.get"})
        )
        error = api.resolve(["ada.example"]).error
        assert elsewhere.calls == []
    assert isinstance(error, VkUnavailable)
    assert error.message == f"not a VK answer (redirect refused, HTTP {status})"
    assert len(double.calls) == 1


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key goes to VK and nowhere else."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with VkDouble(key=KEY) as proxy, pretended() as (_, api):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert api.resolve(["ada.example"]).error is None
        assert proxy.calls == []


# A name that VK does not like


@pytest.mark.parametrize("code", [8, 100, 104, 113])
def test_a_bad_name_in_a_batch_is_found_and_is_nobody(code: int) -> None:
    """The others lose nothing by it: they are asked one by one."""
    people = crowd(20)
    with pretended(people) as (double, api):
        double.refuses["zz_bad"] = double.refuses_singly["zz_bad"] = code
        found = api.resolve([*names_of(people), "zz_bad"])
    assert found.error is None
    assert found.answers == {
        **{f"pupil_{n:04}": person(1000 + n) for n in range(20)},
        "zz_bad": NOBODY,
    }
    assert len(double.calls) == 1 + 21 + 1


def test_a_bad_name_may_still_be_a_community() -> None:
    """VK says "invalid user id" of what is no user."""
    with pretended() as (double, api):
        double.refuses["chess_club"] = 113
        assert api.resolve(["chess_club"]).answers == {"chess_club": COMMUNITY}


@pytest.mark.parametrize("code", [8, 100, 104, 113])
def test_a_name_that_both_methods_refuse_is_nobody(code: int) -> None:
    """Beside others that are answered."""
    with pretended() as (double, api):
        double.refuses["bad_name"] = double.refuses_singly["bad_name"] = code
        found = api.resolve(["ada.example", "bad_name"])
    assert (found.answers, found.error) == ({"ada.example": person(101), "bad_name": NOBODY}, None)


def test_one_answer_to_a_single_question_is_enough_to_believe_a_refusal() -> None:
    """It shows that we ask rightly, though ``users.get`` refused all."""
    with pretended() as (double, api):
        double.refuses.update(unknown=113, worse_name=113)
        double.refuses_singly["worse_name"] = 100
        found = api.resolve(["unknown", "worse_name"])
    assert (found.answers, found.error) == ({"unknown": NOBODY, "worse_name": NOBODY}, None)


@pytest.mark.parametrize("size", [1, 3, 1500])
def test_a_refusal_of_everything_makes_nobody_of_no_one(size: int) -> None:
    """Our question may be wrong, and then nothing is known of the names."""
    with pretended() as (double, api):
        double.always(fault(100))
        found = api.resolve([f"pupil_{n:04}" for n in range(size)])
    assert found.answers == {}
    assert isinstance(found.error, VkUnavailable)
    assert found.error.message == "VK refuses the question (error 100)"
    assert len(double.calls) <= 2 + 2 * vk.SINGLES_MAX + 1


def test_many_bad_names_are_bounded_and_take_nobody_with_them() -> None:
    """Good batches are answered all the same; the rest is for the next run, and it gets smaller."""
    people = crowd(1000)
    bad = [f"bad_{n:04}" for n in range(0, 1000)]
    with pretended(people) as (double, api):
        double.refuses.update(dict.fromkeys(bad, 113))
        found = api.resolve([*bad, *names_of(people)])
        assert found.error is None
        assert sum(answer.kind is PageKind.PERSON for answer in found.answers.values()) == 1000
        nobody = [name for name, answer in found.answers.items() if answer == NOBODY]
        assert len(nobody) == vk.SINGLES_MAX
        assert set(nobody) <= set(bad)
        assert len(double.calls) == 2 + 2 * vk.SINGLES_MAX


def test_who_vk_calls_deleted_is_gone() -> None:
    """Error 18 in place of an answer, in either method."""
    with pretended() as (double, api):
        double.refuses["vera_example"] = 18
        double.refuses_singly["gleb_example"] = 18
        found = api.resolve(["ada.example", "vera_example", "gleb_example"])
    assert found.error is None
    assert found.answers == {"ada.example": person(101), "vera_example": GONE, "gleb_example": GONE}


# What is found stays


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [(fault(29), VkUnavailable), (fault(5), VkRefused), (Trouble(status=500), VkUnavailable)],
    ids=["limit", "key", "server"],
)
def test_what_was_found_before_a_failure_is_kept(
    trouble: Trouble, kind: type[CoinsyncError]
) -> None:
    """A thousand found, the next thousand for the next run."""
    people = crowd(1500)
    with pretended(people) as (double, api):
        double.next(trouble, times=4, after=1)
        found = api.resolve(names_of(people))
    assert type(found.error) is kind
    assert found.answers == {f"pupil_{n:04}": person(1000 + n) for n in range(1000)}


def test_a_second_question_may_follow_a_failure() -> None:
    """The client is not spoilt by it."""
    with pretended() as (double, api):
        double.next(fault(9))
        assert api.resolve(["ada.example"]).error is not None
        assert api.resolve(["ada.example"]).answers == {"ada.example": person(101)}


# Secrets


TELLTALE = {
    **{f"error {code}": fault(code) for code in (1, 5, 6, 9, 14, 18, 100, 113, 777)},
    "500": Trouble(status=500, body=KEY.encode()),
    "redirect": Trouble(status=302, headers={"Location": f"/{KEY}"}),
    "drop": DROP,
    "text": Trouble(body=f'{{"response": "ada.example {KEY}"}}'.encode()),
    "cut": Trouble(body=b'{"ada.example": 1'),
    "twice": Trouble(body=b'{"ada.example": 1, "ada.example": 2}'),
    "code": Trouble(body=b'{"error": {"error_code": "ada.example"}}'),
    "number": Trouble(response=[{"id": "ada.example"}]),
}


@pytest.mark.parametrize("trouble", TELLTALE.values(), ids=TELLTALE)
@pytest.mark.parametrize("singly", [False, True])
def test_no_trouble_tells_the_key_or_a_name(trouble: Trouble, singly: bool) -> None:
    """Neither do messages, advice nor tracebacks repeat what VK echoes of the request."""
    with pretended([BORIS]) as (double, api):
        double.next(trouble, times=40, after=int(singly))
        found = api.resolve(["ada.example"])
        text = f"{told(found.error) if found.error else ''} {api!r}"
    assert "ada.example" not in text
    assert KEY not in text
    assert "request_params" not in text


# Nonsense


@pytest.mark.parametrize(
    "number", [0, -1, 2**63, 10**30, 101.0, "101", True, None, [101], {"id": 101}]
)
@pytest.mark.parametrize("method", ["users.get", "utils.resolveScreenName"])
def test_a_number_that_is_none_is_no_answer(number: object, method: str) -> None:
    """In either method: 1 to 2⁶³−1, or it is not believed."""
    response: Any = {"type": "user", "object_id": number}
    if method == "users.get":
        response = [{"id": 5, "screen_name": "other"}, {"id": number, "screen_name": "ada.example"}]
    with pretended([]) as (double, api):
        double.next(Trouble(response=response), times=4, after=int(method != "users.get"))
        found = api.resolve(["ada.example"])
    assert found.answers == {}
    assert isinstance(found.error, VkUnavailable)
    assert found.error.message == f"not a VK answer ({method} in an unknown form), 4 tries"


@pytest.mark.parametrize(
    "response",
    [
        [{"id": 5, "screen_name": "ada.example"}, {"id": 6, "screen_name": "ADA.example"}],
        [{"id": 5, "screen_name": "ada.example"}, {"id": 5, "screen_name": "boris"}],
        [
            {"id": 5, "screen_name": "ada.example"},
            {"id": 5, "screen_name": "ada.example", "deactivated": "banned"},
        ],
        [{"id": 5, "screen_name": "ada.example", "deactivated": None}],
        [{"id": 5, "screen_name": "ada.example", "deactivated": True}],
        [{"id": 5, "screen_name": "ada.example", "deactivated": ""}],
        [{"id": 5, "screen_name": None}],
        [{"id": 5, "screen_name": 5}],
        [{"screen_name": "ada.example"}],
        [5],
        [None],
        [[]],
        {"0": {"id": 5, "screen_name": "ada.example"}},
        {},
        "ada.example",
        0,
    ],
    ids=str,
)
def test_people_who_contradict_each_other_are_not_believed(response: Any) -> None:
    """One name of two people, two names of one, two fates, or no people at all."""
    with pretended([]) as (double, api):
        double.next(Trouble(response=response), times=4)
        found = api.resolve(["ada.example"])
    assert found.answers == {}
    assert isinstance(found.error, VkUnavailable)


@pytest.mark.parametrize(
    "response",
    [
        {},
        [[]],
        [{"type": "user", "object_id": 5}],
        {"type": "", "object_id": 5},
        {"object_id": 5},
        {"type": "user"},
        {"type": ["user"], "object_id": 5},
        "user",
        5,
    ],
    ids=str,
)
def test_a_single_answer_is_one_thing_or_nothing(response: Any) -> None:
    """Nothing is an empty array and nothing else."""
    with pretended([]) as (double, api):
        double.next(Trouble(response=response), times=4, after=1)
        found = api.resolve(["ada.example"])
    assert found.answers == {}
    assert isinstance(found.error, VkUnavailable)


def test_a_repeated_person_is_one_person() -> None:
    """The same words twice say nothing new."""
    twice = [{"id": 5, "screen_name": "ada.example"}] * 2
    with pretended([]) as (double, api):
        double.next(Trouble(response=twice))
        assert api.resolve(["ada.example"]).answers == {"ada.example": person(5)}


@pytest.mark.parametrize(
    "lookalike", ["\u212airill", "kirıll", "ки­rill", "kirill\u200b", " kirill", "kirill."]
)
def test_a_lookalike_is_somebody_else(lookalike: str) -> None:
    """Also one that becomes Latin in lower case, as the sign for Kelvin does."""
    with pretended([]) as (double, api):
        double.next(Trouble(response=[{"id": 5, "screen_name": lookalike}]))
        assert api.resolve(["kirill"]).answers == {"kirill": NOBODY}


def test_who_was_not_asked_for_is_not_linked() -> None:
    """However many come besides, in whatever place."""
    besides = [{"id": 5, "screen_name": "somebody"}, {"id": 6}, {"id": 7, "screen_name": "id7"}]
    with pretended([]) as (double, api):
        double.next(Trouble(response=besides))
        assert api.resolve(["ada.example"]).answers == {"ada.example": NOBODY}


ASKED = ("ada.example", "boris_example", "chess_club")
TEXTS = st.sampled_from([*ASKED, *(name.upper() for name in ASKED), "other", "id5", ""]) | st.text(
    max_size=8
)
NUMBERS = (
    st.integers()
    | st.integers(1, 5)
    | st.sampled_from([0, -1, 2**63 - 1, 2**63, 1.0, "1", True, None])
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4)
)
PERSON = st.fixed_dictionaries(
    {"id": NUMBERS, "screen_name": TEXTS | SCALARS},
    optional={
        "deactivated": st.sampled_from(["deleted", "banned", "", None, False]),
        "first_name": ANYTHING,
    },
)
THING = st.fixed_dictionaries(
    {"type": st.sampled_from(["user", "group", ""]) | SCALARS, "object_id": NUMBERS}
)
PEOPLE = st.lists(PERSON, max_size=5)
RESPONSES = st.one_of(ANYTHING, PEOPLE, st.lists(PERSON | ANYTHING, max_size=4))
WHOLES = st.dictionaries(st.sampled_from(["response", "error", "error_code"]), ANYTHING, max_size=3)


@pytest.fixture(scope="module")
def willing() -> Iterator[VkDouble]:
    """A double that answers whatever it is told to, for many examples."""
    with VkDouble(key=KEY) as double:
        yield double


@settings(max_examples=300)
@given(first=RESPONSES, second=ANYTHING | THING)
def test_no_response_makes_a_wrong_link(willing: VkDouble, first: Any, second: Any) -> None:
    """A link is made only where VK names who was asked for, by a number that one can have."""
    willing.next(
        Trouble(response=first) if first is not None else Trouble(body=b'{"response": null}')
    )
    willing.next(
        Trouble(response=second) if second is not None else Trouble(body=b'{"response": null}'),
        times=9,
    )
    with opened(willing.url, tries=1) as api:
        found = api.resolve(ASKED)
    willing.forget()
    assert found.error is None or isinstance(found.error, VkUnavailable)
    assert set(found.answers) <= set(ASKED)
    said = {
        (one["screen_name"].lower(), one["id"])
        for one in (first if isinstance(first, list) else [])
        if isinstance(one, dict)
        and isinstance(one.get("screen_name"), str)
        and type(one.get("id")) is int
    }
    thing = (
        second.get("object_id")
        if isinstance(second, dict) and second.get("type") == "user"
        else None
    )
    for name, answer in found.answers.items():
        assert (answer.number == 0) == (answer.kind is not PageKind.PERSON)
        assert answer.kind is not PageKind.PERSON or (
            1 <= answer.number < 2**63 and type(answer.number) is int
        )
        assert (
            answer.kind is not PageKind.PERSON
            or (name, answer.number) in said
            or answer.number == thing
        )


@settings(max_examples=150)
@given(whole=WHOLES | ANYTHING)
def test_nothing_but_our_errors_comes_of_an_answer(willing: VkDouble, whole: Any) -> None:
    """Whatever stands around or in the place of a response."""
    willing.next(Trouble(body=json.dumps(whole).encode()), times=9)
    with opened(willing.url, tries=1) as api:
        found = api.resolve(ASKED)
    willing.forget()
    assert found.error is None or isinstance(found.error, (VkUnavailable, VkRefused))
    assert set(found.answers) <= set(ASKED)


# The double itself


def asked(
    double: VkDouble, method: str, query: str = "", body: bytes | None = None, **headers: str
) -> Any:
    """What the double says to a question that our client would not put."""
    url = f"{double.url}/method/{method}{'?' if query else ''}{query}"
    request = urllib.request.Request(
        url, data=body, headers={"Authorization": f"Bearer {KEY}", **headers}
    )
    with urllib.request.urlopen(request, timeout=5) as response:
        return json.load(response)


def test_the_double_is_as_strict_as_vk() -> None:
    """Version, method and key count, JSON does not; ids and names may be mixed, and GET works."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    with VkDouble([ADA, BORIS], [CHESS], key=KEY, per_second=None) as double:
        assert asked(double, "users.get", "user_ids=101")["error"]["error_code"] == 8
        assert asked(double, "users.GET", "user_ids=101&v=5.199")["error"]["error_code"] == 3
        assert (
            asked(double, "users.get", "user_ids=101&v=5.199", Authorization="Bearer x")["error"][
                "error_code"
            ]
            == 5
        )
        many = "user_ids=" + ",".join(str(n) for n in range(1001)) + "&v=5.199"
        refused = asked(double, "users.get", body=many.encode(), **form)["error"]
        assert refused["error_code"] == 100
        assert {"key": "v", "value": "5.199"} in refused["request_params"]
        json_body = {"Content-Type": "application/json"}
        assert (
            asked(double, "users.get", "v=5.199", b'{"user_ids": "101"}', **json_body)["error"][
                "error_code"
            ]
            == 100
        )
        mixed = asked(
            double, "users.get", "user_ids=id101,BORIS_example,chess_club,nobody&v=5.199"
        )["response"]
        assert {one["id"] for one in mixed} == {101, 102}
        assert all("screen_name" not in one for one in mixed)
        assert asked(double, "utils.resolveScreenName", "screen_name=chess_club&v=5.199") == {
            "response": {"type": "group", "object_id": 7}
        }
        assert asked(double, "utils.resolveScreenName", "screen_name=nobody&v=5.199") == {
            "response": []
        }


def test_the_double_allows_so_many_calls_a_second() -> None:
    """The fourth is refused, and a second later all is well."""
    clock = Time()
    with VkDouble([ADA], key=KEY, per_second=3, clock=clock) as double:
        said = [asked(double, "users.get", "user_ids=101&v=5.199") for _ in range(4)]
        assert ["response" in one for one in said] == [True, True, True, False]
        assert said[3]["error"]["error_code"] == 6
        clock.now += 1.0
        assert "response" in asked(double, "users.get", "user_ids=101&v=5.199")
