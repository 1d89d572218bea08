"""Which of two clocks can be right: this machine's or the CRM's."""

from datetime import UTC, datetime, timedelta

from coinsync import BUILT_ON
from coinsync.errors import ClockWrong

#: So far from the day on which the program was built a clock is rather wrong than right.
DOUBTFUL_FROM = timedelta(days=2 * 365)


def believed(ours: datetime, theirs: datetime | None, hours_max: int) -> datetime | None:
    """The CRM's time (aware); None where it has none, or where that is doubted.

    Raises ``ClockWrong`` where ours differs by more than ``hours_max`` and theirs can be right.
    """
    if theirs is None or abs(ours - theirs) <= timedelta(hours=hours_max):
        return theirs
    built = datetime.fromisoformat(BUILT_ON).replace(tzinfo=UTC)
    # Years after the build both are far from it, and then the one that is nearer is believed.
    if abs(theirs - built) > max(DOUBTFUL_FROM, abs(ours - built)):
        return None
    side = "ahead of" if ours > theirs else "behind"
    hours = round(abs(ours - theirs) / timedelta(hours=1))
    limit = f"limit {hours_max}, [guards] clock_hours_max"
    raise ClockWrong(f"clock is {hours} hours {side} the CRM's ({limit}); nothing written")
