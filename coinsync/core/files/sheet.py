"""What a spreadsheet saves as CSV: bytes in, rows out, or every reason why not.

Sheets come from Excel, LibreOffice and Google, in Russian and in English, so encoding, delimiter
and line ends are found out. What a sheet *says* is never guessed: a column that nobody knows is a
problem.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from itertools import islice

from coinsync.core.files.spelling import misspelt
from coinsync.core.identity import clean, folded, unprotected
from coinsync.errors import ImportRefused

BYTES_MAX = 10_000_000
ROWS_MAX = 20_000
COLUMNS_MAX = 100

#: More than so many problems are counted and no longer listed.
PROBLEMS_MAX = 200

#: What a problem shows of a cell.
SHOWN_LENGTH_MAX = 40

_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF8)
_SAVE = "save the sheet as CSV UTF-8"

# Where two occur equally often the earlier is meant: a comma also stands inside of headings.
_DELIMITERS = (";", "\t", ",")
_TOLD_DELIMITER = re.compile(r'"?sep=([^\n"])"?[;,\t]*\n', re.IGNORECASE)
_NOT_EMPTY = re.compile(r'[^\s;,"]')
_QUOTED = re.compile(r'"[^"]*("|$)')
#: What a spreadsheet shows where a formula of it went wrong, in English and in Russian.
_ERROR = re.compile(
    r"#[A-ZА-Я][A-ZА-Я0-9/_]*[!?]|#(N/A|Н/Д|[A-ZА-Я]+_[A-ZА-Я]+)|#{3,}|(Err|Ошибка):\d+"
)
_DAY = re.compile(
    r"(?:([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})|([0-9]{4})-([0-9]{2})-([0-9]{2}))"
    r"(?:[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)?"
)
_THOUSANDS = re.compile(r"(?<=[0-9]) (?=[0-9]{3}(?![0-9]))")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a line cannot be read; ``column`` is "" where it is the line as a whole."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        column = f", column {self.column}" if self.column else ""
        return f"line {self.line}{column}: {self.reason}"


@dataclass(frozen=True, slots=True)
class SheetRow:
    """The cells of one row by column; ``line`` is where it begins in the file, from 1."""

    line: int
    cells: Mapping[str, str]


def read_sheet(
    content: bytes, aliases: Mapping[str, Sequence[str]], needed: Iterable[str] = ()
) -> tuple[list[SheetRow], list[Problem]]:
    """Read a CSV file whose headings are the columns' names or any of their ``aliases``.

    The columns ``needed`` must stand there. Raises ``ImportRefused`` when the rows cannot be told
    apart or the headings are not understood. Rows of another width are problems beside the rows: a
    caller names what is wrong in all the others too.
    """
    records, problems = records_of(content)
    if not records:
        raise refusal(problems or [Problem(1, "", "the file is empty")])
    (line, headings), *body = records
    columns = _columns(line, _stripped(headings, 0), aliases, needed)
    rows = []
    for line, record in body:
        cells = _stripped(record, len(columns))
        if len(cells) == len(columns):
            texts = map(unprotected, cells)
            rows.append(SheetRow(line, dict(zip(columns, texts, strict=True))))
        else:
            problems.append(_of_another_width(line, cells, columns))
    return rows, problems


@dataclass(slots=True)
class RowReader:
    """Reads the cells of one row.

    What cannot be read is added to ``problems``, and the other cells are read all the same: a
    person mends a file once and not row by row.
    """

    row: SheetRow
    problems: list[Problem]

    def complain(self, column: str, reason: str) -> None:
        """Add a problem of this row."""
        self.problems.append(Problem(self.row.line, column, reason))

    def cell(self, column: str) -> str:
        """The cell as it stands; "" where the file has no such column."""
        return self.row.cells.get(column, "")

    def text(self, column: str, length_max: int, *, needed: bool = False) -> str:
        """A text in one line, whatever way it was broken into lines; "" where there is none."""
        text = clean(self.cell(column))
        if needed and not text:
            self.complain(column, "is empty")
        if is_error(text):
            self.complain(column, f"{quoted(text)} is an error of the spreadsheet and no text")
        if len(text) > length_max:
            self.complain(column, f"has {len(text)} characters, and {length_max} are the limit")
        return text


def repeated(column: str, rows: Iterable[tuple[str, SheetRow]]) -> list[Problem]:
    """The problems of rows whose value stands in an earlier row too; "" is no value."""
    first_lines: dict[str, int] = {}
    problems = []
    for value, row in rows:
        if value in first_lines:
            reason = f"{quoted(value)} stands in line {first_lines[value]} too"
            problems.append(Problem(row.line, column, reason))
        elif value:
            first_lines[value] = row.line
    return problems


def refusal(problems: Sequence[Problem], exit_code: int = 2) -> ImportRefused:
    """The error that names these problems by line; those beyond ``PROBLEMS_MAX`` are counted."""
    listed = sorted(problems, key=lambda problem: problem.line)[:PROBLEMS_MAX]
    return ImportRefused(list(map(str, listed)), count=len(problems), exit_code=exit_code)


def is_error(text: str) -> bool:
    """Whether a spreadsheet wrote this in the place of a value that it could not compute."""
    return _ERROR.fullmatch(text) is not None


def day_in(text: str) -> date | None:
    """A day as people and programs write it, "1.9.2026" or "2026-09-01", with a time or without."""
    match = _DAY.fullmatch(clean(text))
    if match is None:
        return None
    day, month, year, iso_year, iso_month, iso_day = match.groups()
    try:
        return date(int(year or iso_year), int(month or iso_month), int(day or iso_day))
    except ValueError:
        return None


def digits_in(text: str) -> str:
    """A number as it was meant: without signs that nobody sees and spaces between thousands."""
    return _THOUSANDS.sub("", clean(text))


def quoted(text: str) -> str:
    """A cell as a problem shows it: in one line, harmless, not too long, in quotes."""
    # A cell may be as long as the file, and little of it is shown.
    text = clean(text[: 10 * SHOWN_LENGTH_MAX])
    return f'"{text}"' if len(text) <= SHOWN_LENGTH_MAX else f'"{text[: SHOWN_LENGTH_MAX - 1]}…"'


def suggestion(text: str, known: Iterable[str]) -> str:
    """What was probably meant, as the end of a reason: "; did you mean …?", or nothing."""
    as_compared = {folded(name): name for name in known}
    near = get_close_matches(folded(text[:SHOWN_LENGTH_MAX]), as_compared, n=1)
    return f"; did you mean {quoted(as_compared[near[0]])}?" if near else ""


def _refusal_of(line: int, reason: str) -> ImportRefused:
    return refusal([Problem(line, "", reason)])


def _text(content: bytes) -> str:
    is_old = False
    try:
        is_utf_16 = content.startswith(_MARKS[:2])
        text = content.decode("utf-16" if is_utf_16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        if content.startswith(_MARKS):
            raise _refusal_of(1, f"the characters cannot be read; {_SAVE}") from error
        # Excel in Russian saves "CSV" in the old encoding, which is hardly ever right UTF-8.
        is_old = True
        text = content.decode("cp1251", "surrogateescape")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    nul = text.find("\0")
    if nul >= 0:
        wrong = [(nul, "a NUL character: this is no CSV file")]
    else:
        wrong = list(islice(misspelt(text, is_old=is_old), PROBLEMS_MAX))
    if wrong:
        raise refusal(
            [Problem(text.count("\n", 0, at) + 1, "", f"{why}; {_SAVE}") for at, why in wrong]
        )
    return text


def records_of(
    content: bytes, *, bytes_max: int = BYTES_MAX, rows_max: int = ROWS_MAX
) -> tuple[list[tuple[int, list[str]]], list[Problem]]:
    """All rows of a CSV file that are not empty, each with the line where it begins.

    Raises ``ImportRefused`` where the letters are not those that were meant.
    """
    if len(content) > bytes_max:
        raise _refusal_of(1, f"the file has {len(content)} bytes, and {bytes_max} are the limit")
    text = _text(content)
    delimiters: tuple[str, ...] = _DELIMITERS
    # Excel is told the delimiter by a line that is none of the sheet.
    told = _TOLD_DELIMITER.match(text)
    if told:
        delimiters = (told[1], *delimiters)
        text = text[told.end() :]
    # Nothing is read behind a quote gone wrong: what follows would be one long cell.
    records: list[tuple[int, list[str]]] = []
    line = 2 if told else 1
    delimiter = _delimiter(text, delimiters)
    reader = csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                records.append((line, cells))
            if len(records) > rows_max + 1:
                raise _refusal_of(line, f"more than {rows_max} rows; import them in several files")
            line = reader.line_num + (2 if told else 1)
    except csv.Error:
        reason = (
            "a cell has no end: its closing quote is missing or has text behind it; "
            "the rest was not read"
        )
        return records, [Problem(line, "", reason)]
    return records, []


def _delimiter(text: str, delimiters: Sequence[str]) -> str:
    content = _NOT_EMPTY.search(text)
    begin = text.rfind("\n", 0, content.start()) + 1 if content else len(text)
    headings = _QUOTED.sub("", text[begin:]).partition("\n")[0]
    return max(delimiters, key=headings.count)


def _columns(
    line: int,
    headings: Sequence[str],
    aliases: Mapping[str, Sequence[str]],
    needed: Iterable[str],
) -> tuple[str, ...]:
    if len(headings) > COLUMNS_MAX:
        raise _refusal_of(line, f"{len(headings)} columns, and {COLUMNS_MAX} are the limit")
    # By heading as it is compared: the column that it means, and how it may be written.
    meanings: dict[str, str] = {}
    known: list[str] = []
    for column, others in aliases.items():
        for name in (column, *others):
            meanings[folded(name)] = column
            known.append(name)
    problems = []
    columns: dict[str, str] = {}
    for number, heading in enumerate(headings, start=1):
        column_meant = meanings.get(folded(heading))
        if not heading:
            problems.append(Problem(line, str(number), "has no heading"))
        elif column_meant is None:
            reason = f"is not known{suggestion(heading, known)}"
            problems.append(Problem(line, quoted(heading), reason))
        elif column_meant in columns:
            reason = f"stands twice, as {quoted(columns[column_meant])} and {quoted(heading)}"
            problems.append(Problem(line, column_meant, reason))
        else:
            columns[column_meant] = heading
    for column in needed:
        if column not in columns:
            problems.append(Problem(line, column, "is missing"))
    if problems:
        raise refusal(problems)
    return tuple(columns)


def _stripped(cells: Sequence[str], least: int) -> list[str]:
    # The cells without the empty ones at their end, but so many ``least``: a sheet whose last
    # columns were emptied keeps them, and what a row holds there is a problem of that row.
    stripped = list(map(str.strip, cells))
    while len(stripped) > least and not stripped[-1]:
        stripped.pop()
    return stripped


def _of_another_width(line: int, cells: Sequence[str], columns: Sequence[str]) -> Problem:
    column = columns[len(cells)] if len(cells) < len(columns) else str(len(columns) + 1)
    return Problem(line, column, f"the row has {len(cells)} cells where {len(columns)} belong")
