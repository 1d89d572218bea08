"""What a spreadsheet saves as CSV: bytes in, rows out, or every reason why not.

Sheets come from Excel, LibreOffice and Google, in Russian and in English, so the encoding, the delimiter and the line
ends are found out. What a sheet *says* is never guessed: a column that nobody knows is a problem, not a column less.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from coinsync.core.identity import clean
from coinsync.errors import ImportRefused

BYTES_MAX = 10_000_000
ROWS_MAX = 20_000
COLUMNS_MAX = 100

#: More than so many problems are counted and no longer listed.
PROBLEMS_MAX = 200

#: What a problem shows of a cell.
SHOWN_LENGTH_MAX = 40

# Where two occur equally often the earlier is meant: a comma also stands inside of headings.
_DELIMITERS = (";", "\t", ",")
_SOMETHING = re.compile(r'[^\s;,"]')


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a line cannot be read; ``column`` is "" where it is the line, or the file, as a whole."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        where = f"line {self.line}, column {self.column}" if self.column else f"line {self.line}"
        return f"{where}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one row by the name of their column; ``line`` is where it begins in the file, the first being 1."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows that have a cell for each column. Where ``problems`` is not empty there are others, that have not."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...] = ()


def read_sheet(
    content: bytes, aliases: Mapping[str, Sequence[str]], needed: Iterable[Sequence[str]] = ()
) -> Sheet:
    """Read a CSV file whose headings are the columns' names or any of their ``aliases``.

    Of each group in ``needed`` at least one column must stand. Raises ``ImportRefused`` when the rows cannot be told
    apart or the headings are not understood; rows of another width are ``problems`` of the sheet, so that a caller
    can name what is wrong in all the others too.
    """
    records, problems = _records(_text(content))
    if not records:
        raise refusal(problems or [Problem(1, "", "the file is empty")])
    (line, headings), *body = records
    columns = _columns(line, [cell.strip() for cell in headings], aliases, needed)
    rows = []
    for at, cells in body:
        stripped = _without_empty_end([cell.strip() for cell in cells], len(columns))
        if len(stripped) == len(columns):
            rows.append(Row(at, dict(zip(columns, stripped, strict=True))))
        else:
            problems.append(_of_another_width(at, stripped, columns))
    return Sheet(columns, tuple(rows), tuple(problems))


def refusal(problems: Sequence[Problem]) -> ImportRefused:
    """The error that names these problems in the order of their lines, and counts those beyond ``PROBLEMS_MAX``."""
    listed = sorted(problems, key=lambda problem: problem.line)[:PROBLEMS_MAX]
    return ImportRefused([str(problem) for problem in listed], count=len(problems))


def folded(text: str) -> str:
    """A heading or a word as it is compared: neither case, spaces nor the dots of "ё" make a difference."""
    # A Mac writes "й" and "ё" in two characters each.
    return clean(unicodedata.normalize("NFC", text)).casefold().replace("ё", "е")


def quoted(text: str) -> str:
    """A cell as a problem shows it: in one line, harmless, not too long, in quotes."""
    # A cell may be as long as the file, and little of it is shown.
    text = clean(text[: 10 * SHOWN_LENGTH_MAX])
    return f'"{text}"' if len(text) <= SHOWN_LENGTH_MAX else f'"{text[: SHOWN_LENGTH_MAX - 1]}…"'


def suggestion(text: str, known: Iterable[str]) -> str:
    """What was probably meant, as the end of a problem's reason: "; did you mean …?", or nothing."""
    as_compared = {folded(name): name for name in known}
    near = get_close_matches(folded(text[:SHOWN_LENGTH_MAX]), as_compared, n=1)
    return f"; did you mean {quoted(as_compared[near[0]])}?" if near else ""


def _text(content: bytes) -> str:
    """Decode the file; its lines end in a line feed, whatever they ended in."""
    if len(content) > BYTES_MAX:
        raise refusal(
            [Problem(1, "", f"the file has {len(content)} bytes, and {BYTES_MAX} are the limit")]
        )
    try:
        text = _decoded(content)
    except UnicodeDecodeError as error:
        reason = "the characters cannot be read; save the sheet as CSV UTF-8"
        raise refusal([Problem(1, "", reason)]) from error
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    nul = text.find("\0")
    if nul >= 0:
        line = text.count("\n", 0, nul) + 1
        raise refusal(
            [Problem(line, "", "a NUL character: this is no CSV file; save the sheet as CSV UTF-8")]
        )
    return text


