"""What is held of a person, as values: cards, links, and everything at once."""

from __future__ import annotations

from dataclasses import dataclass

from coinsync.core.facts import (
    Decision,
    Hold,
    LessonRecord,
    Link,
    Membership,
    Merge,
    Resident,
    VkPage,
)
from coinsync.core.ledger import Line


@dataclass(frozen=True, slots=True)
class Card:
    """Everything that is held of one resident; memberships with the name of their group.

    ``merged`` are further cards that go on as this one.
    """

    resident: Resident
    balance: int
    merged: tuple[int, ...]
    memberships: tuple[tuple[str, Membership], ...]
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that is held about one person; ``lessons`` each with this person's attendance alone."""

    cards: tuple[Resident, ...]
    balance: int
    merges: tuple[Merge, ...]
    memberships: tuple[Membership, ...]
    links: tuple[Link, ...]
    vk_pages: tuple[VkPage, ...]
    lessons: tuple[LessonRecord, ...]
    entries: tuple[Line, ...]
    held: tuple[Hold, ...]
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class RosterLine:
    """A resident with balance, merged cards, names of today's groups, and live VK accounts."""

    resident: Resident
    coins: int
    cards: tuple[int, ...]
    groups: tuple[str, ...]
    vk: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LinkLine:
    """A link with the resident's name."""

    vk: int
    resident: int
    name: str
    source: str
    live: bool


@dataclass(frozen=True, slots=True)
class LinkProblem:
    """A card whose VK page leads to no link: the text of the CRM, and what is wrong with it."""

    resident: int
    name: str
    text: str
    problem: str
