"""Rows of a spreadsheet.

All of them or none, none of them twice, and every problem by line and column.
"""

from __future__ import annotations

import re

import pytest

from tests.support.school import Installation

RUSSIAN = (
    "ученик;монеты;вид;за что;дата;ключ\r\n"
    "#101;10;;Лучший проект «Робот»;20.11.2025;\r\n"
    "crm:102;-5;;наклейка;2026-11-20;\r\n"
    "Богдан З.;120;начальный остаток;;;start-104\r\n"
    ";;;;;\r\n"
)
#: What the file above does: who, how many, which kind, on which day, why.
MEANT = [
    (101, 10, "credit", "2025-11-20", "Лучший проект «Робот»"),
    (102, -5, "debit", "2026-11-20", "наклейка"),
    (104, 120, "opening", None, "opening balance"),
]


@pytest.fixture
def installation(desk: Installation) -> Installation:
    """A school after its first sync."""
    return desk


def refused(installation: Installation, *words: str) -> str:
    """What an import that exits with 2 says; nothing may be written by it."""
    before = installation.tables()
    said = installation.run("import", *words, "--yes")
    assert said.code == 2, said.err
    assert installation.tables() == before
    return said.err


class TestASpreadsheet:
    """What Excel, LibreOffice and Google save."""

    @pytest.mark.parametrize("encoding", ["cp1251", "utf-8", "utf-8-sig", "utf-16"])
    @pytest.mark.parametrize("delimiter", [";", ",", "\t"])
    def test_encodings_and_delimiters_are_found_out(
        self, installation: Installation, encoding: str, delimiter: str
    ) -> None:
        """The same rows, whatever wrote them; and the same file in another dress adds nothing."""
        file = installation.file("coins.csv", RUSSIAN.replace(";", delimiter), encoding)
        done = installation.ok("import", file, "--yes", "--json").json
        moves = [(one["resident"], one["coins"], one["kind"], one["why"]) for one in done["moves"]]
        assert moves == [(who, coins, kind, why) for who, coins, kind, _, why in MEANT]
        for move, (*_, day, _why) in zip(done["moves"], MEANT, strict=True):
            assert day in (None, move["day"])
        again = installation.ok("import", installation.file("again.csv", RUSSIAN), "--yes")
        assert again.out == "3 of 3 rows are posted already\n"
        assert len(installation.ledger()) == 111

    def test_what_is_shown_is_what_is_written(self, installation: Installation) -> None:
        """The preview names everybody, before and after, and the sum."""
        file = installation.file("coins.csv", RUSSIAN, "cp1251")
        before = installation.tables()
        out = installation.ok("import", file, "--dry-run").out
        assert installation.tables() == before
        assert "#101 Яна Д.         40    +10     50  2025-11-20  Лучший проект «Робот»" in out
        assert "3 entries, +125 coins" in out
        assert installation.ok("import", file, "--yes").out.startswith(
            out.removesuffix("dry run: nothing written\n")
        )

    def test_one_resident_in_several_rows(self, installation: Installation) -> None:
        """Balances follow one another, and only the end must not be below zero."""
        file = installation.file(
            "coins.csv", "resident,coins,reason\n#109,-15,Кружка\n#109,10,Помог\n#109,-5,Наклейка\n"
        )
        done = installation.ok("import", file, "--yes", "--json").json
        assert [(move["before"], move["after"]) for move in done["moves"]] == [
            (10, -5),
            (-5, 5),
            (5, 0),
        ]
        assert installation.balance(109) == 0


