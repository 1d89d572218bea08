"""What is held of a person: cards, links, and everything at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from coinsync.core import facts
from coinsync.core.facts import Link, Membership, Resident
from coinsync.core.ledger import Line

#: How residents are listed: by name, or who has most comes first.
Sort = Literal["name", "coins"]

#: What the VK page of a card is that leads to no link.
VK_PROBLEMS = {
    "screen_name": "a screen name that VK was not asked about yet",
    "nobody": "a screen name that nobody has",
    "gone": "an account that was deleted or banned",
    "community": "a community, not a person",
    "not_a_person": "not a person's page",
    "unreadable": "cannot be understood, or names several",
    "changed": "not the account that is linked",
    "revoked": "this link was revoked here",
    "missing": "no page in the card, and nobody linked",
    "waiting": "will be linked by the next sync",
}


@dataclass(frozen=True, slots=True)
class Card:
    """One resident; memberships with their group's name, ``merged`` go on as this card."""

    resident: Resident
    balance: int
    merged: tuple[int, ...]
    memberships: tuple[tuple[str, Membership], ...]
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that is held about one person; lessons with this person's attendance alone."""

    cards: tuple[Resident, ...]
    balance: int
    merges: tuple[facts.Merge, ...]
    memberships: tuple[Membership, ...]
    links: tuple[Link, ...]
    vk_pages: tuple[facts.VkPage, ...]
    lessons: tuple[facts.LessonRecord, ...]
    entries: tuple[Line, ...]
    held: tuple[facts.Hold, ...]
    decisions: tuple[facts.Decision, ...]
    doubts: tuple[facts.Doubt, ...]


@dataclass(frozen=True, slots=True)
class RosterLine:
    """A resident with merged cards, today's groups and live VK accounts."""

    resident: Resident
    coins: int
    cards: tuple[int, ...]
    groups: tuple[str, ...]
    vk: tuple[int, ...]


class LinkLine(NamedTuple):
    """A link with the resident's name."""

    vk: int
    resident: int
    name: str
    source: str
    live: bool


@dataclass(frozen=True, slots=True)
class VkCoverage:
    """Today's clients by what their cards say of VK.

    ``filled`` cards name a page, ``resolved`` ones a person's; ``linked`` clients are seen by an
    account; ``unreached`` have neither page nor account, and do not say that they have no VK.
    ``problems`` are those of all cards.
    """

    residents: int
    filled: int
    resolved: int
    linked: int
    unreached: tuple[LinkProblem, ...]
    problems: tuple[LinkProblem, ...]


class LinkProblem(NamedTuple):
    """A card whose VK page leads to no link; ``text`` is the CRM's."""

    resident: int
    name: str
    text: str
    problem: str
