"""Which of two clocks is believed, asked with plain times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from coinsync import BUILT_ON
from coinsync.core.clocks import believed
from coinsync.errors import ClockWrong

BUILT = datetime.fromisoformat(BUILT_ON).replace(tzinfo=UTC)
DAY, YEAR = timedelta(days=1), timedelta(days=365)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("off", [timedelta(0), SECOND, DAY, -DAY], ids=str)
@pytest.mark.parametrize("since_build", [timedelta(0), 30 * DAY, 9 * YEAR], ids=str)
def test_clocks_that_agree_are_believed(off: timedelta, since_build: timedelta) -> None:
    """Up to the limit, however old the program is."""
    ours = BUILT + since_build
    assert believed(ours, ours + off, 24) == ours + off


@pytest.mark.parametrize("off", [DAY + SECOND, -DAY - SECOND, 300 * DAY, -300 * DAY], ids=str)
def test_a_clock_far_from_the_crms_is_wrong(off: timedelta) -> None:
    """Ahead or behind; the line names both the limit and what sets it."""
    theirs = BUILT + 100 * DAY
    with pytest.raises(ClockWrong, match=r"ahead of|behind") as raised:
        believed(theirs + off, theirs, 24)
    assert "limit 24, [guards] clock_hours_max" in raised.value.message
    assert ("behind" in raised.value.message) == (off < timedelta(0))


@pytest.mark.parametrize("years", [-57, -3, 3, 70])
def test_a_crm_far_from_the_build_is_doubted(years: int) -> None:
    """Ours counts then."""
    assert believed(BUILT + DAY, BUILT + years * YEAR, 24) is None


@pytest.mark.parametrize("ours", [-57, 30])
def test_years_after_the_build_the_nearer_clock_is_believed(ours: int) -> None:
    """An old program whose own clock stands at 1970 does not doubt the CRM."""
    with pytest.raises(ClockWrong):
        believed(BUILT + ours * YEAR, BUILT + 5 * YEAR, 24)


def test_a_crm_without_a_clock_is_not_compared() -> None:
    """Files know no time."""
    assert believed(BUILT, None, 24) is None
