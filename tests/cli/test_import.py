"""Rows of a spreadsheet.

All of them or none, none of them twice, and every problem by line and column.
"""

from __future__ import annotations

import pytest

from tests.support.school import House

RUSSIAN = (
    "ученик;монеты;вид;за что;способ;дата;ключ\r\n"
    "#101;10;;Лучший проект «Робот»;;20.11.2025;\r\n"
    "crm:102;-5;;наклейка;;2025-11-20;\r\n"
    "Богдан З.;120;начальный остаток;;;;start-104\r\n"
    ";;;;;;\r\n"
    "vk:900000005;;;;project;;\r\n"
)
#: What the file above does: who, how many, which kind, on which day, why.
MEANT = [
    (101, 10, "credit", "2025-11-20", "Лучший проект «Робот»"),
    (102, -5, "debit", "2025-11-20", "наклейка"),
    (104, 120, "opening", None, "opening balance"),
    (110, 30, "credit", None, "Защита проекта"),
]


@pytest.fixture
def house(desk: House) -> House:
    """A school after its first sync."""
    return desk


def refused(house: House, *words: str) -> str:
    """What an import that exits with 2 says; nothing may be written by it."""
    before = house.tables()
    said = house.run("import", *words, "--yes")
    assert said.code == 2, said.err
    assert house.tables() == before
    return said.err


class TestASpreadsheet:
    """What Excel, LibreOffice and Google save."""

    @pytest.mark.parametrize("encoding", ["cp1251", "utf-8", "utf-8-sig", "utf-16"])
    @pytest.mark.parametrize("delimiter", [";", ",", "\t"])
    def test_encodings_and_delimiters_are_found_out(
        self, house: House, encoding: str, delimiter: str
    ) -> None:
        """The same rows, whatever wrote them; and the same file in another dress adds nothing."""
        file = house.file("deeds.csv", RUSSIAN.replace(";", delimiter), encoding)
        done = house.ok("import", file, "--yes", "--json").json
        moves = [(one["resident"], one["coins"], one["kind"], one["why"]) for one in done["moves"]]
        assert moves == [(who, coins, kind, why) for who, coins, kind, _, why in MEANT]
        for move, (*_, day, _why) in zip(done["moves"], MEANT, strict=True):
            assert day in (None, move["day"])
        again = house.ok("import", house.file("again.csv", RUSSIAN), "--yes")
        assert again.out == "4 of 4 rows are posted already\n"
        assert len(house.ledger()) == 112

    def test_what_is_shown_is_what_is_written(self, house: House) -> None:
        """The preview names everybody, before and after, and the sum."""
        file = house.file("deeds.csv", RUSSIAN, "cp1251")
        before = house.tables()
        out = house.ok("import", file, "--dry-run").out
        assert house.tables() == before
        assert "#101 Яна Д.         40    +10     50  2025-11-20  Лучший проект «Робот»" in out
        assert "4 entries, +155 coins" in out
        assert house.ok("import", file, "--yes").out.startswith(
            out.removesuffix("dry run: nothing written\n")
        )

    def test_one_resident_in_several_rows(self, house: House) -> None:
        """Balances follow one another, and only the end must not be below zero."""
        file = house.file(
            "deeds.csv", "resident,coins,reason\n#109,-15,Кружка\n#109,10,Помог\n#109,-5,Наклейка\n"
        )
        done = house.ok("import", file, "--yes", "--json").json
        assert [(move["before"], move["after"]) for move in done["moves"]] == [
            (10, -5),
            (-5, 5),
            (5, 0),
        ]
        assert house.balance(109) == 0


