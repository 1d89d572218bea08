"""Histories, statements, and why a lesson gave what it gave."""

from collections.abc import Mapping, Sequence
from datetime import date

from coinsync.core.history import Explanation, History, HistoryLine, Statement, Step
from coinsync.core.reasons import reason_text, why
from coinsync.core.wording import LANGUAGES, Words
from coinsync.render.listing import Cell, Grid, Listing, Parts, TextLine, bold, dim, rows_of
from coinsync.render.numbers import balance, day, signed, total

HISTORY_COLUMNS = ("day", "kind", "title", "coins", "balance", "reason", "rule", "note")
STATEMENT_COLUMNS = ("day", "kind", "what", "why", "coins", "balance")


def history(of: History, ways: Mapping[str, str], *, actors: bool) -> Listing:
    """A history; ``ways`` are titles by code, ``actors`` adds who did it."""
    heading = f"{of.resident}   balance {balance(of.balance)}"
    headings = (">entry", "day", "what", ">coins", ">balance", "why", "posted", "by")
    columns = len(headings) if actors else len(headings) - 1
    grid = Grid(headings[:columns])
    for line in of.lines:
        grid.add(*_history_cells(line, ways)[:columns])
    page: Parts = [bold(heading), grid]
    if of.more:
        page.append(dim("… older lines: pass --limit, --since or --until"))
    return Listing(page, of, HISTORY_COLUMNS, rows_of(of.lines, HISTORY_COLUMNS))


def _history_cells(line: HistoryLine, ways: Mapping[str, str]) -> tuple[Cell, ...]:
    posted = line.line.posted if line.line else None
    starts = line.lesson.starts if line.lesson else ""
    # The page is English as a whole.
    reason = str(why(line.reason, line.rule, line.note, ways))
    return (
        str(posted.n) if posted else "",
        # Without the weekday, with which a row is wider than 80 columns.
        f"{line.day.isoformat()} {starts}".rstrip(),
        line.title or line.kind,
        TextLine(signed(line.coins) if line.coins else "0", "red" if line.coins < 0 else ""),
        total(line.balance) if line.balance is not None else "",
        f"{reason}{_partner(line)}",
        posted.posted_at[:10] if posted else "",
        posted.entry.actor if posted else "",
    )


def _partner(line: HistoryLine) -> str:
    if line.line and line.line.entry.reverses:
        return f", reverses {line.line.entry.reverses}"
    if line.line and line.line.reversed_by:
        return f", reversed by {line.line.reversed_by}"
    return ""


def statement(of: Statement) -> Listing:
    """A statement as a parent reads it."""
    texts = LANGUAGES[of.language].statement
    opening = (of.since, "", texts["opening"], "", None, of.opening)
    closing = (of.until, "", texts["closing"], "", None, of.closing)
    rows = [opening, *rows_of(of.lines, STATEMENT_COLUMNS), closing]
    return Listing(_statement_page(of), of, STATEMENT_COLUMNS, rows)


def _statement_page(of: Statement) -> Parts:
    words = LANGUAGES[of.language]
    texts = words.statement
    number = texts["number"].format(id=of.resident)
    who = f"{of.name}, {number}" if of.name else number
    period = texts["period"].format(since=words.day(of.since), until=words.day(of.until))
    # Paragraphs stand in a table of one column, which leaves no blanks at the ends of lines.
    page: Parts = [
        _paragraphs(bold(of.school), bold(f"{texts['title']}: {who}"), period, ""),
        _statement_lines(of, words),
    ]
    end = texts["standing"].format(
        day=words.day(of.until), number=words.number(max(of.closing, 0)), coins=of.coin_word
    )
    if of.closing < 0:
        debt = words.to_be_made_up(of.closing) if of.owes else texts["made_up"]
        end = f"{end}, {debt}"
    nothing = () if of.lines else (texts["nothing"],)
    page.append(_paragraphs(*nothing, "", bold(end), ""))
    printed = texts["printed"].format(day=words.day(of.printed_on), seal=of.seal)
    return [*page, _paragraphs(dim(printed))]


def _paragraphs(*texts: Cell) -> Grid:
    page = Grid(("",))
    for text in texts:
        page.add(text)
    return page


def _statement_lines(of: Statement, words: Words) -> Grid:
    texts, year = words.statement, of.printed_on.year
    headings: tuple[str, ...] = (texts["day"], texts["what"])
    if any(line.why for line in of.lines):
        headings += (texts["why"],)
    numbers = (f">{texts['coins']}", f">{texts['balance']}")
    grid = Grid((*headings, *numbers), whole=(0,))

    def add(style: str, when: date, what: str, why: str, change: str, balance: int) -> None:
        cells = (words.day(when, year), what, why)[: len(headings)]
        row = [TextLine(text, style) for text in (*cells, change, words.number(balance))]
        grid.add(*row)

    add("bold", of.since, texts["opening"], "", "", of.opening)
    for line in of.lines:
        add("", line.day, line.what, line.why, words.amount(line.coins), line.balance)
    add("bold", of.until, texts["closing"], "", "", of.closing)
    return grid


def explanations(of: Sequence[Explanation], *, is_cut: bool = False) -> Listing:
    """Why lessons gave what they gave; ``is_cut``: only the last of them are shown."""
    page: Parts = []
    for explanation in of:
        page += _explanation(explanation)
    if is_cut:
        page.append(dim(f"these are the last {len(of)}: pass --lesson or --date for others"))
    return Listing(page, of)


def _explanation(of: Explanation) -> Parts:
    lesson = of.lesson
    when = f"{day(lesson.date)} {lesson.starts}".rstrip()
    heading = f"lesson {lesson.id}  {when}  {of.title}  for {of.resident}"
    posted = signed(of.posted) if of.posted else "0"
    page: Parts = [bold(heading), _steps(of.steps), f"  → {_verdict(of)}; posted {posted}"]
    for line in of.lines:
        entry = line.entry
        reason = why(entry.reason, entry.rule, line.note)
        author = f"{line.posted.posted_at[:10]} by {entry.actor}"
        amount = f"{signed(entry.coins)}  {entry.kind.value}"
        page.append(f"    entry {line.n}  {amount}  {reason}  {author}")
    if of.hold:
        held = f"    held: {signed(of.hold.coins)}, {reason_text(of.hold.reason)}"
        page.append(TextLine(held, "yellow"))
    if of.decision:
        outcome = f"{signed(of.decision.coins)} stays" if of.decision.coins else "stays unpaid"
        author = f"{of.decision.decided_on} by {of.decision.actor}"
        page.append(f"    decided: {outcome}  {of.decision.note}  {author}")
    return [*page, ""]


def _steps(steps: Sequence[Step]) -> Grid:
    grid = Grid(("", "", ""))
    for step in steps:
        if step.passed is None:
            grid.add("", step.question, "–")
        else:
            passed = TextLine("  yes", "green") if step.passed else TextLine("  no ", "red")
            grid.add(passed, step.question, step.answer)
    return grid


def _verdict(of: Explanation) -> str:
    verdict = of.verdict
    if verdict.coins:
        rule = f" (rule {verdict.rule})" if verdict.rule else ""
        given = f"{signed(verdict.coins)}{rule}"
    else:
        given = f"nothing: {reason_text(verdict.reason)}"
    if verdict.held and of.decision is None:
        given += f", {signed(verdict.held)} held for a person to decide"
    return given
