"""What the CRM says against itself, or far from what is recorded: it takes no coins at once.

A doubt keeps what is recorded until a later reading says the same, or a person decides. Copies that
differ inside one reading never agree.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from coinsync.core.fact_keys import identity
from coinsync.core.facts import Doubt, DoubtKind, Lesson, LessonRecord
from coinsync.core.ledger import utc_text
from coinsync.core.plan import Change, Drop, Remark, RemarkKind, Scope, puts
from coinsync.core.planning.compare import COPIES, WindowReading
from coinsync.core.planning.review import Ruling
from coinsync.core.rules import Rulebook

#: A second reading counts only so long after the first: one at once repeats the same fault.
CONFIRMED_AFTER = timedelta(hours=12)
#: No office moves a lesson further; rather the year was mistyped.
DAYS_MOVED_MAX = 366

_MEANINGS: Mapping[DoubtKind, str] = {
    DoubtKind.LESSON_COPIES: "it comes twice from the CRM, and the copies differ",
    DoubtKind.LESSON_DATE: "the CRM moved it to {claim}, by over a year or to no rule",
    DoubtKind.CARD_COPIES: "it comes twice from the CRM, and the copies differ",
    DoubtKind.CARD_MISSING: "it is missing from the CRM's list",
    DoubtKind.CARD_MERGED: "it is gone, and #{claim} stands in its lessons; "
    "the same child? coinsync residents merge {id} {claim}",
}


class Doubts:
    """The doubts of one step: those ``stored`` that it can settle, and those that it keeps.

    ``moment`` (UTC) is when the CRM was read.
    """

    def __init__(self, moment: datetime, stored: Iterable[Doubt] = ()) -> None:
        self._moment = moment
        self.stored = {identity(doubt): doubt for doubt in stored}
        self.kept: dict[tuple[object, ...], Doubt] = {}

    def keep(self, kind: DoubtKind, id: int, branch: int, claim: str = "") -> bool:
        """Whether a reading is doubted: then what is recorded must stay as it is."""
        doubt = Doubt(id, kind, branch, claim, utc_text(self._moment))
        known = self.stored.get(identity(doubt))
        if known is not None and known.claim == claim:
            is_confirmed = known.may_agree and counts_from(known) <= self._moment
            if known.ruling == Ruling.POST or (is_confirmed and not known.ruling):
                return False
            # The same doubt keeps the moment at which it arose.
            doubt = known
        self.kept[identity(doubt)] = doubt
        return True

    @property
    def cards(self) -> frozenset[int]:
        """Residents of whom it is doubted what the CRM says, or that it says nothing."""
        kept = self.kept.values()
        return frozenset(doubt.id for doubt in kept if doubt.is_about_card and not doubt.is_merge)

    @property
    def changes(self) -> list[Change]:
        """What to record; a doubt that is not kept has ended."""
        ended = [doubt for key, doubt in self.stored.items() if key not in self.kept]
        return [*map(Drop, ended), *puts(self.kept.values(), self.stored.values())]

    @property
    def remarks(self) -> list[Remark]:
        """One for each doubt that is kept."""
        remarks = []
        for key, doubt in self.kept.items():
            lesson, card = (None, doubt.id) if doubt.is_about_card else (doubt.id, None)
            known = doubt is self.stored.get(key)
            remark = Remark(RemarkKind.DOUBT, doubt.kind, lesson, card, known=known, doubt=doubt)
            remarks.append(remark)
        return remarks


def believe(
    window: WindowReading,
    recorded: Mapping[int, LessonRecord],
    scope: Scope,
    rulebook: Rulebook,
    moment: datetime,
    stored: Iterable[Doubt],
) -> tuple[WindowReading, Doubts]:
    """The window without the lessons that are doubted: nothing at all is done about those."""
    month = f"{scope.since:%Y-%m}"
    numbers = {record.lesson.id for record in window.lesson_records}
    numbers.update(window.gone, window.unreadable)
    at_hand = []
    for doubt in stored:
        # Copies of a lesson that is recorded nowhere may be in no reading any more.
        is_of_month = (doubt.branch, doubt.claim) == (scope.branch, month)
        if not doubt.is_about_card and (doubt.id in numbers or is_of_month):
            at_hand.append(doubt)
    doubts = Doubts(moment, at_hand)
    for number, path in window.unreadable.items():
        if path == COPIES:
            doubts.keep(DoubtKind.LESSON_COPIES, number, scope.branch, month)
    believed = []
    for record in window.lesson_records:
        lesson, before = record.lesson, recorded.get(record.lesson.id)
        if before is not None and _jumps(before.lesson, lesson, rulebook):
            day = lesson.date.isoformat()
            if doubts.keep(DoubtKind.LESSON_DATE, lesson.id, before.lesson.branch, day):
                continue
        believed.append(record)
    return replace(window, lesson_records=tuple(believed)), doubts


def _jumps(stored: Lesson, read: Lesson, rulebook: Rulebook) -> bool:
    # Whether the new day is too far from the one that is recorded, or alone costs the coins.
    if read.date == stored.date:
        return False
    unmoved = replace(read, date=stored.date)
    is_unpaid = rulebook.rule_for(unmoved) is not None and rulebook.rule_for(read) is None
    return is_unpaid or abs((read.date - stored.date).days) > DAYS_MOVED_MAX


def counts_from(doubt: Doubt) -> datetime:
    """From when on a second reading confirms a doubt."""
    return datetime.fromisoformat(doubt.since) + CONFIRMED_AFTER


def doubt_text(doubt: Doubt) -> str:
    """What is doubted, what ends the doubt, and how a person decides it."""
    text = _MEANINGS[doubt.kind].format(id=doubt.id, claim=doubt.claim) + "; "
    if doubt.ruling == Ruling.POST:
        return f"{text}believed by the next sync, says {doubt.actor}"
    text += "kept as recorded"
    if doubt.ruling:
        return f"{text}, says {doubt.actor}"
    if not doubt.may_agree:
        return f"{text}, or: review waive {doubt.case}"
    when = f"{counts_from(doubt):%Y-%m-%d %H:%M} UTC"
    return f"{text} until a sync after {when} agrees, or: review post|waive {doubt.case}"
