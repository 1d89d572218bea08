"""From the CRM to plans, below the command line: windows, calls, and what a run remembers while it goes."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from coinsync.sync import windows
from tests.support.school import House

DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))


@given(DAYS, st.integers(0, 800))
def test_windows_cover_every_day_once(since: date, length: int) -> None:
    """In order, without gap or overlap, none longer than a month."""
    until = since + timedelta(days=length)
    found = list(windows(7, since, until))
    assert (found[0].since, found[-1].until) == (since, until)
    for before, after in pairwise(found):
        assert after.since == before.until + timedelta(days=1)
    assert all(
        (scope.until - scope.since).days < 31 and scope.since.month == scope.until.month
        for scope in found
    )


def test_no_window_for_an_empty_span() -> None:
    """A span that ends before it begins has no days."""
    assert list(windows(7, date(2026, 2, 1), date(2026, 1, 1))) == []


def test_a_night_takes_few_requests(synced: House) -> None:
    """One login and the branches, then for each branch four lists and three for each window: nothing more."""
    assert synced.simulator is not None
    synced.simulator.requests.clear()
    synced.ok("sync")
    assert len(synced.simulator.requests) == 2 + 2 * (4 + 2 * 3)


def test_faults_in_the_middle_of_a_run_pass(synced: House) -> None:
    """A lost token or a failing answer is mended, and the plan is as empty as before."""
    assert synced.simulator is not None
    synced.simulator.faults.add("lost_token", at=(4, 9))
    synced.simulator.faults.add("error_503", at=(6,))
    assert synced.ok("sync", "--json").json["digest"] == ""


def test_memberships_are_remembered_after_the_crm_forgets_them(synced: House) -> None:
    """A pupil who changes group keeps the coins of the lessons before."""
    books = synced.school.books
    lesson = synced.paid_lessons()[-1]
    who = synced.paid_resident(lesson.id)
    other = next(
        group.id
        for group in books.groups.values()
        if group.branch_id == 1 and group.id not in lesson.group_ids
    )
    before = synced.balances()[who]
    synced.school.act("change_group", customer=who, from_group=lesson.group_ids[0], to_group=other)
    synced.ok("sync")
    synced.school.act("advance", days=1)
    synced.configure(guards__reversals_free=100)
    synced.ok("sync")
    assert synced.balances()[who] >= before
    out = synced.ok("explain", f"#{who}", "--lesson", str(lesson.id)).out
    assert "member of the group that day" in out


def test_the_crm_decides_what_today_is(house: House) -> None:
    """Lessons up to the school's own day are read, whatever the day is here."""
    house.ok("sync")
    with house.reader() as reader:
        assert {run.until for run in reader.runs(50) if run.purpose == "people"} == {
            house.school.today.isoformat()
        }
