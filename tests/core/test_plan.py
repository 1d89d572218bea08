"""A plan is a value.

Its order is its own, its digest covers what it does, and it knows when it is unsafe.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsync.core.facts import Branch, Group, LessonType, Link, LinkSource, Membership
from coinsync.core.ledger import KeyState, Kind
from coinsync.core.plan import (
    Change,
    Counts,
    Drop,
    Evidence,
    Limits,
    Plan,
    Post,
    Purpose,
    Put,
    Remark,
    RemarkKind,
    Scope,
    digest_of,
    matches,
)
from tests.support.makers import (
    ADA,
    DAY,
    GLEB,
    GROUP,
    MONTH,
    a_credit,
    a_lesson,
    a_plan,
    a_resident,
    a_reversal,
    an_award,
    present,
    thorough,
)
from tests.support.plans import CHANGES, PLANS, REMARKS, STANDS, place

# --- order ------------------------------------------------------------------------------------


@thorough(120)
@given(
    st.data(),
    st.lists(CHANGES, max_size=8, unique_by=place),
    st.lists(STANDS, max_size=4, unique_by=lambda state: state.key),
    st.lists(REMARKS, max_size=6, unique=True),
)
def test_a_plan_does_not_depend_on_the_order_of_its_parts(
    data: st.DataObject, changes: list[Change], basis: list[KeyState], remarks: list[Remark]
) -> None:
    """However its parts were found, the plan is equal and so is its digest."""
    one = Plan.of(Purpose.LESSONS, MONTH, changes, basis=basis, remarks=remarks)
    other = Plan.of(
        Purpose.LESSONS,
        MONTH,
        data.draw(st.permutations(changes)),
        basis=data.draw(st.permutations(basis)),
        remarks=data.draw(st.permutations(remarks)),
    )
    assert one == other
    assert one.digest == other.digest


def test_facts_come_before_what_refers_to_them() -> None:
    """Drops first, then people before their memberships and lessons before attendance, entries
    last by day."""
    changes: list[Change] = [
        Post(an_award(2, on=date(2026, 11, 9))),
        Post(an_award(3)),
        Post(an_award(1)),
        Put(present()),
        Put(a_lesson()),
        Put(Link(7, ADA, LinkSource.CRM)),
        Put(Membership(ADA, GROUP)),
        Put(a_resident(100)),
        Put(a_resident(9)),
        Put(Group(GROUP, "A")),
        Put(LessonType(2, "B", 2)),
        Put(Branch(1, "C")),
        Drop(Link(8, ADA, LinkSource.CRM)),
    ]
    plan = a_plan(*changes)
    facts = [change.subject for change in plan.changes if isinstance(change, (Drop, Put))]
    assert [type(change).__name__ for change in plan.changes] == [
        "Drop",
        *["Put"] * len(facts[1:]),
        *["Post"] * 3,
    ]
    assert [type(fact).__name__ for fact in facts] == [
        *(
            "Link",
            "Branch",
            "LessonType",
            "Group",
            "Resident",
            "Resident",
            "Membership",
            "Link",
            "Lesson",
        ),
        "Attendance",
    ]
    assert [entry.lesson for entry in plan.entries] == [1, 3, 2]
    assert [change.new for change in plan.changes if isinstance(change, Put)][3:5] == [
        a_resident(9),
        a_resident(100),
    ]


def test_entries_of_one_key_keep_their_numbers_in_order() -> None:
    """A reversal comes before the award that follows it, also past the ninth."""
    awards = [an_award(seq=seq, coins=1) for seq in (11, 9, 10, 2)]
    assert [entry.seq for entry in a_plan(*map(Post, awards)).entries] == [2, 9, 10, 11]


# --- digest -----------------------------------------------------------------------------------

PLAN = Plan.of(
    Purpose.LESSONS, MONTH, [Post(an_award()), Put(a_lesson())], basis=[KeyState(an_award().key)]
)


def test_the_digest_of_a_plan_is_known() -> None:
    """The canonical form is fixed.

    A plan reviewed with this version is the same plan in the next.
    """
    assert PLAN.digest == "1495b3bfff90671737170e2695889713bcdbeb4e2478806f47b10e85350dad63"


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAN, purpose=Purpose.PEOPLE),
        replace(PLAN, scope=replace(MONTH, branch=2)),
        replace(PLAN, scope=replace(MONTH, since=DAY)),
        replace(PLAN, scope=replace(MONTH, until=DAY)),
        replace(PLAN, changes=PLAN.changes[:1]),
        replace(PLAN, changes=(Put(a_lesson()), Post(an_award(coins=11)))),
        replace(PLAN, changes=(Put(a_lesson(starts="17:01")), Post(an_award()))),
        replace(PLAN, changes=(Put(a_lesson(), a_lesson(starts="16:00")), Post(an_award()))),
        replace(PLAN, changes=(Drop(a_lesson()), Post(an_award()))),
        replace(PLAN, basis=()),
        replace(PLAN, basis=(KeyState(an_award().key, 1),)),
        replace(PLAN, basis=(KeyState(an_award().key, 0, 0, 5),)),
    ],
)
def test_the_digest_covers_what_a_plan_does(other: Plan) -> None:
    """Purpose, scope, every change with what it replaces, and the basis make the digest."""
    assert other.digest != PLAN.digest


def test_the_digest_does_not_cover_the_explanation() -> None:
    """Remarks, lessons and evidence may be worded and counted anew without making another plan."""
    other = replace(
        PLAN,
        remarks=(Remark(RemarkKind.LATE, "late"),),
        lessons=(a_lesson(),),
        evidence=Evidence(1, 2, 3, 4),
    )
    assert other != PLAN
    assert other.digest == PLAN.digest


@thorough(50)
@given(PLANS)
def test_every_plan_has_a_digest_of_its_own_form(plan: Plan) -> None:
    """64 small hexadecimal digits, the same each time."""
    assert len(plan.digest) == 64
    assert set(plan.digest) <= set("0123456789abcdef")
    assert plan.digest == plan.digest


DIGEST = "7f3a91c2" + "0" * 56


@pytest.mark.parametrize("given_", ["7f3a91c2", "7F3A91C2", DIGEST, DIGEST[:20]])
def test_a_digest_is_named_by_its_first_eight_digits_or_more(given_: str) -> None:
    """A person may type as many digits as are shown, in either case."""
    assert matches(DIGEST, given_)


@pytest.mark.parametrize("given_", ["", "7f3a91c", "7f3a91c3", DIGEST + "0", "0" * 64, "all"])
def test_fewer_or_other_digits_name_nothing(given_: str) -> None:
    """Nothing short or wrong accepts a plan."""
    assert not matches(DIGEST, given_)


def test_the_digest_of_several_plans_depends_on_each() -> None:
    """One plan's digest is its own; several together have another, in their order."""
    assert digest_of(["a"]) == "a"
    assert (
        len(
            {
                digest_of(["a", "b"]),
                digest_of(["b", "a"]),
                digest_of(["a"]),
                digest_of(["a", "b", "b"]),
            }
        )
        == 4
    )