def _decoded(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    if content.startswith(codecs.BOM_UTF8):
        return content.decode("utf-8-sig")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        # Excel in Russian saves "CSV" in the old encoding, whose letters are hardly ever right UTF-8.
        return content.decode("cp1251")


def _records(text: str) -> tuple[list[tuple[int, list[str]]], list[Problem]]:
    """All rows that are not empty, each with the line where it begins; nothing is read behind a quote gone wrong."""
    records: list[tuple[int, list[str]]] = []
    line = 1
    reader = csv.reader(io.StringIO(text, newline="\n"), delimiter=_delimiter(text), strict=True)
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                records.append((line, cells))
            if len(records) > ROWS_MAX + 1:
                raise refusal(
                    [Problem(line, "", f"more than {ROWS_MAX} rows; import them in several files")]
                )
            line = reader.line_num + 1
    except csv.Error:
        reason = "a cell has no end: its closing quote is missing or has text behind it; the rest was not read"
        return records, [Problem(line, "", reason)]
    return records, []


def _delimiter(text: str) -> str:
    """The delimiter that occurs most often in the headings, outside of quotes."""
    something = _SOMETHING.search(text)
    begin = text.rfind("\n", 0, something.start()) + 1 if something else len(text)
    counts = dict.fromkeys(_DELIMITERS, 0)
    within = False
    for at in range(begin, len(text)):
        char = text[at]
        if char == '"':
            within = not within
        elif char == "\n" and not within:
            break
        elif char in counts and not within:
            counts[char] += 1
    return max(counts, key=lambda delimiter: counts[delimiter])


def _columns(
    line: int,
    headings: list[str],
    aliases: Mapping[str, Sequence[str]],
    needed: Iterable[Sequence[str]],
) -> tuple[str, ...]:
    """The columns that the headings mean. Raises ``ImportRefused`` unless each means one, and none the same."""
    # A sheet whose last columns were emptied keeps them, and what a row holds there is a problem of that row.
    headings = _without_empty_end(headings, 0)
    if len(headings) > COLUMNS_MAX:
        raise refusal(
            [Problem(line, "", f"{len(headings)} columns, and {COLUMNS_MAX} are the limit")]
        )
    names = {column: (column, *others) for column, others in aliases.items()}
    meanings = {folded(alias): column for column, all_of_it in names.items() for alias in all_of_it}
    problems = []
    columns: dict[str, str] = {}
    for number, heading in enumerate(headings, start=1):
        column = meanings.get(folded(heading))
        if not heading:
            problems.append(Problem(line, str(number), "has no heading"))
        elif column is None:
            near = suggestion(
                heading, (alias for all_of_it in names.values() for alias in all_of_it)
            )
            problems.append(Problem(line, quoted(heading), f"is not known{near}"))
        elif column in columns:
            problems.append(
                Problem(
                    line,
                    column,
                    f"stands twice, as {quoted(columns[column])} and {quoted(heading)}",
                )
            )
        else:
            columns[column] = heading
    for group in needed:
        if not any(column in columns for column in group):
            problems.append(Problem(line, " or ".join(group), "is missing"))
    if problems:
        raise refusal(problems)
    return tuple(columns)


def _without_empty_end(cells: list[str], least: int) -> list[str]:
    """The cells without the empty ones at their end, ``least`` of them at any rate."""
    end = len(cells)
    while end > least and not cells[end - 1]:
        end -= 1
    return cells[:end]


def _of_another_width(line: int, cells: Sequence[str], columns: Sequence[str]) -> Problem:
    """The column is the first without a cell, or the number of the first cell without a heading."""
    column = columns[len(cells)] if len(cells) < len(columns) else str(len(columns) + 1)
    return Problem(line, column, f"the row has {len(cells)} cells where {len(columns)} belong")
