"""The pretend school: made from a seed, living day by day, edited by hand."""

import json
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from coinsync.simulator.chance import Chance
from coinsync.simulator.life import PLANNED_AHEAD_DAYS, Life, plan_day
from coinsync.simulator.opening import Opening
from coinsync.simulator.protocol import as_arguments
from coinsync.simulator.tables import ACTIONS, CrmTables

#: The goods of the made-up school's shop: pictures, and a catalog that names them.
GOODS = Path(__file__).with_name("goods")


class School:
    """A made-up school with `days` days of history up to `today`, today included.

    Equal arguments and actions give equal `tables`.
    """

    def __init__(
        self, *, seed: int, residents: int = 60, days: int = 45, today: date, branches: int = 2
    ) -> None:
        sizes = {"residents": residents, "days": days, "branches": branches}
        self._made_with = {"seed": seed, **sizes, "today": today.isoformat()}
        self._chance = Chance(seed)
        self._first_day = today - timedelta(days=days - 1)
        self.actions: list[dict[str, Any]] = []
        self.tables = CrmTables(self._first_day - timedelta(days=1))
        Opening(self.tables, self._chance, residents, branches).prepare()
        for ahead in range(PLANNED_AHEAD_DAYS):
            plan_day(self.tables, self._chance, self._first_day + timedelta(days=ahead))
        self._live(days)

    @classmethod
    def replay(cls, description: Mapping[str, Any]) -> "School":
        """The school of a description: made anew, and every action taken again."""
        try:
            made_with = dict(description)
            steps, today = made_with.pop("actions"), made_with.pop("today")
            school = cls(today=date.fromisoformat(today), **made_with)
            for step in steps:
                school.act(step["action"], **step["arguments"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"this is not the description of a school: {error!r}") from None
        return school

    def description(self) -> dict[str, Any]:
        """Everything that `replay` needs, ready for JSON."""
        return {**self._made_with, "actions": list(self.actions)}

    @property
    def today(self) -> date:
        """The day it is in the school."""
        return self.tables.today

    def act(self, name: str, /, **arguments: Any) -> int | None:
        """Take an action and remember it; the number of the record that it made, if any.

        Records are meant by their numbers, days may be texts. ValueError with one line if it
        cannot be taken.
        """
        method = self.actions_by_name().get(name)
        if method is None:
            raise ValueError(f"there is no action {name!r}")
        made = method(**as_arguments(method, arguments, self.tables.records()))
        # What is kept must fit into JSON: numbers of records, days as texts.
        kept = json.loads(json.dumps(arguments, default=date.isoformat))
        self.actions.append({"action": name, "arguments": kept})
        return getattr(made, "id", None)

    def actions_by_name(self) -> dict[str, Callable[..., Any]]:
        """Everything that a person may do."""
        methods = {name: getattr(self.tables, name) for name in ACTIONS}
        return {"advance": self.advance, **methods}

    def advance(self, days: int = 1) -> None:
        """Let days go by."""
        if not 1 <= days <= 400:
            raise ValueError(f"advance: days must be from 1 to 400, not {days}")
        self._live(days)

    def _live(self, days: int) -> None:
        self.tables.by_hand = False
        for _ in range(days):
            self.tables.today += timedelta(days=1)
            number = (self.today - self._first_day).days + 1
            Life(self.tables, self._chance, number).live()
        self.tables.by_hand = True
