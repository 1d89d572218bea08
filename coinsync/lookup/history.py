"""A resident's history, and the statement for a parent. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from coinsync.config import Settings
from coinsync.core.directory import Directory
from coinsync.core.facts import Group, Resident
from coinsync.core.history import History, HistoryLine, Statement, StatementLine
from coinsync.core.ledger import Kind, Line
from coinsync.core.rules import judge
from coinsync.core.wording import LANGUAGES, TOTAL_OF, LineFormatter, Total
from coinsync.lookup.explain import attended
from coinsync.lookup.names import names_of_school
from coinsync.store.queries.ledger import N_MAX
from coinsync.store.reader import Reader


def history(
    reader: Reader,
    settings: Settings,
    resident: Resident,
    *,
    since: date = date.min,
    until: date = date.max,
    kind: Kind | None = None,
    with_ineligible: bool = False,
    limit: int = 50,
) -> History:
    """A resident's lines with the balance after each, newest first.

    Lessons that earned nothing stand among them when they are asked for.
    """
    names = names_of_school(reader)
    # The balance runs over entries of every kind, so the kind is chosen after it is known, and the
    # limit counts what is chosen.
    read_max = limit + 1 if kind is None else N_MAX
    newest_first = reader.lines(resident.id, since=since, until=until, limit=read_max)
    balance_after = reader.balance(resident.id, until)
    lines: list[HistoryLine] = []
    for line in newest_first:
        if kind in (None, line.posted.entry.kind):
            lines.append(_history_line(line, names, balance_after))
        balance_after -= line.posted.entry.coins
    more = len(lines) > limit
    lines = lines[:limit]
    if with_ineligible:
        # Lessons older than the last entry shown would stand behind a gap that nobody sees.
        oldest = lines[-1].day if more else since
        lines += _ineligible(reader, settings, names, resident, max(since, oldest), until)
        lines.sort(key=lambda line: line.day, reverse=True)
    return History(resident, reader.balance(resident.id), tuple(lines), more)


def _history_line(line: Line, names: Directory, balance: int) -> HistoryLine:
    entry = line.posted.entry
    return HistoryLine(
        day=entry.happened_on,
        title=names.lesson(line.lesson) if line.lesson else "",
        coins=entry.coins,
        reason=entry.reason,
        kind=entry.kind.value,
        balance=balance,
        line=line,
        lesson=line.lesson,
        rule=entry.rule,
        note=line.note,
    )


def _ineligible(
    reader: Reader,
    settings: Settings,
    names: Directory,
    resident: Resident,
    since: date,
    until: date,
) -> list[HistoryLine]:
    """Lessons that earned nothing, with the rules' reason."""
    lines = []
    for record in attended(reader, resident, since, until):
        lesson = record.lesson
        verdict = judge(lesson, record.attendance[0], settings.rulebook)
        if not verdict.coins:
            reason = verdict.reason.value
            line = HistoryLine(
                lesson.date, names.lesson(lesson), 0, reason, "lesson", lesson=lesson
            )
            lines.append(line)
    return lines


# --- statement --------------------------------------------------------------------------------


def statement(
    reader: Reader,
    settings: Settings,
    resident: Resident,
    since: date,
    until: date,
    language: str,
    *,
    today: date,
) -> Statement:
    """A resident's coins from ``since`` to ``until`` as a parent reads them, printed ``today``."""
    formatter = _formatter(settings, resident, language, today)
    newest_first = reader.lines(resident.id, since=since, until=until, limit=N_MAX)
    by_number = _with_partners(reader, newest_first)
    groups = {group.id: group.name for group in reader.all(Group)}
    opening = 0
    if since > date.min:
        opening = reader.balance(resident.id, since - timedelta(days=1))
    closing = reader.balance(resident.id, until)
    sums: Counter[Total] = Counter()
    for line in newest_first:
        sums[TOTAL_OF[line.posted.entry.kind]] += line.posted.entry.coins
    forms = settings.coin.ru if language == "ru" else settings.coin.en
    return Statement(
        school=settings.school.name,
        language=language,
        resident=resident.id,
        name=resident.name,
        since=since,
        until=until,
        printed_on=today,
        opening=opening,
        lines=_statement_lines(formatter, newest_first, groups, by_number, opening),
        totals={total: sums[total] for total in Total if total in sums},
        closing=closing,
        # A debt is not shown to a family as fewer coins than none.
        coins=formatter.words.coin(max(closing, 0), forms),
    )


def _statement_lines(
    formatter: LineFormatter,
    newest_first: Sequence[Line],
    groups: Mapping[int, str],
    by_number: Mapping[int, Line],
    opening: int,
) -> tuple[StatementLine, ...]:
    """Lines in their order, each with the balance after it."""
    balance = opening
    lines = []
    for line in reversed(newest_first):
        entry = line.posted.entry
        balance += entry.coins
        what, why = formatter.what(line, groups), _why(formatter, line, by_number)
        lines.append(
            StatementLine(
                n=line.posted.n,
                day=entry.happened_on,
                kind=entry.kind.value,
                what=what,
                why=why,
                coins=entry.coins,
                balance=balance,
            )
        )
    return tuple(lines)


def _formatter(settings: Settings, resident: Resident, language: str, today: date) -> LineFormatter:
    titles = {}
    for way in settings.ways:
        titles[way.code] = way.title_ru if language == "ru" else way.title_en
    zone = settings.profile.zone_of(resident.branches)
    return LineFormatter(LANGUAGES[language], zone, today, titles)


def _with_partners(reader: Reader, lines: Sequence[Line]) -> dict[int, Line]:
    """Lines by their numbers, with those that they take back or are taken back by on any day."""
    by_number = {line.posted.n: line for line in lines}
    for line in lines:
        for n in (line.posted.entry.reverses, line.reversed_by):
            partner = reader.line(n) if n is not None and n not in by_number else None
            if partner is not None:
                by_number[partner.posted.n] = partner
    return by_number


def _why(formatter: LineFormatter, line: Line, by_number: Mapping[int, Line]) -> str:
    words = [formatter.why(line)]
    # The reversal of a lesson stands under its award on the same day and need not point to it.
    if line.posted.entry.lesson is None:
        words.append(formatter.takes_back(line, by_number))
    words.append(formatter.taken_back(line, by_number))
    return "; ".join(word for word in words if word)
