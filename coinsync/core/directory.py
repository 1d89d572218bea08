"""Names for the numbers of residents, groups, lesson types and branches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from coinsync.core.facts import Branch, Group, Lesson, LessonType, Resident


@dataclass(frozen=True, slots=True)
class Directory:
    """Names by kind and number."""

    names: Mapping[tuple[type, int], str]

    @classmethod
    def of(cls, facts: Iterable[object]) -> Directory:
        """Take the names out of facts."""
        names: dict[tuple[type, int], str] = {}
        for fact in facts:
            if isinstance(fact, Resident | Group | LessonType | Branch):
                names[type(fact), fact.id] = fact.name
        return cls(names)

    def joined(self, other: Directory) -> Directory:
        """This directory with the names of ``other`` over it."""
        return Directory({**self.names, **other.names})

    def name(self, kind: type, id: int) -> str:
        """The name of one of a kind; "" where it is not known."""
        return self.names.get((kind, id), "")

    def resident(self, id: int) -> str:
        """ "#207 Ада М.", or the number alone."""
        return f"#{id} {self.name(Resident, id)}".rstrip()

    def lesson(self, lesson: Lesson) -> str:
        """Names of the lesson's groups, or of its type where it has none."""
        groups = [self.name(Group, id) or f"group {id}" for id in lesson.groups]
        return ", ".join(groups) or self.name(LessonType, lesson.type) or f"type {lesson.type}"