# --- counts -----------------------------------------------------------------------------------


def test_a_plan_adds_itself_up() -> None:
    """Awards, reversals, hand work, facts and holds are counted apart."""
    plan = Plan.of(
        Purpose.LESSONS,
        MONTH,
        [
            Post(an_award(1)),
            Post(an_award(2, coins=15)),
            Post(a_reversal(an_award(3), n=5)),
            Post(a_credit("1", coins=100)),
            Post(a_credit("2", coins=-30)),
            Put(a_lesson()),
            Drop(Link(7, ADA, LinkSource.CRM)),
        ],
        remarks=[Remark(RemarkKind.HOLD, "absent"), Remark(RemarkKind.LATE, "late")],
    )
    assert plan.counts == Counts(
        awards=2, awarded=25, reversals=1, reversed=-10, others=2, moved=70, facts=2, held=1
    )


def test_a_plan_without_changes_is_false() -> None:
    """Remarks alone change nothing."""
    assert not Plan.of(Purpose.LESSONS, MONTH, [], remarks=[Remark(RemarkKind.HOLD, "absent")])
    assert a_plan(Put(a_lesson()))
    assert a_plan().counts == Counts()


# --- guards -----------------------------------------------------------------------------------

STRICT = Limits(
    reversals_percent_max=5, reversals_checked_from=20, reversals_free=0, coins_per_run_max=100
)


def lessons(
    *changes: Change, evidence: Evidence | None = None, purpose: Purpose = Purpose.LESSONS
) -> Plan:
    """A plan of lessons with what its reading showed."""
    return Plan.of(purpose, MONTH, changes or [Put(a_lesson())], evidence=evidence)


def reversals(number: int) -> list[Change]:
    """So many reversals."""
    return [Post(a_reversal(an_award(lesson), n=lesson)) for lesson in range(1, number + 1)]


def test_a_plan_within_its_limits_is_safe() -> None:
    """No guard speaks about an ordinary night."""
    assert lessons(Post(an_award()), evidence=Evidence(10, 11, 50)).check(STRICT) == ()


