"""How coins are earned: what lessons give by the rules in force, and the other ways. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from coinsync.core.ledger import Kind, Line
from coinsync.core.rules import Rule
from webview.school import School
from webview.texts import Texts


@dataclass(frozen=True, slots=True)
class Earning:
    """One way to earn, as it is read; ``amount`` carries its sign and the coin's name."""

    title: str
    text: str
    amount: str


def memo(school: School, branches: Iterable[int], texts: Texts, today: date) -> tuple[Earning, ...]:
    """All ways to earn in ``branches``, lessons first; everywhere where no branch is named."""
    return (
        *_lessons(school, rules_on(school.rules, branches, today), texts),
        *_others(school, texts),
    )


def rules_on(rules: Iterable[Rule], branches: Iterable[int], day: date) -> tuple[Rule, ...]:
    """The rules in force on a day in any of the branches, everywhere where none is named; of each the latest rate."""
    ours = frozenset(branches)
    latest: dict[object, Rule] = {}
    for rule in rules:
        begun = rule.since <= day and (rule.until is None or day <= rule.until)
        if begun and (not ours or not rule.branches or ours & rule.branches):
            scope = (rule.name, rule.branches, rule.subjects, rule.groups)
            latest[scope] = max(rule, latest.get(scope, rule), key=lambda one: one.since)
    return tuple(latest.values())


def coins_per_lesson(lines: Iterable[Line], rules: Iterable[Rule]) -> int:
    """What a child's next lesson most likely gives by ``rules``, 0 where none gives anything.

    Today's rate of the rule that paid the child's last lesson; for a child who has been paid for none, the lowest, so
    that nobody is promised too much.
    """
    rates: dict[str, int] = {}
    for rule in rules:
        rates[rule.name] = min(rule.coins, rates.get(rule.name, rule.coins))
    paid = (line.posted.entry.rule for line in lines if line.posted.entry.kind is Kind.AWARD)
    last = next((rule for rule in paid if rule in rates), None)
    return rates[last] if last else min(rates.values(), default=0)


def _lessons(school: School, rules: Iterable[Rule], texts: Texts) -> list[Earning]:
    """What lessons give; rules that families know by one name stand on one line."""
    rates: dict[str, list[int]] = {}
    for rule in rules:
        title = texts.of(*school.lessons.get(rule.name, ("", ""))) or texts.lesson
        rates.setdefault(title, []).append(rule.coins)
    return [
        Earning(title, texts.lesson_text, _span(school, coins, texts))
        for title, coins in rates.items()
    ]


def _span(school: School, coins: list[int], texts: Texts) -> str:
    least, most = min(coins), max(coins)
    return f"+{f'{texts.words.number(least)}–' if least < most else ''}{school.coins(most, texts)}"


def _others(school: School, texts: Texts) -> list[Earning]:
    return [
        Earning(
            texts.of(way.title_ru, way.title_en),
            texts.of(way.text_ru, way.text_en),
            f"+{school.coins(way.coins, texts)}",
        )
        for way in school.ways
    ]
