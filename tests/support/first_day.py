"""The first day of a school with coinsync, as a screen shows it; docs/first-day.md is this."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from tests.support.sample_school import GOODS, SampleSchool, new_school

INTRODUCTION = """\
What a school sees on its first day, from the first command to the message of the next morning. The
school, its CRM and all names are made up, and what stands here was printed by the program itself,
on a screen of eighty columns. Behind `$` stands what is typed, and behind a question the answer;
Enter alone takes what stands in brackets.
"""
#: What a person answers to init: name, address, e-mail, Enter to every proposal but the
#: language of staff, as the page is in English; keep the key.
_INIT = ("Росток", "{url}", "api@school.example", *[""] * 10, "en", "y")


def first_day() -> str:
    """The whole page behind its heading."""
    with new_school() as school:
        pages = [
            INTRODUCTION,
            _morning(school),
            _first_sync(school),
            _desk(school),
            _fair(school),
            _refusals(school),
            _next_morning(school),
        ]
    return "\n".join(pages)


def _morning(school: SampleSchool) -> str:
    url = school.installation.crm.url
    answers = [answer.format(url=url) for answer in _INIT]
    page = _typed(school, "coinsync init", answers)
    # From now on the key lies in its file; a secret that is given twice is refused.
    del school.installation.environ["COINSYNC_ALFACRM_KEY"]
    return (
        "## Ten o'clock: the CRM is asked what there is\n\n"
        "`init` looks into the CRM and asks what it cannot know. (Here the API key stood in the"
        " environment; otherwise it is asked for as well, and not shown.)\n\n" + page
    )


def _first_sync(school: SampleSchool) -> str:
    return (
        "## The first coins\n\n"
        "The first sync of a database shows what it would bring, and asks. Of two visits the CRM"
        " does not know any more whether the child was in that group; the school looks at them"
        " later.\n\n"
        + _typed(school, "coinsync sync", ["hold", "y"])
        + "\nWhy a lesson gave nothing is said at any time:\n\n"
        + _typed(school, "coinsync explain 107 --date 2026-11-04")
    )


def _desk(school: SampleSchool) -> str:
    school.wait(hours=2)
    return (
        "## Noon: coins by hand\n\n"
        + _typed(school, 'coinsync credit 107 30 --reason "Помогла новичку"', ["y"])
        + "\nThe family reads what stands behind `--reason`. The key is for a line that breaks: the"
        " same command with `--key` does nothing twice.\n\n"
        + _typed(school, "coinsync history 107")
    )


def _fair(school: SampleSchool) -> str:
    school.wait(hours=4)
    school.installation.file("goods.csv", GOODS)
    return (
        "## Four o'clock: the shop, and a fair\n\n"
        "The goods stand in a sheet, `goods.csv`:\n\n"
        f"```text\n{GOODS}```\n\n"
        + _typed(school, "coinsync catalog load goods.csv", ["y"])
        + "\n"
        + _typed(school, "coinsync catalog stock receive mug 20", ["y"])
        + "\n"
        + _typed(school, 'coinsync shop open fair-2026-11 --title "Ярмарка"', ["y"])
        + "\n"
        + _typed(school, "coinsync sell 107 mug --event fair-2026-11", ["y"])
    )


def _refusals(school: SampleSchool) -> str:
    school.wait(minutes=30)
    return (
        "## What is refused\n\n"
        "No balance goes below zero by hand. The exit code says why nothing was done, and the line"
        " below the refusal what to do:\n\n"
        + _typed(school, "coinsync sell 107 mug --event fair-2026-11", code=7)
        + "\nSeveral children have that name, so the place in the list says which one is meant."
        " Whoever looks and says no has done nothing:\n\n"
        + _typed(school, 'coinsync credit Рената 5 --reason "Выставка"', ["2", "n"])
    )


def _next_morning(school: SampleSchool) -> str:
    school.installation.school.advance()
    school.wait(hours=9)
    night = school.ok("sync", "--quiet")
    assert (night.out, night.err) == ("", ""), night
    school.wait(hours=4)
    return (
        "## The next morning\n\n"
        "By night the sync ran by itself, and said nothing, because all was well. In the morning"
        " the job `waiting` says what is new and waits for a person, with numbers and without"
        " names:\n\n"
        + _typed(school, "coinsync waiting")
        + "\nWhat was said once is said again only once a week. At last, the proof:\n\n"
        + _typed(school, "coinsync reconcile")
    )


def _typed(school: SampleSchool, line: str, answers: Sequence[str] = (), *, code: int = 0) -> str:
    """A command, the answers of a person, and what stood on the screen."""
    _, *words = shlex.split(line)
    typed = "".join(f"{answer}\n" for answer in answers)
    said = school.run(*words, answers=typed, on_screen=True)
    assert said.code == code, f"{line}: {said.code} {said.out}"
    lines = [text.rstrip() for text in said.out.strip("\n").splitlines()]
    return "```text\n" + "\n".join([f"$ {line}", *lines]) + "\n```\n"
