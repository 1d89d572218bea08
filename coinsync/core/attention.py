"""What waits for a person, and what of it was told before."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

#: So often everything is told again.
TOLD_AGAIN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits; ``key`` changes when there is something new to tell about it."""

    key: str
    text: str
    command: str


@dataclass(frozen=True, slots=True)
class Told:
    """The keys of what was told last, and the day on which everything was."""

    keys: Collection[str] = ()
    everything_on: date = date.min

    @classmethod
    def of(cls, text: str) -> "Told":
        """What a file remembers; nothing where it cannot be read, so that all is told again."""
        try:
            keys, day = json.loads(text)
            return cls(frozenset(keys), date.fromisoformat(day))
        except (ValueError, TypeError):
            return cls()

    def text(self) -> str:
        """As a file keeps it."""
        return json.dumps([sorted(self.keys), self.everything_on.isoformat()])

    def is_everything_due(self, today: date) -> bool:
        """Whether it is time to tell everything again."""
        return today - self.everything_on >= TOLD_AGAIN

    def news(self, waiting: Sequence[Waiting], today: date) -> list[Waiting]:
        """What is to be told today."""
        is_due = self.is_everything_due(today)
        return [case for case in waiting if is_due or case.key not in self.keys]

    def after(self, waiting: Sequence[Waiting], today: date) -> "Told":
        """What is remembered once ``news`` were told."""
        day = today if self.is_everything_due(today) else self.everything_on
        return Told(frozenset(case.key for case in waiting), day)
