"""What waits for a person: told once, and everything once a week."""

from __future__ import annotations

import os
import re
import shutil
from datetime import timedelta

import pytest

import cli
from coinsync.core.facts import Hold, HoldKind
from coinsync.core.plan import Purpose, Put
from coinsync.store import writer
from tests.support.goods import an_item, fill
from tests.support.makers import a_plan, environment, writing
from tests.support.school import Installation, Said


def news(school: Installation, *words: str, later: timedelta = timedelta()) -> dict[str, str]:
    """What a program is told, by the first word of its key."""
    said: Said = school.run("waiting", "--json", *words, later=later)
    assert said.code == 0, said.err
    return {case["key"].split(" ")[0]: case["text"] for case in said.json}


def hold(school: Installation) -> str:
    """Coins of a lesson of the first branch that were spent are to be taken back; the case."""
    award = next(posted for posted in school.ledger() if posted.entry.lesson).entry
    held = Hold(
        award.key,
        HoldKind.REVERSAL,
        1,
        award.lesson or 0,
        award.resident,
        award.happened_on,
        -award.coins,
        "absent",
    )
    now = cli.utc_now()
    with writing(school.url) as database:
        plan = a_plan(Put(held), purpose=Purpose.REVIEW)
        order = writer.Order("anna", "test", now)
        writer.apply(database, plan, order, environment(now=now, name="hold"))
    return f"{held.lesson}:{held.resident}"


def test_what_was_told_is_not_told_again(synced: Installation) -> None:
    """Only what came since; nothing new is nothing said, also to a person."""
    fill(synced, {an_item("mug", 5): 4})
    news(synced)
    said = synced.run("waiting")
    assert (said.code, said.out, said.err) == (0, "", "")
    hold(synced)
    assert set(news(synced)) == {"hold"}
    synced.ok("catalog", "stock", "count", "mug", "2", "--yes")
    assert news(synced) == {"stock": "stock: mug: 2 left"}
    assert news(synced) == {}


def test_everything_is_told_once_a_week(synced: Installation) -> None:
    """So that nothing is forgotten that was told on a busy day."""
    hold(synced)
    first = news(synced)
    assert "hold" in first
    assert "hold" not in news(synced, later=timedelta(days=6))
    assert "hold" in news(synced, later=timedelta(days=7, hours=1))
    assert "hold" not in news(synced, later=timedelta(days=8))


def test_looking_takes_nothing_from_the_job(synced: Installation) -> None:
    """--all and --branch remember nothing."""
    case = hold(synced)
    for words in (("--all",), ("--branch", "1"), ("--all",)):
        assert case in synced.ok("waiting", *words).out
    assert case not in synced.ok("waiting", "--branch", "2").out
    assert case in synced.ok("waiting").out
    assert case not in synced.ok("waiting").out
    assert case in synced.ok("waiting", "--all").out


def test_each_kind_is_told(synced: Installation) -> None:
    """A backup, a type, a card that is gone, families, a sync that did not come."""
    backups = synced.folder / "backups"
    backups.mkdir()
    synced.configure(data__backups=str(backups))
    assert "none yet" in news(synced)["backup"]
    synced.ok("db", "backup")
    assert "backup" not in news(synced, "--all")
    late = timedelta(days=3)
    for path in backups.iterdir():
        os.utime(path, (0, 0))
    kinds = news(synced, "--all", "--stock", "5", later=late)
    assert {"backup", "sync", "links"} <= kinds.keys()


def test_a_ledger_that_went_back_is_told(synced: Installation) -> None:
    """An older copy lies in the place of the database."""
    file = synced.folder / "coinsync.db"
    older = shutil.copy(file, synced.folder / "older.db")
    synced.ok("credit", "#101", "5", "--reason", "победа", "--yes")
    assert "ledger" not in news(synced)
    shutil.copy(older, file)
    assert "was seen here" in news(synced)["ledger"]


def test_no_name_of_a_child_is_told(synced: Installation) -> None:
    """It stands in a journal and in mails."""
    hold(synced)
    out = synced.ok("waiting", "--all").out
    with synced.reader() as reader:
        names = {word for who in reader.residents() for word in re.findall(r"\w{3,}", who.name)}
    assert not [name for name in names if name in out]
    assert "coinsync review post" in out


def test_where_nothing_can_be_remembered_it_is_all_told(synced: Installation) -> None:
    """And that is said; a file that cannot be read is no error."""
    hold(synced)
    file = synced.folder / ".coinsync-waiting"
    file.write_bytes(b"\xff{")
    assert "hold" in news(synced)
    assert file.stat().st_mode & 0o777 == 0o660
    file.unlink()
    file.mkdir()
    said = synced.run("waiting", "--json")
    assert "cannot be written" in said.err
    assert said.code == 0


@pytest.mark.parametrize("age", ["1h", "0h"])
def test_a_late_sync_is_an_alarm_each_time(synced: Installation, age: str) -> None:
    """Exit code 4, and why, though it was told before."""
    for _ in range(2):
        said = synced.run("waiting", "--max-age", age, "--quiet", later=timedelta(hours=2))
        assert (said.code, "was last synced" in said.err) == (4, True)
