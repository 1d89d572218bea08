"""Why coins moved, or did not, in words for staff."""

from collections.abc import Mapping

from coinsync.core import ledger
from coinsync.core.rules import Reason
from coinsync.core.wording import RUSSIAN
from coinsync.staff_texts import StaffText, in_both, joined, phrase

REASONS: Mapping[str, str] = {
    "lesson": "lesson attended",
    "rate_changed": "rate changed",
    ledger.BY_HAND: "by hand",
    ledger.OPENED: "opening balance",
    ledger.TAKEN_BACK: "taken back by hand",
    ledger.FORGIVEN: "forgiven: the coins were spent already",
    ledger.BOUGHT: "bought in the shop",
    ledger.RETURNED: "brought back to the shop",
    Reason.PAID: "attended a lesson of the regular schedule",
    Reason.LESSON_GONE: "lesson is gone from the CRM",
    Reason.NOT_CONDUCTED: "lesson not conducted in the CRM",
    Reason.REMOVED: "no longer listed in the lesson",
    Reason.ABSENT: "absent in the CRM",
    Reason.NOT_MARKED: "not marked in the CRM",
    Reason.SAME_CHILD: "the child's other card is paid for this lesson",
    Reason.TRIAL: "trial lesson",
    Reason.MAKEUP: "make-up of a missed lesson",
    Reason.TYPE_NOT_COUNTED: "lesson type earns nothing",
    Reason.TYPE_UNKNOWN: "lesson type that nobody has classified",
    Reason.NO_RULE: "no rule for this lesson and day",
    Reason.GUEST: "guest of another group",
    Reason.MEMBERSHIP_UNKNOWN: "membership on that day not known",
    Reason.NOT_SCHEDULED: "not in the regular schedule",
}


def reason_text(code: str) -> str:
    """English words for a reason code; another text stays as it is."""
    return REASONS.get(code, code)


def reason_for_staff(code: str) -> str:
    """The same for staff, whose Russian words are those that families read."""
    # A family reads nothing beside a lesson that it sees in the line.
    russian = RUSSIAN.reasons.get(code) or RUSSIAN.lesson
    return in_both(russian, REASONS[code]) if code in REASONS else code


def entries_text(first: int, last: int) -> StaffText:
    """What entries are called that stand one after the other."""
    if first == last:
        return phrase("the_entry", n=first)
    return phrase("entries", first=first, last=last)


def why(reason: str, rule: str, note: str, ways: Mapping[str, str] | None = None) -> str:
    """Why an entry was posted, with what staff typed; ``ways`` are titles by code."""
    if reason in ledger.NOTE_SAYS_ALL and note:
        return note
    words = reason_for_staff(reason)
    if reason == ledger.BY_WAY:
        # The rule of such an entry is the code of the way.
        words = (ways or {}).get(rule, rule)
    return joined(": ", words, note) if note else words
