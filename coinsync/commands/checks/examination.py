"""What checks look at, read once and only if a line needs it, and what they say."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import NamedTuple, TypeVar

from coinsync.commands import connections
from coinsync.commands.session import Session
from coinsync.core.facts import Branch, LessonType
from coinsync.errors import CoinsyncError
from coinsync.store.reader import Reader

OK, WARN, FAIL = "ok", "warn", "FAIL"
T = TypeVar("T")


class Diagnosis(NamedTuple):
    """One line: ``ok``, ``warn`` (it works, and could be better) or ``FAIL``, and what to do."""

    look: str
    state: str
    said: str
    advice: str = ""


class CrmAnswers(NamedTuple):
    """What the CRM says of itself, and how much our clock is ahead of its.

    ``fields`` are those of its cards, None where cards have no fields of a school's own.
    """

    clock_ahead: timedelta | None
    branches: dict[int, Branch]
    types: dict[int, LessonType]
    fields: frozenset[str] | None


@dataclass
class Examination:
    """One run of the doctor; ``offline`` asks neither the CRM nor VK."""

    session: Session
    offline: bool
    diagnoses: list[Diagnosis] = field(default_factory=list)
    #: Why the database cannot be read, once that was seen; and what it takes on disk.
    trouble: CoinsyncError | None = None
    size_bytes: int = 0

    def say(self, look: str, state: str, said: str, advice: str = "") -> None:
        """Add a line; where all is well, there is nothing to advise."""
        self.diagnoses.append(Diagnosis(look, state, said, "" if state == OK else advice))

    def ok(self, look: str, said: str) -> None:
        """Something is as it should be."""
        self.say(look, OK, said)

    def warn(self, look: str, said: str, advice: str) -> None:
        """Something works, and could be better."""
        self.say(look, WARN, said, advice)

    def fail(self, look: str, said: str, advice: str) -> None:
        """Something must be mended."""
        self.say(look, FAIL, said, advice)

    def failed(self, look: str, error: CoinsyncError) -> None:
        """A command would end with this error."""
        self.fail(look, error.message.splitlines()[0], error.advice)

    def judge(
        self, look: str, problems: Sequence[str], fine: str, advice: str, state: str = FAIL
    ) -> None:
        """A line for each problem, or what is fine."""
        for problem in problems:
            self.say(look, state, problem, advice)
        if not problems:
            self.ok(look, fine)

    def states(self, look: str) -> set[str]:
        """The states of the lines about something."""
        return {diagnosis.state for diagnosis in self.diagnoses if diagnosis.look == look}

    def asked(self, question: Callable[[Reader], T]) -> T | None:
        """What the database says; None where its tables cannot be read."""
        if self.trouble is not None:
            return None
        with ExitStack() as stack:
            try:
                reader = stack.enter_context(self.session.reader())
            except CoinsyncError as error:
                # The check of the database says why.
                self.trouble = error
                return None
            return question(reader)

    @cached_property
    def crm(self) -> CrmAnswers | CoinsyncError | None:
        """What the CRM answers, or why it does not; None when it is not asked."""
        if self.offline:
            return None
        try:
            with connections.exchange(self.session) as exchange:
                branches = {branch.id: branch for branch in exchange.branches().whole()}
                types: dict[int, LessonType] = {}
                fields: frozenset[str] | None = None
                for branch in self.session.settings.branches:
                    # A branch that the CRM does not have is a line of its own, and has no lists.
                    if branch.id in branches:
                        listed = exchange.lesson_types(branch.id).whole()
                        types |= {lesson_type.id: lesson_type for lesson_type in listed}
                        fields = fields or exchange.card_fields(branch.id)
                moment = exchange.moment()
                ahead = self.session.now() - moment if moment else None
                return CrmAnswers(ahead, branches, types, fields)
        except CoinsyncError as error:
            return error
