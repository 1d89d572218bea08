"""Letters that were read in the wrong encoding are told from those that were meant."""

from __future__ import annotations

import pytest

from coinsync.core.files.sheet import read_sheet
from coinsync.errors import ImportRefused

REASONS = ("Помогла новичку с проектом", "Ещё одна задача", "победа в олимпиаде", "Робот")
MEANT = "who;note\n" + "".join(f"#{n};{reason}\n" for n, reason in enumerate(REASONS, 101))

ENCODINGS = {
    "cp866": "cp866",
    "koi8_r": "KOI8-R",
    "mac_cyrillic": "MacCyrillic",
    "iso8859_5": "ISO 8859-5",
}


def refused(content: bytes) -> list[str]:
    """What is wrong with a file as a whole."""
    with pytest.raises(ImportRefused) as caught:
        read_sheet(content, {"who": (), "note": ()})
    return list(caught.value.problems)


def notes(content: bytes) -> list[str]:
    """The texts of a file that is read."""
    rows, _ = read_sheet(content, {"who": (), "note": ()})
    return [row.cells["note"] for row in rows]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_another_encoding_is_named(encoding: str, line_end: str) -> None:
    """However long the lines are; nothing of it is taken for Windows-1251."""
    (line,) = refused(MEANT.replace("\n", line_end).encode(encoding))
    assert line == (
        f"line 1: the letters are those of {ENCODINGS[encoding]}; save the sheet as CSV UTF-8"
    )


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("word", ["Кружка", "Кепка", "Олимпиада", "Помощь", "Дежурство", "Значок"])
def test_one_word_is_enough(encoding: str, word: str) -> None:
    """A file may have one row."""
    (line,) = refused(f"who;note\n#101;{word}\n".encode(encoding))
    assert ENCODINGS[encoding] in line or "letters are lost" in line


@pytest.mark.parametrize("encoding", ["cp1251", "utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    "text",
    [
        *("Помогла новичку с проектом", "победа", "Ёлка", "ПРИЗ", "Гыыыы", "ФМШ", "МБОУ ЦДТ"),
        *("Лучший проект «Робот» № 3 — 1 место…", "3D-печать, IT-школа", "вКонтакте", "ЭкоЛайф"),
        *("Їжак Оленка", "Шевчук Щ.", "Абдрахманов Ильхам", "Mинecрaфт", "QRкод", "Ян", "Ия Э."),
        *("Scratch", "10 %", "№ 7", "«»", "Ура!!!", "Кто это??", "Э", "ъ", "ууууура"),
    ],
)
def test_what_a_person_writes_is_read(text: str, encoding: str) -> None:
    """Short and long, names, abbreviations, neighbours' letters, two alphabets in a word."""
    content = f"who;note\n#101;{text}\n#102;Олимпиада по математике\n".encode(encoding)
    assert notes(content)[0] == text


@pytest.mark.parametrize(
    "text",
    [
        *("Әлфия Җәмилева", "Гөлнур Һади", "Ґанна Їжакевич", "José Núñez", "Müller", "Łukasz"),
        *("Приз 🏆🎉", "新人", "Καλημέρα", "5×5 см², ½", "Ñandú", "Škoda", "été", "Pythonу"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_other_languages_are_read_where_the_encoding_proves_itself(
    text: str, encoding: str
) -> None:
    """Tatar, Ukrainian, European and Asian names, signs and pictures."""
    assert notes(f"who;note\n#101;{text}\n".encode(encoding)) == [text]


@pytest.mark.parametrize("shown", ["cp1251", "latin-1", "koi8_r", "cp866"])
@pytest.mark.parametrize("written", ["utf-8", "cp1251", "cp866", "koi8_r"])
def test_letters_that_were_spoilt_before_are_named_by_line(written: str, shown: str) -> None:
    """UTF-8 as it is, but another program had read the texts wrong."""
    text = "Помогла новичку с проектом"
    spoilt = text.encode(written).decode(shown, "replace")
    if spoilt == text:
        return
    (line,) = refused(f"who;note\n#101;Робот\n#102;{spoilt}\n".encode())
    assert line.startswith("line 3: ") or "letters are lost" in line


@pytest.mark.parametrize(
    ("first", "second"),
    [("cp1251", "utf-8"), ("utf-8", "cp1251"), ("cp1251", "cp866"), ("cp1251", "koi8_r")],
)
def test_two_encodings_in_one_file_are_refused(first: str, second: str) -> None:
    """Lines of one file were pasted into another."""
    content = "who;note\n#101;Помогла новичку с проектом\n#102;Ещё одна задача\n".encode(first)
    (line,) = refused(content + "#103;Лучшая команда месяца\n".encode(second))
    assert "UTF-8 here and of another" in line or ENCODINGS.get(second, "-") in line


@pytest.mark.parametrize(
    "spoilt",
    [
        "Пом\ufffdгла".encode(),
        b"??????? ???????",
        "Пом\x98гла".encode(),
        "Помогла".encode()[:-1],
        bytes(range(128, 256)),
        "Příliš žluťoučký kůň".encode("cp1250"),
    ],
)
def test_damage_is_refused(spoilt: bytes) -> None:
    """Lost letters, half a letter, or anything at all."""
    assert refused(b"who;note\n#101;" + spoilt + b"\n")


@pytest.mark.parametrize(
    "first", ["sep=;", "SEP=;", '"sep=;"', "sep=;;", "sep=,", "sep=\t", "sep=|", "\ufeffsep=;"]
)
def test_the_line_that_names_the_delimiter_is_passed_over(first: str) -> None:
    """Excel is told by it, and it is no row; the lines below keep their numbers."""
    delimiter = first.strip('"\ufeff')[4]
    text = f"{first}\r\nwho;note\r\n#101;Робот\r\n".replace(";", delimiter)
    (row,), _ = read_sheet(text.encode(), {"who": (), "note": ()})
    assert (row.line, dict(row.cells)) == (3, {"who": "#101", "note": "Робот"})
