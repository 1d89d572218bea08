"""What init asks a new school, in order, with what its CRM says as the proposals.

Each question is asked once, until the answer can be used; options answer first.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import typer

from coinsync.commands import connections
from coinsync.commands.session import Session, at_terminal, somebody_is_there
from coinsync.config import Secrets, kinds
from coinsync.config.proposals import (
    propose_since,
    propose_staff_language,
    propose_types,
    propose_zone,
)
from coinsync.config.secrets import ALFACRM_KEY
from coinsync.core import setting
from coinsync.core.identity import clean, plain_number
from coinsync.core.setting import Kind, expect
from coinsync.errors import CoinsyncError, CrmRefused, IncompleteRead, TryLater, UsageError
from coinsync.exchange.alfacrm import AlfaCrmSurvey

#: What stands for an empty answer, as Enter takes the one that is proposed.
NONE = "none"
UTF8 = "letters in UTF-8; set the terminal to that"
ID_MAX = 2**63 - 1
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

#: Prints a line that belongs to the questions.
show = partial(typer.echo, err=True)


class Interview:
    """The questions to one school; ``typed_key`` is its CRM's, "" where nobody typed one.

    All goes to stderr, so that it is seen where the output goes into a file.
    """

    def __init__(
        self, session: Session, given: Mapping[str, Any], secrets: Secrets, *, probing: bool
    ) -> None:
        """Options are ``given`` by name, None where they were left out."""
        self.typed_key = ""
        self._is_person = somebody_is_there()
        self._given = {name: text for name, text in given.items() if text is not None}
        self._session = session
        self._secrets = secrets
        # A file of secrets that cannot be used is told before the first question.
        self._has_key = secrets.has(ALFACRM_KEY)
        self._probing = probing
        self._url = ""
        self._survey: AlfaCrmSurvey | None = None
        self._problem: CoinsyncError | None = None
        #: What the CRM calls its branches; nothing where it is not asked.
        self._branch_names: dict[int, str] = {}
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
        if self._is_person:
            show("Enter takes what stands in brackets. Ctrl-C leaves all undone.\n")
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
        names = [values["school.name"], *self._branch_names.values()]
        proposed = propose_staff_language(names, self._session.environment.environ)
        question, language = "Language of what clerks read: ru or en", setting.choice("en", "ru")
        values["school.staff_language"] = self._ask(
            "staff_language", question, language, proposed, optional=True
        )
        return values

    # --- asking ---

    def _is_open(self, name: str) -> bool:
        """Whether a person will be asked."""
        return self._is_person and name not in self._given

    def _ask(
        self,
        name: str,
        question: str,
        kind: Kind,
        proposed: str | None = None,
        *,
        optional: bool = False,
    ) -> Any:
        """What an option says, else what a person answers; asked again, only the person answers.

        ``kind`` makes a value of a text. An ``optional`` answer is what is ``proposed`` where
        nobody is there.
        """
        option = f"--{name.replace('_', '-')}"

        def value(text: str) -> Any:
            answer = clean(text)
            try:
                text.encode()
                return kind("" if answer.lower() == NONE else answer)
            except ValueError as error:
                expected = UTF8 if isinstance(error, UnicodeError) else error
                raise typer.BadParameter(f"expected {expected}", param_hint=option) from None

        given = self._given.pop(name, None)
        if given is None and optional and not self._is_person:
            given = proposed
        if given is not None:
            return value(given)
        if not self._is_person:
            raise UsageError(f"init: {option} is missing, and nobody is there to ask")
        shown = NONE if proposed == "" else proposed

        def typed_value(text: str) -> Any:
            # Spaces are as good as nothing, which takes what is proposed.
            return value(text if text.strip() else shown or "")

        while True:
            try:
                with at_terminal():
                    return typer.prompt(question, shown, value_proc=typed_value)
            except UnicodeDecodeError:
                show(f"Error: expected {UTF8}")

    # --- the CRM ---

    def _source(self) -> dict[str, Any]:
        """The CRM, as it was found to answer, or the folder of a school that has none."""
        if "csv_folder" not in self._given:
            question = "Address of the AlfaCRM, such as rostok.s20.online"
            self._url = self._ask("url", question, optional_url, "")
        if not self._url:
            question = "Folder for attendance in CSV files"
            folder = self._ask("csv_folder", question, setting.text, "attendance")
            return {"school.crm": "csv", "csv.folder": folder}
        question = "E-mail of the CRM user made for the API"
        email = self._ask("email", question, e_mail)
        if self._is_person and not self._has_key:
            self._type_key()
        while self._probing and not self._answers(email):
            if isinstance(self._problem, CrmRefused):
                # The CRM does not say which of the two is wrong.
                email = self._ask("email", question, e_mail, email)
                self._type_key()
            else:
                self._url = self._ask("url", "Address of the AlfaCRM", optional_url, self._url)
        return {"school.crm": "alfacrm", "alfacrm.url": self._url, "alfacrm.email": email}

    def _type_key(self) -> None:
        self.typed_key = ask_key()
        # Without a key there is nobody to ask about the rest.
        self._probing = self._probing and bool(self.typed_key)

    def _answers(self, email: str) -> bool:
        """Whether the CRM lets us in, and says what branches it has."""
        # A key that is missing where nobody is there stops here, with where it is looked for.
        key = self.typed_key or self._secrets.get(ALFACRM_KEY).reveal()
        self._survey = connections.survey(self._session, self._url, email, key, self._bar)
        branches = self._read(lambda survey: survey.branches().whole())
        if branches is None:
            self.close()
            return False
        self._branch_names = {branch.id: branch.name for branch in branches}
        return True

    def _read(self, read: Callable[[AlfaCrmSurvey], T]) -> T | None:
        """What ``read`` reads; None where it fails, and a person answers without it."""
        self._problem = None
        if self._survey is None:
            return None
        try:
            return read(self._survey)
        except (CrmRefused, TryLater, IncompleteRead) as error:
            message = connections.named(self._url, error.message)
            if not self._is_person:
                raise type(error)(message, advice=error.advice) from error
            self._bar.rest()
            show(f"Error: {message}")
            self._problem = error
            return None
        finally:
            self._bar.rest()

    # --- what it has ---

    def _branches(self, machine_zone: str) -> list[dict[str, Any]]:
        """The blocks of the branches that take part."""
        names = self._branch_names
        if names and self._is_open("branch"):
            show("\nBranches in the CRM:")
            for id, name in names.items():
                show(f"{id:>8}  {name}")
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
                proposed = propose_zone(machine_zone)
                zone = str(self._ask("zone", question, kinds.zone, proposed, optional=True))
            blocks.append({"id": id, "name": name, "zone": zone})
        return blocks

    def _types(self, branches: list[int], today: date) -> dict[str, frozenset[int]]:
        """Lesson types by what they mean; ``uncounted`` are those that a person named nowhere."""
        listed = self._read(lambda survey: survey.lesson_types(branches[0]).whole()) or ()
        types = frozenset(lesson_type.id for lesson_type in listed)
        proposals = USUAL_TYPES
        if types:
            counts: dict[int, int] = {}
            if any(map(self._is_open, TYPE_QUESTIONS)):
                since = today - timedelta(days=DAYS_COUNTED - 1)
                counted = self._read(
                    lambda survey: survey.lessons_by_type(branches, types, since, today)
                )
                counts = counted or {}
                days = f"in the last {DAYS_COUNTED} days"
                show(f"\nLesson types, and how many lessons each had {days}:")
                for kind in listed:
                    show(f"{kind.id:>8}  {counts.get(kind.id, '?'):>6}  {kind.name}")
                show("Several numbers with spaces between. What is named nowhere earns nothing.")
            proposals = propose_types(listed, counts)
        taken: frozenset[int] = frozenset()
        meanings: dict[str, frozenset[int]] = {}
        for name, proposed in zip(TYPE_QUESTIONS, proposals, strict=True):
            # Only what earns coins must be chosen by somebody.
            earns = name == "regular"
            some = ids_among(types, taken, least=int(earns))
            ids = _listed(proposed - taken)
            meanings[name] = self._ask(name, TYPE_QUESTIONS[name], some, ids, optional=not earns)
            taken |= meanings[name]
        # Where nobody saw the others, each sync goes on reporting them.
        meanings["uncounted"] = types - taken if self._is_person else frozenset()
        return meanings

    def _vk_field(self, branches: list[int]) -> dict[str, str]:
        proposed = ""
        if self._survey and self._is_open("vk_field"):
            counted = self._read(lambda survey: survey.vk_fields(branches))
            pupils, pages = counted or (0, Counter[str]())
            show(f"\nCard fields with VK pages, and on how many of {pupils} pupils' cards:")
            best = pages.most_common(FIELDS_SHOWN_MAX)
            for name, count in best:
                show(f"{count:>8}  {name}")
            proposed = best[0][0] if best else ""
        question = "Card field with the family's VK page (none: later)"
        field = self._ask("vk_field", question, setting.free_text, proposed, optional=True)
        return {"residents.vk_field": field} if field else {}


def ask_key() -> str:
    """The CRM's key, which is not shown while it is typed; Enter is none."""
    question = "API key of the CRM user (not shown; Enter: later)"
    typed = typer.prompt(question, "", hide_input=True, show_default=False, err=True)
    return str(typed).strip()


