"""What a lesson is worth.

Each question with its reason, memberships, the schedule, and which rule is in force.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from coinsync.core.facts import (
    ALWAYS,
    Attendance,
    GroupStanding,
    LessonRecord,
    LessonType,
    Mark,
    Membership,
    RegularLesson,
    Status,
)
from coinsync.core.rules import (
    UNCERTAIN,
    GuestPolicy,
    LessonContext,
    Reason,
    Rulebook,
    Verdict,
    by_group,
    by_resident,
    judge,
)
from tests.support.makers import (
    ADA,
    CAMP_TYPE,
    DAY,
    GLEB,
    GROUP,
    MAKEUP_TYPE,
    NEW_TYPE,
    PAID_TYPE,
    TRIAL_TYPE,
    a_lesson,
    a_record,
    a_rule,
    a_rulebook,
    present,
)

YESTERDAY, TOMORROW = DAY - timedelta(1), DAY + timedelta(1)

# --- the questions ----------------------------------------------------------------------------


def test_an_attended_lesson_of_the_own_group_is_paid() -> None:
    """Conducted, attended, of a paid type, in the own group.

    The rule's coins and the rule's name.
    """
    assert judge(a_lesson(), present(), a_rulebook()) == Verdict(10, Reason.PAID, "group")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (Status.GONE, Reason.LESSON_GONE),
        (Status.PLANNED, Reason.NOT_CONDUCTED),
        (Status.CANCELLED, Reason.NOT_CONDUCTED),
    ],
)
def test_a_lesson_that_was_not_conducted_earns_nothing(status: Status, reason: Reason) -> None:
    """Planned and cancelled lessons were not conducted.

    One that is gone has a reason of its own.
    """
    assert judge(a_lesson(status=status), present(), a_rulebook()) == Verdict(0, reason)


@pytest.mark.parametrize(
    ("mark", "reason"),
    [
        (Mark.ABSENT, Reason.ABSENT),
        (Mark.NOT_MARKED, Reason.NOT_MARKED),
        (Mark.REMOVED, Reason.REMOVED),
    ],
)
def test_who_did_not_attend_earns_nothing(mark: Mark, reason: Reason) -> None:
    """Absent, not marked and removed are three reasons."""
    assert judge(a_lesson(), present(mark=mark), a_rulebook()) == Verdict(0, reason)


@pytest.mark.parametrize(
    ("type_id", "reason"),
    [
        (TRIAL_TYPE, Reason.TRIAL),
        (MAKEUP_TYPE, Reason.MAKEUP),
        (CAMP_TYPE, Reason.TYPE_NOT_COUNTED),
        (NEW_TYPE, Reason.TYPE_UNKNOWN),
    ],
)
def test_a_type_that_no_rule_names_earns_nothing(type_id: int, reason: Reason) -> None:
    """Trial, make-up, knowingly not counted, and classified by nobody are four reasons."""
    assert judge(a_lesson(type=type_id), present(), a_rulebook()) == Verdict(0, reason)


def test_a_paid_type_outside_every_scope_has_no_rule() -> None:
    """A type that some rule names earns nothing where no rule is in force."""
    book = a_rulebook(a_rule(since=TOMORROW))
    assert judge(a_lesson(), present(), book) == Verdict(0, Reason.NO_RULE)


def test_a_guest_earns_nothing() -> None:
    """A visit to another group's lesson is a make-up in disguise."""
    found = judge(a_lesson(), present(standing=GroupStanding.GUEST), a_rulebook())
    assert found == Verdict(0, Reason.GUEST, "group")


def test_a_lesson_without_groups_asks_for_no_membership() -> None:
    """An individual lesson pays whoever attends."""
    assert (
        judge(a_lesson(groups=()), present(standing=GroupStanding.NONE), a_rulebook()).coins == 10
    )


@pytest.mark.parametrize("mark", [Mark.ATTENDED, Mark.ABSENT, Mark.NOT_MARKED])
def test_an_attendance_as_it_was_read_is_not_judged(mark: Mark) -> None:
    """Until somebody has looked at the memberships, nothing at all is said about coins."""
    as_read = Attendance(1, ADA, mark)
    for lesson in (a_lesson(), a_lesson(groups=()), a_lesson(status=Status.GONE)):
        with pytest.raises(ValueError, match="not settled"):
            judge(lesson, as_read, a_rulebook())
        (settled,) = known().settle(LessonRecord(lesson, (as_read,))).attendance
        judge(lesson, settled, a_rulebook())


