"""Screen names of VK pages → numbers of people, through ``users.get``: never by position, never by guessing."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from coinsync.core.facts import PageKind
from coinsync.core.identity import VK_ID_MAX
from coinsync.errors import CoinsyncError, VkRefused, VkUnavailable
from coinsync.exchange.wire import Bounds, Denied, Pace, Service, Transient, Wire

HOST = "https://api.vk.ru"
VERSION = "5.199"

#: VK takes so many names in one ``users.get``.
BATCH_MAX = 1000
#: Names that ``users.get`` left out and that are asked one by one in one run.
SINGLES_MAX = 50
#: How often in one run a batch that VK refuses is halved to find the name that it does not like.
HALVINGS_MAX = 64
#: VK allows three calls a second to a service key; a little less, because its clock is not ours.
PER_SECOND = 3 * 0.95
#: How long to wait after "too many requests per second".
CROWD_SECONDS = 1.0
#: What a thousand people need is a quarter of a megabyte.
BOUNDS = Bounds(answer_seconds=60.0, answer_bytes=4 * 2**20, tries_seconds=60.0, run_seconds=300.0)

VK = Service(
    name="VK",
    answer="a VK answer",
    bad_header="the VK service key cannot be sent as it is written",
    unreachable_error=VkUnavailable,
    answer_error=VkUnavailable,
)

_CODE_MAX = 99_999
_PASSING = frozenset({1, 10})
_CROWD = 6
_STOP = frozenset({9, 29})
_CAPTCHA = 14
_KEY_REFUSED = frozenset({2, 4, 5, 7, 15, 20, 21, 27, 28})
_DELETED = 18
_NAME_REFUSED = frozenset({8, 100, 104, 113, _DELETED})

_KEY = re.compile(r"[!-~]+")
_NAME = re.compile(r"[a-z0-9_.]{2,64}")
_NUMBER = re.compile(r"(?:id)?[0-9]+")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What stands behind one screen name; ``number`` is the person's, and 0 where there is none to link to."""

    kind: PageKind
    number: int = 0


@dataclass(frozen=True, slots=True)
class Resolution:
    """What was found out, by name; ``error`` says why it is not all. A name without an answer is to be asked again."""

    answers: dict[str, Answer]
    error: CoinsyncError | None = None


@dataclass(frozen=True, slots=True)
class _People:
    """An answer of ``users.get``: people by screen name, and the numbers of those who are gone."""

    by_name: dict[str, Answer]
    gone: frozenset[int]


@dataclass(slots=True)
class _Search:
    """What one run has found so far, and what it may still ask."""

    answers: dict[str, Answer] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)
    halvings: int = 0
    heard: bool = False
    error: CoinsyncError | None = None


class _NameRefused(Exception):
    """VK does not like a name among those that were asked."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


class VkApi:
    """VK's API with a service key, for one purpose."""

    def __init__(
        self,
        host: str,
        key: str,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        bounds: Bounds = BOUNDS,
    ) -> None:
        """Ask ``host`` (``HOST``, unless a test stands there); nothing is sent before the first name is asked."""
        self._url = f"{host.rstrip('/')}/method"
        self._key_is_sendable = _KEY.fullmatch(key) is not None
        headers = {"Authorization": f"Bearer {key}"}
        pace = Pace(PER_SECOND, clock, sleep)
        self._wire = Wire(VK, pace=pace, clock=clock, sleep=sleep, bounds=bounds, headers=headers)

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._wire.calls

    def close(self) -> None:
        """Close the connection."""
        self._wire.close()

    def resolve(self, names: Collection[str]) -> Resolution:
        """Find out who stands behind screen names, given in lower case; raises nothing that we foresaw.

        Names that ``users.get`` leaves out are asked singly, ``SINGLES_MAX`` a run; the others wait for the next one.
        """
        search = _Search()
        try:
            self._search(_askable(names), search)
        except CoinsyncError as error:
            search.error = error
        return Resolution(search.answers, search.error)

    def _search(self, names: list[str], search: _Search) -> None:
        if names and not self._key_is_sendable:
            raise VkRefused(VK.bad_header)
        # Halves come in front of the batches that wait, in their own order.
        waiting = deque(
            names[start : start + BATCH_MAX] for start in range(0, len(names), BATCH_MAX)
        )
        while waiting:
            waiting.extendleft(self._batch(waiting.popleft(), search))
        for name in search.left_out[:SINGLES_MAX]:
            search.answers[name] = self._single(name, search)

    def _batch(self, names: list[str], search: _Search) -> list[list[str]]:
        """Ask for several names at once and note what comes; return the halves to ask for instead, if VK refuses."""
        form = {"user_ids": ",".join(names), "fields": "screen_name"}
        try:
            people = self._ask("users.get", form, _people)
        except _NameRefused as refused:
            return self._smaller(names, refused.code, search)
        search.heard = True
        search.gone |= people.gone
        for name in names:
            if name in people.by_name:
                search.answers[name] = people.by_name[name]
            else:
                search.left_out.append(name)
        return []

    def _smaller(self, names: list[str], code: int, search: _Search) -> list[list[str]]:
        """What to ask for after a refusal: the halves; a single name is put aside, or known to be gone."""
        if len(names) == 1:
            if code == _DELETED:
                search.answers[names[0]] = Answer(PageKind.GONE)
            else:
                search.left_out += names
            return []
        if search.halvings == HALVINGS_MAX:
            # The other batches may be fine, and each name that is answered makes the next run's batches smaller.
            search.error = VkUnavailable(f"VK refuses too many of the names (error {code})")
            return []
        search.halvings += 1
        middle = len(names) // 2
        return [names[middle:], names[:middle]]

    def _single(self, name: str, search: _Search) -> Answer:
        """What a name is that ``users.get`` does not know."""
        try:
            answer = self._ask(
                "utils.resolveScreenName", {"screen_name": name}, partial(_object, gone=search.gone)
            )
        except _NameRefused as refused:
            if refused.code == _DELETED:
                return Answer(PageKind.GONE)
            if not search.heard:
                # VK has not answered one question yet: this may be about how we ask, and not about the name.
                raise VkUnavailable(f"VK refuses the question (error {refused.code})") from None
            return Answer(PageKind.NOBODY)
        search.heard = True
        return answer

    def _ask(self, method: str, form: Mapping[str, str], read: Callable[[Any], T]) -> T:
        return self._wire.with_retries(
            partial(self._ask_once, method, {**form, "v": VERSION}, read)
        )

    def _ask_once(self, method: str, form: Mapping[str, str], read: Callable[[Any], T]) -> T:
        try:
            data = self._wire.post(f"{self._url}/{method}", form=form)
        except Denied as denied:
            # VK refuses a key inside an answer; this comes from something that stands before it.
            raise VK.not_an_answer(f"HTTP {denied.status}") from None
        if "error" in data:
            raise _failure(data["error"])
        try:
            return read(data["response"])
        except (KeyError, ValueError):
            raise Transient(VK.not_an_answer(f"{method} in an unknown form")) from None