class TestAllOrNone:
    """A bad row stops the whole file."""

    def test_every_problem_is_named(self, installation: Installation) -> None:
        """Line, column and reason of each, in one go."""
        err = refused(
            installation,
            installation.file(
                "coins.csv",
                "resident,coins,reason,date,key\n#101,10,,,\n#102,1.5,x,,\n,5,x,,\n#103,5,x,31.11.2025,\n"
                "#104,5,x,,ключ\n#105,,x,,\n#106,0,x,,\n#107,99999999999,x,,\n#108,０５,x,,\n",
            ),
        )
        for line in (
            "coins.csv: 9 problems; nothing written",
            "line 2, column reason: is empty",
            'line 3, column coins: "1.5" is not a whole number',
            "line 4, column resident: is empty",
            'line 5, column date: "31.11.2025" is not a day like',
            'line 6, column key: "ключ" is no key',
            "line 7, column coins: is empty",
            'line 8, column coins: "0" moves nothing',
            'line 9, column coins: "99999999999" is above the limit of 1000',
            'line 10, column coins: "０５" is not a whole number',
        ):
            assert line in err

    def test_a_name_that_fits_several(self, installation: Installation) -> None:
        """6, with the line and the candidates."""
        before = installation.tables()
        file = installation.file("coins.csv", "resident,coins,reason\n#101,10,q\nРената С.,20,y\n")
        said = installation.run("import", file, "--yes")
        assert said.code == 6
        assert "line 3, column resident: 2 residents answer to 'Рената С.'" in said.err
        assert re.search(r"    #106 Рената С. \(.*\n    #107 Рената С. \(", said.err)
        assert installation.tables() == before

    def test_a_name_that_fits_nobody(self, installation: Installation) -> None:
        """6, with the line."""
        said = installation.run(
            "import", installation.file("coins.csv", "resident,coins,reason\nНикто,20,y\n"), "--yes"
        )
        assert (
            said.code,
            "line 2, column resident: no resident answers to 'Никто'" in said.err,
        ) == (6, True)
        assert len(installation.ledger()) == 108

    def test_a_row_that_would_cross_zero(self, installation: Installation) -> None:
        """7, and the rows before it are not written either."""
        before = installation.tables()
        file = installation.file(
            "coins.csv", "resident,coins,reason\n#101,10,Помог\n#109,-20,Кружка\n#103,5,Помог\n"
        )
        said = installation.run("import", file, "--yes")
        assert (
            said.code,
            "#109 Роман К. has 10 coins, 20 needed; nothing written" in said.err,
        ) == (7, True)
        assert installation.tables() == before

    def test_files_that_are_none(self, installation: Installation) -> None:
        """2, without a traceback."""
        assert "the file is empty" in refused(installation, installation.file("empty.csv", ""))
        assert "cannot be read (no such file" in refused(
            installation, str(installation.folder / "nothing.csv")
        )
        assert "cannot be read (is a directory)" in refused(installation, str(installation.folder))
        assert "problem" in refused(
            installation,
            installation.file("strange.csv", "resident,coins,reason,phone\n#101,5,x,1\n"),
        )
        (installation.folder / "binary.csv").write_bytes(bytes(range(256)) * 20)
        assert "nothing written" in refused(installation, str(installation.folder / "binary.csv"))

    def test_a_file_without_rows_says_so(self, installation: Installation) -> None:
        """0: there is nothing to do."""
        assert installation.ok(
            "import", installation.file("none.csv", "resident,coins,reason\n"), "--yes"
        ).out == ("the file has no rows\n")


class TestNoneTwice:
    """A file may be sent again, a row may not come in by another file."""

    def test_a_second_run_adds_nothing(self, installation: Installation) -> None:
        """0, and it says why."""
        file = installation.file("coins.csv", RUSSIAN)
        installation.ok("import", file, "--yes")
        before = installation.tables()
        again = installation.ok("import", file, "--yes", "--json").json
        assert (sorted(again["done"]), again["moves"], again["receipt"]) == (
            [109, 110, 111],
            [],
            None,
        )
        assert installation.tables() == before

    def test_the_same_rows_in_another_file(self, installation: Installation) -> None:
        """7 with the lines and what they look like; --allow-duplicate says that they are meant."""
        installation.ok(
            "import",
            installation.file("coins.csv", "resident,coins,reason\n#101,10,Помог\n#102,5,Помог\n"),
            "--yes",
        )
        other = installation.file(
            "other.csv", "resident,coins,reason\n#101,10,Помог\n#103,5,Помог\n#102,5,Помог\n"
        )
        said = installation.run("import", other, "--yes")
        assert said.code == 7
        assert (
            "another file has posted the same: line 2 is likely entry 109, "
            "line 4 is likely entry 110" in said.err
        )
        assert len(installation.ledger()) == 110
        installation.ok("import", other, "--yes", "--allow-duplicate")
        assert len(installation.ledger()) == 113

    def test_rows_with_keys_grow_from_week_to_week(self, installation: Installation) -> None:
        """Only what is new is posted, and the sheet may say the old rows again."""
        week = "resident,coins,reason,key\n#101,10,Помог,w1-101\n"
        installation.ok("import", installation.file("sheet.csv", week), "--yes")
        grown = installation.file("sheet.csv", f"{week}#102,10,Помог,w2-102\n")
        done = installation.ok("import", grown, "--yes", "--json").json
        assert (done["done"], [move["resident"] for move in done["moves"]]) == ([109], [102])
        assert done["words"] == ["1 of 2 rows are posted already"]

    def test_a_key_with_other_content(self, installation: Installation) -> None:
        """7, with the line and what stands there."""
        installation.ok(
            "import",
            installation.file("a.csv", "resident,coins,reason,key\n#101,10,Помог,w1\n"),
            "--yes",
        )
        said = installation.run(
            "import",
            installation.file(
                "b.csv", "resident,coins,reason,key\n#102,1,x,w2\n#101,11,Помог,w1\n"
            ),
            "--yes",
        )
        assert said.code == 7
        assert (
            "line 3: key csv:w1 is already posted with other content: entry 109, +10 for #101"
            in said.err
        )
        assert "another key" in said.err
        assert len(installation.ledger()) == 109

    def test_a_file_stopped_half_way_is_not_half_posted(self, installation: Installation) -> None:
        """A debit between looking and writing makes it refuse as a whole."""
        file = installation.file(
            "coins.csv", "resident,coins,reason\n#101,10,Помог\n#109,-10,Кружка\n"
        )
        installation.ok("import", file, "--dry-run")
        installation.ok("debit", "#109", "1", "--reason", "Наклейка", "--yes")
        assert installation.run("import", file, "--yes").code == 7
        assert len(installation.ledger()) == 109