@pytest.mark.parametrize(
    ("policy", "verdict"),
    [
        (GuestPolicy.HOLD, Verdict(0, Reason.MEMBERSHIP_UNKNOWN, "group", held=10)),
        (GuestPolicy.PAY, Verdict(10, Reason.PAID, "group")),
        (GuestPolicy.REFUSE, Verdict(0, Reason.GUEST, "group")),
    ],
)
def test_the_rule_decides_where_membership_is_not_known(
    policy: GuestPolicy, verdict: Verdict
) -> None:
    """Hold keeps the coins for a person's word, pay gives them, refuse gives none."""
    assert (
        judge(a_lesson(), present(standing=GroupStanding.UNKNOWN), a_rulebook(a_rule(guest=policy)))
        == verdict
    )


@pytest.mark.parametrize(("scheduled", "coins"), [(True, 10), (False, 0)])
def test_a_rule_may_ask_for_a_scheduled_lesson(scheduled: bool, coins: int) -> None:
    """With ``scheduled_only`` a lesson beside the schedule earns nothing."""
    found = judge(a_lesson(scheduled=scheduled), present(), a_rulebook(a_rule(scheduled_only=True)))
    assert (found.coins, found.reason) == (coins, Reason.PAID if coins else Reason.NOT_SCHEDULED)


def test_an_unscheduled_lesson_is_not_held_for_its_guests() -> None:
    """Where the schedule says no, nobody needs to decide about membership."""
    book = a_rulebook(a_rule(scheduled_only=True))
    found = judge(a_lesson(), present(standing=GroupStanding.UNKNOWN), book)
    assert found == Verdict(0, Reason.NOT_SCHEDULED, "group")


def test_the_questions_are_asked_in_order() -> None:
    """Where every answer is no, the first no is the reason.

    Each that is mended brings the next one forward.
    """
    book = a_rulebook(a_rule(scheduled_only=True))
    lesson, one = (
        a_lesson(status=Status.PLANNED, type=NEW_TYPE),
        present(mark=Mark.ABSENT, standing=GroupStanding.GUEST),
    )
    reasons = [judge(lesson, one, book).reason]
    lesson = replace(lesson, status=Status.CONDUCTED)
    reasons.append(judge(lesson, one, book).reason)
    one = replace(one, mark=Mark.ATTENDED)
    reasons.append(judge(lesson, one, book).reason)
    lesson = replace(lesson, type=PAID_TYPE)
    reasons.append(judge(lesson, one, book).reason)
    one = replace(one, standing=GroupStanding.MEMBER)
    reasons.append(judge(lesson, one, book).reason)
    lesson = replace(lesson, scheduled=True)
    reasons.append(judge(lesson, one, book).reason)
    assert reasons == [
        Reason.NOT_CONDUCTED,
        Reason.ABSENT,
        Reason.TYPE_UNKNOWN,
        Reason.GUEST,
        Reason.NOT_SCHEDULED,
        Reason.PAID,
    ]


def test_only_a_lack_of_knowledge_is_uncertain() -> None:
    """Not marked and membership not known take no coins back by themselves.

    Every other reason is certain.
    """
    assert {Reason.NOT_MARKED, Reason.MEMBERSHIP_UNKNOWN} == UNCERTAIN


# --- types ------------------------------------------------------------------------------------


def test_a_trial_stays_a_trial_though_a_rule_names_it() -> None:
    """What the school calls a trial or a make-up never earns, whatever a rule says."""
    book = replace(a_rulebook(), trials=frozenset({PAID_TYPE}))
    assert judge(a_lesson(), present(), book).reason is Reason.TRIAL
    book = replace(a_rulebook(), makeups=frozenset({PAID_TYPE}))
    assert judge(a_lesson(), present(), book).reason is Reason.MAKEUP


def test_a_rule_outweighs_the_list_of_uncounted_types() -> None:
    """A type that a rule names counts, though it is listed as uncounted too."""
    book = replace(a_rulebook(), uncounted=frozenset({PAID_TYPE}))
    assert book.type_reason(PAID_TYPE) is None


def test_an_empty_rulebook_knows_no_type() -> None:
    """Without rules every type is unknown and earns nothing."""
    assert judge(a_lesson(), present(), Rulebook(())) == Verdict(0, Reason.TYPE_UNKNOWN)


# --- which rule -------------------------------------------------------------------------------


def test_the_first_rule_that_fits_is_in_force() -> None:
    """Rules stand most specific first."""
    special = a_rule("robotics", 15, subjects=frozenset({8}))
    book = a_rulebook(special, a_rule())
    assert book.rule_for(a_lesson(subject=8)) == special
    assert book.rule_for(a_lesson(subject=9)) == a_rule()
    assert book.rule_for(a_lesson(subject=None)) == a_rule()


