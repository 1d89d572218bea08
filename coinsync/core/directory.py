"""Names for the numbers of residents, groups, lesson types and branches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from coinsync.core.facts import Branch, Group, Lesson, LessonType, Resident


@dataclass(frozen=True, slots=True)
class Directory:
    """Names by number."""

    residents: Mapping[int, str]
    groups: Mapping[int, str]
    types: Mapping[int, str]
    branches: Mapping[int, str]

    @classmethod
    def of(cls, facts: Iterable[object]) -> Directory:
        """Take the names out of facts."""
        names: dict[type, dict[int, str]] = {Resident: {}, Group: {}, LessonType: {}, Branch: {}}
        for fact in facts:
            if isinstance(fact, Resident | Group | LessonType | Branch):
                names[type(fact)][fact.id] = fact.name
        return cls(*names.values())

    def joined(self, other: Directory) -> Directory:
        """This directory with the names of ``other`` over it."""
        return Directory(
            {**self.residents, **other.residents},
            {**self.groups, **other.groups},
            {**self.types, **other.types},
            {**self.branches, **other.branches},
        )

    def resident(self, id: int) -> str:
        """ "#207 Ада М.", or the number alone."""
        return f"#{id} {self.residents.get(id, '')}".rstrip()

    def lesson(self, lesson: Lesson) -> str:
        """Names of the lesson's groups, or of its type where it has none."""
        groups = [self.groups.get(id, f"group {id}") for id in lesson.groups]
        return ", ".join(groups) or self.types.get(lesson.type, f"type {lesson.type}")
