"""The documents that are made from the program say what it does; the others agree with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from coinsync.commands.program import SECTIONS
from coinsync.config.settings import sections
from tests.support import manual
from tests.support.sample_school import SampleSchool, working_school
from tests.support.vocabulary import ABOUT_KEYS, ABOUT_WORDS


@pytest.fixture(scope="module")
def school() -> Iterator[SampleSchool]:
    """The school whose listings are the examples."""
    with working_school() as made:
        yield made


@pytest.mark.parametrize("name", ["commands.md", "configuration.md", "first-day.md"])
def test_a_made_document_is_what_the_program_says(made: dict[str, str], name: str) -> None:
    """``make manual`` would write what stands there."""
    assert (manual.DOCS / name).read_text(encoding="utf-8") == made[name], "run: make manual"


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """The documents, made anew."""
    return manual.manual()


def test_every_word_of_a_listing_is_explained_once(school: SampleSchool) -> None:
    """Whatever key or column a listing prints stands in the vocabulary, and nothing else does."""
    printed = manual.printed_words(school)
    missing = {word: calls for word, calls in printed.items() if word not in ABOUT_WORDS}
    assert not missing
    unused = sorted(ABOUT_WORDS.keys() - printed.keys())
    assert not unused


def test_every_listing_has_an_example() -> None:
    """A command that takes ``--csv`` shows its columns."""
    listed = set()
    for members in SECTIONS.values():
        for name, command in manual.all_commands(members):
            if any("--csv" in parameter.opts for parameter in command.params):
                listed.add(name)
    assert listed <= manual.LISTINGS.keys()


def test_what_is_said_of_a_key_is_said_once() -> None:
    """Where the program says what a key means, no second text stands beside it."""
    keys = {
        f"{section.name}.{key.name}": key for section in sections().values() for key in section.keys
    }
    said = {name for name in ABOUT_KEYS if not name.startswith("option.")}
    assert said <= keys.keys()
    assert not {name for name in said if keys[name].setting.comment}