def test_no_lessons_where_some_were_known_is_unsafe() -> None:
    """An empty answer is never a reason to take coins away.

    Where none were known it is the truth.
    """
    assert lessons(evidence=Evidence(12, 0)).check(STRICT) == ("no lessons where 12 were known",)
    assert lessons(evidence=Evidence(0, 0)).check(STRICT) == ()
    assert lessons(evidence=Evidence(12, 1)).check(STRICT) == ()


def test_a_shrunken_answer_is_unsafe() -> None:
    """Lessons that vanished in such number that nobody asked for them are named."""
    found = lessons(evidence=Evidence(40, 10, lessons_unasked=30)).check(STRICT)
    assert found == ("30 of 40 known lessons are missing from the answer",)


@pytest.mark.parametrize(
    ("posted", "number", "safe"),
    [
        *((20, 1, True), (20, 2, False), (39, 1, True), (39, 2, False), (40, 2, True)),
        *((100, 5, True), (100, 6, False), (19, 19, True), (0, 3, True)),
    ],
)
def test_too_great_a_share_of_reversals_is_unsafe(posted: int, number: int, safe: bool) -> None:
    """Exactly the allowed share passes and one more does not.

    Below a number of awards shares mean nothing.
    """
    found = lessons(*reversals(number), evidence=Evidence(5, 5, posted)).check(STRICT)
    assert bool(found) is not safe


def test_the_share_is_named_with_its_limit() -> None:
    """The refusal says how many, of how many, how much that is and how much is allowed."""
    found = lessons(*reversals(9), evidence=Evidence(5, 5, 120)).check(STRICT)
    assert found == ("9 reversals of 120 posted (7.5 %, limit 5 %)",)


@pytest.mark.parametrize(("number", "safe"), [(3, True), (4, False)])
def test_a_few_reversals_are_free(number: int, safe: bool) -> None:
    """So many reversals pass in a small school too, one more does not."""
    limits = replace(STRICT, reversals_free=3)
    found = lessons(*reversals(number), evidence=Evidence(5, 5, 20)).check(limits)
    assert bool(found) is not safe


@pytest.mark.parametrize(("coins", "safe"), [(15, True), (10, True), (9, False)])
def test_what_is_paid_anew_is_no_loss(coins: int, safe: bool) -> None:
    """A new rate takes coins from nobody, unless it is a lower one; only its gain is awarded.

    Another lesson that is paid meanwhile makes no loss good.
    """
    anew = [Post(replace(an_award(lesson, coins=coins), seq=3)) for lesson in range(1, 11)]
    plan = lessons(*reversals(10), *anew, evidence=Evidence(5, 5, 20))
    assert bool(plan.check(STRICT)) is not safe
    other = lessons(*reversals(10), Post(an_award(11)), evidence=Evidence(5, 5, 20))
    assert other.check(STRICT)


@pytest.mark.parametrize(("coins", "safe"), [(100, True), (101, False)])
def test_too_many_coins_at_once_are_unsafe(coins: int, safe: bool) -> None:
    """Exactly the limit passes and one coin more does not; reversals do not make room."""
    found = lessons(Post(an_award(coins=coins)), Post(a_reversal(an_award(2), n=1))).check(STRICT)
    assert found == (() if safe else ("+101 coins in one run (limit 100)",))


def test_every_guard_that_refuses_is_named() -> None:
    """A plan may be unsafe for several reasons at once."""
    plan = lessons(Post(an_award(9, coins=101)), *reversals(2), evidence=Evidence(5, 0, 20))
    assert len(plan.check(STRICT)) == 3


@pytest.mark.parametrize("purpose", [Purpose.PEOPLE, Purpose.DESK])
def test_the_guards_speak_about_lessons_alone(purpose: Purpose) -> None:
    """What a clerk does, and what is recorded of people, has limits of its own."""
    plan = lessons(Post(a_credit("1", GLEB, 5000)), evidence=Evidence(5, 0, 20), purpose=purpose)
    assert plan.check(STRICT) == ()


def test_a_plan_without_changes_is_safe() -> None:
    """What changes nothing can do no harm."""
    plan = Plan.of(Purpose.LESSONS, Scope(1, DAY, DAY), [], evidence=Evidence(5, 0, 20))
    assert plan.check(STRICT) == ()


def test_only_awards_and_reversals_have_kinds_of_lessons() -> None:
    """Hand work never counts as an award, so it cannot make room for reversals."""
    assert lessons(Post(a_credit("1"))).counts.awards == 0
    assert a_credit("1").kind is Kind.CREDIT