@pytest.mark.parametrize(
    ("scope", "inside", "outside"),
    [
        ({"branches": frozenset({1})}, a_lesson(branch=1), a_lesson(branch=2)),
        ({"subjects": frozenset({8})}, a_lesson(subject=8), a_lesson(subject=None)),
        ({"groups": frozenset({11})}, a_lesson(groups=(12, 11)), a_lesson(groups=(12,))),
        ({"groups": frozenset({11})}, a_lesson(groups=(11,)), a_lesson(groups=())),
        ({"types": frozenset({6})}, a_lesson(type=6), a_lesson(type=2)),
        ({"since": DAY}, a_lesson(), a_lesson(on=YESTERDAY)),
        ({"until": DAY}, a_lesson(), a_lesson(on=TOMORROW)),
    ],
)
def test_a_rule_holds_within_its_scope_and_dates(
    scope: dict[str, object], inside: object, outside: object
) -> None:
    """Branch, subject, group, type and both days, ends included, bound a rule.

    An empty scope is everywhere.
    """
    rule = a_rule(**scope)  # type: ignore[arg-type]
    assert rule.fits(inside)  # type: ignore[arg-type]
    assert not rule.fits(outside)  # type: ignore[arg-type]


@pytest.mark.parametrize(("on", "coins"), [(YESTERDAY, 10), (DAY, 15), (TOMORROW, 15)])
def test_a_second_block_changes_the_rate_from_its_day_on(on: date, coins: int) -> None:
    """Old lessons keep the old rate, in whatever order the blocks stand."""
    old, new = a_rule(coins=10), a_rule(coins=15, since=DAY)
    for book in (a_rulebook(old, new), a_rulebook(new, old)):
        assert judge(a_lesson(on=on), present(), book).coins == coins


def test_a_later_block_of_another_name_does_not_take_over() -> None:
    """Only blocks of one name are one rule at several rates; between names the order decides."""
    book = a_rulebook(a_rule("a", 10), a_rule("b", 15, since=DAY))
    assert judge(a_lesson(), present(), book).coins == 10


def test_a_later_block_with_a_narrower_scope_takes_over_there_alone() -> None:
    """The latest block that fits the lesson is in force; elsewhere the earlier one stays."""
    book = a_rulebook(a_rule(coins=10), a_rule(coins=15, since=DAY, branches=frozenset({2})))
    assert judge(a_lesson(branch=2), present(), book).coins == 15
    assert judge(a_lesson(branch=1), present(), book).coins == 10


def test_a_rule_that_has_ended_gives_way() -> None:
    """After its last day the next rule that fits is in force."""
    book = a_rulebook(a_rule("a", 20, until=YESTERDAY), a_rule("b", 10))
    assert judge(a_lesson(), present(), book).coins == 10


def test_a_wider_rule_covers_the_scope_of_a_narrower_one() -> None:
    """Everywhere covers somewhere and not the other way round; more types cover fewer."""
    everywhere, somewhere = a_rule(), a_rule(branches=frozenset({1}))
    assert everywhere.covers_scope_of(somewhere)
    assert not somewhere.covers_scope_of(everywhere)
    assert a_rule(branches=frozenset({1, 2})).covers_scope_of(somewhere)
    assert not a_rule(types=frozenset({6})).covers_scope_of(everywhere)


# --- memberships ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "until", "covers"),
    [
        (ALWAYS, None, True),
        (DAY, None, True),
        (DAY, TOMORROW, True),
        (YESTERDAY, DAY, True),
        (ALWAYS, DAY, True),
        (TOMORROW, None, False),
        (ALWAYS, YESTERDAY, False),
        (DAY, DAY, False),
        (TOMORROW, YESTERDAY, False),
    ],
)
def test_a_membership_covers_its_days(since: date, until: date | None, covers: bool) -> None:
    """Both days are included and an end may be open.

    A membership of a single day is a make-up in disguise.
    """
    assert Membership(ADA, GROUP, since, until).covers(DAY) is covers


def known(
    *memberships: Membership, schedule: tuple[RegularLesson, ...] = (), known_since: date = ALWAYS
) -> LessonContext:
    """What is known of a school whose memberships are known since ``known_since``."""
    types = {PAID_TYPE: LessonType(PAID_TYPE, "Group", 2), 6: LessonType(6, "Individual", 1)}
    return LessonContext(types, by_resident(memberships), by_group(schedule), known_since)


def standing(
    among: LessonContext, *, groups: tuple[int, ...] = (GROUP,), type: int = PAID_TYPE
) -> GroupStanding:
    """How Ada stands to a lesson."""
    return among.settle(a_record(a_lesson(groups=groups, type=type))).attendance[0].standing


