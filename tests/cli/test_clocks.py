"""A clock that is wrong, and the way out where it was wrong once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import cli
from tests.support.school import TODAY, Installation
from tests.support.terminal import in_terminal

LONG = timedelta(days=400)
CREDIT = ("credit", "101", "1", "--reason", "Проба", "--yes")
NOON = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)


def by_the_crm(off: timedelta) -> timedelta:
    """How much later than now it is where our clock is off from the CRM's by so much."""
    return NOON + off - cli.utc_now()


@pytest.fixture
def frozen(desk: Installation) -> Installation:
    """An installation where one command ran under a clock a year ahead."""
    assert desk.run(*CREDIT, later=LONG).code == 0
    return desk


def test_a_ledger_stamped_in_the_future_has_a_way_out(frozen: Installation) -> None:
    """The refusal names the command; after it everything goes on, and the ledger is proved."""
    refused = frozen.run("debit", *CREDIT[1:])
    assert refused.code == 2
    assert "clock is before the last run" in refused.err
    assert "coinsync db accept --clock" in refused.err
    accepted = frozen.ok("db", "accept", "--clock", "--yes")
    assert "by anna" in accepted.out
    assert "the clock is accepted" in accepted.out
    frozen.ok("debit", *CREDIT[1:])
    frozen.ok("reconcile")
    assert frozen.ok("journal", "--json").json[1]["run"]["purpose"] == "accept"


def test_a_person_is_asked(frozen: Installation) -> None:
    """No is nothing written, and so is a dry run; without a terminal --yes is needed."""
    before = frozen.tables()
    assert "by anna" in frozen.ok("db", "accept", "--clock", "--dry-run").out
    for words in ((), ("--quiet",), ("--json",)):
        asked = frozen.run("db", "accept", "--clock", *words)
        assert (asked.code, "nobody is there to ask" in asked.err) == (2, True)
    said_no = in_terminal(frozen, "db", "accept", "--clock", answer="n\n")
    assert (said_no.code, frozen.tables()) == (0, before)
    assert "Is this machine's clock right?" in said_no.text
    said_yes = in_terminal(frozen, "--quiet", "db", "accept", "--clock", answer="y\n")
    assert said_yes.code == 0
    assert "by anna" in said_yes.text
    frozen.ok(*CREDIT, "--allow-duplicate")


def test_nothing_is_accepted_without_need(desk: Installation) -> None:
    """Where no run is later than now there is nothing to do; and what is accepted must be said."""
    before = desk.tables()
    assert "nothing to do" in desk.ok("db", "accept", "--clock", "--yes").out
    assert desk.run("db", "accept").code == 2
    assert desk.tables() == before


def test_a_sync_under_a_wrong_clock_says_once_that_nothing_is_written(
    open_desk: Installation,
) -> None:
    """What is wrong, by how much, and what to do; not the same thing twice."""
    open_desk.configure(guards__clock_hours_max=24)
    before = open_desk.tables()
    refused = open_desk.run("sync", later=by_the_crm(timedelta(days=2)))
    assert (refused.code, open_desk.tables()) == (2, before)
    assert "Correct the clock of this machine" in refused.err
    assert refused.err.lower().count(" written") == 1


def test_a_clock_that_is_wrong_now_is_not_accepted(open_desk: Installation) -> None:
    """The CRM's clock says so; one that agrees with the CRM's is shown beside it."""
    open_desk.configure(guards__clock_hours_max=24)
    assert open_desk.run(*CREDIT, later=LONG).code == 0
    before = open_desk.tables()
    words = ("db", "accept", "--clock", "--yes")
    wrong = open_desk.run(*words, later=by_the_crm(timedelta(days=-2)))
    assert (wrong.code, open_desk.tables()) == (2, before)
    assert "48 hours behind the CRM's" in wrong.err
    assert "a clock that is wrong is not accepted" in wrong.err
    right = open_desk.run(*words, later=by_the_crm(timedelta(hours=1)))
    assert right.code == 0
    assert f"the CRM's   {TODAY}T12:00:00Z" in right.out


@pytest.mark.parametrize("days", [-400, -2, 2, 400])
@pytest.mark.parametrize("words", [("sync",), ("sync", "--dry-run"), ("reconcile", "--with-crm")])
def test_a_sync_with_a_wrong_clock_plans_nothing(
    installation: Installation, days: int, words: tuple[str, ...]
) -> None:
    """2, in one line; neither plan nor branch is shown, and nothing is written."""
    installation.configure(guards__clock_hours_max=24)
    before = installation.tables()
    said = installation.run(*words, later=by_the_crm(timedelta(days=days)))
    assert (said.code, said.out, installation.tables()) == (2, "", before)
    assert f"{abs(days) * 24} hours" in said.err
    assert len(said.err.splitlines()) == 2


def test_a_long_pause_is_no_wrong_clock(installation: Installation) -> None:
    """A year without a sync ends like a night."""
    installation.configure(guards__clock_hours_max=24)
    assert installation.run("sync", later=by_the_crm(timedelta(0))).code == 0
    installation.crm.school.act("advance", days=400)
    said = installation.run("sync", later=by_the_crm(timedelta(days=400)))
    assert said.code in (0, 3, 5)
    assert "clock" not in said.err


def test_a_crm_whose_clock_cannot_be_right_is_not_followed(installation: Installation) -> None:
    """The sync goes on with this machine's day, and says so."""
    installation.configure(guards__clock_hours_max=24)
    school = installation.crm.school
    school.tables.today = TODAY.replace(year=1970)
    said = installation.run("sync", "--dry-run", later=by_the_crm(timedelta(0)))
    assert said.code == 0
    assert "the CRM's clock says 1970-11-20, which cannot be" in said.err
    assert f"… {TODAY}" in said.out
