"""Days at both ends of the calendar, from the CRM and from whoever types: nothing breaks."""

from __future__ import annotations

from datetime import date

import pytest

from coinsync.core.facts import Doubt
from tests.support.school import Installation

FAR = [date(9999, 12, 31), date(1900, 1, 1), date(1, 1, 1)]
#: What a command may say; 1 would be an error that nobody foresaw.
FORESEEN = {0, 2, 3, 4, 5, 6}

COMMANDS = [
    "sync --until DAY",
    "sync --since 9999-12-31 --until 9999-12-31",
    "reconcile",
    "reconcile --as-of DAY",
    "reconcile --with-crm",
    "history #101",
    "statement #101",
    "statement #101 --since DAY --until 9999-12-31",
    "statement #101 --since 0001-01-01 --until DAY",
    "explain #101 --date DAY",
    "balance --as-of DAY",
    "export --format csv",
    "export --format beancount",
    "export --format hledger",
    "review list",
    "shop report --since DAY",
    "shop sales --until DAY",
    "credit #101 1 --reason x --date DAY --yes",
    "journal --since DAY",
    "journal --until DAY",
    "waiting",
    "doctor",
    "residents show #101",
]


@pytest.mark.parametrize("day", FAR, ids=str)
def test_no_command_breaks_on_a_far_day(synced: Installation, day: date) -> None:
    """A lesson that was paid moves there in the CRM, and a person types it."""
    lesson = synced.paid_lessons()[0].id
    synced.school.act("move", lesson=lesson, date=day)
    synced.ok("sync")
    # No such day is believed at once: here a person says that it is right.
    with synced.reader() as reader:
        (doubt,) = reader.all(Doubt)
    synced.ok("review", "post", doubt.case, "--yes")
    synced.ok("sync")
    for command in COMMANDS:
        words = [word.replace("DAY", day.isoformat()) for word in command.split()]
        said = synced.run(*words)
        assert said.code in FORESEEN, f"{command}: {said.err}"
        assert "unexpected" not in said.err, f"{command}: {said.err}"
    assert str(day) in synced.ok("explain", "--lesson", str(lesson), "--json").out
