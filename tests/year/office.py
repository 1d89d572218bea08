"""What the office does in the CRM by hand, beside what happens in the school by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from coinsync.simulator import School
from coinsync.simulator.tables import CONDUCTED, CrmLesson

#: How far back lessons are edited: beyond what a night reads, too.
DAYS_BACK = 30
#: The office keeps at least so many clients.
CLIENTS_MIN = 8


@dataclass
class Office:
    """Edits of lessons and cards, drawn from a source of chance."""

    school: School
    random: Random

    def work(self) -> None:
        """One edit; what cannot be done today is left undone."""
        if self.school.tables.emptied_branches and self.random.random() < 0.5:
            self.refill()
        edits: list[tuple[Callable[[], object], int]] = [
            *((self.unmark, 4), (self.mark, 4), (self.move, 3), (self.retype, 2)),
            *((self.cancel, 2), (self.delete, 2), (self.move_branch, 1), (self.join_cards, 1)),
            *((self.vanish, 1), (self.empty, 1)),
        ]
        ((edit, _),) = self.random.choices(edits, [weight for _, weight in edits])
        edit()

    def _lesson(self) -> CrmLesson | None:
        since = self.school.today - timedelta(days=DAYS_BACK)
        lessons = self.school.tables.visible_lessons()
        recent = [
            lesson
            for lesson in lessons
            if since <= lesson.date <= self.school.today
            and lesson.status == CONDUCTED
            and lesson.details
        ]
        return self.random.choice(recent) if recent else None

    def _act(self, verb: str, **more: object) -> None:
        lesson = self._lesson()
        if lesson is not None:
            self.school.act(verb, lesson=lesson.id, **more)

    def mark(self) -> None:
        """A mark is changed."""
        self._mark(self.random.choice((0, 1)))

    def unmark(self) -> None:
        """A mark is wiped."""
        self._mark(None)

    def _mark(self, is_attend: int | None) -> None:
        lesson = self._lesson()
        if lesson is not None:
            who = self.random.choice(lesson.details).customer_id
            if who in self.school.tables.customers:
                self.school.act("mark", lesson=lesson.id, customer=who, is_attend=is_attend)

    def move(self) -> None:
        """A lesson comes to another date, also beyond what a night reads."""
        days = self.random.choice((-40, -7, -1, 0))
        self._act("move", date=self.school.today + timedelta(days=days))

    def retype(self) -> None:
        """A lesson turns out to be a trial, or an ordinary one."""
        self._act("retype", type=self.random.choice((2, 3)))

    def cancel(self) -> None:
        """A lesson is cancelled."""
        self._act("cancel")

    def delete(self) -> None:
        """A lesson is deleted, or deleted and entered anew."""
        self._act(self.random.choice(("delete", "recreate")))

    def move_branch(self) -> None:
        """A lesson comes to the other branch."""
        self._act("move_branch", branch=self.random.choice((1, 2)))

    def join_cards(self) -> None:
        """Two cards become one in the CRM."""
        clients = self._clients()
        if len(clients) > CLIENTS_MIN:
            card, into = self.random.sample(clients, 2)
            self.school.act("merge_customers", customer=card, into=into)

    def vanish(self) -> None:
        """A card goes: to the archive, back to the leads, or for good."""
        clients = self._clients()
        if len(clients) > CLIENTS_MIN:
            verb = self.random.choice(("archive", "to_lead", "remove_customer"))
            self.school.act(verb, customer=self.random.choice(clients))

    def empty(self) -> None:
        """All lessons of a branch are gone from the lists, and back again another day."""
        self.school.act("empty", branch=self.random.choice((1, 2)))

    def refill(self) -> None:
        """What was emptied is back."""
        for branch in sorted(self.school.tables.emptied_branches):
            self.school.act("refill", branch=branch)

    def _clients(self) -> list[int]:
        cards = self.school.tables.customers.values()
        today = self.school.today
        return sorted(card.id for card in cards if card.is_study and not card.archived_on(today))
