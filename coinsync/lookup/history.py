"""A resident's history, and the statement for a parent. Reads only."""

from __future__ import annotations

from datetime import date, timedelta

from coinsync.config import Settings
from coinsync.core.directory import Directory
from coinsync.core.facts import (
    Group,
    LessonType,
    Resident,
)
from coinsync.core.history import History, HistoryLine, Statement, StatementLine
from coinsync.core.ledger import Kind, Line
from coinsync.core.rules import judge
from coinsync.core.wording import LANGUAGES, TOTAL_OF, LineFormatter, Total
from coinsync.lookup.explain import attended
from coinsync.store.reader import N_MAX, Reader


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
    """A resident's history with the balance after each line; with lessons that earned nothing when asked for."""
    names = Directory.of([*reader.all(Group), *reader.all(LessonType)])
    # Balances run over all entries, so the kind is chosen afterwards, and the limit counts what is chosen.
    found = reader.lines(
        resident.id, since=since, until=until, limit=limit + 1 if kind is None else N_MAX
    )
    balance = reader.balance(resident.id)
    running = reader.balance(resident.id, until)
    lines: list[HistoryLine] = []
    for line in found:
        if kind in (None, line.posted.entry.kind):
            lines.append(_history_line(line, names, running))
        running -= line.posted.entry.coins
    lines, more = lines[:limit], len(lines) > limit
    if with_ineligible:
        oldest = lines[-1].day if more else since
        lines += _ineligible(reader, settings, names, resident, max(since, oldest), until)
        lines.sort(key=lambda line: line.day, reverse=True)
    return History(resident, balance, tuple(lines), more)


def _history_line(line: Line, names: Directory, balance: int) -> HistoryLine:
    entry = line.posted.entry
    title = names.lesson(line.lesson) if line.lesson else ""
    return HistoryLine(
        entry.happened_on,
        title,
        entry.coins,
        entry.reason,
        entry.kind.value,
        balance,
        line,
        line.lesson,
        entry.rule,
        line.note,
    )


def _ineligible(
    reader: Reader,
    settings: Settings,
    names: Directory,
    resident: Resident,
    since: date,
    until: date,
) -> list[HistoryLine]:
    lines = []
    for record in attended(reader, resident, since, until):
        verdict = judge(record.lesson, record.attendance[0], settings.rulebook)
        if not verdict.coins:
            title = names.lesson(record.lesson)
            lines.append(
                HistoryLine(
                    record.lesson.date,
                    title,
                    0,
                    verdict.reason.value,
                    "lesson",
                    lesson=record.lesson,
                )
            )
    return lines


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
    """A resident's coins from ``since`` to ``until`` as a parent reads them on paper, printed ``today``."""
    ways = {way.code: way.title_ru if language == "ru" else way.title_en for way in settings.ways}
    pen = LineFormatter(
        LANGUAGES[language], settings.profile.zone_of(resident.branches), today, ways
    )
    forms = settings.coin.ru if language == "ru" else settings.coin.en
    found = reader.lines(resident.id, since=since, until=until, limit=N_MAX)
    by_number = _with_partners(reader, found)
    groups = {group.id: group.name for group in reader.all(Group)}
    closing = reader.balance(resident.id, until)
    opening = running = (
        reader.balance(resident.id, since - timedelta(days=1)) if since > date.min else 0
    )
    lines: list[StatementLine] = []
    sums: dict[Total, int] = {}
    for line in reversed(found):
        entry = line.posted.entry
        running += entry.coins
        total = TOTAL_OF[entry.kind]
        sums[total] = sums.get(total, 0) + entry.coins
        what, why = pen.what(line, groups), _why_on_paper(pen, line, by_number)
        lines.append(
            StatementLine(
                line.posted.n, entry.happened_on, entry.kind.value, what, why, entry.coins, running
            )
        )
    return Statement(
        settings.school.name,
        language,
        resident.id,
        resident.name,
        since,
        until,
        today,
        opening,
        tuple(lines),
        {total: sums[total] for total in Total if total in sums},
        closing,
        pen.words.coin(max(closing, 0), forms),
    )


def _with_partners(reader: Reader, lines: list[Line]) -> dict[int, Line]:
    """Lines by their numbers, and with them those that they take back or are taken back by, of whatever day."""
    found = {line.posted.n: line for line in lines}
    partners = {
        n for line in lines for n in (line.posted.entry.reverses, line.reversed_by) if n is not None
    }
    known = {n: reader.line(n) for n in sorted(partners - found.keys())}
    return found | {n: line for n, line in known.items() if line is not None}


def _why_on_paper(pen: LineFormatter, line: Line, by_number: dict[int, Line]) -> str:
    # The reversal of a lesson stands under its award on the same day and need not point to it.
    takes_back = pen.takes_back(line, by_number) if line.posted.entry.lesson is None else ""
    return "; ".join(filter(None, (pen.why(line), takes_back, pen.taken_back(line, by_number))))
