"""What goes wrong in a year: answers of the CRM, clocks, disks, and programs that are killed."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from coinsync.simulator import Simulator
from tests.support import steps
from tests.support.school import Said

#: Troubles of single answers of the CRM: of the way, of the form, and of what a list holds.
ANSWERS = (
    *("too_many", "error_500", "error_502", "error_503", "html_200", "empty_body", "cut_json"),
    *("drop", "lost_token", "null_body", "nan", "duplicate_keys", "items_null"),
    *("wrong_total", "empty_first_page", "duplicate_row", "missing_row", "details_missing"),
    *("drift_insert", "drift_delete", "tie_swap", "empty_list"),
)
#: How many of the requests meet a trouble, and how many kinds there are in one night.
SHARE = 0.10
KINDS_A_NIGHT = 5
#: The largest number of a step at which a program is killed or fails.
STEPS_OF_A_COMMAND, STEPS_OF_A_SYNC = 15, 120

#: What this machine's clock is wrong by. Up to a day passes unnoticed, unless it goes back again.
CLOCKS = (
    *(timedelta(hours=20), timedelta(hours=-5), timedelta(minutes=-3)),
    *(timedelta(days=400), timedelta(days=-40)),
)


@dataclass
class Troubles:
    """All that goes wrong, drawn from one source of chance."""

    random: Random

    def of_a_night(self, crm: Simulator) -> None:
        """Let a part of the CRM's answers be wrong from now on."""
        crm.faults.clear()
        for kind in self.random.sample(ANSWERS, KINDS_A_NIGHT):
            seed = self.random.randrange(2**31)
            crm.faults.add(kind, rate=SHARE / KINDS_A_NIGHT, seed=seed)

    def of_the_clock(self) -> timedelta:
        """What this machine's clock is wrong by today: mostly by nothing."""
        return self.random.choice(CLOCKS) if self.random.random() < 0.06 else timedelta(0)

    def happens(self, share: float) -> bool:
        """Whether something happens that does so in this share of all cases."""
        return self.random.random() < share

    def strike(self, work: Callable[[], Said], steps_max: int, share: float = 0.2) -> Said | None:
        """Do some work, in which the disk may fail or the process be killed.

        None where nobody sees how it ended.
        """
        at = self.random.randint(1, steps_max)
        drawn = self.random.random()
        if drawn < share / 2:
            steps.killed_at(at, work)
            return None
        if drawn < share:
            with steps.failing_at(at, self.random.choice((errno.ENOSPC, errno.EIO))):
                return work()
        return work()