class TestAllOrNone:
    """A bad row stops the whole file."""

    def test_every_problem_is_named(self, house: House) -> None:
        """Line, column and reason of each, in one go."""
        err = refused(
            house,
            house.file(
                "deeds.csv",
                "resident,coins,reason,way,date,key\n#101,10,,,,\n#102,1.5,x,,,\n,5,x,,,\n#103,5,x,,31.11.2025,\n"
                "#104,5,x,,,ключ\n#105,,x,olympics,,\n#106,0,x,,,\n#107,99999999999,x,,,\n#108,０５,x,,,\n",
            ),
        )
        for line in (
            "deeds.csv: 9 problems; nothing written",
            "line 2, column reason: is empty",
            'line 3, column coins: "1.5" is not a whole number',
            "line 4, column resident: is empty",
            'line 5, column date: "31.11.2025" is not a day like',
            'line 6, column key: "ключ" is no key',
            'line 7, column way: "olympics" is none of the ways to earn',
            'line 8, column coins: "0" moves nothing',
            'line 9, column coins: "99999999999" is above the limit of 1000',
            'line 10, column coins: "０５" is not a whole number',
        ):
            assert line in err

    def test_a_name_that_fits_several(self, house: House) -> None:
        """6, with the line and the candidates."""
        before = house.tables()
        file = house.file("deeds.csv", "resident,coins,reason\n#101,10,q\nРената С.,20,y\n")
        said = house.run("import", file, "--yes")
        assert said.code == 6
        assert "line 3, column resident: 2 residents answer to 'Рената С.'" in said.err
        assert "    #106 Рената С. (client)\n    #107 Рената С. (client)\n" in said.err
        assert house.tables() == before

    def test_a_name_that_fits_nobody(self, house: House) -> None:
        """6, with the line."""
        said = house.run(
            "import", house.file("deeds.csv", "resident,coins,reason\nНикто,20,y\n"), "--yes"
        )
        assert (
            said.code,
            "line 2, column resident: no resident answers to 'Никто'" in said.err,
        ) == (6, True)
        assert len(house.ledger()) == 108

    def test_a_row_that_would_cross_zero(self, house: House) -> None:
        """7, and the rows before it are not written either."""
        before = house.tables()
        file = house.file(
            "deeds.csv", "resident,coins,reason\n#101,10,Помог\n#109,-20,Кружка\n#103,5,Помог\n"
        )
        said = house.run("import", file, "--yes")
        assert (
            said.code,
            "#109 Роман К. has 10 coins, 20 needed; nothing written" in said.err,
        ) == (7, True)
        assert house.tables() == before

    def test_files_that_are_none(self, house: House) -> None:
        """2, without a traceback."""
        assert "the file is empty" in refused(house, house.file("empty.csv", ""))
        assert "cannot be read (FileNotFoundError)" in refused(
            house, str(house.folder / "nothing.csv")
        )
        assert "cannot be read (IsADirectoryError)" in refused(house, str(house.folder))
        assert "problem" in refused(
            house, house.file("strange.csv", "resident,coins,reason,phone\n#101,5,x,1\n")
        )
        (house.folder / "binary.csv").write_bytes(bytes(range(256)) * 20)
        assert "nothing written" in refused(house, str(house.folder / "binary.csv"))

    def test_a_file_without_rows_says_so(self, house: House) -> None:
        """0: there is nothing to do."""
        assert house.ok(
            "import", house.file("none.csv", "resident,coins,reason\n"), "--yes"
        ).out == ("the file has no rows\n")


class TestNoneTwice:
    """A file may be sent again, a row may not come in by another file."""

    def test_a_second_run_adds_nothing(self, house: House) -> None:
        """0, and it says why."""
        file = house.file("deeds.csv", RUSSIAN)
        house.ok("import", file, "--yes")
        before = house.tables()
        again = house.ok("import", file, "--yes", "--json").json
        assert (sorted(again["done"]), again["moves"], again["receipt"]) == (
            [109, 110, 111, 112],
            [],
            None,
        )
        assert house.tables() == before

    def test_the_same_rows_in_another_file(self, house: House) -> None:
        """7 with the lines and what they look like; --allow-duplicate says that they are meant."""
        house.ok(
            "import",
            house.file("deeds.csv", "resident,coins,reason\n#101,10,Помог\n#102,5,Помог\n"),
            "--yes",
        )
        other = house.file(
            "other.csv", "resident,coins,reason\n#101,10,Помог\n#103,5,Помог\n#102,5,Помог\n"
        )
        said = house.run("import", other, "--yes")
        assert said.code == 7
        assert (
            "another file has posted the same: line 2 is likely entry 109, "
            "line 4 is likely entry 110" in said.err
        )
        assert len(house.ledger()) == 110
        house.ok("import", other, "--yes", "--allow-duplicate")
        assert len(house.ledger()) == 113

    def test_rows_with_keys_grow_from_week_to_week(self, house: House) -> None:
        """Only what is new is posted, and the sheet may say the old rows again."""
        week = "resident,coins,reason,key\n#101,10,Помог,w1-101\n"
        house.ok("import", house.file("sheet.csv", week), "--yes")
        grown = house.file("sheet.csv", f"{week}#102,10,Помог,w2-102\n")
        done = house.ok("import", grown, "--yes", "--json").json
        assert (done["done"], [move["resident"] for move in done["moves"]]) == ([109], [102])
        assert done["words"] == ["1 of 2 rows are posted already"]

    def test_a_key_with_other_content(self, house: House) -> None:
        """7, with the line and what stands there."""
        house.ok(
            "import", house.file("a.csv", "resident,coins,reason,key\n#101,10,Помог,w1\n"), "--yes"
        )
        said = house.run(
            "import",
            house.file("b.csv", "resident,coins,reason,key\n#102,1,x,w2\n#101,11,Помог,w1\n"),
            "--yes",
        )
        assert said.code == 7
        assert (
            "line 3: key csv:w1 is already posted with other content: entry 109, +10 for #101"
            in said.err
        )
        assert "another key" in said.err
        assert len(house.ledger()) == 109

    def test_a_file_stopped_half_way_is_not_half_posted(self, house: House) -> None:
        """A debit between looking and writing makes it refuse as a whole."""
        file = house.file("deeds.csv", "resident,coins,reason\n#101,10,Помог\n#109,-10,Кружка\n")
        house.ok("import", file, "--dry-run")
        house.ok("debit", "#109", "1", "--reason", "Наклейка", "--yes")
        assert house.run("import", file, "--yes").code == 7
        assert len(house.ledger()) == 109
