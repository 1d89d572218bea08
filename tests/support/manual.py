"""The documents that are made from the program: commands, configuration, the first day.

``python -m tests.support.manual`` (``make manual``) writes them; a test compares them with what it
would write. A key that a listing prints needs a line in ``vocabulary.py``, and nothing else here.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from coinsync import errors
from coinsync.commands.program import SECTIONS, Members, Noun, program
from coinsync.config.settings import sections
from coinsync.core.setting import Key, Section
from tests.support.first_day import first_day
from tests.support.sample_school import SampleSchool, working_school
from tests.support.vocabulary import ABOUT_KEYS, ABOUT_WORDS

DOCS = Path(__file__).parents[2] / "docs"
MADE = "<!-- Made by `make manual` from the program itself; a test keeps it true. -->\n"
WIDTH = 96

#: How each listing is called on the sample school, by its command.
LISTINGS: Mapping[str, Sequence[str]] = {
    "sync": ("sync --dry-run",),
    "waiting": ("waiting --all",),
    "review list": ("review list",),
    "journal": ("journal",),
    "shop sales": ("shop sales",),
    "shop sale": ("shop sale 3f9a12cd45ef",),
    "shop report": ("shop report",),
    "shop events": ("shop events",),
    "catalog list": ("catalog list",),
    "catalog stock list": ("catalog stock list", "catalog stock list mug"),
    "balance": ("balance", "balance --as-of 2026-11-15"),
    "history": ("history 107",),
    "statement": ("statement 107",),
    "report": ("report --month 2026-11",),
    "explain": ("explain 107 --date 2026-11-20",),
    "residents list": ("residents list",),
    "residents show": ("residents show 107",),
    "residents export": ("residents export 107",),
    "links list": ("links list", "links list --problems"),
    "export": ("export --format jsonl", "export --format csv"),
    "reconcile": ("reconcile",),
    "doctor": ("doctor --offline",),
}

#: What the exit codes of a command mean where they say more than the table of all codes.
EXITS: Mapping[str, str] = {
    "sync": "0 when there was nothing to do as well; **3** when a branch or a record could not be"
    " read; **4** with `--detailed-exitcode` when there were changes; **5** when a guard refused"
    " a plan or `--expect` names another one, also where other branches were done; **75** when"
    " another run holds the lock or the CRM is out of reach.",
    "waiting": "**4** with `--max-age` when a branch was last synced longer ago.",
    "import": "**6** where nothing but names is wrong, **7** where nothing but coins and keys is,"
    " **2** for everything else that is wrong in the file.",
    "catalog load": "**2** when rows or pictures are wrong, **5** when the file takes too many"
    " goods out of the shop.",
    "reconcile": "**4** when something was found; **3** when nothing was found and, with"
    " `--with-crm`, a part could not be read.",
    "doctor": "**4** when something fails; what is only a warning leaves it at 0.",
}


# --- configuration.md -----------------------------------------------------------------------------


def configuration() -> str:
    """Every section and key: what it may be, its default, what it means."""
    text = (
        f"# Configuration\n\n{MADE}\n"
        "`config.toml` is a file in [TOML](https://toml.io). A key that is left out has its"
        " default; a key without a default must be given. An unknown section or key is refused,"
        " because it may be a misspelt one, and every problem of the file is named at once."
        " `coinsync init` makes the file, [config.toml.example](../config.toml.example) is a"
        " complete one, `coinsync doctor` looks at it.\n\n"
        "Secrets never stand in this file: the keys of the CRM, of VK and of a database server"
        " are given in the environment, or in the files that `[secrets]` names.\n"
    )
    for section in sections().values():
        heading = f"[[{section.name}]]" if section.repeated else f"[{section.name}]"
        text += f"\n## `{heading}`\n\n{' '.join(section.comment.split())}\n"
        if section.repeated:
            least = "there may be none" if section.optional else "at least one is needed"
            text += f"\nA block for each; {least}.\n"
        rows = [
            (f"`{key.name}`", _expected(key), _default(key), _meaning(section, key))
            for key in section.keys
        ]
        text += "\n" + _table(("key", "what it may be", "default", "meaning"), rows)
    return text


def _expected(key: Key) -> str:
    """What may stand there, in the words with which the program refuses anything else."""
    for wrong in (object(), "\0", -(10**30), [object()]):
        try:
            key.setting.kind(wrong)
        except ValueError as refusal:
            return str(refusal)
        except (TypeError, AttributeError):
            continue
    return "text"


def _default(key: Key) -> str:
    value = key.default
    if value is dataclasses.MISSING:
        return "must be given"
    if value in (None, "", (), frozenset(), {}):
        return "empty"
    if isinstance(value, frozenset):
        value = sorted(value)
    if isinstance(value, (tuple, list)):
        return f"`{json.dumps(list(value), ensure_ascii=False, default=str)}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, date):
        return f"`{value.isoformat()}`"
    return f"`{value}`"


def _meaning(section: Section, key: Key) -> str:
    return key.setting.comment or ABOUT_KEYS[f"{section.name}.{key.name}"]


# --- commands.md ----------------------------------------------------------------------------------


def commands(school: SampleSchool) -> str:
    """Every command with its usage, options, exit codes, and what its listing holds."""
    text = f"# Commands\n\n{MADE}\n" + _introduction() + _exit_codes()
    for heading, members in SECTIONS.items():
        text += f"\n## {heading}\n"
        for name, command in all_commands(members):
            text += _command_text(name, command) + _listings(school, name)
    return text + _vocabulary()


def _introduction() -> str:
    options = _parameters(program())
    return (
        "What stands in capitals is replaced by what is meant; what stands in square brackets may"
        " be left out. The options of this table stand before or after any command:\n\n"
        f"{options}\n"
        "A resident is named by `101`, `crm:101`, `vk:900000001` or the beginning of a name; goods"
        " by their code or the beginning of a word of their name; a branch by its number or name."
        " A command that writes asks before it does, unless `--yes` is given, and only shows what"
        " it would write with `--dry-run`. Output for programs is `--json`: one line, keys in"
        " English, days as `2026-11-20`, moments in UTC as `2026-11-20T19:00:00Z`. A listing also"
        " takes `--csv`. The examples below are those of a small made-up school on 20 November"
        " 2026; of every list only one item is shown. What each key means stands once, in the"
        " [vocabulary](#vocabulary).\n"
    )


def _exit_codes() -> str:
    meanings: dict[int, list[str]] = defaultdict(list)
    for _, error in inspect.getmembers(errors, inspect.isclass):
        if issubclass(error, errors.CoinsyncError) and error.exit_code != 1:
            # Behind a semicolon stands what only a programmer asks, or no more than a detail.
            first_line = (error.__doc__ or "").partition("\n")[0].partition(";")[0]
            meanings[error.exit_code].append(first_line.rstrip(".") + ".")
    rows = [("0", "Done; nothing to do; help was shown; the person said no.")]
    rows += [("1", "Unexpected error, or output that could not be written whole.")]
    meanings[3].insert(0, "Partly done.")
    meanings[4].insert(0, "Differences were found.")
    meanings[130].append("Interrupted by Ctrl-C.")
    meanings[143].append("Ended by SIGTERM.")
    meanings[129].append("Ended by SIGHUP.")
    rows += [(str(code), " ".join(lines)) for code, lines in sorted(meanings.items())]
    return "\n## Exit codes\n\n" + _table(("code", "when"), rows)


def all_commands(members: Members, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each command below these names, loaded, by all the words that call it."""
    group = program()
    for name, member in members.items():
        if isinstance(member, Noun):
            yield from all_commands(member.members, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", _loaded(group, f"{prefix}{name}".split())


def _loaded(group: Any, words: Sequence[str]) -> Any:
    context = group.context_class(group, info_name="coinsync")
    for word in words:
        _, group, _ = group.resolve_command(context, [word])
        context = group.context_class(group, info_name=word, parent=context)
    return group


def _command_text(name: str, command: Any) -> str:
    context = command.context_class(command, info_name=f"coinsync {name}")
    pieces = [piece.strip("{}") for piece in command.collect_usage_pieces(context)]
    usage = re.sub(r"\[\[([^]]*)\]\]", r"[\1]", " ".join(["coinsync", name, *pieces]))
    text = f"\n### `{name}`\n\n{command.help}\n\n```text\n{usage}\n```\n"
    parameters = _parameters(command)
    text += f"\n{parameters}" if parameters else ""
    return text + (f"\nExit code: {EXITS[name]}\n" if name in EXITS else "")


def _parameters(command: Any) -> str:
    rows = []
    for parameter in command.params:
        if parameter.name == "help":
            continue
        meaning = parameter.help or ABOUT_KEYS.get(f"option.{parameter.name}", "")
        assert meaning, f"{command.name}: {parameter.name}"
        rows.append((f"`{_form(parameter)}`", meaning + _default_of(parameter)))
    return _table(("argument or option", "meaning"), rows) if rows else ""


def _form(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    if parameter.is_flag:
        return names
    choices = getattr(parameter.type, "choices", ())
    value = "|".join(str(getattr(choice, "value", choice)) for choice in choices)
    return f"{names} {parameter.metavar or value or parameter.name.upper()}"


def _default_of(parameter: Any) -> str:
    value = parameter.default
    if isinstance(value, bool) or value in (None, "", 0):
        return ""
    return f" Default: `{getattr(value, 'value', value)}`."


# --- examples -------------------------------------------------------------------------------------


def _listings(school: SampleSchool, name: str) -> str:
    text = ""
    for call in LISTINGS.get(name, ()):
        words = call.split()
        if name == "export":
            lines = school.ok(*words).out.splitlines()
            example, language = (lines[0], "text")
            if "jsonl" in call:
                example, language = pretty(json.loads(lines[0])), "json"
            text += _block(f"`coinsync {call}`, its first line:", language, example)
            continue
        said = school.run(*words, "--json")
        text += _block(f"`coinsync {call} --json`:", "json", pretty(shortened(said.json)))
        csv = school.run(*words, "--csv")
        if csv.code == 0:
            header = csv.out.splitlines()[0]
            text += _block(f"The columns of `coinsync {call} --csv`:", "text", header)
    return text


def _block(title: str, language: str, content: str) -> str:
    return f"\n{title}\n\n```{language}\n{content}\n```\n"


def shortened(value: Any) -> Any:
    """The same with one item of every list, the longest, which shows most."""
    if isinstance(value, dict):
        return {name: shortened(item) for name, item in value.items()}
    if isinstance(value, list) and value:
        longest = max(value, key=lambda item: len(json.dumps(item)))
        return [shortened(longest)]
    return value


def pretty(value: Any, indent: str = "") -> str:
    """JSON whose objects and lists stand on one line where they fit."""
    line = json.dumps(value, ensure_ascii=False)
    if not value or not isinstance(value, (dict, list)) or len(indent) + len(line) <= WIDTH:
        return line
    deeper = f"{indent}  "
    if isinstance(value, dict):
        opening, closing = "{", "}"
        items = [f"{json.dumps(name)}: {pretty(value[name], deeper)}" for name in value]
    else:
        opening, closing = "[", "]"
        items = [pretty(item, deeper) for item in value]
    lines = f",\n{deeper}".join(items)
    return f"{opening}\n{deeper}{lines}\n{indent}{closing}"


# --- the vocabulary -------------------------------------------------------------------------------


def printed_words(school: SampleSchool) -> dict[str, set[str]]:
    """Every key of JSON and every column of CSV that a listing prints, and which listings do."""
    printed: dict[str, set[str]] = defaultdict(set)
    for name, calls in LISTINGS.items():
        for call in calls:
            for key in _words_of(school, call.split()):
                printed[key].add(name)
    return dict(printed)


def _words_of(school: SampleSchool, words: Sequence[str]) -> Iterator[str]:
    if words[0] == "export":
        first, *_ = school.ok(*words).out.splitlines()
        yield from json.loads(first) if "jsonl" in words else first.split(",")
        return
    yield from _keys(school.run(*words, "--json").json)
    csv = school.run(*words, "--csv")
    if csv.code == 0:
        yield from csv.out.splitlines()[0].split(",")


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield name
            # By reason, whose codes docs/rules.md explains.
            if name != "skipped":
                yield from _keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from _keys(item)


def _vocabulary() -> str:
    rows = [(f"`{word}`", meaning) for word, meaning in sorted(ABOUT_WORDS.items())]
    return "\n## Vocabulary\n\n" + _table(("key or column", "meaning"), rows)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    for row in rows:
        cells = [" ".join(cell.replace("|", "\\|").split()) for cell in row]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


# --- the files ------------------------------------------------------------------------------------


def manual() -> dict[str, str]:
    """What each made document says, by its name in docs/."""
    with working_school() as school:
        page_of_commands = commands(school)
    return {
        "commands.md": _linked(page_of_commands),
        "configuration.md": _linked(configuration()),
        "first-day.md": f"# The first day\n\n{MADE}\n{first_day()}",
    }


def _linked(text: str) -> str:
    """The same, where documents are named as seen from the folder that it lies in."""
    return re.sub(r"\bdocs/([a-z]+\.md)\b", r"[\1](\1)", text)


def main() -> None:
    """Write the documents."""
    for name, text in manual().items():
        (DOCS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
