"""``config.toml`` → frozen settings or every problem of it at once; and the file's own text."""

import difflib
import json
import re
import textwrap
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, replace
from datetime import date
from pathlib import Path
from typing import Any

from coinsync.config.secrets import absolute
from coinsync.config.settings import CsvSettings, Settings, ShopSettings, sections
from coinsync.core.rules import Rule
from coinsync.core.setting import Key, Section
from coinsync.errors import ConfigError, reason_of, without_password

_SECRET_WORDS = re.compile(
    r"(^key|api_?key|password|secret|token|protected_?key|vk_?keys?|service_?key)$", re.IGNORECASE
)
_VALUE_LENGTH_MAX = 60
#: A configuration of a hundred branches and rules has a tenth of it.
BYTES_MAX, LINE_BYTES_MAX = 100_000, 2_000
#: Sections whose paths start at the data folder.
_OF_DATA = (CsvSettings, ShopSettings)
#: Comments of keys stand in one column where the values leave room for it.
_COMMENT_COLUMN = 43
_ACCOUNT = re.compile(r"[a-z0-9._-]{1,40}")
#: The right way, by what the wrong line or the message looks like.
_RIGHT = {
    r"= *\d+[./-]\d+[./-]\d+": "write a day as 2026-09-01, without quotes",
    r"= *[^\s\d\"'\[{+-]": 'write a text in straight quotes ("), yes and no as true and false',
    r"Illegal character '\\n'": "a quote is missing",
}


def load(path: Path) -> Settings:
    """Read the configuration file. Raises ``ConfigError`` with every problem that it has."""
    try:
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise ConfigError(
            [f"config: {path} cannot be read ({reason_of(error)})"],
            advice='Run "coinsync init", or pass --config FILE.',
        ) from error
    _refuse_long(path, content)
    try:
        # Windows editors begin a file with a byte order mark, which TOML does not know.
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        advice = "Save it as UTF-8: in Notepad by Save as, Encoding."
        raise ConfigError([f"config: {path} is not UTF-8"], advice=advice) from error
    return parse(text, path)


def _refuse_long(path: Path, content: bytes) -> None:
    # The parser takes minutes over one name of ten thousand parts, or ten thousand names.
    if len(content) > BYTES_MAX:
        raise ConfigError([f"config: {path} has more than {BYTES_MAX} bytes"])
    for number, line in enumerate(content.split(b"\n"), 1):
        if len(line) > LINE_BYTES_MAX:
            raise ConfigError(
                [f"config: {path}: line {number} has more than {LINE_BYTES_MAX} bytes"]
            )