def test_a_member_of_one_of_the_groups_is_a_member() -> None:
    """A lesson of several groups has the members of each."""
    assert standing(known(Membership(ADA, GROUP)), groups=(12, GROUP)) is GroupStanding.MEMBER


def test_a_past_membership_counts_on_its_days() -> None:
    """One that ended later than the lesson makes a member, one that ended before makes a guest."""
    assert standing(known(Membership(ADA, GROUP, ALWAYS, DAY))) is GroupStanding.MEMBER
    assert standing(known(Membership(ADA, GROUP, ALWAYS, YESTERDAY))) is GroupStanding.GUEST


def test_one_of_several_stays_suffices() -> None:
    """Who left and came back is a member on the days of either stay."""
    stays = (
        Membership(ADA, GROUP, ALWAYS, date(2026, 5, 31)),
        Membership(ADA, GROUP, date(2026, 9, 1), None),
    )
    assert standing(known(*stays)) is GroupStanding.MEMBER


def test_a_membership_of_a_single_day_makes_a_guest() -> None:
    """The office enters a make-up as a membership of one day."""
    assert standing(known(Membership(ADA, GROUP, DAY, DAY))) is GroupStanding.GUEST


def test_a_membership_elsewhere_makes_a_guest() -> None:
    """Neither another group nor another resident's membership counts."""
    assert standing(known(Membership(ADA, 12), Membership(GLEB, GROUP))) is GroupStanding.GUEST


@pytest.mark.parametrize(
    ("known_since", "found"),
    [(DAY, GroupStanding.GUEST), (TOMORROW, GroupStanding.UNKNOWN), (ALWAYS, GroupStanding.GUEST)],
)
def test_before_the_first_reading_no_membership_proves_nothing(
    known_since: date, found: GroupStanding
) -> None:
    """A lesson before memberships were known leaves it open whether the resident belonged to the
    group."""
    assert standing(known(known_since=known_since)) is found


def test_before_the_first_reading_a_membership_proves_something() -> None:
    """A membership that the CRM still shows counts for the days before the first reading too."""
    assert standing(known(Membership(ADA, GROUP), known_since=TOMORROW)) is GroupStanding.MEMBER


def test_an_individual_lesson_has_no_group_to_belong_to() -> None:
    """Without groups there is no standing, unless the type says that there should have been a
    group."""
    assert standing(known(), groups=(), type=6) is GroupStanding.NONE
    assert standing(known(), groups=(), type=NEW_TYPE) is GroupStanding.NONE
    assert standing(known(), groups=(), type=PAID_TYPE) is GroupStanding.UNKNOWN


def test_everybody_on_a_record_is_settled() -> None:
    """Each resident has a standing of their own, marks and order stay."""
    record = a_record(a_lesson(), present(ADA), present(GLEB, Mark.ABSENT))
    settled = known(Membership(GLEB, GROUP)).settle(record)
    assert [(one.resident, one.mark, one.standing) for one in settled.attendance] == [
        (ADA, Mark.ATTENDED, GroupStanding.GUEST),
        (GLEB, Mark.ABSENT, GroupStanding.MEMBER),
    ]


# --- schedule ---------------------------------------------------------------------------------

LINE = RegularLesson(5, GROUP, (1, 4), "17:00", date(2026, 9, 1), date(2027, 5, 31))


def scheduled(line: RegularLesson, lesson_scheduled: bool = False) -> bool:
    """Whether a Monday's lesson at 17:00 is found on the schedule."""
    return (
        known(schedule=(line,))
        .settle(a_record(a_lesson(scheduled=lesson_scheduled)))
        .lesson.scheduled
    )


def test_a_lesson_that_names_its_line_is_scheduled() -> None:
    """The CRM's own word suffices, whatever the schedule says today."""
    assert scheduled(replace(LINE, group=99), lesson_scheduled=True)


@pytest.mark.parametrize(
    "line",
    [
        LINE,
        replace(LINE, until=None),
        replace(LINE, until=DAY),
        replace(LINE, since=DAY, weekdays=(1,)),
    ],
)
def test_group_weekday_time_and_dates_make_a_lesson_scheduled(line: RegularLesson) -> None:
    """A lesson that stands where its group always meets is scheduled; both ends are included."""
    assert scheduled(line)


@pytest.mark.parametrize(
    "line",
    [
        replace(LINE, group=12),
        replace(LINE, weekdays=(2, 4)),
        replace(LINE, weekdays=()),
        replace(LINE, starts="17:30"),
        replace(LINE, since=TOMORROW),
        replace(LINE, until=YESTERDAY),
    ],
)
def test_a_lesson_beside_the_schedule_is_not_scheduled(line: RegularLesson) -> None:
    """Another group, weekday, time or term is another lesson."""
    assert not scheduled(line)
