"""What init asks a new school, in order, with what its CRM says as the proposals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from coinsync.commands import connections
from coinsync.commands.session import Session
from coinsync.commands.setup_questions import (
    ID_MAX,
    KEY_NAME,
    KEY_QUESTION,
    Questions,
    branch_list,
    day,
    e_mail,
    ids_among,
    optional_url,
    whole,
)
from coinsync.config import Secrets, kinds
from coinsync.config.proposals import propose_since, propose_types, propose_zone
from coinsync.core import setting
from coinsync.core.facts import LessonType
from coinsync.errors import CoinsyncError, CrmRefused, IncompleteRead, TryLater, UsageError
from coinsync.exchange.survey import LINK_IN_NOTE, AlfaCrmSurvey

#: Lesson types are shown with how many lessons each had in so many days.
DAYS_COUNTED = 60
FIELDS_SHOWN_MAX = 5
TYPE_QUESTIONS = {
    "regular": "Regular lessons, which earn coins",
    "trial": "Trial lessons",
    "makeup": "Make-ups of missed lessons",
}
#: The types of an account in which nobody changed them, in the same order.
USUAL_TYPES = ({2}, {3}, {4})

T = TypeVar("T")


class Interview:
    """The questions to one school; ``typed_key`` is its CRM's, "" where nobody typed one."""

    def __init__(
        self, session: Session, questions: Questions, secrets: Secrets, *, probing: bool
    ) -> None:
        self.typed_key = ""
        self._session = session
        self._questions = questions
        self._ask = questions.ask
        self._secrets = secrets
        # A file of secrets that cannot be used is told before the first question.
        self._has_key = secrets.has(KEY_NAME)
        self._probing = probing
        self._survey: AlfaCrmSurvey | None = None
        self._bar = session.progress_bar()

    def close(self) -> None:
        """Close the connection to the CRM."""
        self._bar.rest()
        if self._survey is not None:
            self._survey.close()
            self._survey = None

    def values(self, machine_zone: str) -> dict[str, Any]:
        """The values of the configuration, by "section.key", or by section for blocks.

        Raises ``UsageError`` for an option that is wrong, or missing where nobody is there.
        """
        if self._questions.is_person:
            self._questions.show("Enter takes what stands in brackets. Ctrl-C leaves all undone.\n")
        values = {"school.name": self._ask("school", "School's name for families", setting.text)}
        values |= self._source()
        values["branch"] = self._branches(machine_zone)
        branches = [block["id"] for block in values["branch"]]
        moment = self._survey.moment() if self._survey else None
        zone = ZoneInfo(values["branch"][0]["zone"])
        today = (moment or self._session.now()).astimezone(zone).date()
        types = self._types(branches, today)
        if values["school.crm"] == "alfacrm":
            values |= self._vk_field(branches)
        coins = self._ask("coins", "Coins for one attended lesson", whole(1, 1_000_000), "10")
        first_day = propose_since(today).isoformat()
        since = self._ask("since", "First day whose lessons count", day, first_day)
        regular = types.pop("regular")
        values["rule"] = [{"name": "lesson", "coins": coins, "types": regular, "since": since}]
        for name, ids in types.items():
            values[f"lessons.{name}"] = ids
        question = "Number of the VK app (none: later)"
        app = self._ask("vk_app", question, whole(0, ID_MAX), "", optional=True)
        if app:
            values["web.app_id"] = app
        return values

    # --- the CRM ---

    def _source(self) -> dict[str, Any]:
        """The CRM, as it was found to answer, or the folder of a school that has none."""
        url = ""
        if not self._questions.is_given("csv_folder"):
            question = "Address of the AlfaCRM, such as rostok.s20.online"
            url = self._ask("url", question, optional_url, "")
        if not url:
            question = "Folder for attendance in CSV files"
            folder = self._ask("csv_folder", question, setting.text, "attendance")
            return {"school.crm": "csv", "csv.folder": folder}
        email_question = "E-mail of the CRM user made for the API"
        email = self._ask("email", email_question, e_mail)
        if self._questions.is_person and not self._has_key:
            self._type_key()
        while self._probing:
            problem = self._problem(url, email)
            if problem is None:
                break
            if isinstance(problem, CrmRefused):
                # The CRM does not say which of the two is wrong.
                email = self._ask("email", email_question, e_mail, email)
                self._type_key()
            else:
                url = self._ask("url", "Address of the AlfaCRM", optional_url, url)
        return {"school.crm": "alfacrm", "alfacrm.url": url, "alfacrm.email": email}

    def _type_key(self) -> None:
        self.typed_key = self._questions.secret(KEY_QUESTION)
        # Without a key there is nobody to ask about the rest.
        self._probing = self._probing and bool(self.typed_key)

    def _problem(self, url: str, email: str) -> CoinsyncError | None:
        """Log in; what is wrong, if anything, is shown to a person and raised where none is."""
        # A key that is missing where nobody is there stops here, with where it is looked for.
        key = self.typed_key or self._secrets.get(KEY_NAME).reveal()
        self.close()
        self._survey = connections.survey(self._session, url, email, key, self._bar)
        try:
            self._survey.branches().whole()
            return None
        except (CrmRefused, TryLater, IncompleteRead) as error:
            self.close()
            is_named = urlsplit(url).netloc in error.message
            message = error.message if is_named else f"{url}: {error.message}"
            if not self._questions.is_person:
                raise type(error)(message, advice=error.advice) from error
            self._questions.show(f"Error: {message}")
            return error
        finally:
            self._bar.rest()

    def _read(self, read: Callable[[AlfaCrmSurvey], T], otherwise: T) -> T:
        """What ``read`` reads; ``otherwise`` where it fails, and a person answers without it."""
        if self._survey is None:
            return otherwise
        try:
            return read(self._survey)
        except (TryLater, IncompleteRead) as error:
            if not self._questions.is_person:
                raise
            self._bar.rest()
            self._questions.show(f"Error: {error.message}")
            return otherwise
        finally:
            self._bar.rest()

    # --- what it has ---

    def _branches(self, machine_zone: str) -> list[dict[str, Any]]:
        """The blocks of the branches that take part."""
        names: dict[int, str] = {}
        if self._survey:
            names = {branch.id: branch.name for branch in self._survey.branches().whole()}
        if names and self._questions.is_open("branch"):
            self._questions.show("\nBranches in the CRM:")
            for id, name in names.items():
                self._questions.show(f"{id:>8}  {name}")
            some = ids_among(names, least=1)
            ids = sorted(self._ask("branch", "Which take part", some, _listed(names)))
            chosen = [(id, "") for id in ids]
        else:
            question = "Branches by number, with or without zone, as in 1=Europe/Moscow 2"
            chosen = self._ask("branch", question, branch_list)
        blocks = []
        for id, zone in chosen:
            if names and id not in names:
                listed = ", ".join(f"{known} {name}" for known, name in names.items())
                raise UsageError(f"--branch {id}: no such branch in the CRM; it has {listed}")
            name = names.get(id, "")
            if not zone:
                question = f"Time zone of {name or 'branch'} ({id})"
                proposed = propose_zone(name, machine_zone)
                zone = str(self._ask("zone", question, kinds.zone, proposed, optional=True))
            blocks.append({"id": id, "name": name, "zone": zone})
        return blocks

    def _types(self, branches: list[int], today: date) -> dict[str, frozenset[int]]:
        """Lesson types by what they mean; ``uncounted`` are those that a person named nowhere."""
        listed: tuple[LessonType, ...] = ()
        listed = self._read(lambda survey: survey.lesson_types(branches[0]).whole(), listed)
        types = {lesson_type.id: lesson_type for lesson_type in listed}
        proposals = USUAL_TYPES
        if types:
            counts: dict[int, int] = {}
            if any(map(self._questions.is_open, TYPE_QUESTIONS)):
                since = today - timedelta(days=DAYS_COUNTED - 1)
                counts = self._read(
                    lambda survey: survey.lessons_by_type(branches, types, since, today), counts
                )
                self._show_types(listed, counts)
            proposals = propose_types(listed, counts)
        taken: frozenset[int] = frozenset()
        meanings: dict[str, frozenset[int]] = {}
        for name, proposed in zip(TYPE_QUESTIONS, proposals, strict=True):
            # Only what earns coins must be chosen by somebody.
            earns = name == "regular"
            question = TYPE_QUESTIONS[name]
            kind = ids_among(types, taken, least=int(earns))
            ids = _listed(proposed - taken)
            meanings[name] = self._ask(name, question, kind, ids, optional=not earns)
            taken |= meanings[name]
        # Where nobody saw the others, each sync goes on reporting them.
        seen = types if self._questions.is_person else ()
        meanings["uncounted"] = frozenset(seen) - taken
        return meanings

    def _show_types(self, types: Iterable[LessonType], counts: dict[int, int]) -> None:
        show = self._questions.show
        show(f"\nLesson types, and how many lessons each had in the last {DAYS_COUNTED} days:")
        for lesson_type in types:
            show(f"{lesson_type.id:>8}  {counts.get(lesson_type.id, '?'):>6}  {lesson_type.name}")
        show("Several numbers with spaces between. What is named nowhere earns nothing.")

    def _vk_field(self, branches: list[int]) -> dict[str, str]:
        proposed = ""
        if self._survey and self._questions.is_open("vk_field"):
            show = self._questions.show
            nothing: tuple[int, Counter[str]] = (0, Counter())
            pupils, pages = self._read(lambda survey: survey.vk_fields(branches), nothing)
            show(f"\nCard fields with VK pages, and on how many of {pupils} pupils' cards:")
            best = pages.most_common(FIELDS_SHOWN_MAX)
            for name, count in best:
                show(f"{count:>8}  {name}")
            proposed = best[0][0] if best else ""
        question = "Card field with the family's VK page (none: later)"
        field = self._ask("vk_field", question, setting.free_text, proposed, optional=True)
        values = {"residents.vk_field": field} if field else {}
        if field == "note":
            values["residents.vk_pattern"] = LINK_IN_NOTE
        return values


def _listed(ids: Iterable[int]) -> str:
    return " ".join(map(str, sorted(ids)))