def parse(text: str, path: Path) -> Settings:
    """The settings of a text that stands, or is to stand, at ``path``. Raises ``ConfigError``."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"config: {path}: {toml_problem(text, error)}"]) from error
    except (ValueError, RecursionError) as error:
        # A day that no calendar has, or brackets within brackets without an end.
        raise ConfigError([f"config: {path}: not valid TOML"]) from error
    reading = _FileReading(path.name)
    reading.refuse_unknown("", data, [section.name for section in sections().values()])
    folder = data_folder = path.resolve().parent
    blocks: dict[str, list[dict[str, Any]]] = {}
    for field, section in sections().items():
        # The program may run in any folder, so a path starts where the file or the data lie.
        start = data_folder if section.values in _OF_DATA else folder
        blocks[field] = reading.blocks(section, data.get(section.name), start)
        if field == "data":
            data_folder = blocks[field][0].get("folder") or folder
    if reading.problems:
        raise ConfigError(reading.problems)
    fields: dict[str, Any] = {}
    for field, section in sections().items():
        values = [section.values(**block) for block in blocks[field]]
        fields[field] = tuple(values) if section.repeated else values[0]
    settings = Settings(path=path.resolve(), **fields)
    url = absolute(settings.database.url, settings.data_folder)
    settings = replace(settings, database=replace(settings.database, url=url))
    # What contradicts something else can only be judged once each value is good by itself.
    problems = list(contradictions(settings))
    if problems:
        raise ConfigError(problems)
    return settings


class _FileReading:
    """Takes values out of one file and gathers what is wrong with it."""

    def __init__(self, file_name: str) -> None:
        self.problems: list[str] = []
        self._file_name = file_name

    def blocks(self, section: Section, given: Any, start: Path) -> list[dict[str, Any]]:
        """The values of each block of a section; one that is not repeated has exactly one."""
        heading, expected, blocks = f"[[{section.name}]]", "at least one block", given
        if not section.repeated:
            heading, expected = f"[{section.name}]", "a section"
            blocks = [{} if given is None else given]
        elif given is None and section.optional:
            return []
        is_list = isinstance(blocks, list) and len(blocks) > 0
        if not is_list or not all(isinstance(block, dict) for block in blocks):
            self._refuse(f"{heading}: expected {expected}, got {_shown(given)}")
            return [{}]
        values = []
        for number, block in enumerate(blocks, 1):
            where = f"{heading} {number}" if section.repeated else heading
            values.append(self._values(where, section.keys, block, start))
        return values

    def _values(
        self, where: str, keys: Iterable[Key], given: Mapping[str, Any], start: Path
    ) -> dict[str, Any]:
        self.refuse_unknown(where, given, [key.name for key in keys])
        values: dict[str, Any] = {}
        for key in keys:
            value = given.get(key.name, key.default)
            try:
                # Where nothing is the default, nothing may also be written down.
                if value is MISSING or (key.name in given and not value == key.default == ""):
                    value = key.setting.kind(value)
            except ValueError as error:
                problem = f"expected {error}, got {_shown(value)}"
                if value is MISSING:
                    problem = f"missing; {error} is needed"
                self._refuse(f"{where} {key.name}: {problem}")
            else:
                values[key.name] = start / value if isinstance(value, Path) else value
        return values

    def refuse_unknown(self, where: str, given: Iterable[str], known: Sequence[str]) -> None:
        """Refuse names that nobody reads: a misspelt key would silently mean its default."""
        for name in given:
            if name in known:
                continue
            # Sections are named in brackets, keys after the section that they stand in.
            path = f"{where} {name}" if where else f"[{name}]"
            if _SECRET_WORDS.search(name):
                self._refuse(
                    f"{path} is a secret and must not stand in {self._file_name};"
                    " put it into the environment or a 0600 file"
                )
            else:
                nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
                self._refuse(f"unknown key {path} (did you mean {nearest}?)")

    def _refuse(self, problem: str) -> None:
        self.problems.append(f"config: {problem}")


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = without_password(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= _VALUE_LENGTH_MAX else text[: _VALUE_LENGTH_MAX - 1] + "…"


# --- the example, and a school's first file ---

_INTRODUCTION = (
    "# coinsync. Dates without quotes, texts in quotes. Secrets never stand in this file.\n"
)


def example(values: Mapping[str, Any] | None = None) -> str:
    """The text of ``config.toml.example``.

    ``values`` by "section.key", or by section for blocks, stand in the place of samples.
    """
    return _INTRODUCTION + _file_text(values or {}, mark="")


def first_file(values: Mapping[str, Any]) -> str:
    """A new school's file: ``example`` with what nobody chose as comments.

    A sample that stood there as a value would be a promise to families that nobody made.
    """
    note = "# Lines that begin with # and no space are samples: nothing of them holds as yet.\n"
    # Prose has a space behind its mark, so that the two differ.
    return _INTRODUCTION + note + _file_text(values, mark="#")


def _file_text(given: Mapping[str, Any], *, mark: str) -> str:
    """All sections; lines that are nothing but samples begin with ``mark``."""
    text = ""
    for section in sections().values():
        comment = textwrap.wrap(section.comment, 98, break_long_words=False, break_on_hyphens=False)
        text += "".join(f"# {line}\n" for line in comment)
        if section.repeated:
            text += _blocks(section, given.get(section.name), mark)
            continue
        text += f"[{section.name}]\n"
        for key in section.keys:
            sample = key.setting.sample
            name = f"{section.name}.{key.name}"
            if name in given or sample is None:
                text += _line(key, given.get(name, key.default))
            else:
                text += _line(key, sample, mark)
        text += "\n"
    return text.rstrip() + "\n"


def _blocks(section: Section, given: Iterable[Mapping[str, Any]] | None, mark: str) -> str:
    text = ""
    mark_of_given = mark if given is None else ""
    for block in section.samples if given is None else given:
        text += f"{mark_of_given}[[{section.name}]]\n"
        for key in section.keys:
            if key.name in block:
                text += _line(key, block[key.name], mark_of_given)
            elif mark and key.name in section.samples[0]:
                # What nobody chose is as it is by default, else a sample.
                sample = section.samples[0][key.name]
                is_default = key.setting.kind(sample) == key.default
                text += _line(key, sample, "" if is_default else mark)
        text += "\n"
    return text


def _line(key: Key, value: Any, mark: str = "") -> str:
    line = f"{mark}{key.name} = {_toml(value)}"
    comment = key.setting.comment
    return f"{line:<{_COMMENT_COLUMN}} # {comment}\n" if comment else f"{line}\n"


def _toml(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        pairs = (f"{json.dumps(name)} = {_toml(item)}" for name, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, frozenset):
        value = sorted(value)
    # Everything else is written as JSON writes it; nothing, and paths, are texts.
    return json.dumps("" if value is None else value, ensure_ascii=False, default=str)


# --- what is wrong with a file, for people who do not know TOML ---


def toml_problem(text: str, error: Exception) -> str:
    """What the parser says, and how the line that it names is rightly written."""
    problem = f"not valid TOML: {error}"
    place = re.search(r"at line (\d+)", problem)
    line = text.split("\n")[int(place[1]) - 1] if place else ""
    for wrong, right in _RIGHT.items():
        if re.search(wrong, f"{line}\n{problem}"):
            return f"{problem}; {right}"
    return problem


# --- what contradicts itself in settings that are each good by themselves ---


def contradictions(settings: Settings) -> Iterator[str]:
    """One line for each contradiction, in the order of the file."""
    yield from _of_crm(settings)
    named: dict[str, list[int | str]] = {
        "[[branch]] id": [branch.id for branch in settings.branches],
        "[[earn]] code": [way.code for way in settings.ways],
    }
    for what, values in named.items():
        for value, count in Counter(values).items():
            if count > 1:
                yield f"config: {what} {value}: given twice"
    coins_max = settings.limits.coins_per_operation_max
    for way in settings.ways:
        if way.coins > coins_max:
            limit = f"[guards] coins_per_operation_max = {coins_max}"
            yield f"config: [[earn]] {way.code} coins: {way.coins} is above {limit}"
    # Originals may show where and when they were taken, and the web serves its whole folder.
    if settings.shop.pictures == settings.shop.web_pictures:
        yield "config: [shop] web_pictures: expected another folder than pictures"
    yield from _of_rules(settings)


def _of_crm(settings: Settings) -> Iterator[str]:
    if settings.school.crm == "alfacrm":
        for name in ("url", "email"):
            if not getattr(settings.alfacrm, name):
                yield f'config: [alfacrm] {name}: missing; it is needed for crm = "alfacrm"'
        # It becomes a part of every ledger key, between colons.
        if not _ACCOUNT.fullmatch(settings.account):
            expected = "letters a-z, digits and . _ -"
            yield f"config: [alfacrm] account: expected {expected}, got {settings.account}"


def _of_rules(settings: Settings) -> Iterator[str]:
    lessons = settings.lessons
    earn_nothing = lessons.trial | lessons.makeup | lessons.uncounted
    branches = {branch.id for branch in settings.branches}
    for number, rule in enumerate(settings.rules, 1):
        where = f"config: [[rule]] {number} ({rule.name})"
        if not rule.types:
            yield f"{where} types: expected at least one lesson type"
        idle = _listed(rule.types & earn_nothing)
        if idle:
            yield f"{where} types: {idle} stands in [lessons] as earning nothing"
        unknown = _listed(rule.branches - branches)
        if unknown:
            yield f"{where} branches: {unknown} is no [[branch]] of this file"
        if rule.until is not None and rule.until < rule.since:
            yield f"{where} until: {rule.until} is before since {rule.since}"
        yield from _of_earlier_rules(where, rule, settings.rules[: number - 1])


def _of_earlier_rules(where: str, rule: Rule, earlier: Iterable[Rule]) -> Iterator[str]:
    for above in earlier:
        if above.name == rule.name:
            # Blocks of one name are rates of one rule, told apart by their first day.
            if above.since == rule.since:
                yield f"{where} since: two blocks of this name begin on {rule.since}"
            continue
        # It is in force on every day on which the other one is.
        lasts = (above.until or date.max) >= (rule.until or date.max)
        if above.covers_scope_of(rule) and above.since <= rule.since and lasts:
            why = f"rule {above.name} above covers it; put the more specific one first"
            yield f"{where}: never applies, {why}"


def _listed(ids: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(ids)))
