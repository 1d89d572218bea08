"""The ledger for other programs: every format, and files that nobody else can read."""

from __future__ import annotations

import csv
import io
import json
import stat
from pathlib import Path

import pytest

from coinsync.commands import export as exporting
from tests.support.school import Installation

FORMS = ("csv", "jsonl", "beancount", "hledger")
NAME, NOTE = "Ада Д.", "Помог младшим"


@pytest.fixture
def installation(desk: Installation) -> Installation:
    """A school after its first sync, with a note."""
    desk.ok("credit", "#102", "5", "--reason", NOTE, "--yes")
    return desk


@pytest.mark.parametrize("form", FORMS)
def test_names_are_told_only_when_asked_for(installation: Installation, form: str) -> None:
    """Numbers alone by default; names and notes with --with-names."""
    plain = installation.ok("export", "--format", form).out
    named = installation.ok("export", "--format", form, "--with-names").out
    for secret in (NAME, NOTE):
        assert secret not in plain
        assert secret in named


def test_csv_is_a_table(installation: Installation) -> None:
    """A heading, then a row for each entry; the sums agree."""
    rows = list(csv.DictReader(io.StringIO(installation.ok("export", "--format", "csv").out)))
    assert len(rows) == 109
    assert sum(int(row["coins"]) for row in rows) == sum(installation.balances().values())


def test_jsonl_is_one_object_a_line(installation: Installation) -> None:
    """In the order of the ledger."""
    lines = installation.ok("export", "--format", "jsonl").out.splitlines()
    assert [json.loads(line)["entry"] for line in lines] == list(range(1, 110))


def test_a_span_of_days(installation: Installation) -> None:
    """First and last day included."""
    out = installation.ok(
        "export", "--format", "csv", "--since", "2026-11-01", "--until", "2026-11-05"
    ).out
    days = {row["day"] for row in csv.DictReader(io.StringIO(out))}
    assert days
    assert min(days) >= "2026-11-01"
    assert max(days) <= "2026-11-05"


def test_a_cell_that_is_a_formula_is_harmless(installation: Installation) -> None:
    """In names and in notes."""
    installation.ok("credit", "#103", "5", "--reason", '=HYPERLINK("http://evil.example")', "--yes")
    installation.ok("credit", "#104", "5", "--reason", "+1 за помощь", "--yes")
    rows = list(
        csv.DictReader(
            io.StringIO(installation.ok("export", "--format", "csv", "--with-names").out)
        )
    )
    assert [row["note"][:3] for row in rows[-2:]] == ["'=H", "'+1"]
    assert not any(value.startswith(("=", "+", "@")) for row in rows for value in row.values())


class TestAFile:
    """--to FILE is whole or not there, and its owner's alone."""

    def test_it_is_for_its_owner(self, installation: Installation) -> None:
        """Mode 0600; the screen says how much it is."""
        path = installation.folder / "coins.csv"
        said = installation.ok("export", "--format", "csv", "--with-names", "--to", str(path))
        assert said.out == f"{path}: 110 lines\n"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert (
            path.read_text(encoding="utf-8")
            == installation.ok("export", "--format", "csv", "--with-names").out
        )
        path.unlink()
        assert installation.ok("export", "--format", "csv", "--to", str(path), "--quiet").out == ""

    @pytest.mark.parametrize("name", ["coinsync.db", "config.toml", "folder"])
    def test_what_is_there_stays(self, installation: Installation, name: str) -> None:
        """A mistyped name costs neither the ledger nor the configuration."""
        path = installation.folder / name
        if name == "folder":
            path.mkdir()
        before = path.read_bytes() if path.is_file() else b""
        said = installation.run("export", "--format", "csv", "--to", str(path))
        assert said.code == 2
        assert "is there already; nothing written" in said.err
        assert (path.read_bytes() if path.is_file() else b"") == before

    def test_what_cannot_be_written_leaves_nothing(self, installation: Installation) -> None:
        """2, and no half of it anywhere."""
        target = installation.folder / "nowhere" / "coins.csv"
        said = installation.run("export", "--format", "csv", "--with-names", "--to", str(target))
        assert (said.code, "cannot be written (no such file" in said.err) == (2, True)
        assert not list(installation.folder.glob(".*.part"))

    def test_what_breaks_half_way_leaves_nothing(
        self, installation: Installation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No file, and nothing beside it."""

        def broken(*_: object, **__: object) -> object:
            yield "one line"
            raise RuntimeError

        path = installation.folder / "coins.csv"
        monkeypatch.setattr(exporting, "FORMATS", {"csv": broken})
        assert installation.run("export", "--format", "csv", "--to", str(path)).code == 1
        assert not path.exists()
        assert not list(installation.folder.glob(".*.part"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--format", "hledger", "--since", "2026-11-01"), "a journal holds every entry"),
        (("--format", "beancount", "--until", "2026-11-01"), "a journal holds every entry"),
        (
            ("--format", "csv", "--since", "2026-11-02", "--until", "2026-11-01"),
            "is after --until",
        ),
        (("--format", "xml"), "'xml' is not one of 'csv', 'jsonl', 'beancount', 'hledger'."),
        (("entries", "--format", "csv"), "unexpected extra argument"),
        ((), "Missing option '--format'. Choose from: csv, jsonl, beancount, hledger"),
    ],
)
def test_words_that_make_no_sense(
    tmp_path: Path, master: Path, words: tuple[str, ...], says: str
) -> None:
    """2, one line that says why."""
    installation = Installation(master)
    said = installation.run("export", *words, "--to", str(tmp_path / "out"))
    assert (said.code, says in said.err) == (2, True), said.err
    assert len(said.err.splitlines()) == 2
    assert not list(tmp_path.iterdir())
