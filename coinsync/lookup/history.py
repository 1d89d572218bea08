"""A resident's history, and the statement for a parent. Reads only."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from coinsync.config import Settings
from coinsync.core.directory import Directory
from coinsync.core.facts import Decision, Group, Resident
from coinsync.core.history import History, HistoryLine, Statement, StatementLine
from coinsync.core.ledger import Kind, Line
from coinsync.core.rules import judge
from coinsync.core.wording import LANGUAGES, LineFormatter
from coinsync.lookup.explain import attended
from coinsync.lookup.school import names_of_school
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
    """A resident's lines, newest first; on demand with the lessons that earned nothing."""
    names = names_of_school(reader)
    # The balance runs over entries of every kind, so the kind is chosen after it is known, and the
    # limit counts what is chosen.
    read_max = limit + 1 if kind is None else N_MAX
    newest_first = reader.lines(resident.id, since=since, until=until, limit=read_max)
    balance_after = reader.balance(resident.id, until)
    decisions: dict[int | None, Decision] = {}
    for decision in reader.decisions_of(reader.cards_of(resident.id)):
        decisions[decision.lesson] = decision
    lines: list[HistoryLine] = []
    for line in newest_first:
        if kind in (None, line.entry.kind):
            decided = decisions.get(line.entry.lesson)
            lines.append(_history_line(line, names, balance_after, decided))
        balance_after -= line.entry.coins
    more = len(lines) > limit
    lines = lines[:limit]
    if with_ineligible:
        # Lessons older than the last entry shown would stand behind a gap that nobody sees.
        oldest = lines[-1].day if more else since
        for record in attended(reader, resident, max(since, oldest), until):
            verdict = judge(record.lesson, record.attendance[0], settings.rulebook)
            decided = decisions.get(record.lesson.id)
            # What a person's word has paid did not earn nothing; its entry says so.
            if not verdict.coins and not (decided and decided.coins):
                nothing = HistoryLine(
                    day=record.lesson.date,
                    title=names.lesson(record.lesson),
                    coins=0,
                    reason=verdict.reason.value,
                    kind="lesson",
                    lesson=record.lesson,
                    note=_decision_text(decided, seq=0, coins=0),
                )
                lines.append(nothing)
        lines.sort(key=lambda line: line.day, reverse=True)
    return History(resident, reader.balance(resident.id), tuple(lines), more)


def _decision_text(decision: Decision | None, seq: int, coins: int) -> str:
    """What a person decided about just these coins under a lesson's key; "" where nobody did."""
    if decision is None or (decision.seq, decision.coins) != (seq, coins):
        return ""
    text = f"decided by {decision.actor} on {decision.decided_on}: {decision.note}"
    return text.removesuffix(": ")


def _history_line(
    line: Line, names: Directory, balance: int, decided: Decision | None
) -> HistoryLine:
    entry = line.entry
    title = ""
    if line.lesson is not None:
        title = names.lesson(line.lesson)
        # An entry keeps the day on which it was posted for.
        if line.lesson.date != entry.happened_on:
            title += f", now on {line.lesson.date}"
    return HistoryLine(
        day=entry.happened_on,
        title=title,
        coins=entry.coins,
        reason=entry.reason,
        kind=entry.kind.value,
        balance=balance,
        line=line,
        lesson=line.lesson,
        rule=entry.rule,
        note=line.note or _decision_text(decided, entry.seq, entry.coins),
    )


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
    russian = language == "ru"
    titles = {way.code: way.title_ru if russian else way.title_en for way in settings.ways}
    zone = settings.profile.zone_of(resident.branches)
    formatter = LineFormatter(LANGUAGES[language], zone, today, titles)
    newest_first = reader.lines(resident.id, since=since, until=until, limit=N_MAX)
    by_number = _with_partners(reader, newest_first)
    groups = reader.names(Group)
    before = since - timedelta(days=1) if since > date.min else None
    opening = reader.balance(resident.id, before) if before else 0
    closing = reader.balance(resident.id, until)
    forms = settings.coin.ru if russian else settings.coin.en
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
        closing=closing,
        # A debt is not shown to a family as fewer coins than none.
        coin_word=formatter.words.coin(max(closing, 0), forms),
        # A lesson that is taken back later counts on its own day. So an old balance may be below
        # zero although nobody ever spent what was not there.
        owes=closing < 0 and reader.balance(resident.id) < 0,
        seal=str(reader.seal()),
    )


def _statement_lines(
    formatter: LineFormatter,
    newest_first: Sequence[Line],
    groups: Mapping[int, str],
    by_number: Mapping[int, Line],
    opening: int,
) -> tuple[StatementLine, ...]:
    balance = opening
    lines = []
    for line in reversed(newest_first):
        entry = line.entry
        balance += entry.coins
        statement_line = StatementLine(
            line.n,
            entry.happened_on,
            entry.kind.value,
            formatter.what(line, groups),
            _why(formatter, line, by_number),
            entry.coins,
            balance,
        )
        lines.append(statement_line)
    return tuple(lines)


def _with_partners(reader: Reader, lines: Sequence[Line]) -> dict[int, Line]:
    """Lines by number, with those that they take back or are taken back by on any day."""
    by_number = {line.n: line for line in lines}
    for line in lines:
        for n in (line.entry.reverses, line.reversed_by):
            partner = reader.line(n) if n and n not in by_number else None
            if partner:
                by_number[partner.n] = partner
    return by_number


def _why(formatter: LineFormatter, line: Line, by_number: Mapping[int, Line]) -> str:
    words = [formatter.why(line)]
    # The reversal of a lesson stands under its award on the same day and need not point to it.
    if line.entry.lesson is None:
        words.append(formatter.takes_back(line, by_number))
    words.append(formatter.taken_back(line, by_number))
    return "; ".join(word for word in words if word)
