"""The shop's goods from the command line.

One file is the catalog, pictures are copied, stock is a ledger.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

import cli
from coinsync import config
from coinsync.core.catalog import Item, MoveKind
from coinsync.core.proposal import Author
from coinsync.desk.catalog import move_stock
from coinsync.desk.gather import Clerk
from coinsync.errors import StalePlan
from coinsync.lookup.shop import find_item
from coinsync.store import writer
from tests.support.catalog_file import archive_goods, csv_of, edit_goods, load_rows, rows_of
from tests.support.makers import environment, order, writing
from tests.support.school import Installation
from tests.support.terminal import QUESTION, in_terminal

CATALOG = (
    "код;название;name_en;категория;цена;картинка;филиалы;учет\n"
    "mug;Кружка;Mug;С символикой;50;mug.png;;\n"
    "pen;Ручка;;;15;;;\n"
    "sweet;Конфета;;;2;;2;нет\n"
)


def draw(installation: Installation, name: str, colour: str = "red") -> Path:
    """A picture in the folder of pictures."""
    folder = installation.folder / "pictures"
    folder.mkdir(exist_ok=True)
    out = BytesIO()
    Image.new("RGB", (900, 600), colour).save(out, "PNG")
    (folder / name).write_bytes(out.getvalue())
    return folder / name


@pytest.fixture
def installation(desk: Installation) -> Installation:
    """A school after its first sync, with one picture and no goods."""
    draw(desk, "mug.png")
    return desk


@pytest.fixture
def shop(installation: Installation) -> Installation:
    """The same with a catalog."""
    installation.ok(
        "catalog", "load", installation.file("catalog.csv", CATALOG), "--yes", "--quiet"
    )
    return installation


def goods(installation: Installation) -> dict[str, Item]:
    """All goods by code, the archived too."""
    with installation.reader() as reader:
        return {item.code: item for item in reader.all(Item)}


def listed(installation: Installation, *words: str) -> list[str]:
    """The codes that `catalog list` shows, in its order."""
    return [item["code"] for item in installation.ok("catalog", "list", "--json", *words).json]


def left(installation: Installation, code: str) -> int:
    """Pieces left of one item."""
    with installation.reader() as reader:
        return reader.stock([code])[code]


def web(installation: Installation) -> list[str]:
    """The names of all copies for the web, hidden files too."""
    folder = installation.folder / "pictures.web"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def refused(installation: Installation, *words: str, code: int = 2) -> str:
    """What a command that fails says; nothing may be written by it, no file and no row."""
    tables, files = installation.tables(), web(installation)
    said = installation.run(*words)
    assert said.code == code, f"{said.code}: {said.err}"
    assert (installation.tables(), web(installation)) == (tables, files)
    return said.err


class TestLoad:
    """One file is the whole catalog, and the difference is the plan."""

    def test_a_first_catalog(self, installation: Installation) -> None:
        """What is shown is what is written.

        The copy of the picture lies there, small and for everybody.
        """
        out = installation.ok(
            "catalog", "load", installation.file("catalog.csv", CATALOG), "--yes"
        ).out
        assert out.startswith("+ mug  Кружка  50\n+ pen  Ручка  15\n+ sweet  Конфета  2\n")
        assert re.search(r"run \d+: 3 facts recorded, no coins moved; seal .+\n$", out)
        mug, pen, sweet = goods(installation).values()
        assert re.fullmatch(r"mug\.[0-9a-f]{12}\.webp", mug.picture)
        assert web(installation) == [mug.picture]
        path = installation.folder / "pictures.web" / mug.picture
        assert path.stat().st_mode & 0o777 == 0o644
        with Image.open(path) as image:
            assert (image.format, image.size) == ("WEBP", (640, 427))
        assert (mug.name_en, mug.category_ru, mug.place, mug.shown) == (
            "Mug",
            "С символикой",
            1,
            True,
        )
        assert (pen.name_en, pen.picture, pen.place, pen.tracked) == ("Ручка", "", 2, True)
        assert (sweet.branches, sweet.tracked) == ((2,), False)

    @pytest.mark.parametrize(
        "words", [("--dry-run",), ("--dry-run", "--json"), ("--dry-run", "--quiet")]
    )
    def test_a_dry_run_writes_nothing(
        self, installation: Installation, words: tuple[str, ...]
    ) -> None:
        """Neither a row nor a file nor a folder; the picture is looked at all the same."""
        before = installation.tables()
        installation.ok("catalog", "load", installation.file("catalog.csv", CATALOG), *words)
        assert installation.tables() == before
        assert not (installation.folder / "pictures.web").exists()

    def test_a_second_time(self, shop: Installation) -> None:
        """The plan is empty, nobody is asked, no run is made.

        And a sheet in another encoding that says the same changes nothing.
        """
        before, copy = shop.tables(), (shop.folder / "pictures.web" / web(shop)[0]).stat()
        for file in (shop.file("a.csv", CATALOG), shop.file("b.csv", CATALOG, "cp1251")):
            assert shop.ok("catalog", "load", file).out == "no changes\n"
            told = shop.ok("catalog", "load", file, "--json").json
            assert (told["digest"], told["words"], told["receipt"]) == ("", ["no changes"], None)
        assert shop.tables() == before
        assert (shop.folder / "pictures.web" / web(shop)[0]).stat() == copy

    def test_a_copy_that_went_missing_is_made_again(self, shop: Installation) -> None:
        """By loading the same file; a dry run leaves it."""
        (copy,) = web(shop)
        (shop.folder / "pictures.web" / copy).unlink()
        file = shop.file("catalog.csv", CATALOG)
        shop.ok("catalog", "load", file, "--dry-run")
        assert web(shop) == []
        shop.ok("catalog", "load", file)
        assert web(shop) == [copy]

    @pytest.mark.parametrize(
        ("code", "column", "cell", "line"),
        [
            ("mug", "price", "60", "~ mug  Кружка  price 50 → 60"),
            ("mug", "name_ru", "Чашка", "~ mug  Чашка  name_ru"),
            ("mug", "name_en", "Cup", "~ mug  Кружка  name_en"),
            ("mug", "category_ru", "", "~ mug  Кружка  category_ru"),
            ("pen", "category_en", "X", "~ pen  Ручка  category_en"),
            ("pen", "text_ru", "Синяя", "~ pen  Ручка  text_ru"),
            ("pen", "text_en", "Blue", "~ pen  Ручка  text_en"),
            ("sweet", "branches", "1 2", "~ sweet  Конфета  branches"),
            ("mug", "picture", "", "~ mug  Кружка  picture"),
            ("pen", "shown", "no", "~ pen  Ручка  shown"),
            ("sweet", "tracked", "", "~ sweet  Конфета  tracked"),
            ("pen", "code", "pencil", "+ pencil  Ручка  15\n- pen  Ручка  archived"),
        ],
    )
    def test_each_kind_of_change(
        self, shop: Installation, code: str, column: str, cell: str, line: str
    ) -> None:
        """Is one line, and afterwards the plan is empty."""
        assert edit_goods(shop, code, **{column: cell}).startswith(f"{line}\nrun ")
        assert load_rows(shop, rows_of(shop)) == "no changes\n"

    def test_a_picture_that_was_drawn_anew(self, shop: Installation) -> None:
        """Gets another name, so that no browser shows the old one.

        The old copy stays for who still looks at it.
        """
        before = goods(shop)["mug"].picture
        draw(shop, "mug.png", "blue")
        file = shop.file("catalog.csv", CATALOG)
        assert shop.ok("catalog", "load", file, "--yes").out.startswith("~ mug  Кружка  picture\n")
        assert goods(shop)["mug"].picture != before
        assert len(web(shop)) == 2

    def test_the_order_of_the_file(self, shop: Installation) -> None:
        """Is that of the catalog."""
        assert listed(shop) == ["mug", "pen", "sweet"]
        headings, *rows = CATALOG.splitlines()
        file = shop.file("catalog.csv", "\n".join([headings, *reversed(rows)]))
        shop.ok("catalog", "load", file, "--yes")
        assert listed(shop) == ["sweet", "pen", "mug"]

    def test_what_is_left_out_is_archived_and_comes_back(self, shop: Installation) -> None:
        """Never deleted: stock and sales of it stay, and with it in the file it is as it was."""
        shop.ok("catalog", "stock", "receive", "pen", "5", "--yes")
        shop.ok("sell", "#102", "pen", "--yes")
        before = goods(shop)["pen"]
        without = CATALOG.replace("pen;Ручка;;;15;;;\n", "")
        out = shop.ok("catalog", "load", shop.file("less.csv", without), "--yes").out
        assert "- pen  Ручка  archived\n" in out
        assert goods(shop)["pen"].archived
        assert (listed(shop), listed(shop, "--all")) == (["mug", "sweet"], ["mug", "sweet", "pen"])
        assert left(shop, "pen") == 4
        assert "Ручка" in shop.ok("history", "#102").out
        assert shop.run("sell", "#102", "pen", "--yes").code == 7
        out = shop.ok("catalog", "load", shop.file("catalog.csv", CATALOG), "--yes").out
        assert "~ pen  Ручка  back in the shop\n" in out
        assert goods(shop)["pen"] == before
        shop.ok("reconcile")

    def test_a_person_says_no(self, installation: Installation) -> None:
        """Nothing is written, no picture either."""
        before = installation.tables()
        shown = in_terminal(
            installation,
            "catalog",
            "load",
            installation.file("catalog.csv", CATALOG),
            answer="n\n",
        )
        assert (shown.code, installation.tables(), web(installation)) == (0, before, [])
        assert "nothing written" in shown.text

    def test_a_person_says_yes(self, installation: Installation) -> None:
        """After one question."""
        shown = in_terminal(
            installation,
            "catalog",
            "load",
            installation.file("catalog.csv", CATALOG),
            answer="y\n",
        )
        assert (shown.code, shown.text.count(QUESTION), listed(installation)) == (
            0,
            1,
            ["mug", "pen", "sweet"],
        )

    def test_nobody_is_there(self, installation: Installation) -> None:
        """2."""
        err = refused(installation, "catalog", "load", installation.file("catalog.csv", CATALOG))
        assert "nobody is there to ask" in err


def many_goods(installation: Installation) -> dict[str, dict[str, str]]:
    """Six goods with everything that a file may say, all shown; their rows by code."""
    said = "По-русски;Name;Раздел;Section;Текст;Text;5;1;mug.png;yes;yes"
    rows = [f"item-{number};{said}" for number in range(6)]
    headings = (
        "code;name_ru;name_en;category_ru;category_en;text_ru;text_en;price;branches;picture;"
        "shown;tracked"
    )
    file = installation.file("six.csv", "\n".join([headings, *rows]))
    installation.ok("catalog", "load", file, "--yes")
    return rows_of(installation)


#: What a file may do to one row of the goods; None leaves the row out.
LOSSES: dict[str, dict[str, str] | None] = {
    "left out": None,
    "another code": {"code": "new-{}"},
    "hidden": {"shown": "no"},
    "no text": {"text_ru": ""},
    "no English text": {"text_en": ""},
    "no English name": {"name_en": ""},
    "no category": {"category_ru": "", "category_en": ""},
    "no picture": {"picture": ""},
    "no branches": {"branches": ""},
}


class TestGuard:
    """A file that takes most of the shop away is rather a slip, and needs its digest."""

    @pytest.mark.parametrize("loss", LOSSES)
    def test_most_goods_lost_are_refused(self, installation: Installation, loss: str) -> None:
        """Whatever they lose: 5, the plan first, with limit, cause and the whole command; three
        of six pass.
        """
        rows = many_goods(installation)
        for number in range(3):
            lose(rows, number, LOSSES[loss])
        edited = csv_of(installation, rows)
        assert "UNSAFE" not in installation.ok("catalog", "load", edited, "--dry-run").out
        lose(rows, 3, LOSSES[loss])
        edited = csv_of(installation, rows)
        before = installation.tables()
        words = ("--actor", "boris", "catalog", "load", edited, "--yes")
        said = installation.run(*words)
        assert (said.code, installation.tables()) == (5, before)
        assert "item-0" in said.out
        assert "4 of 6 goods or their texts vanished (66.7 %, limit 50 %)" in said.err
        assert "Likely the file was cut off" in said.err
        command = shlex.split(said.err.partition("If it is right: ")[2])
        assert (command[0], command[-2]) == ("coinsync", "--accept-unsafe")
        assert installation.run(*command[1:]).code == 0

    def test_a_dry_run_marks_it(self, installation: Installation) -> None:
        """UNSAFE, exit 0, and the last line is the command; a program is told as well."""
        many_goods(installation)
        file = installation.file("one.csv", "code;name_ru;price\nmug;Кружка;5\n")
        out = installation.ok("catalog", "load", file, "--dry-run").out
        assert "UNSAFE: 6 of 6" in out
        command = out.splitlines()[-1]
        told = installation.ok("catalog", "load", file, "--dry-run", "--json").json
        assert command.endswith(f"--accept-unsafe {told['digest'][:8]}")
        assert "--dry-run" not in command
        assert told["unsafe"] == ["6 of 6 goods or their texts vanished (100.0 %, limit 50 %)"]

    def test_another_digest_accepts_nothing(self, installation: Installation) -> None:
        """Nor does one that is none."""
        many_goods(installation)
        file = installation.file("one.csv", "code;name_ru;price\nmug;Кружка;5\n")
        words = ("catalog", "load", file, "--yes", "--accept-unsafe")
        refused(installation, *words, "0123456789", code=5)
        assert "'x' is no digest" in refused(installation, *words, "x")

    def test_the_school_may_set_the_limit(self, installation: Installation) -> None:
        """All may go where it says so."""
        many_goods(installation)
        installation.configure(guards__goods_percent_max=100)
        file = installation.file("one.csv", "code;name_ru;price\nmug;Кружка;5\n")
        installation.ok("catalog", "load", file, "--yes")

    def test_a_person_is_not_asked(self, installation: Installation) -> None:
        """A guard is no question."""
        many_goods(installation)
        file = installation.file("one.csv", "code;name_ru;price\nmug;Кружка;5\n")
        shown = in_terminal(installation, "catalog", "load", file)
        assert (shown.code, shown.text.count(QUESTION)) == (5, 0)


def lose(rows: dict[str, dict[str, str]], number: int, cells: dict[str, str] | None) -> None:
    """Let one of the goods lose something."""
    if cells is None:
        del rows[f"item-{number}"]
    else:
        rows[f"item-{number}"] |= {name: cell.format(number) for name, cell in cells.items()}


class TestABadFile:
    """Names every bad row, and nothing is written."""

    def test_every_row_is_named(self, shop: Installation) -> None:
        """Pictures among them; the good rows wait, and no copy of their pictures is made."""
        draw(shop, "new.png", "green")
        (shop.folder / "pictures" / "doc.png").write_bytes(b"%PDF-1.7")
        file = shop.file(
            "goods.csv",
            "код;название;цена;картинка;филиалы\nok;Хорошая;5;new.png;\nmug;;0;;\nmug;Кружка;x;;9\n"
            "Кубок;Кубок;5;mag.png;\npen;Ручка;5;doc.png;\ncup;Чашка;5;../mug.png;\n",
        )
        err = refused(shop, "catalog", "load", file, "--yes")
        assert err.splitlines()[:-1] == [
            f"coinsync: {file}: 9 problems; nothing written",
            "line 3, column name_ru: is empty",
            'line 3, column price: "0" is not from 1 to 1000000',
            'line 4, column price: "x" is not a whole number of coins',
            'line 4, column branches: "9" is no branch of the configuration; there are 1, 2',
            'line 4, column code: "mug" stands in line 3 too',
            'line 5, column code: "Кубок" is no code:'
            " a Latin letter or digit first, then also - and _",
            'line 5, column picture: "mag.png" is not in the folder pictures;'
            ' did you mean "mug.png"?',
            'line 6, column picture: "doc.png" is neither PNG, JPEG, WebP, GIF nor SVG,'
            " whatever it is called",
            'line 7, column picture: "../mug.png" is not the name of a file'
            " in the folder of pictures",
        ]

    @pytest.mark.parametrize(
        ("name", "text", "says"),
        [
            ("empty.csv", "", "the file is empty"),
            ("headings.csv", "код;название;цена\n", "there is nothing in it"),
            ("blocks.csv", '[[item]]\ncode = "mug"\n', "column"),
        ],
    )
    def test_a_file_that_is_none(self, shop: Installation, name: str, text: str, says: str) -> None:
        """An empty one does not empty the shop."""
        assert says in refused(shop, "catalog", "load", shop.file(name, text), "--yes")

    def test_a_file_that_is_not_there(self, installation: Installation) -> None:
        """2, in one line."""
        assert "cannot be read (no such file" in refused(
            installation, "catalog", "load", "none.csv", "--yes"
        )
        assert "cannot be read (is a directory)" in refused(
            installation, "catalog", "load", str(installation.folder), "--yes"
        )

    def test_a_folder_for_the_web_that_cannot_be_written(self, installation: Installation) -> None:
        """The goods are not recorded either: no page may name a picture that is not there."""
        (installation.folder / "pictures.web").write_text("in the way")
        before = installation.tables()
        said = installation.run(
            "catalog", "load", installation.file("catalog.csv", CATALOG), "--yes"
        )
        assert (said.code, installation.tables()) == (2, before)
        assert "pictures.web cannot be written" in said.err


class TestList:
    """The goods in their order."""

    def test_a_table(self, shop: Installation) -> None:
        """Code, name, category, price, what is left, where, whether shown, and with a picture."""
        edit_goods(shop, "pen", shown="no")
        archive_goods(shop, "sweet")
        shop.ok("catalog", "stock", "receive", "mug", "1200", "--yes")
        rows = [
            re.split(r" {2,}", line.strip())
            for line in shop.ok("catalog", "list", "--all").out.splitlines()
        ]
        assert rows == [
            ["code", "name", "category", "price", "left", "branches", "picture"],
            ["mug", "Кружка", "С символикой", "50", "1 200", "all", "yes"],
            ["pen", "Ручка", "15", "0", "all", "hidden", "no"],
            ["sweet", "Конфета", "2", "2", "archived", "no"],
            ["3 items"],
        ]
        assert "Конфета" not in shop.ok("catalog", "list").out

    def test_for_a_program(self, shop: Installation) -> None:
        """Everything, and what is left."""
        first, *_, last = shop.ok("catalog", "list", "--json").json
        assert (first["code"], first["name_en"], first["left"], first["branches"]) == (
            "mug",
            "Mug",
            0,
            [],
        )
        assert (last["left"], last["branches"], last["tracked"]) == (None, [2], False)

    def test_for_a_spreadsheet(self, shop: Installation) -> None:
        """A file of the whole catalog: loaded again it changes nothing."""
        copy = goods(shop)["mug"].picture
        text = shop.ok("catalog", "list", "--csv").out
        assert text.splitlines() == [
            "code,name_ru,name_en,category_ru,category_en,text_ru,text_en,price,branches,picture,"
            "shown,tracked",
            f"mug,Кружка,Mug,С символикой,,,,50,,{copy},yes,yes",
            "pen,Ручка,Ручка,,,,,15,,,yes,yes",
            "sweet,Конфета,Конфета,,,,,2,2,,yes,no",
        ]
        assert shop.ok("catalog", "load", shop.file("again.csv", text)).out == "no changes\n"

    def test_a_file_that_is_changed_and_loaded_again(self, shop: Installation) -> None:
        """One cell is one change; a name that a spreadsheet would take for a formula comes back."""
        assert edit_goods(shop, "pen", price="16").startswith("~ pen  Ручка  price 15 → 16\n")
        name = "+5 к удаче"
        assert edit_goods(shop, "pen", name_ru=name, name_en=name).startswith(f"~ pen  {name} ")
        assert rows_of(shop)["pen"]["name_ru"] == f"'{name}"
        assert load_rows(shop, rows_of(shop)) == "no changes\n"
        assert goods(shop)["pen"].name_ru == name

    def test_a_copy_that_is_not_there(self, shop: Installation) -> None:
        """Is no picture, whatever it is called."""
        text = shop.ok("catalog", "list", "--csv").out
        (copy,) = web(shop)
        (shop.folder / "pictures.web" / copy).unlink()
        err = refused(shop, "catalog", "load", shop.file("again.csv", text), "--yes")
        assert f'picture: "{copy}" is not in the folder pictures' in err

    def test_of_one_branch(self, shop: Installation) -> None:
        """What is sold there."""
        assert listed(shop, "--branch", "1") == ["mug", "pen"]
        assert listed(shop, "--branch", "2") == ["mug", "pen", "sweet"]

    def test_an_empty_shop(self, installation: Installation) -> None:
        """Says how it is filled."""
        assert "catalog load FILE" in installation.ok("catalog", "list").out
        assert installation.ok("catalog", "list", "--json").json == []


def receive(installation: Installation, *words: str) -> None:
    """Let pieces come in."""
    installation.ok("catalog", "stock", "receive", *words, "--yes", "--quiet")


class TestStock:
    """A ledger of its own, never below nothing."""

    def test_in_out_and_counted(self, shop: Installation) -> None:
        """Each move with what is left after it, who and why."""
        assert (
            "mug  Кружка: 0 +10 → 10\n"
            in shop.ok("catalog", "stock", "receive", "mug", "10", "--yes").out
        )
        out = shop.ok(
            "catalog", "stock", "write-off", "mug", "2", "--note", "Разбились", "--yes"
        ).out
        assert "mug  Кружка: 10 -2 → 8\n" in out
        assert re.search(r"run \d+: 1 move of stock recorded, no coins moved; seal .+\n$", out)
        assert "8 +1 → 9" in shop.ok("catalog", "stock", "count", "mug", "9", "--yes").out
        shop.ok("sell", "#102", "mug", "--yes")
        assert left(shop, "mug") == 8
        moves = shop.ok("catalog", "stock", "list", "mug", "--json").json
        told = [(move["kind"], move["pieces"], move["left"], move["note"]) for move in moves]
        assert told == [
            ("sale", -1, 8, ""),
            ("count", 1, 9, ""),
            ("write_off", -2, 8, "Разбились"),
            ("receive", 10, 10, ""),
        ]
        assert {move["actor"] for move in moves} == {"anna"}
        assert "write-off" in shop.ok("catalog", "stock", "list", "mug").out
        assert shop.ok("catalog", "stock", "list", "mug", "--csv").out.count("\n") == 5
        shop.ok("reconcile")

    def test_what_is_left(self, shop: Installation) -> None:
        """Of what is counted; of the archived only what still lies there."""
        receive(shop, "mug", "3")
        assert shop.ok("catalog", "stock", "list", "--csv").out.split() == [
            "code,name,left",
            "mug,Кружка,3",
            "pen,Ручка,0",
        ]
        archive_goods(shop, "mug", "pen")
        assert shop.ok("catalog", "stock", "list", "--json").json == [
            {"code": "mug", "name": "Кружка", "left": 3}
        ]
        assert "1 item counted, 3 pieces left" in shop.ok("catalog", "stock", "list").out

    def test_counted_as_it_is(self, shop: Installation) -> None:
        """Nothing to write; nothing at all can be counted too."""
        receive(shop, "mug", "3")
        assert "3 left, as counted" in shop.ok("catalog", "stock", "count", "mug", "3").out
        shop.ok("catalog", "stock", "count", "mug", "0", "--yes")
        assert left(shop, "mug") == 0

    def test_never_below_nothing(self, shop: Installation) -> None:
        """7, for a write-off and for a sale."""
        receive(shop, "mug", "3")
        words = ("catalog", "stock", "write-off", "mug", "4", "--note", "x", "--yes")
        assert "mug: 3 left, 4 needed; nothing written" in refused(shop, *words, code=7)
        assert "pen: 0 left" in refused(shop, "sell", "#102", "pen", "--yes", code=7)

    def test_a_key_that_is_repeated(self, shop: Installation) -> None:
        """The same move is there already; another one under this key is refused."""
        words = ("catalog", "stock", "receive", "mug", "5", "--key", "k-1", "--yes")
        assert "key k-1\n" in shop.ok(*words).out
        before = shop.tables()
        assert "recorded already: +5" in shop.ok(*words).out
        assert "recorded already: +5" in shop.ok(*words[:-2], "stock:K-1", "--yes").out
        assert shop.tables() == before
        for other in (
            ("catalog", "stock", "receive", "mug", "6"),
            ("catalog", "stock", "receive", "pen", "5"),
            ("catalog", "stock", "count", "mug", "6"),
            ("catalog", "stock", "write-off", "mug", "5", "--note", "x"),
        ):
            err = refused(shop, *other, "--key", "k-1", "--yes", code=7)
            assert "key k-1 is another move of stock already; nothing written" in err

    def test_a_count_that_is_repeated(self, shop: Installation) -> None:
        """Means the number that was counted, whatever was sold since."""
        receive(shop, "mug", "5")
        words = ("catalog", "stock", "count", "mug", "4", "--key", "k-2", "--yes")
        shop.ok(*words)
        shop.ok("sell", "#102", "mug", "--yes")
        assert "recorded already: -1" in shop.ok(*words).out
        assert left(shop, "mug") == 3

    def test_the_same_key_from_two_machines(self, shop: Installation) -> None:
        """Whoever comes second is told that his plan is stale, and one move is recorded."""
        by = Author("boris", cli.utc_now(), "k-3")
        with shop.reader() as reader:
            clerk = Clerk(reader, config.load(shop.config), by)
            late = move_stock(clerk, find_item(reader, "mug"), MoveKind.RECEIVE, 5).plan
        receive(shop, "mug", "5", "--key", "k-3")
        before = shop.tables()
        with (
            writing(shop.url) as database,
            pytest.raises(StalePlan, match="stock:k-3 was recorded meanwhile"),
        ):
            writer.apply(database, late, order(account="test"), environment(now=cli.utc_now()))
        assert shop.tables() == before

    def test_without_a_key_each_is_another(self, shop: Installation) -> None:
        """Two boxes of the same size came."""
        receive(shop, "mug", "5")
        receive(shop, "mug", "5")
        assert left(shop, "mug") == 10

    def test_what_is_not_counted(self, shop: Installation) -> None:
        """Has no stock, and can always be sold."""
        err = refused(shop, "catalog", "stock", "receive", "sweet", "5", "--yes", code=7)
        assert "the stock of sweet is not counted" in err
        assert "Say in the catalog's file that it is tracked, and load it." in err
        shop.ok("sell", "#102", "sweet", "--quantity", "3", "--yes")
        assert "sweet" not in shop.ok("catalog", "stock", "list").out

    def test_the_day(self, shop: Installation) -> None:
        """Today at the school unless said; not one that is to come."""
        receive(shop, "mug", "5", "--date", "2026-09-05", "--note", "От поставщика")
        (move,) = shop.ok("catalog", "stock", "list", "mug", "--json").json
        assert (move["day"], move["note"]) == ("2026-09-05", "От поставщика")
        future = (cli.utc_now() + timedelta(days=2)).date().isoformat()
        for day, says in (
            (future, "still to come"),
            ("0206-11-20", "before 2000"),
            ("20.11.2026", "is no day"),
        ):
            assert says in refused(
                shop, "catalog", "stock", "receive", "mug", "5", "--date", day, "--yes"
            )

    @pytest.mark.parametrize(
        ("words", "code", "says"),
        [
            (("receive", "mug", "0"), 2, "'0' is no number of pieces"),
            (("receive", "mug", "1.5"), 2, "'1.5' is no number of pieces"),
            (
                ("receive", "mug", "1000001"),
                2,
                "the number of pieces 1000001 is above the limit of 1000000",
            ),
            (("count", "mug", "-1"), 2, ""),
            (("count", "mug", ""), 2, "is no number of pieces"),
            (("write-off", "mug", "1"), 2, "say why: --note TEXT"),
            (("write-off", "mug", "1", "--note", " \u200b"), 2, "say why: --note TEXT"),
            (("receive", "cup", "1"), 6, "no item answers to 'cup'"),
            (("receive", "mug", "1", "--key", "a/b"), 2, "is no key"),
            (("receive", "mug", "1", "--note", "я" * 201), 2, "at most 200 are kept"),
        ],
    )
    def test_wrong_use(
        self, shop: Installation, words: tuple[str, ...], code: int, says: str
    ) -> None:
        """Told, and nothing is written."""
        assert says in refused(shop, "catalog", "stock", *words, "--yes", code=code)


#: Every command of the catalog that writes.
WRITING: dict[str, Callable[[Installation], list[str]]] = {
    "load": lambda installation: [
        "catalog",
        "load",
        installation.file("more.csv", CATALOG.replace(";15;", ";16;")),
    ],
    "receive": lambda _: ["catalog", "stock", "receive", "mug", "5", "--key", "k"],
    "count": lambda _: ["catalog", "stock", "count", "mug", "5", "--key", "k"],
    "write-off": lambda _: [
        "catalog",
        "stock",
        "write-off",
        "pen",
        "1",
        "--note",
        "Сломана",
        "--key",
        "k",
    ],
}


class TestEveryWritingCommand:
    """Looked at first, agreed to, written once, and told."""

    @pytest.mark.parametrize("name", WRITING)
    def test_what_a_dry_run_shows_is_what_is_written(self, shop: Installation, name: str) -> None:
        """Nothing is written by looking or where nobody can agree.

        Then exactly what was shown, and once.
        """
        receive(shop, "pen", "9")
        words = WRITING[name](shop)
        before = shop.tables()
        looked = shop.ok(*words, "--dry-run", "--json").json
        assert "dry run: nothing written" in shop.ok(*words, "--dry-run").out
        assert shop.run(*words).code == 2
        assert shop.tables() == before
        done = shop.ok(*words, "--yes", "--json").json
        assert (done["words"], done["key"]) == (looked["words"], looked["key"])
        assert done["receipt"]["coins"] == 0
        assert shop.tables() != before
        after = shop.tables()
        shop.ok(*words)
        assert shop.tables() == after


def offered(installation: Installation, words: str) -> list[str]:
    """What bash is offered for a line whose last word is being typed."""
    line = f"coinsync --config {installation.config} {words}"
    asked = {
        "_COINSYNC_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(line.count(" ")),
    }
    program = "import sys; sys.argv[0] = 'coinsync'; import cli; cli.run()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=asked,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    "command", ["stock receive", "stock count", "stock write-off", "stock list"]
)
def test_completion(shop: Installation, command: str) -> None:
    """Codes, wherever goods are named."""
    archive_goods(shop, "sweet")
    assert offered(shop, f"catalog {command} ") == ["mug", "pen"]
    assert offered(shop, f"catalog {command} m") == ["mug"]
