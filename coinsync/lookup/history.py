"""Looking back: why a lesson gave what it gave, what a resident's history is, how fresh the data is. Reads only."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from coinsync.config import Settings
from coinsync.core.facts import (
    Attendance,
    Branch,
    Group,
    GroupStanding,
    Lesson,
    LessonRecord,
    LessonType,
    Mark,
    Membership,
    Presence,
    Resident,
    Status,
    VkPage,
)
from coinsync.core.freshness import Freshness
from coinsync.core.history import Explanation, History, HistoryLine, Statement, StatementLine, Step
from coinsync.core.identity import clean
from coinsync.core.ledger import Kind, Line, lesson_key
from coinsync.core.people_report import Card, Dossier, LinkLine, LinkProblem
from coinsync.core.plan_report import Directory
from coinsync.core.planning.people import vk_number
from coinsync.core.rules import Reason, Verdict, judge
from coinsync.core.wording import LANGUAGES, TOTAL_OF, LineFormatter, Total, zone_of
from coinsync.errors import Ambiguous, NotFound
from coinsync.store.reader import N_MAX, Reader

CANDIDATES_MAX = 20


# --- residents -------------------------------------------------------------------------------------------------------


def find_resident(reader: Reader, text: str) -> Resident:
    """Find the one resident that ``#id``, ``crm:123``, ``vk:456`` or a part of a name means.

    A merged card leads to the card on which it goes on. Raises ``NotFound``, or ``Ambiguous`` with the candidates.
    """
    found = find_card(reader, text)
    head = reader.survivors().get(found.id)
    return (reader.resident(head) if head is not None else None) or found


def find_card(reader: Reader, text: str) -> Resident:
    """Find the one card that a text means, be it merged or not."""
    found = _candidates(reader, text.strip())
    if not found:
        raise NotFound(f"no resident answers to {clean(text)!r}")
    if len(found) > 1:
        shown = [f"#{one.id} {one.name} ({one.presence.value})" for one in found[:CANDIDATES_MAX]]
        raise Ambiguous(f"{len(found)} residents answer to {clean(text)!r}", shown)
    return found[0]


def _candidates(reader: Reader, text: str) -> list[Resident]:
    prefix, _, rest = text.rpartition(":")
    number = text.removeprefix("#") if not prefix else rest
    if number.isascii() and number.isdigit() and len(number) < 19:
        if prefix == "vk":
            return reader.residents_of_visitor(int(number))
        if prefix in ("", "crm"):
            one = reader.resident(int(number))
            return [one] if one else []
    return reader.residents_named(text) if text else []


def card(reader: Reader, resident: Resident) -> Card:
    """Everything that is held of one resident."""
    groups, cards = (
        {group.id: group.name for group in reader.all(Group)},
        reader.cards_of(resident.id),
    )
    memberships = tuple(
        (groups.get(one.group, f"group {one.group}"), one)
        for one in reader.recorded(Membership, cards)
    )
    links = tuple(reader.links_of([resident.id]))
    return Card(resident, reader.balance(resident.id), cards[1:], memberships, links)


def dossier(reader: Reader, resident: Resident) -> Dossier:
    """All that is held about one person, in whatever table, under every card that counts as theirs."""
    cards = reader.cards_of(resident.id)
    lines = reader.lines(resident.id, limit=N_MAX)
    return Dossier(
        tuple(reader.recorded(Resident, cards)),
        reader.balance(resident.id),
        tuple(one for one in reader.merges() if one.resident in cards or one.into in cards),
        tuple(reader.recorded(Membership, cards)),
        tuple(reader.links_of(cards)),
        tuple(reader.recorded(VkPage, cards)),
        tuple(
            record for card in cards for record in reader.attended_lessons(card, date.min, date.max)
        ),
        tuple(reversed(lines)),
        tuple(reader.holds_of(cards)),
        tuple(reader.decisions_of(cards)),
    )


def links(reader: Reader) -> list[LinkLine]:
    """All links with the names of residents, by account."""
    names = {one.id: one.name for one in reader.residents()}
    return [
        LinkLine(one.vk, one.resident, names.get(one.resident, ""), one.source, one.live)
        for one in reader.links()
    ]


def link_problems(reader: Reader) -> list[LinkProblem]:
    """Cards whose VK page is not, or not any more, the account that sees the resident; by name."""
    merged = reader.survivors()
    residents = [
        one
        for one in reader.residents()
        if one.id not in merged and one.presence is not Presence.ERASED
    ]
    pages = {page.resident: page for page in reader.all(VkPage)}
    linked: dict[int, dict[int, bool]] = {}
    for link in reader.links():
        linked.setdefault(link.resident, {})[link.vk] = link.live
    found = []
    for one in residents:
        number, trouble = vk_number(one.vk, pages.get(one.id))
        mine = linked.get(one.id, {})
        if number and number not in mine:
            trouble = "changed" if mine else "waiting"
        elif number and not mine[number]:
            trouble = "revoked"
        if trouble:
            found.append(LinkProblem(one.id, one.name, one.vk, trouble))
    return found


# --- explain ---------------------------------------------------------------------------------------------------------


def explain(
    reader: Reader, settings: Settings, resident: Resident, *, lesson: int | None, day: date | None
) -> list[Explanation]:
    """Explain one lesson, or all lessons of a day, or the last ten, to one resident; from what is recorded."""
    since, until = (day, day) if day else (date.min, date.max)
    lesson_records = _attended(reader, resident, since, until)
    if lesson is not None:
        lesson_records = [record for record in lesson_records if record.lesson.id == lesson]
    if not lesson_records:
        what = (
            f"lesson {lesson}"
            if lesson is not None
            else f"a lesson on {day}"
            if day
            else "a lesson"
        )
        raise NotFound(
            f"#{resident.id} {resident.name}: {what} is not recorded",
            advice='The CRM did not list this resident there when it was last read; see "coinsync runs".',
        )
    chosen = lesson_records if lesson is not None or day else lesson_records[:10]
    names = Directory.of([*reader.all(Group), *reader.all(LessonType)])
    return [
        _explanation(reader, settings, names, resident, record.lesson, record.attendance[0])
        for record in chosen
    ]


def _attended(reader: Reader, resident: Resident, since: date, until: date) -> list[LessonRecord]:
    """Lessons that list a resident under any card that counts as theirs, newest first."""
    cards = reader.cards_of(resident.id)
    lesson_records = [
        record for card in cards for record in reader.attended_lessons(card, since, until)
    ]
    return sorted(
        lesson_records, key=lambda record: (record.lesson.date, record.lesson.id), reverse=True
    )


def explain_to_all(reader: Reader, settings: Settings, lesson: int) -> list[Explanation]:
    """Explain one lesson to everybody whom it lists."""
    record = reader.lesson_records_by_id([lesson]).get(lesson)
    if record is None:
        raise NotFound(
            f"lesson {lesson} is not recorded",
            advice='See "coinsync runs" for the days that were read.',
        )
    names = Directory.of([*reader.all(Group), *reader.all(LessonType)])
    present = {one.resident: one for one in record.attendance}
    residents = sorted(reader.recorded(Resident, present), key=lambda one: (one.name, one.id))
    return [
        _explanation(reader, settings, names, one, record.lesson, present[one.id])
        for one in residents
    ]


def _explanation(
    reader: Reader,
    settings: Settings,
    names: Directory,
    resident: Resident,
    lesson: Lesson,
    one: Attendance,
) -> Explanation:
    key = lesson_key(settings.account, lesson.id, one.resident)
    verdict = judge(lesson, one, settings.rulebook)
    state = reader.key_states([key]).get(key)
    lines = reader.lines(resident.id, since=lesson.date, until=lesson.date)
    # A lesson that was moved left its entries on the day where it stood before.
    lines = [line for line in lines if line.posted.entry.key == key] or [
        line for line in reader.lines(resident.id, limit=10_000) if line.posted.entry.key == key
    ]
    return Explanation(
        resident,
        lesson,
        names.lesson(lesson),
        names.types.get(lesson.type, ""),
        _steps(lesson, one, verdict, settings),
        verdict,
        state.coins if state else 0,
        tuple(reversed(lines)),
        reader.holds([lesson.id]).get(key),
    )


_FAILED_AT = {
    Reason.LESSON_GONE: 0,
    Reason.NOT_CONDUCTED: 0,
    Reason.REMOVED: 1,
    Reason.ABSENT: 1,
    Reason.NOT_MARKED: 1,
    Reason.TRIAL: 2,
    Reason.MAKEUP: 2,
    Reason.TYPE_NOT_COUNTED: 2,
    Reason.TYPE_UNKNOWN: 2,
    Reason.NO_RULE: 3,
    Reason.NOT_SCHEDULED: 4,
    Reason.GUEST: 5,
    Reason.MEMBERSHIP_UNKNOWN: 5,
}

_STATUS = {
    Status.GONE: "gone from the CRM",
    Status.PLANNED: "still planned",
    Status.CANCELLED: "cancelled",
    Status.CONDUCTED: "conducted",
}
_MARKS = {
    Mark.ATTENDED: "attended",
    Mark.ABSENT: "absent",
    Mark.NOT_MARKED: "not marked",
    Mark.REMOVED: "no longer listed",
}
_STANDINGS = {
    GroupStanding.MEMBER: "member of the group that day",
    GroupStanding.GUEST: "guest of another group",
    GroupStanding.UNKNOWN: "not known for that day",
    GroupStanding.NONE: "the lesson has no group",
}
_TYPES = {
    Reason.TRIAL: "a trial type",
    Reason.MAKEUP: "a make-up type",
    Reason.TYPE_NOT_COUNTED: "a type that earns nothing",
    Reason.TYPE_UNKNOWN: "a type that nobody has classified",
}


def _steps(
    lesson: Lesson, one: Attendance, verdict: Verdict, settings: Settings
) -> tuple[Step, ...]:
    rule = settings.rulebook.rule_for(lesson)
    kind = settings.rulebook.type_reason(lesson.type)
    only = rule is not None and rule.scheduled_only
    answers = (
        ("Was the lesson conducted?", _STATUS[lesson.status]),
        ("Did the resident attend?", _MARKS[one.mark]),
        (
            "Does this kind of lesson earn coins?",
            _TYPES[kind] if kind else "a type that a rule names",
        ),
        (
            "Is there a rule for it?",
            f"{rule.name}: {rule.coins}" if rule else "none for this scope and day",
        ),
        (
            "Does it stand in the schedule?",
            ("yes" if lesson.scheduled else "no") + ("" if only else ", and the rule does not ask"),
        ),
        ("Did the resident belong to its group?", _STANDINGS[one.standing]),
    )
    failed = _FAILED_AT.get(verdict.reason, len(answers))
    return tuple(
        Step(question, answer, True if index < failed else False if index == failed else None)
        for index, (question, answer) in enumerate(answers)
    )


# --- history ---------------------------------------------------------------------------------------------------------


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
    for record in _attended(reader, resident, since, until):
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


# --- a statement ------------------------------------------------------------------------------------------------------


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
    zones = {branch.id: branch.zone for branch in settings.branches}
    ways = {way.code: way.title_ru if language == "ru" else way.title_en for way in settings.ways}
    pen = LineFormatter(
        LANGUAGES[language], zone_of(resident, zones, settings.branches[0].zone), today, ways
    )
    forms = settings.coin_ru if language == "ru" else settings.coin_en
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
        settings.school,
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


# --- freshness -------------------------------------------------------------------------------------------------------


def freshness(reader: Reader, settings: Settings, now: datetime) -> list[Freshness]:
    """How long ago each branch's lessons were last synced up to the day; ``now`` is aware, UTC."""
    names = {branch.id: branch.name for branch in reader.all(Branch)}
    found = []
    for branch in settings.branches:
        last = reader.last_full_run(branch.id)
        age = now - datetime.fromisoformat(last.posted_at) if last else None
        found.append(
            Freshness(
                branch.id, branch.name or names.get(branch.id) or f"branch {branch.id}", last, age
            )
        )
    return found
