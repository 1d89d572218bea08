"""The plans of a run before they are applied, and the receipt after it."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from coinsync.core.ledger import Receipt
from coinsync.core.plan import DIGEST_SHOWN
from coinsync.core.plan_report import (
    SHORT_REASONS,
    PlanLine,
    PlanReport,
    gathered,
    totals_of,
)
from coinsync.core.reasons import entries_text
from coinsync.render.listing import Grid, Parts, TextLine, bold, dim
from coinsync.render.numbers import day, signed
from coinsync.staff_texts import StaffText, counted, joined, phrase

#: So many lines of each kind are shown of a whole run.
LINES_PER_VERB = 10

STYLES = {"+": "green", "-": "red", "?": "yellow", "~": "cyan", "!": "bold yellow", ".": "dim"}


def run_page(
    reports: Sequence[PlanReport],
    digest: str,
    *,
    is_first: bool = False,
    incomplete: Collection[int] = (),
    lines: bool = True,
    every_line: bool = False,
) -> Parts:
    """All plans of a run: what they come to, then each branch with its ``lines``.

    ``is_first`` is the first run of a database; ``incomplete`` are branches of which a part could
    not be planned.
    """
    if not reports:
        return []
    shown = f"   digest {digest[:DIGEST_SHOWN]}" if digest else ""
    page: Parts = [TextLine(_totals(reports) + shown, "bold" if digest else "")]
    page += _unclassified(reports)
    page += _refusals(reports)
    if is_first:
        page += _first_summary(reports)
    work = _Lines(every_line)
    for branch, plans in gathered(reports, lambda report: report.branch):
        page += _branch(plans, is_whole=branch not in incomplete)
        if lines or every_line:
            page += work.of(plans)
    return page + work.hidden()


def _unclassified(reports: Iterable[PlanReport]) -> Parts:
    visits: Counter[str] = Counter()
    for report in reports:
        for line in report.lines:
            if line.verb == "type":
                visits[line.title] += len(line.residents)
    page: Parts = []
    for title, count in visits.items():
        earned = f"{counted(count, 'visit')} earned nothing; name it in [lessons] or in a rule"
        text = f"! type {title}: nobody has classified this lesson type: {earned}"
        page.append(TextLine(text, STYLES["!"]))
    return page


def _first_summary(reports: Sequence[PlanReport]) -> Parts:
    """What the first sync of a database brings: by type, by reason, and what waits."""
    skipped: Counter[str] = Counter()
    paid = []
    for report in reports:
        skipped.update(report.skipped)
        paid += [line for line in report.lines if line.verb == "award"]
    types = Grid(("lessons of type", ">lessons", ">awards", ">coins"))
    for title, group in gathered(paid, lambda line: line.type):
        lessons = len({line.lesson for line in group})
        awards = sum(len(line.residents) for line in group)
        types.add(title, str(lessons), str(awards), signed(sum(line.coins for line in group)))
    reasons = Grid(("attended, and earn nothing", ">visits"))
    for reason, visits in sorted(skipped.items()):
        reasons.add(SHORT_REASONS.get(reason, reason), str(visits))
    page: Parts = ["", bold("This is the first sync of this database.")]
    for grid in (types, reasons):
        page += ["", grid] if grid.rows else []
    held = totals_of(reports).held
    if held:
        page += ["", f"{counted(held, 'visit')} held: membership on that day not known."]
    return page


def _refusals(reports: Iterable[PlanReport]) -> Parts:
    page: Parts = []
    for report in reports:
        where = f"{report.branch_name} {report.scope.since} … {report.scope.until}"
        for refusal in report.unsafe:
            text = f"UNSAFE: {refusal} ({where}); likely {report.likely}"
            page.append(TextLine(text, "bold red"))
    return page


def _branch(plans: Sequence[PlanReport], *, is_whole: bool) -> Parts:
    heading = f"Branch {plans[0].branch_name} ({plans[0].zone})"
    lessons = [report for report in plans if report.purpose == "lessons"]
    if lessons:
        since = min(report.scope.since for report in lessons)
        until = max(report.scope.until for report in lessons)
        heading += f"   lessons {since} … {until}"
    heading += "   complete" if is_whole else "   incomplete"
    below = Grid(("", ""), whole=(0,))
    requests = sum(report.requests for report in plans)
    if requests:
        # In a line of its own: a heading that is broken would part the number from its noun.
        below.add("  read", counted(requests, "request"))
    for report in plans:
        if report.people and report.purpose == "people":
            below.add("  people", ", ".join(report.people))
    if any(report.changes for report in lessons):
        below.add("  lessons", _totals(lessons))
    return ["", heading, below] if below.rows else ["", heading]


class _Lines:
    """The lines of a run, so many of each kind."""

    def __init__(self, every_line: bool) -> None:
        self._every_line = every_line
        self._shown: Counter[str] = Counter()
        self._hidden: list[PlanLine] = []
        self._known = 0

    def of(self, plans: Iterable[PlanReport]) -> Parts:
        """The lines of one branch, kind by kind."""
        lines: dict[PlanLine, None] = {}
        for report in plans:
            for line in report.lines:
                if line.known and not self._every_line:
                    self._known += 1
                elif line.verb != "type" or self._every_line:
                    # An unclassified type was said at the top, once for all branches.
                    # What is true of several windows is said once.
                    lines[line] = None
        page: Parts = []
        for verb, group in gathered(lines, lambda line: line.verb):
            room = len(group) if self._every_line else LINES_PER_VERB - self._shown[verb]
            shown = group[:room]
            self._shown[verb] += len(shown)
            self._hidden += group[room:]
            page += _lines_of_one_kind(shown)
        return page

    def hidden(self) -> Parts:
        """How much is not shown."""
        page: Parts = [""]
        for verb, lines in gathered(self._hidden, lambda line: line.verb):
            coins = sum(line.coins for line in lines)
            moved = f" ({signed(coins)})" if coins else ""
            more = counted(len(lines), "more line")
            page.append(dim(f"  … {more} of {verb}{moved}, shown with -v"))
        if self._known:
            page.append(dim(f"  {counted(self._known, 'line')} as before, shown with -v"))
        return page if len(page) > 1 else []


def _lines_of_one_kind(lines: Sequence[PlanLine]) -> Parts:
    if not lines:
        return []
    sign, verb = lines[0].sign, lines[0].verb
    style = STYLES.get(sign, "")
    notes = {line.note for line in lines}
    page: Parts = [""]
    # What all of them say is said once.
    is_shared = len(lines) > 1 and len(notes) == 1 and bool(lines[0].note)
    if is_shared:
        page.append(TextLine(f"  {sign} {verb}: {lines[0].note}", style))
    # Only a note is broken into several lines.
    grid = Grid(("", "", "", "", "", ">", ""), whole=range(5))
    for line in lines:
        grid.add(
            TextLine(f"  {sign}" if is_shared else f"  {sign} {verb}", style),
            f"lesson {line.lesson}" if line.lesson is not None else "",
            f"{day(line.day)} {line.starts}".rstrip() if line.day else "",
            line.title,
            line.who,
            TextLine(signed(line.coins) if line.coins else "", style),
            "" if is_shared else TextLine(line.note, "dim" if sign == "." else ""),
        )
    return [*page, grid]


def _totals(reports: Sequence[PlanReport]) -> str:
    counts = totals_of(reports)
    parts = []
    for count, noun, plural, coins in (
        (counts.awards, "award", "awards", counts.awarded),
        (counts.reversals, "reversal", "reversals", counts.reversed),
        (counts.others, "entry", "entries", counts.moved),
    ):
        if count:
            parts.append(f"{counted(count, noun, plural)} ({signed(coins)})")
    if not parts and counts.facts:
        parts.append(f"{counted(counts.facts, 'fact')} to record, no coins to move")
    elif not parts:
        parts.append("nothing to do")
    if counts.held:
        parts.append(f"{counts.held} held")
    line = ", ".join(parts) + "."
    # A lesson that is paid anew, as at another rate, is no loss to the guard.
    lost = sum(report.lessons_lost for report in reports)
    if lost:
        line += f"  {_share_of_reversals(reports, lost)}"
    return line


def _share_of_reversals(reports: Sequence[PlanReport], reversals: int) -> str:
    limits, posted = reports[0].limits, sum(report.awards_posted for report in reports)
    bounds = f"limit {limits.reversals_percent_max}%"
    if limits.reversals_free:
        bounds += f", {limits.reversals_free} always pass"
    percent = 100 * reversals / posted if posted else 0.0
    return f"Reversals {reversals} of {posted} posted ({percent:.1f} %, {bounds})."


def receipts_line(receipts: Sequence[Receipt], newest: Receipt) -> str:
    """What a run of several plans wrote, in one line; ``newest`` may have changed nothing."""
    seal = f"seal {newest.seal}"
    if newest.run != receipts[-1].run:
        seal = f"seal of run {newest.run}: {newest.seal}"
    if len(receipts) == 1:
        return f"{_written(receipts[0])}; {seal}"
    entries = sum(receipt.n_last - receipt.n_first + 1 for receipt in receipts)
    coins = signed(sum(receipt.coins for receipt in receipts)) if entries else "no coins moved"
    facts = counted(sum(receipt.facts for receipt in receipts), "fact")
    posted = f"{counted(entries, 'entry', 'entries')} posted ({coins}), {facts} recorded"
    return f"runs {receipts[0].run}–{receipts[-1].run}: {posted}; {seal}"


def receipt_line(receipt: Receipt, stock: int = 0) -> StaffText:
    """What was written, so many moves of ``stock`` among it, in one line with its seal."""
    return joined("; ", _written(receipt, stock), phrase("seal", seal=receipt.seal))


def _written(receipt: Receipt, stock: int = 0) -> StaffText:
    if receipt.n_first > receipt.n_last:
        recorded = [phrase("stock_moves", count=stock)] if stock else []
        if receipt.facts or not stock:
            recorded.insert(0, phrase("facts", count=receipt.facts))
        return phrase("recorded", run=receipt.run, what=joined(", ", *recorded))
    entries = entries_text(receipt.n_first, receipt.n_last)
    return phrase("posted", run=receipt.run, what=entries, coins=signed(receipt.coins))
