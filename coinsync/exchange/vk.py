"""Screen names of VK pages → numbers of people, through VK's API: never by guessing.

``users.get`` leaves names out that it does not know, so an answer is matched by the name in it and
never by its position. A name that changes its owner must not open one family's page to another.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from coinsync.core.facts import PageKind
from coinsync.core.identity import VK_ID_MAX
from coinsync.errors import CoinsyncError, VkRefused, VkUnavailable
from coinsync.exchange.wire import Bounds, Denied, Transient, Wire

VERSION = "5.199"

#: VK takes so many names in one call.
BATCH_MAX = 1000
#: So many names are asked one by one in a run.
SINGLES_MAX = 50
#: How long to wait after "too many requests per second".
TOO_MANY_SECONDS = 1.0
#: VK allows three calls a second to a service key, and counts by its own clock. What a thousand
#: people need is a quarter of a megabyte.
BOUNDS = Bounds(
    per_second=2.85,
    answer_seconds=60.0,
    answer_bytes=4 * 2**20,
    tries_seconds=60.0,
    run_seconds=300.0,
)

# Numbers of VK's errors.
#: Unknown and internal errors, which pass.
_PASSING = frozenset({1, 10})
_TOO_MANY_REQUESTS = 6
#: Flood control and used-up quotas: asking on makes them last longer.
_STOP = "asks to stop until the next run"
_WHAT_VK_DOES = {9: _STOP, 29: _STOP, 14: "asks for a captcha"}
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
    """What stands behind one screen name; ``number`` is 0 where it is no person."""

    kind: PageKind
    number: int = 0


_NOBODY, _GONE = VkAnswer(PageKind.NOBODY), VkAnswer(PageKind.GONE)


@dataclass(slots=True)
class Resolution:
    """What was found out, by name; ``error`` says why it is not all. The rest waits."""

    answers: dict[str, VkAnswer] = field(default_factory=dict)
    error: CoinsyncError | None = None


class _NameRefused(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class VkApi(Wire):
    """VK's API with a service key, for one purpose."""

    name = "VK"
    answer = "a VK answer"
    bad_header = "the VK service key cannot be sent as it is written"
    unreachable_error = VkUnavailable
    answer_error = VkUnavailable

    def __init__(
        self,
        host: str,
        key: str,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        bounds: Bounds = BOUNDS,
    ) -> None:
        self._url = f"{host.rstrip('/')}/method"
        self._key_is_sendable = _KEY.fullmatch(key) is not None
        headers = {"Authorization": f"Bearer {key}"}
        super().__init__(clock=clock, sleep=sleep, bounds=bounds, headers=headers)

    def resolve(self, names: Collection[str]) -> Resolution:
        """Find out who stands behind screen names in lower case; raises no foreseen error."""
        search = _Search(self._ask)
        askable = _askable(names)
        try:
            if askable and not self._key_is_sendable:
                raise VkRefused(self.bad_header)
            search.run(askable)
        except CoinsyncError as error:
            search.found.error = error
        return search.found

    def _ask(self, method: str, form: Mapping[str, str], read: Callable[[Any], T]) -> T:
        def once() -> T:
            try:
                data = self.post(f"{self._url}/{method}", form={**form, "v": VERSION})
            except Denied as denied:
                # VK refuses a key inside an answer with status 200; this comes from a proxy.
                raise VkApi.not_an_answer(f"HTTP {denied.status}") from None
            if "error" in data:
                raise _failure(data["error"])
            try:
                return read(data["response"])
            except (KeyError, ValueError):
                raise Transient(VkApi.not_an_answer(f"{method} in an unknown form")) from None

        return self.with_retries(once)


