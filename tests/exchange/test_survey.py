"""What is counted in an AlfaCRM for whoever sets a school up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest

from coinsync.config.settings import ResidentSettings
from coinsync.errors import IncompleteRead
from coinsync.exchange.alfacrm import AlfaCrmSurvey
from coinsync.exchange.http import Http
from coinsync.exchange.wire import Bounds
from tests.exchange.test_alfacrm import Scripted, page
from tests.support.school import KEY, TODAY, a_school, listening

#: Those of the made-up school, and one that it does not have.
TYPES = (1, 2, 3, 4, 9)
SINCE = TODAY - timedelta(days=13)


@contextmanager
def survey_of(http: Http) -> Iterator[AlfaCrmSurvey]:
    """A survey through a connection."""
    survey = AlfaCrmSurvey(http, ResidentSettings(), page_size=500)
    try:
        yield survey
    finally:
        survey.close()


def scripted(answer: Callable[[str, Mapping[str, Any]], dict[str, Any]]) -> Any:
    """A survey of a CRM whose answers a function gives."""
    return survey_of(Scripted(answer))


def test_lessons_are_counted_by_type() -> None:
    """As many as were held in those days, in few small requests."""
    with listening(a_school()) as simulator:
        http = Http(
            simulator.url,
            "api@school.example",
            KEY,
            clock=lambda: 0.0,
            sleep=lambda _seconds: None,
            bounds=Bounds(),
        )
        with survey_of(http) as survey:
            counts = survey.lessons_by_type([1, 2], TYPES, SINCE, TODAY)
        lessons = [*simulator.school.tables.visible_lessons()]
        asked = [one.fields() for one in simulator.requests if "lesson/index" in one.path]
    held = [one for one in lessons if one.status == 3 and SINCE <= one.date <= TODAY]
    expected = Counter(one.lesson_type_id for one in held)
    assert expected[2] > 10
    assert [counts[id] for id in TYPES] == [expected[id] for id in TYPES]
    assert len(asked) == 10
    assert max(body["pageSize"] for body in asked) == 10


def test_a_filter_that_is_ignored_is_not_believed() -> None:
    """All lessons come for every type; then nothing is known about any."""
    rows: list[dict[str, Any]] = [{"id": 1, "lesson_type_id": 2}, {"id": 2, "lesson_type_id": "3"}]
    with (
        scripted(lambda _path, _body: page(rows)) as survey,
        pytest.raises(IncompleteRead, match="cannot be counted"),
    ):
        survey.lessons_by_type([1], [2, 3], date(2026, 11, 1), TODAY)


CARDS = [
    {"id": 101, "name": "Иванова Ада", "custom_vk": "https://vk.com/ada_i", "phone": ["+7 900 1"]},
    {"id": 102, "custom_vk": "id900000002", "custom_tg": "@vera", "web": ["https://vk.ru/vera"]},
    {"id": 103, "custom_vk": "спросить", "custom_tg": "@zoya", "email": ["zoya@vk.example"]},
    {"id": 104, "custom_vk": "@lev", "note": "мама Анна, vk.com/anna. Телефон 8 900", "dob": ""},
    {"id": 105, "custom_vk": "", "custom_school": "liceum2", "note": "vk.com/wall-1_2"},
]


def test_fields_that_name_vk_pages() -> None:
    """The one that most cards use stands first; a name, a telephone, another network is no page."""
    asked: list[Mapping[str, Any]] = []

    def answer(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        asked.append(body)
        # Ada belongs to two branches.
        return page(CARDS if path.startswith("1/") else CARDS[:1])

    with scripted(answer) as survey:
        pupils, pages = survey.vk_fields([1, 2])
    assert pupils == 5
    assert pages == {"custom_vk": 3, "web": 1, "note": 1}
    assert [(body["is_study"], body["removed"]) for body in asked] == [(1, 0), (1, 0)]


def test_nobody_is_named() -> None:
    """What a survey gives holds numbers and names of fields."""
    with scripted(lambda _path, _body: page(CARDS)) as survey:
        shown = repr(survey.vk_fields([1]))
    for text in ("ada", "vera", "anna", "900000002"):
        assert text not in shown
