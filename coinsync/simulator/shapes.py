"""Records as AlfaCRM prints them, with the mixture of types that its rows have."""

from datetime import date, datetime, time, timedelta
from typing import Any

from coinsync.simulator import names
from coinsync.simulator.chance import Chance
from coinsync.simulator.dialect import Row
from coinsync.simulator.options import Options
from coinsync.simulator.records import (
    INDIVIDUAL,
    PLANNED,
    Branch,
    Customer,
    Detail,
    Group,
    Lesson,
    LessonType,
    LogRow,
    Membership,
    RegularLesson,
    Room,
    Subject,
    Teacher,
)
from coinsync.simulator.register import Register

_REASONS = {2: "Болезнь", 4: "Не пришёл"}


class Shapes:
    """Prints records. The variations depend on the record alone: a row looks the same in every read."""

    def __init__(self, books: Register, options: Options) -> None:
        self._books = books
        self._options = options
        self._chance = Chance(0)

    # Lessons

    def lesson(self, lesson: Lesson) -> Row:
        """A row of `lesson/index`."""
        share = self._chance.share("lesson", lesson.id)
        bare = lesson.status == PLANNED and not self._options.details_on_planned
        row: Row = {
            "id": lesson.id,
            "branch_id": lesson.branch_id,
            "date": lesson.date.isoformat(),
            "time_from": f"{lesson.date} {lesson.start:%H:%M}:01",
            "time_to": f"{lesson.date} {self._end(lesson, share):%H:%M:%S}",
            "lesson_type_id": lesson.lesson_type_id,
            "status": lesson.status,
            "subject_id": lesson.subject_id,
            "room_id": lesson.room_id if share < 0.9 else None,
            "teacher_ids": self._teachers(lesson.teacher_id),
            "customer_ids": [] if bare else list(lesson.customer_ids),
            "group_ids": list(lesson.group_ids),
            "streaming": False if share < 0.8 else [],
            "note": names.LESSON_NOTES[lesson.id % len(names.LESSON_NOTES)],
            "topic": names.TOPICS[lesson.id % len(names.TOPICS)],
            "homework": "" if share < 0.5 else None,
            "details": [] if bare else [self._detail(one, lesson) for one in lesson.details],
        }
        if self._options.regular_id != "missing":
            row["regular_id"] = lesson.regular_id if self._options.regular_id == "present" else None
        return row

    @staticmethod
    def _end(lesson: Lesson, share: float) -> time:
        minutes = 60 if lesson.lesson_type_id == INDIVIDUAL else 90
        seconds = 1 if share < 0.2 else 0
        end = datetime.combine(lesson.date, lesson.start) + timedelta(
            minutes=minutes, seconds=-seconds
        )
        return end.time()

    def _detail(self, detail: Detail, lesson: Lesson) -> Row:
        share = self._chance.share("detail", lesson.id, detail.customer_id)
        row: Row = {
            "id": detail.id,
            "customer_id": str(detail.customer_id) if 0.04 <= share < 0.08 else detail.customer_id,
            "branch_id": lesson.branch_id,
            "is_attend": _mark_in_some_type(detail.is_attend, share),
            "reason_id": detail.reason_id,
            "reason_name": _REASONS.get(detail.reason_id or 0, None if share < 0.5 else ""),
            "commission": _money(detail.commission),
            "ctt_id": 9000 + detail.customer_id if share < 0.7 else None,
            "grade": "4,5" if share > 0.9 else None,
            "homework_grade_id": None,
            "bonus": 0 if share < 0.5 else None,
            "note": "" if share < 0.6 else None,
        }
        if share > 0.93:
            del row["branch_id"]
        if detail.is_attend is None and share > 0.8:
            del row["is_attend"]
        return row

    def _teachers(self, teacher_id: int) -> list[Any]:
        return [
            self._books.teachers[teacher_id].name if self._options.teacher_names else teacher_id
        ]

    # Cards

    def customer(self, card: Customer, with_groups: bool = False) -> Row:
        """A row of `customer/index`."""
        row = self._person(card) | self._payments(card) | self._contacts(card)
        if with_groups and self._options.with_groups != "absent":
            row["groups"] = self._groups_of(card)
        return row

    def _person(self, card: Customer) -> Row:
        client = card.is_study == 1
        taught = self._books.groups_on(card.id, self._books.today)[:1]
        teachers = [self._teachers(self._books.groups[one].teacher_id)[0] for one in taught]
        return {
            "id": card.id,
            "branch_ids": list(card.branch_ids),
            "teacher_ids": teachers if card.id % 3 == 0 else [],
            "name": card.name,
            "barcode": "",
            "color": "#ffcd70" if card.id % 7 == 0 else None,
            "is_study": card.is_study,
            "study_status_id": 1 if client else None,
            "lead_status_id": lead_status_of(card),
            "lead_reject_id": None,
            "lead_source_id": card.id % 4 or None,
            "assigned_id": 0 if card.id % 2 else None,
            "legal_type": 1,
            "legal_name": card.legal_name,
            "company_id": None,
            "dob": f"{card.dob:%d.%m.%Y}" if card.dob and card.id % 5 else "",
        }

    def _payments(self, card: Customer) -> Row:
        client = card.is_study == 1
        balance = self._chance.between(-1_500_000, 900_000, "balance", card.id)
        soon = datetime.combine(self._books.today, time(17, 0, 1)) + timedelta(days=card.id % 6 + 1)
        last = card.last_attended
        return {
            "balance": _money(balance) if client else None,
            "balance_base": _money(balance) if client else None,
            "balance_bonus": 0,
            "paid_count": balance // 45_000 if client else None,
            "paid_lesson_count": balance // 45_000 if client else 0,
            "next_lesson_date": f"{soon}" if client and card.id % 4 else None,
            "paid_till": f"{soon:%Y-%m-%d} 12:00:00" if client and balance > 0 else None,
            "paid_lesson_date": None,
            "last_attend_date": last.isoformat() if last else None,
            "b_date": f"{card.created}",
            "e_date": card.e_date.isoformat(),
        }

    def _contacts(self, card: Customer) -> Row:
        row: Row = {
            "note": names.CUSTOMER_NOTES[card.id % len(names.CUSTOMER_NOTES)],
            "phone": list(card.phone),
            "email": [f"family{card.family}@example.org"] if card.family % 2 else [],
            "web": [],
            "addr": [],
            "custom_gorod": "" if card.id % 2 else self._books.branches[card.branch_ids[0]].name,
            "custom_first_sum": 90 if card.id % 3 else None,
        }
        if card.vk is not None or card.id % 2:
            row["custom_vk"] = card.vk
        if card.id % 4:
            row["custom_datakontrakta"] = f"{card.created:%d.%m.%Y}" if card.id % 4 > 1 else ""
        return row

    def _groups_of(self, card: Customer) -> list[Any]:
        held = [
            one for one in self._books.seats.get(card.id, ()) if one.holds_on(self._books.today)
        ]
        if self._options.with_groups == "ids":
            return [one.group_id for one in held]
        return [
            {
                "id": one.group_id,
                "name": self._books.groups[one.group_id].name,
                "b_date": _dotted(one.b_date),
                "e_date": _dotted(one.e_date),
            }
            for one in held
        ]

    # Groups and timetable

    def group(self, group: Group) -> Row:
        """A row of `group/index`."""
        return {
            "id": group.id,
            "branch_ids": [group.branch_id],
            "teacher_ids": self._teachers(group.teacher_id),
            "name": group.name,
            "level_id": 1,
            "status_id": 2,
            "company_id": None,
            "streaming_id": [],
            "limit": 8,
            "note": "" if group.id % 2 else None,
            "b_date": group.b_date.isoformat(),
            "e_date": group.e_date.isoformat(),
            "subject_id": group.subject_id,
            "custom_workingout": "",
        }

    def membership(self, member: Membership) -> Row:
        """A row of `cgi/index`."""
        return {
            "id": member.id,
            "customer_id": member.customer_id,
            "group_id": member.group_id,
            "b_date": _dotted(member.b_date),
            "e_date": _dotted(member.e_date),
        }

    def regular_lesson(self, row: RegularLesson) -> Row:
        """A row of `regular-lesson/index`."""
        group = row.related_class == "Group"
        end = datetime.combine(row.b_date, row.start) + timedelta(minutes=90 if group else 60)
        return {
            "id": row.id,
            "branch_id": row.branch_id,
            "lesson_type_id": 2 if group else 1,
            "related_class": row.related_class,
            "related_id": row.related_id,
            "subject_id": row.subject_id,
            "streaming": False,
            "teacher_ids": self._teachers(row.teacher_id),
            "room_id": row.room_id,
            "day": row.weekday,
            "days": [row.weekday],
            "time_from_v": f"{row.start:%H:%M}",
            "time_to_v": f"{end:%H:%M}",
            "b_date_v": _dotted(row.b_date),
            "e_date_v": _dotted(row.e_date),
            "b_date": row.b_date.isoformat(),
            "e_date": row.e_date.isoformat(),
            "is_public": 0,
            "customer_limit": None,
        }

    # Lists that a school fills once

    def branch(self, branch: Branch) -> Row:
        """A row of `branch/index`."""
        subjects = sorted(self._books.subjects)
        active = True if branch.id % 2 else 1
        return {
            "id": branch.id,
            "name": branch.name,
            "is_active": active,
            "subject_ids": subjects,
            "weight": branch.id,
        }

    def lesson_type(self, kind: LessonType) -> Row:
        """A row of `lesson-type/index`."""
        icon = ("user", "users", "star")[kind.base - 1]
        return {
            "id": kind.id,
            "name": kind.name,
            "type": kind.base,
            "icon": icon,
            "is_active": 1,
            "sort": kind.sort,
        }

    def subject(self, subject: Subject) -> Row:
        """A row of `subject/index`."""
        return {"id": subject.id, "name": subject.name, "weight": subject.id}

    def location(self, branch: Branch) -> Row:
        """A row of `location/index`: one per branch."""
        return {
            "id": branch.id,
            "branch_id": branch.id,
            "name": f"{branch.name}, главная",
            "is_active": 1,
            "weight": 1,
        }

    def room(self, room: Room) -> Row:
        """A row of `room/index`."""
        return {
            "id": room.id,
            "branch_id": room.branch_id,
            "location_id": room.branch_id,
            "streaming_id": None,
            "color_id": 3,
            "name": room.name,
            "note": "",
            "is_enabled": 1,
            "weight": room.id,
        }

    def teacher(self, teacher: Teacher) -> Row:
        """A row of `teacher/index`."""
        return {
            "id": teacher.id,
            "branch_ids": [teacher.branch_id],
            "name": teacher.name,
            "email": [],
            "phone": [] if teacher.id % 2 else "",
            "avatarUrl": None,
            "note": "",
            "e_date": "2030-12-31",
            "teacher-to-skill": [],
        }

    def tariff(self, card: Customer) -> Row:
        """A row of `customer-tariff/index`: the subscription of a client."""
        return {
            "id": 9000 + card.id,
            "customer_id": card.id,
            "tariff_id": 1,
            "subject_ids": [],
            "lesson_type_ids": [2],
            "is_separate_balance": 0,
            "balance": "1024.00",
            "paid_count": 4,
            "paid_till": None,
            "note": "",
            "b_date": _dotted(card.created.date()),
            "e_date": "31.12.2030",
            "paid_lesson_count": 4,
        }

    def log(self, row: LogRow) -> Row:
        """A row of `log/index`; an empty object arrives as `[]` or as an empty text."""
        nothing: list[object] | str = [] if row.id % 3 else ""
        return {
            "id": row.id,
            "entity": row.entity,
            "entity_id": row.entity_id,
            "user_id": 2,
            "event": row.event,
            "fields_old": row.fields_old or nothing,
            "fields_new": row.fields_new or nothing,
            "fields_rel": row.fields_rel or [],
            "date_time": f"{row.at}",
        }


def lead_status_of(card: Customer) -> int | None:
    """The stage of a lead; None for clients and for leads that nobody has sorted yet."""
    return None if card.is_study else card.id % 5 or None


def _mark_in_some_type(is_attend: int | None, share: float) -> int | bool | str | None:
    """0 and 1 come as numbers mostly, and now and then as truth values or as texts."""
    if is_attend is None or share < 0.9:
        return is_attend
    return bool(is_attend) if share < 0.95 else str(is_attend)


def _money(kopecks: int) -> str:
    sign = "-" if kopecks < 0 else ""
    return f"{sign}{abs(kopecks) // 100}.{abs(kopecks) % 100:02d}"


def _dotted(day: date) -> str:
    return f"{day:%d.%m.%Y}"