def _listed(ids: Iterable[int]) -> str:
    return " ".join(map(str, sorted(ids)))


# --- what a text may be ---


def whole(least: int, most: int) -> Kind:
    """A whole number between two bounds in plain digits; nothing is 0."""
    kind = setting.whole(least, most)
    return lambda text: kind(plain_number(text or "0"))


def day(text: str) -> date:
    """A day as 2026-09-01."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("a day such as 2026-09-01") from None


def e_mail(text: str) -> str:
    """An address with an @ between two words."""
    expect(text.count("@") == 1 and len(text.split()) == 1, "an e-mail such as api@rostok.ru")
    return text


def optional_url(text: str) -> str:
    """The address of a host, or nothing; https:// may be left out, and a page of it may follow."""
    if not text:
        return ""
    url = text if "://" in text else f"https://{text}"
    # People copy it from the browser in which the CRM is open.
    host = "/".join(url.split("/")[:3])
    return str(kinds.host_url("https://rostok.s20.online")(host))


def ids_among(known: Iterable[int], taken: Iterable[int] = (), *, least: int = 0) -> Kind:
    """Numbers of what the CRM has, where that is ``known``; none that is ``taken``."""
    listed = frozenset(known)

    def kind(text: str) -> frozenset[int]:
        numbers = list(map(plain_number, text.replace(",", " ").split()))
        expect(None not in numbers, "numbers such as 2 5")
        chosen = setting.ids(numbers)
        expect(len(chosen) >= least, "at least one number")
        strange = sorted(chosen - listed) if listed else []
        expect(not strange, f"numbers that the CRM has, not {strange}")
        doubled = sorted(chosen.intersection(taken))
        expect(not doubled, f"other numbers; {doubled} are chosen above")
        return chosen

    return kind


def branch_list(text: str) -> list[tuple[int, str]]:
    """Branches as ID or ID=ZONE with spaces between; a zone that is left out is ""."""
    chosen = []
    for word in text.split():
        id, _, zone = word.partition("=")
        expect(plain_number(id) is not None, "ID or ID=ZONE, such as 1=Europe/Moscow")
        chosen.append((int(id), str(kinds.zone(zone)) if zone else ""))
    expect(bool(chosen), "at least one branch")
    expect(len(dict(chosen)) == len(chosen), "each branch once")
    return chosen
