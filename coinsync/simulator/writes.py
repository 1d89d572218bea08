"""Creating, changing and deleting through the API: there, so that a test can prove that nobody does it."""

from collections.abc import Callable
from datetime import date
from typing import Any, Literal

from coinsync.simulator.dialect import (
    Call,
    Row,
    as_number,
    as_numbers,
    not_found,
    parameter_missing,
)
from coinsync.simulator.options import Options
from coinsync.simulator.records import CANCELLED, CONDUCTED, PLANNED
from coinsync.simulator.school import School
from coinsync.simulator.shapes import Shapes

_OF_STATUS = {PLANNED: "plan", CANCELLED: "cancel", CONDUCTED: "conduct"}


class Invalid(Exception):
    """A field of the model is missing or wrong."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


class Writes:
    """Carries out what a client writes; an invalid model is refused with status 200, as the CRM does it."""

    def __init__(self, school: School, options: Options) -> None:
        self._school = school
        self._shapes = Shapes(school.books, options)
        self._writers: dict[tuple[str, str], Callable[[Call, int], Row]] = {
            ("customer", "create"): self._create_customer,
            ("customer", "update"): self._update_customer,
            ("customer", "delete"): self._delete_customer,
            ("lesson", "create"): self._create_lesson,
            ("lesson", "update"): self._update_lesson,
            ("lesson", "delete"): self._delete_lesson,
            ("lesson", "teach"): self._teach_lesson,
        }

    def knows(self, entity: str, action: str) -> bool:
        """Whether that entity can be written so."""
        return (entity, action) in self._writers

    def write(self, entity: str, action: str, call: Call, branch: int) -> Row:
        """Write, and answer with the model, or with the errors of its fields."""
        try:
            model = self._writers[entity, action](call, branch)
        except Invalid as error:
            return {"success": False, "errors": {error.field: [str(error)]}, "model": call.fields()}
        return {"success": True, "errors": [], "model": model}

    # Cards

    def _create_customer(self, call: Call, branch: int) -> Row:
        fields = call.fields()
        name = fields.get("name")
        if not isinstance(name, str) or not name.strip():
            raise Invalid("name", "Необходимо заполнить «Имя».")
        is_study: Literal[0, 1] = 1 if as_number(fields.get("is_study")) else 0
        return self._customer(self._school.add_customer(branch, name, is_study))

    def _update_customer(self, call: Call, branch: int) -> Row:
        number, fields = _known(call, self._school.books.customers), call.fields()
        card = self._school.books.customers[number]
        if isinstance(fields.get("name"), str) and fields["name"] != card.name:
            self._try("name", self._school.rename, number, fields["name"])
        is_study = as_number(fields.get("is_study"))
        if is_study in (0, 1) and is_study != card.is_study:
            self._school.act("to_client" if is_study else "to_lead", customer=number)
        return self._customer(number)

    def _delete_customer(self, call: Call, branch: int) -> Row:
        number = _known(call, self._school.books.customers)
        model = self._customer(number)
        self._school.remove_customer(number)
        return model

    def _customer(self, number: int) -> Row:
        return self._shapes.customer(self._school.books.customers[number])

    # Lessons

    def _create_lesson(self, call: Call, branch: int) -> Row:
        fields = call.fields()
        kind, day = as_number(fields.get("lesson_type_id")), _day(fields.get("date"))
        if kind is None:
            raise Invalid("lesson_type_id", "Необходимо заполнить «Тип урока».")
        if day is None:
            raise Invalid("date", "Необходимо заполнить «Дата».")
        groups = sorted(as_numbers(fields.get("group_ids")) or ())
        pupils = tuple(sorted(as_numbers(fields.get("customer_ids")) or ()))
        group = groups[0] if groups else None
        number = self._try(
            "lesson_type_id", self._school.add_lesson, branch, group, day, kind, pupils
        )
        return self._lesson(number)

    def _update_lesson(self, call: Call, branch: int) -> Row:
        number, fields = self._existing_lesson(call), call.fields()
        lesson = self._school.books.lessons[number]
        status, day = as_number(fields.get("status")), _day(fields.get("date"))
        kind = as_number(fields.get("lesson_type_id"))
        if day is not None and day != lesson.date:
            self._school.move(number, day)
        if kind is not None and kind != lesson.lesson_type_id:
            self._try("lesson_type_id", self._school.retype, number, kind)
        if status in _OF_STATUS and status != lesson.status:
            self._school.act(_OF_STATUS[status], lesson=number)
        return self._lesson(number)

    def _delete_lesson(self, call: Call, branch: int) -> Row:
        number = self._existing_lesson(call)
        self._school.delete(number)
        return self._lesson(number)

    def _teach_lesson(self, call: Call, branch: int) -> Row:
        number = self._existing_lesson(call)
        self._school.conduct(number)
        return self._lesson(number)

    def _existing_lesson(self, call: Call) -> int:
        number = _known(call, self._school.books.lessons)
        if self._school.books.lessons[number].deleted:
            raise not_found()
        return number

    def _lesson(self, number: int) -> Row:
        return self._shapes.lesson(self._school.books.lessons[number])

    @staticmethod
    def _try(field: str, write: Callable[..., Any], *arguments: object) -> Any:
        try:
            return write(*arguments)
        except ValueError as error:
            raise Invalid(field, str(error)) from None


def _known(call: Call, records: dict[int, Any]) -> int:
    """The number in the query, of a record that exists."""
    if "id" not in call.query:
        raise parameter_missing("id")
    number = as_number(call.query["id"])
    if number is None or number not in records:
        raise not_found()
    return number


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
