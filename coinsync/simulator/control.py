"""What a person may ask of the simulator and change in it, as plain values in and out."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from coinsync.simulator import actions
from coinsync.simulator.arguments import as_type
from coinsync.simulator.faults import KINDS, Faults
from coinsync.simulator.options import Options
from coinsync.simulator.records import Lesson
from coinsync.simulator.school import School

STATUS_NAMES = {1: "planned", 2: "cancelled", 3: "conducted"}


class Control:
    """The switchboard. Every method raises ValueError with one line when it cannot do what it is asked."""

    def __init__(
        self, school: School, options: Options, faults: Faults, on_change: Callable[[], None] | None
    ) -> None:
        self.school = school
        self.options = options
        self.faults = faults
        self._on_change = on_change

    def overview(self) -> dict[str, Any]:
        """Where the school stands, and everything that can be done to it."""
        books = self.school.books
        return {
            "today": self.school.today.isoformat(),
            "branches": {one.id: one.name for one in books.branches.values()},
            "counts": {
                "customers": len(books.customers),
                "groups": len(books.groups),
                "lessons": len(books.visible_lessons()),
                "log": len(books.log),
            },
            "options": self.options.described(),
            "faults": self.faults.described(),
            "fault_kinds": KINDS,
            "actions": actions.described(),
            "taken": self.school.actions,
        }

    def lessons(self, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Lessons of a branch, of one date or since and until a date, newest first."""
        since = _day(query, "since") or _day(query, "date")
        until = _day(query, "until") or _day(query, "date")
        branch = as_type("branch", query.get("branch"), int | None)
        found = [
            one
            for one in self.school.books.visible_lessons()
            if (branch is None or one.branch_id == branch)
            and (since is None or one.date >= since)
            and (until is None or one.date <= until)
        ]
        found.sort(key=lambda one: (one.date, one.start, one.id), reverse=True)
        return [self._lesson(one) for one in found]

    def _lesson(self, lesson: Lesson) -> dict[str, Any]:
        books = self.school.books
        return {
            "lesson": lesson.id,
            "branch": lesson.branch_id,
            "date": lesson.date.isoformat(),
            "start": f"{lesson.start:%H:%M}",
            "type": books.lesson_types[lesson.lesson_type_id].name,
            "status": STATUS_NAMES[lesson.status],
            "groups": [books.groups[one].name for one in lesson.group_ids],
            "marks": {
                one: getattr(lesson.detail_of(one), "is_attend", None)
                for one in books.expected(lesson)
            },
        }

    def customers(self) -> list[dict[str, Any]]:
        """All cards, by number."""
        books = self.school.books
        return [
            {
                "customer": one.id,
                "name": one.name,
                "branches": one.branch_ids,
                "is_study": one.is_study,
                "archived": one.archived_on(books.today),
                "groups": books.groups_on(one.id, books.today),
                "vk": one.vk,
            }
            for one in sorted(books.customers.values(), key=lambda card: card.id)
        ]

    def do(self, what: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out one request of a person and say what came of it."""
        if what == "options":
            for name, value in arguments.items():
                self.options.set(name, value)
            return {"options": self.options.described()}
        if what == "fault":
            settings = dict(arguments)
            self.faults.add(settings.pop("kind", None), **settings)
        elif what == "faults/clear":
            self.faults.clear()
        elif what == "faults/remove":
            self._remove_fault(as_type("number", arguments.get("number"), int))
        else:
            result = self.school.act(what, **arguments)
            self.changed()
            return {"result": result, "today": self.school.today.isoformat()}
        return {"faults": self.faults.described()}

    def changed(self) -> None:
        """Tell whoever wants to know that the school is another one now."""
        if self._on_change is not None:
            self._on_change()

    def _remove_fault(self, number: int) -> None:
        if not 0 <= number < len(self.faults.active):
            raise ValueError(f"there is no fault {number}")
        self.faults.remove(self.faults.active[number])


def _day(query: Mapping[str, Any], name: str) -> date | None:
    day: date | None = as_type(name, query[name], date) if query.get(name) else None
    return day
