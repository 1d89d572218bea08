"""The example of docs/exchange.md keeps the contract, as it stands there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from coinsync.core.facts import ALWAYS, Mark, Presence, Status
from coinsync.exchange.base import Exchange
from coinsync.simulator import School
from tests.exchange.test_alfacrm import (
    line_in_books,
    memberships_in_books,
    records_in_books,
    residents_in_books,
)
from tests.exchange.test_contract import BRANCHES, SCHOOL, ExchangeContract

DOCUMENT = Path(__file__).parents[2] / "docs" / "exchange.md"
STATES = {Status.PLANNED: "planned", Status.CANCELLED: "cancelled", Status.CONDUCTED: "held"}
MARKS = {Mark.ATTENDED: "yes", Mark.ABSENT: "no", Mark.NOT_MARKED: None}
CARDS = {Presence.CLIENT: "pupil", Presence.LEAD: "lead", Presence.ARCHIVED: "left"}


def example() -> dict[str, Any]:
    """The names that the one program of the document makes."""
    (program,) = re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.M | re.S)
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(program, str(DOCUMENT), "exec"), names)
    return names


def export(school: School) -> dict[str, Any]:
    """The school in the words of the made-up CRM."""
    tables = school.tables
    lists: dict[str, Any] = {
        "branches": [{"id": one.id, "name": one.name} for one in tables.branches.values()],
        "types": [
            {"id": one.id, "name": one.name, "base": one.base}
            for one in tables.lesson_types.values()
        ],
        "groups": [
            {"id": one.id, "name": one.name, "branch": one.branch_id}
            for one in tables.groups.values()
        ],
    }
    cards, members, lessons = {}, [], []
    for branch in BRANCHES:
        cards.update(residents_in_books(school, branch))
        members += sorted(memberships_in_books(school, branch), key=str)
        lessons += list(records_in_books(school, branch, ALWAYS).values())
    lists["pupils"] = [
        {
            "id": card.id,
            "name": card.name,
            "branches": list(card.branches),
            "vk": card.vk,
            "state": CARDS[card.presence],
        }
        for card in cards.values()
    ]
    lists["members"] = [
        {"pupil": one.resident, "group": one.group, "since": one.since, "until": one.until}
        for one in members
    ]
    lines = [
        line_in_books(one)
        for one in tables.regular_lessons.values()
        if one.related_class == "Group"
    ]
    lists["timetable"] = [
        {
            "id": line.id,
            "group": line.group,
            "weekdays": line.weekdays,
            "starts": line.starts,
            "since": line.since,
            "until": line.until,
        }
        for line in lines
    ]
    lists["lessons"] = [
        {
            "id": record.lesson.id,
            "branch": record.lesson.branch,
            "day": record.lesson.date,
            "starts": record.lesson.starts,
            "type": record.lesson.type,
            "state": STATES[record.lesson.status],
            "groups": list(record.lesson.groups),
            "subject": record.lesson.subject,
            "marks": {one.resident: MARKS[one.mark] for one in record.attendance},
        }
        for record in lessons
    ]
    return lists


class TestJsonExport(ExchangeContract):
    """One JSON file keeps the contract."""

    tells_the_line = False

    @pytest.fixture
    def exchange(self, tmp_path: Path) -> Exchange:
        """All is well."""
        return self.reading(tmp_path, export(SCHOOL))

    @pytest.fixture
    def broken(self, tmp_path: Path) -> Exchange:
        """The list of lessons is missing."""
        lists = export(SCHOOL)
        del lists["lessons"]
        return self.reading(tmp_path, lists)

    @pytest.fixture
    def spoilt(self, tmp_path: Path) -> Exchange:
        """The first lesson is in a state that nobody knows."""
        lists = export(SCHOOL)
        first = next(one for one in lists["lessons"] if one["branch"] == BRANCHES[0])
        first["state"] = "perhaps"
        return self.reading(tmp_path, lists)

    def reading(self, folder: Path, lists: dict[str, Any]) -> Exchange:
        """An exchange of the example over a file."""
        path = folder / "school.json"
        path.write_text(json.dumps(lists, default=str), encoding="utf-8")
        exchange: Exchange = example()["JsonExchange"](path)
        return exchange
