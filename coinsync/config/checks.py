"""What contradicts itself in settings that are each good by themselves."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date

from coinsync.config.settings import Settings
from coinsync.core.rules import Rule

_ACCOUNT = re.compile(r"[a-z0-9._-]{1,40}")


def contradictions(settings: Settings) -> Iterator[str]:
    """One line for each contradiction, in the order of the file."""
    yield from _of_crm(settings)
    named: dict[str, list[int | str]] = {
        "[[branch]] id": [branch.id for branch in settings.branches],
        "[[earn]] code": [way.code for way in settings.ways],
    }
    for what, values in named.items():
        for value, count in Counter(values).items():
            if count > 1:
                yield f"config: {what} {value}: given twice"
    coins_max = settings.limits.coins_per_operation_max
    for way in settings.ways:
        if way.coins > coins_max:
            limit = f"[guards] coins_per_operation_max = {coins_max}"
            yield f"config: [[earn]] {way.code} coins: {way.coins} is above {limit}"
    # Originals may show where and when they were taken, and the web serves its whole folder.
    if settings.shop.pictures == settings.shop.web_pictures:
        yield "config: [shop] web_pictures: expected another folder than pictures"
    yield from _of_rules(settings)


def _of_crm(settings: Settings) -> Iterator[str]:
    if settings.school.crm == "alfacrm":
        for name in ("url", "email"):
            if not getattr(settings.alfacrm, name):
                yield f'config: [alfacrm] {name}: missing; it is needed for crm = "alfacrm"'
        # It becomes a part of every ledger key, between colons.
        if not _ACCOUNT.fullmatch(settings.account):
            expected = "letters a-z, digits and . _ -"
            yield f"config: [alfacrm] account: expected {expected}, got {settings.account}"
    if settings.residents.vk_field == "note" and not settings.residents.vk_pattern:
        why = "needed for the field note, where any word might be taken for a page"
        yield f"config: [residents] vk_pattern: {why}"


def _of_rules(settings: Settings) -> Iterator[str]:
    lessons = settings.lessons
    earn_nothing = lessons.trial | lessons.makeup | lessons.uncounted
    branches = {branch.id for branch in settings.branches}
    for number, rule in enumerate(settings.rules, 1):
        where = f"config: [[rule]] {number} ({rule.name})"
        if not rule.types:
            yield f"{where} types: expected at least one lesson type"
        idle = _listed(rule.types & earn_nothing)
        if idle:
            yield f"{where} types: {idle} stands in [lessons] as earning nothing"
        unknown = _listed(rule.branches - branches)
        if unknown:
            yield f"{where} branches: {unknown} is no [[branch]] of this file"
        if rule.until is not None and rule.until < rule.since:
            yield f"{where} until: {rule.until} is before since {rule.since}"
        yield from _of_earlier_rules(where, rule, settings.rules[: number - 1])


def _of_earlier_rules(where: str, rule: Rule, earlier: Iterable[Rule]) -> Iterator[str]:
    for above in earlier:
        if above.name == rule.name:
            # Blocks of one name are rates of one rule, told apart by their first day.
            if above.since == rule.since:
                yield f"{where} since: two blocks of this name begin on {rule.since}"
            continue
        # It is in force on every day on which the other one is.
        lasts = (above.until or date.max) >= (rule.until or date.max)
        if above.covers_scope_of(rule) and above.since <= rule.since and lasts:
            why = f"rule {above.name} above covers it; put the more specific one first"
            yield f"{where}: never applies, {why}"


def _listed(ids: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(ids)))