def _askable(names: Iterable[str]) -> list[str]:
    """The names that are one word to VK and no number: a comma would ask for somebody else besides."""
    return sorted(
        name for name in set(names) if _NAME.fullmatch(name) and not _NUMBER.fullmatch(name)
    )


def _failure(error: object) -> Exception:
    """What an error of VK means for us. Only its number is told: the rest may repeat the names that we asked for."""
    code = error.get("error_code") if isinstance(error, Mapping) else None
    if type(code) is not int or not 0 <= code <= _CODE_MAX:
        return Transient(VK.not_an_answer("an error without a number"))
    if code in _PASSING:
        return Transient(VK.unreachable(f"error {code}"))
    if code == _CROWD:
        return Transient(
            VkUnavailable(f"VK answers that there are too many requests (error {code})"),
            CROWD_SECONDS,
        )
    if code in _NAME_REFUSED:
        return _NameRefused(code)
    if code in _KEY_REFUSED:
        return VkRefused(f"VK refused the service key (error {code})")
    if code in _STOP:
        return VkUnavailable(f"VK asks to stop until the next run (error {code})")
    if code == _CAPTCHA:
        return VkUnavailable(f"VK asks for a captcha (error {code})")
    return VkUnavailable(f"VK answers with an error that we do not know (error {code})")


def _people(response: object) -> _People:
    """Read ``users.get``. Raises ``ValueError`` unless every element is a person, and each name one person's."""
    if not isinstance(response, list):
        raise ValueError
    by_name: dict[str, Answer] = {}
    gone: set[int] = set()
    owners: dict[str, int] = {}
    told: dict[int, tuple[str, bool]] = {}
    for person in response:
        if not isinstance(person, dict):
            raise ValueError
        number, name, is_gone = (
            _id(person.get("id")),
            _lower(person.get("screen_name", "")),
            _is_gone(person),
        )
        # Nobody has two names or two fates, and no name leads to two people: else none of it is believed.
        if told.setdefault(number, (name, is_gone)) != (name, is_gone):
            raise ValueError
        if name and owners.setdefault(name, number) != number:
            raise ValueError
        if is_gone:
            gone.add(number)
        if name:
            by_name[name] = Answer(PageKind.GONE) if is_gone else Answer(PageKind.PERSON, number)
    return _People(by_name, frozenset(gone))


def _object(response: object, *, gone: Collection[int]) -> Answer:
    """Read ``utils.resolveScreenName``. Raises ``ValueError`` unless it is one thing with a number, or nothing."""
    if isinstance(response, list) and not response:
        return Answer(PageKind.NOBODY)
    if not isinstance(response, dict):
        raise ValueError
    kind, number = _text(response.get("type")), _id(response.get("object_id"))
    if kind != "user":
        return Answer(PageKind.COMMUNITY)
    # Somebody gone may be shown by users.get without a name, and seem to be left out.
    return Answer(PageKind.GONE) if number in gone else Answer(PageKind.PERSON, number)


def _id(value: object) -> int:
    """A number that VK gives; a truth value is none, though Python takes it for one."""
    if type(value) is not int or not 1 <= value <= VK_ID_MAX:
        raise ValueError
    return value


def _text(value: object) -> str:
    """A text that says something."""
    if not isinstance(value, str) or not value:
        raise ValueError
    return value


def _lower(value: object) -> str:
    """A screen name as we ask for it; one with other letters is nobody's: some of them become Latin in lower case."""
    if not isinstance(value, str):
        raise ValueError
    return value.lower() if value.isascii() else ""


def _is_gone(person: Mapping[str, Any]) -> bool:
    """Whether VK says why a person is no longer there: "deleted" or "banned"."""
    return "deactivated" in person and bool(_text(person["deactivated"]))
