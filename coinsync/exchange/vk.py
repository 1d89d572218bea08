"""Screen names of VK pages → numbers of people, through VK's API: never by guessing.

``users.get`` leaves names out that it does not know, so an answer is matched by the name in it and
never by its position. A name that changes its owner must not open one family's page to another.
"""

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

VERSION = "5.199"

#: VK takes so many names in one ``users.get``.
BATCH_MAX = 1000
#: Names that ``users.get`` left out and that are asked one by one in one run.
SINGLES_MAX = 50
#: How often in one run a batch that VK refuses is halved to find the name that it does not like.
HALVINGS_MAX = 64
#: VK allows three calls a second to a service key. A little less, because it counts by its own
#: clock.
PER_SECOND = 3 * 0.95
#: How long to wait after "too many requests per second".
TOO_MANY_SECONDS = 1.0
#: What a thousand people need is a quarter of a megabyte.
BOUNDS = Bounds(answer_seconds=60.0, answer_bytes=4 * 2**20, tries_seconds=60.0, run_seconds=300.0)

VK = Service(
    name="VK",
    answer="a VK answer",
    bad_header="the VK service key cannot be sent as it is written",
    unreachable_error=VkUnavailable,
    answer_error=VkUnavailable,
)

# Numbers of VK's errors.
_CODE_MAX = 99_999
#: Unknown and internal errors, which pass.
_PASSING = frozenset({1, 10})
_TOO_MANY_REQUESTS = 6
#: Flood control and used-up quotas: asking on makes them last longer.
_STOP = frozenset({9, 29})
_CAPTCHA = 14
_KEY_REFUSED = frozenset({2, 4, 5, 7, 15, 20, 21, 27, 28})
_DELETED = 18
#: What VK says of a request with a name in it that it does not like; it does not say which.
_NAME_REFUSED = frozenset({8, 100, 104, 113, _DELETED})

_KEY = re.compile(r"[!-~]+")
_NAME = re.compile(r"[a-z0-9_.]{2,64}")
_NUMBER = re.compile(r"(?:id)?[0-9]+")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class VkAnswer:
    """What stands behind one screen name; ``number`` is the person's; 0 where there is none."""

    kind: PageKind
    number: int = 0


@dataclass(frozen=True, slots=True)
class Resolution:
    """What was found out, by name; ``error`` says why it is not all.

    A name without an answer is to be asked again in the next run.
    """

    answers: dict[str, VkAnswer]
    error: CoinsyncError | None = None


@dataclass(frozen=True, slots=True)
class _People:
    """An answer of ``users.get``: people by screen name, and the numbers of those who are gone."""

    by_name: dict[str, VkAnswer]
    gone: frozenset[int]


