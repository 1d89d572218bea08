"""What ``reconcile`` has found, on the terminal."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from coinsync.core.identity import harmless
from coinsync.render.terminal import STYLES, counted_noun, show, text, total

if TYPE_CHECKING:
    from coinsync.core.proof.checks import Finding, Proof


def show_proof(out: Console, proof: Proof, on: date | None, *, every_check: bool) -> None:
    """Print what was found, each with the way out, and the sums; the checks that found nothing if ``every_check``."""
    # What could not be read is told beside the proof, on stderr.
    found = {one.check: one for one in proof.findings if one.check != "unread"}
    grid = Table.grid(padding=(0, 2, 0, 0))
    for justify in ("left", "left", "right", "left"):
        grid.add_column(justify=justify, overflow="fold")
    titles = {check.id: check.title for check in proof.checked if every_check}
    for id in dict.fromkeys((*titles, *found)):
        if id in found:
            one = found[id]
            sign = "!" if one.severity == "error" else "~"
            grid.add_row(
                text(f"{sign} {id}", STYLES[sign]),
                text(one.owner),
                text(total(one.count)),
                _cases(one),
            )
        else:
            grid.add_row(text(f"  {id}"), text("ok"), "", text(titles[id], "dim"))
    if grid.rows:
        show(out, grid)
        out.print()
    when = f", as of the end of {on} (UTC)" if on else ""
    counted = (
        counted_noun(len(proof.checked), "check"),
        counted_noun(proof.entries, "entry", "entries"),
    )
    clean = "" if proof.findings else ": all is right"
    out.print(
        text(f"{', '.join(counted)}, {counted_noun(proof.residents, 'resident')}{when}{clean}")
    )
    sums = proof.totals
    parts = (
        f"issued {total(sums.issued)} − reversed {total(sums.reversed)} − spent {total(sums.spent)}"
    )
    if proof.entries or on:
        out.print(
            text(
                f"{parts} + refunded {total(sums.refunded)} = {total(sums.balance)} in circulation"
            )
        )
    if proof.held:
        out.print(
            text(
                f"{counted_noun(proof.held, 'difference')} held for a person to decide: coinsync review list",
                "dim",
            )
        )


def _cases(one: Finding) -> Text:
    rest = one.count - len(one.examples)
    lines = [*one.examples, *([f"… and {total(rest)} more"] if rest > 0 else []), f"→ {one.mend}"]
    return Text("\n".join(map(harmless, lines)))


def finding_line(one: Finding) -> str:
    """A finding in one line."""
    rest = one.count - len(one.examples)
    more = f" and {total(rest)} more" if rest > 0 else ""
    return harmless(f"{one.check} ({one.owner}): {'; '.join(one.examples)}{more} → {one.mend}")
