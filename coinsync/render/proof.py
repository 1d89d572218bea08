"""What ``reconcile`` has found."""

from datetime import date

from coinsync.core.identity import harmless
from coinsync.core.proof.checks import Circulation, Finding, Proof, Severity
from coinsync.render.listing import Grid, Listing, Parts, TextLine, dim, rows_of
from coinsync.render.numbers import total
from coinsync.render.plans import STYLES
from coinsync.staff_texts import counted

COLUMNS = ("check", "severity", "count", "examples", "mend")


def proof(of: Proof, on: date | None, *, every_check: bool) -> Listing:
    """What was found at the end of the day ``on``, and the sums.

    Checks that found nothing are shown if ``every_check``.
    """
    page: Parts = []
    grid = _findings(of, every_check=every_check)
    if grid.rows:
        page += [grid, ""]
    when = f", as of the end of {on} (UTC)" if on else ""
    is_clean = all(finding.severity is Severity.NOTE for finding in of.findings)
    clean = ": all is right" if is_clean else ""
    checks, entries = counted(len(of.checked), "check"), counted(of.entries, "entry", "entries")
    page.append(f"{checks}, {entries}, {counted(of.residents, 'resident')}{when}{clean}")
    if of.entries or on:
        page.append(_sums(of.totals))
    if of.held:
        held = counted(of.held, "difference")
        page.append(dim(f"{held} held for a person to decide: coinsync review list"))
    page += [f"{held} holds" for held in of.holds]
    if of.seal:
        page.append(f"seal {of.seal}")
    return Listing(page, of, COLUMNS, rows_of(of.findings, COLUMNS))


def _findings(of: Proof, *, every_check: bool) -> Grid:
    # What could not be read is told beside the proof, on stderr.
    findings = {finding.check: finding for finding in of.findings if finding.check != "unread"}
    titles = {check.id: check.title for check in of.checked} if every_check else {}
    grid = Grid(("", ">", ""))
    for id in dict.fromkeys((*titles, *findings)):
        finding = findings.get(id)
        if finding is None:
            grid.add(f"  {id}", "ok", dim(titles[id]))
            continue
        sign = {Severity.ERROR: "!", Severity.WARNING: "~"}.get(finding.severity, ".")
        name = TextLine(f"{sign} {id}", STYLES[sign])
        grid.add(name, total(finding.count), _cases(finding))
    return grid


def _sums(totals: Circulation) -> str:
    issued, taken = total(totals.issued), total(totals.reversed)
    spent, refunded = total(totals.spent), total(totals.refunded)
    sums = f"issued {issued} − reversed {taken} − spent {spent} + refunded {refunded}"
    return f"{sums} = {total(totals.balance)} in circulation"


def _cases(finding: Finding) -> tuple[str, ...]:
    more = finding.count - len(finding.examples)
    rest = (f"… and {total(more)} more",) if more > 0 else ()
    return (*finding.examples, *rest, f"→ {finding.mend}")


def finding_line(finding: Finding) -> str:
    """A finding in one line."""
    more = finding.count - len(finding.examples)
    rest = f" and {total(more)} more" if more > 0 else ""
    cases = "; ".join(finding.examples)
    return harmless(f"{finding.check}: {cases}{rest} → {finding.mend}")