@dataclass(slots=True)
class _Search:
    """What one run has found so far.

    ``answered`` says whether VK has answered any question yet: before that, a refusal may be about
    how we ask and not about a name.
    """

    answers: dict[str, VkAnswer] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)
    halvings: int = 0
    answered: bool = False
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
        """Ask ``host`` with the service key; nothing is sent before the first name."""
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
        """Find out who stands behind screen names, given in lower case; raises no foreseen error.

        Names that ``users.get`` leaves out are asked one by one, ``SINGLES_MAX`` a run; the others
        wait for the next run.
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
        waiting = deque(
            names[start : start + BATCH_MAX] for start in range(0, len(names), BATCH_MAX)
        )
        while waiting:
            # The halves of a refused batch go in front, so that they end before another begins.
            waiting.extendleft(self._batch(waiting.popleft(), search))
        for name in search.left_out[:SINGLES_MAX]:
            search.answers[name] = self._single(name, search)

    def _batch(self, names: list[str], search: _Search) -> list[list[str]]:
        """Ask for several names at once and note what comes.

        Returns the halves to ask for instead, the second one first, if VK refuses the batch.
        """
        form = {"user_ids": ",".join(names), "fields": "screen_name"}
        try:
            people = self._ask("users.get", form, _people)
        except _NameRefused as refused:
            return self._smaller(names, refused.code, search)
        search.answered = True
        search.gone |= people.gone
        for name in names:
            if name in people.by_name:
                search.answers[name] = people.by_name[name]
            else:
                search.left_out.append(name)
        return []

    def _smaller(self, names: list[str], code: int, search: _Search) -> list[list[str]]:
        """What to ask for after a refusal; a single name is put aside, or known to be gone."""
        if len(names) == 1:
            if code == _DELETED:
                search.answers[names[0]] = VkAnswer(PageKind.GONE)
            else:
                search.left_out += names
            return []
        if search.halvings == HALVINGS_MAX:
            # The other batches may be fine, and each name that is answered makes the batches of
            # the next run smaller.
            search.error = VkUnavailable(f"VK refuses too many of the names (error {code})")
            return []
        search.halvings += 1
        middle = len(names) // 2
        return [names[middle:], names[:middle]]

    def _single(self, name: str, search: _Search) -> VkAnswer:
        """What a name is that ``users.get`` does not know."""
        try:
            answer = self._ask(
                "utils.resolveScreenName", {"screen_name": name}, partial(_object, gone=search.gone)
            )
        except _NameRefused as refused:
            if refused.code == _DELETED:
                return VkAnswer(PageKind.GONE)
            if not search.answered:
                raise VkUnavailable(f"VK refuses the question (error {refused.code})") from None
            return VkAnswer(PageKind.NOBODY)
        search.answered = True
        return answer

    def _ask(self, method: str, form: Mapping[str, str], read: Callable[[Any], T]) -> T:
        return self._wire.with_retries(
            partial(self._ask_once, method, {**form, "v": VERSION}, read)
        )

    def _ask_once(self, method: str, form: Mapping[str, str], read: Callable[[Any], T]) -> T:
        try:
            data = self._wire.post(f"{self._url}/{method}", form=form)
        except Denied as denied:
            # VK refuses a key inside an answer with status 200; this comes from a proxy.
            raise VK.not_an_answer(f"HTTP {denied.status}") from None
        if "error" in data:
            raise _failure(data["error"])
        try:
            return read(data["response"])
        except (KeyError, ValueError):
            raise Transient(VK.not_an_answer(f"{method} in an unknown form")) from None


def _askable(names: Iterable[str]) -> list[str]:
    """The names that are one word to VK and no number: a comma would ask for somebody else too."""
    words = {name for name in names if _NAME.fullmatch(name)}
    return sorted(name for name in words if not _NUMBER.fullmatch(name))


def _failure(error: object) -> Exception:
    """The exception for an error of VK.

    A message has the error's number alone: its text may repeat the names that were asked for.
    """
    code = error.get("error_code") if isinstance(error, Mapping) else None
    if type(code) is not int or not 0 <= code <= _CODE_MAX:
        return Transient(VK.not_an_answer("an error without a number"))
    if code in _PASSING:
        return Transient(VK.unreachable(f"error {code}"))
    if code == _TOO_MANY_REQUESTS:
        return Transient(
            VkUnavailable(f"VK answers that there are too many requests (error {code})"),
            TOO_MANY_SECONDS,
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
    """Read ``users.get``.

    Raises ``ValueError`` unless every element is a person, and each name one person's.
    """
    if not isinstance(response, list):
        raise ValueError
    by_name: dict[str, VkAnswer] = {}
    gone: set[int] = set()
    owners: dict[str, int] = {}
    states: dict[int, tuple[str, bool]] = {}
    for person in response:
        if not isinstance(person, dict):
            raise ValueError
        number = _id(person.get("id"))
        name = _lower(person.get("screen_name", ""))
        is_gone = _is_gone(person)
        # Nobody has two names, or is both gone and there, and no name leads to two people: an
        # answer that says so is believed in nothing.
        if states.setdefault(number, (name, is_gone)) != (name, is_gone):
            raise ValueError
        if name and owners.setdefault(name, number) != number:
            raise ValueError
        if is_gone:
            gone.add(number)
        if name:
            by_name[name] = (
                VkAnswer(PageKind.GONE) if is_gone else VkAnswer(PageKind.PERSON, number)
            )
    return _People(by_name, frozenset(gone))


def _object(response: object, *, gone: Collection[int]) -> VkAnswer:
    """Read ``utils.resolveScreenName``.

    Raises ``ValueError`` unless it is one thing with a number, or nothing.
    """
    # PHP writes an empty object as an empty list.
    if isinstance(response, list) and not response:
        return VkAnswer(PageKind.NOBODY)
    if not isinstance(response, dict):
        raise ValueError
    kind, number = _text(response.get("type")), _id(response.get("object_id"))
    if kind != "user":
        return VkAnswer(PageKind.COMMUNITY)
    # Somebody gone may be shown by users.get without a name, and seem to be left out.
    return VkAnswer(PageKind.GONE) if number in gone else VkAnswer(PageKind.PERSON, number)


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
    """A screen name in lower case, as it is asked for; "" for one with other letters."""
    # Some of those become Latin in lower case, and would then be somebody else's name.
    if not isinstance(value, str):
        raise ValueError
    return value.lower() if value.isascii() else ""


def _is_gone(person: Mapping[str, Any]) -> bool:
    """Whether VK says why a person is no longer there: "deleted" or "banned"."""
    return "deactivated" in person and bool(_text(person["deactivated"]))
