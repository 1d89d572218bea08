"""Names for the numbers of residents, groups, lesson types and branches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from coinsync.core.facts import Branch, Group, Lesson, LessonType, Resident


@dataclass(frozen=True, slots=True)
class Directory:
    """Names for numbers."""

    residents: Mapping[int, str] = field(default_factory=dict)
    groups: Mapping[int, str] = field(default_factory=dict)
    types: Mapping[int, str] = field(default_factory=dict)
    branches: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: Iterable[object]) -> Directory:
        """Take the names out of facts."""
        residents: dict[int, str] = {}
        groups: dict[int, str] = {}
        types: dict[int, str] = {}
        branches: dict[int, str] = {}
        for fact in facts:
            match fact:
                case Resident():
                    residents[fact.id] = fact.name
                case Group():
                    groups[fact.id] = fact.name
                case LessonType():
                    types[fact.id] = fact.name
                case Branch():
                    branches[fact.id] = fact.name
        return cls(residents, groups, types, branches)

    def joined(self, other: Directory) -> Directory:
        """This directory with ``other``'s names added over it."""
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
