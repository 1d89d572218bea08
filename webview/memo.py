"""How coins are earned: by lessons under the rules in force, and otherwise."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from coinsync.core.facts import is_within
from coinsync.core.ledger import Kind, Line
from coinsync.core.rules import Rule
from webview.school_view import SchoolView
from webview.texts import Texts


@dataclass(frozen=True, slots=True)
class Earning:
    """One way to earn, as it is read."""

    title: str
    text: str
    amount: str


def memo(
    school: SchoolView, branches: Iterable[int], texts: Texts, today: date
) -> tuple[Earning, ...]:
    """All ways to earn in ``branches``, everywhere where none is named."""
    # Rules that families know by one name stand on one line.
    rates: dict[str, list[int]] = {}
    for rule in rules_on(school.profile.rules, branches, today):
        titles = school.profile.lesson_titles.get(rule.name, ("", ""))
        rates.setdefault(texts.of(*titles) or texts.words.lesson, []).append(rule.coins)
    earnings = []
    for title, coins in rates.items():
        least, most = min(coins), max(coins)
        from_least = f"{texts.words.number(least)}–" if least < most else ""
        amount = f"+{from_least}{school.coins(most, texts)}"
        earnings.append(Earning(title, texts.lesson_text, amount))
    for way in school.profile.ways:
        title, text = texts.of(way.title_ru, way.title_en), texts.of(way.text_ru, way.text_en)
        earnings.append(Earning(title, text, f"+{school.coins(way.coins, texts)}"))
    return tuple(earnings)


def rules_on(rules: Iterable[Rule], branches: Iterable[int], day: date) -> tuple[Rule, ...]:
    """The rules in force in any of the branches, at their latest rate."""
    asked = frozenset(branches)
    latest: dict[object, Rule] = {}
    for rule in rules:
        here = not asked or not rule.branches or bool(asked & rule.branches)
        if not (here and is_within(day, rule.since, rule.until)):
            continue
        scope = (rule.name, rule.branches, rule.subjects, rule.groups)
        if scope not in latest or rule.since > latest[scope].since:
            latest[scope] = rule
    return tuple(latest.values())


def coins_per_lesson(lines: Iterable[Line], rules: Iterable[Rule]) -> int:
    """What a child's next lesson most likely gives.

    The rate of the rule that paid the last lesson; for a child never paid the lowest, so that
    nobody is promised too much.
    """
    rates: dict[str, int] = {}
    for rule in rules:
        rates[rule.name] = min(rule.coins, rates.get(rule.name, rule.coins))
    for line in lines:
        entry = line.posted.entry
        if entry.kind is Kind.AWARD and entry.rule in rates:
            return rates[entry.rule]
    return min(rates.values(), default=0)