class _Search:
    """One run: names in batches, and one by one where VK refuses a batch or leaves names out."""

    def __init__(self, ask: Callable[[str, Mapping[str, str], Callable[[Any], Any]], Any]) -> None:
        self._ask = ask
        self.found = Resolution()
        self._left_out: list[str] = []
        self._gone: set[int] = set()
        # Before VK has answered any question, a refusal may be about how we ask.
        self._answered = False

    def run(self, names: list[str]) -> None:
        for start in range(0, len(names), BATCH_MAX):
            self._batch(names[start : start + BATCH_MAX])
        # The rest waits: each name that is answered makes the batches of the next run smaller.
        for name in self._left_out[:SINGLES_MAX]:
            self.found.answers[name] = self._single(name)

    def _batch(self, names: list[str]) -> None:
        form = {"user_ids": ",".join(names), "fields": "screen_name"}
        try:
            by_name, gone = self._ask("users.get", form, _people)
        except _NameRefused as refused:
            self._refused(names, refused.code)
            return
        self._answered = True
        self._gone |= gone
        for name in names:
            if name in by_name:
                self.found.answers[name] = by_name[name]
            else:
                self._left_out.append(name)

    def _refused(self, names: list[str], code: int) -> None:
        if len(names) > 1:
            # VK does not say which of them it does not like.
            for name in names[:SINGLES_MAX]:
                self._batch([name])
        elif code == _DELETED:
            self.found.answers[names[0]] = _GONE
        else:
            self._left_out += names

    def _single(self, name: str) -> VkAnswer:
        """What a name is that ``users.get`` does not know."""
        try:
            kind, number = self._ask("utils.resolveScreenName", {"screen_name": name}, _object)
        except _NameRefused as refused:
            if refused.code == _DELETED:
                return _GONE
            if not self._answered:
                raise VkUnavailable(f"VK refuses the question (error {refused.code})") from None
            return _NOBODY
        self._answered = True
        if kind != "user":
            return VkAnswer(PageKind.COMMUNITY) if kind else _NOBODY
        # Somebody gone may be shown by users.get without a name, and seem to be left out.
        return _GONE if number in self._gone else VkAnswer(PageKind.PERSON, number)


def _askable(names: Iterable[str]) -> list[str]:
    # A comma in a name would ask for somebody else too.
    words = {name for name in names if _NAME.fullmatch(name)}
    return sorted(name for name in words if not _NUMBER.fullmatch(name))


def _failure(error: object) -> Exception:
    # A message has the error's number alone: its text may repeat the names that were asked for.
    code = error.get("error_code") if isinstance(error, Mapping) else None
    if type(code) is not int or not 0 <= code < 100_000:
        return Transient(VkApi.not_an_answer("an error without a number"))
    if code in _PASSING:
        return Transient(VkApi.unreachable(f"error {code}"))
    if code == _TOO_MANY_REQUESTS:
        crowded = VkUnavailable(f"VK answers that there are too many requests (error {code})")
        return Transient(crowded, TOO_MANY_SECONDS)
    if code in _NAME_REFUSED:
        return _NameRefused(code)
    if code in _KEY_REFUSED:
        return VkRefused(f"VK refused the service key (error {code})")
    what = _WHAT_VK_DOES.get(code, "answers with an error that we do not know")
    return VkUnavailable(f"VK {what} (error {code})")


def _people(response: object) -> tuple[dict[str, VkAnswer], set[int]]:
    """Read ``users.get``: people by screen name, and the numbers of those who are gone."""
    by_name: dict[str, VkAnswer] = {}
    gone: set[int] = set()
    owners: dict[str, int] = {}
    states: dict[int, tuple[str, bool]] = {}
    for person in _typed(response, list):
        number = _id(_typed(person, dict).get("id"))
        name = _typed(person.get("screen_name", ""), str)
        # Some other letters become Latin in lower case, and would then be somebody else's name.
        name = name.lower() if name.isascii() else ""
        # VK says why somebody is no longer there: "deleted" or "banned".
        is_gone = "deactivated" in person and bool(_text(person["deactivated"]))
        # Nobody has two names, or is both gone and there, and no name leads to two people: an
        # answer that says so is believed in nothing.
        if states.setdefault(number, (name, is_gone)) != (name, is_gone):
            raise ValueError
        if name and owners.setdefault(name, number) != number:
            raise ValueError
        if is_gone:
            gone.add(number)
        if name:
            by_name[name] = _GONE if is_gone else VkAnswer(PageKind.PERSON, number)
    return by_name, gone


def _object(response: object) -> tuple[str, int]:
    """Read ``utils.resolveScreenName``: what a name stands for, and its number; "" for nothing."""
    # PHP writes an empty object as an empty list.
    if response == []:
        return "", 0
    answer = _typed(response, dict)
    return _text(answer.get("type")), _id(answer.get("object_id"))


def _typed(value: object, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise ValueError
    return value


def _text(value: object) -> str:
    if not value:
        raise ValueError
    return _typed(value, str)


def _id(value: object) -> int:
    # A truth value is no number, though Python takes it for one.
    if type(value) is not int or not 1 <= value <= VK_ID_MAX:
        raise ValueError
    return value
