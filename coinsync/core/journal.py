"""One applied plan as a person remembers it: who did what, why, and how it is taken back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from coinsync.core.files.import_rows import KEY_PREFIX
from coinsync.core.ledger import Kind, Line, Run
from coinsync.core.plan import Purpose
from coinsync.core.reasons import why

#: So many different reasons of one run are told; an import may have hundreds.
_REASONS_MAX = 2

#: Entries that nobody takes back: the id of the text that says what to do instead.
NOT_TAKEN_BACK: Mapping[str, str] = {
    Kind.REVERSAL: "no_undo_reversal",
    Kind.REFUND: "no_undo_refund",
}
#: Why ``undo`` refuses a run, and what to do instead, by purpose and by kind of entry.
_INSTEAD: Mapping[str, str] = {
    Purpose.LESSONS: "no_undo_lessons",
    Purpose.PEOPLE: "no_undo_lessons",
    Purpose.CATALOG: "no_undo_catalog",
    Purpose.REVIEW: "no_undo_review",
    Purpose.DESK: "no_undo_desk",
    **NOT_TAKEN_BACK,
}


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One run; ``residents`` are whose coins a person moved, ``undo`` is "" where nothing may."""

    run: Run
    what: str
    residents: tuple[str, ...]
    why: str
    undo: str


def what_was_done(run: Run, lines: Sequence[Line]) -> str:
    """In a word what a run did; ``lines`` are its entries."""
    if not lines or run.purpose == Purpose.REVIEW:
        return run.purpose
    entry = lines[0].entry
    return "import" if entry.key.startswith(KEY_PREFIX) else entry.kind.value


def reasons_of(lines: Iterable[Line]) -> str:
    """Why the coins of a run moved, each reason once and only the first of them."""
    reasons: dict[str, None] = {}
    for line in lines:
        entry = line.entry
        reasons[why(entry.reason, entry.rule, line.note)] = None
    told = list(reasons)[:_REASONS_MAX]
    if len(reasons) > _REASONS_MAX:
        told.append(f"and {len(reasons) - _REASONS_MAX} more")
    return "; ".join(told)


def sale_of(lines: Iterable[Line]) -> str:
    """The key of the sale for which a run took coins; "" where it is no sale."""
    for line in lines:
        entry = line.entry
        if entry.kind is Kind.SALE:
            return entry.key.split(":")[1]
    return ""


def refusal_of_undo(run: Run, lines: Sequence[Line]) -> str:
    """The id of the text that says why a run is not taken back whole; "" where it may be."""
    if not lines or run.purpose not in (Purpose.DESK, Purpose.SALE):
        return _INSTEAD.get(run.purpose, "no_undo")
    return _INSTEAD.get(lines[0].entry.kind, "")


def way_back(run: Run, lines: Sequence[Line], *, is_refunded: bool) -> str:
    """The command that takes a run back; "" where none does, or where it is taken back already.

    ``is_refunded``: every line of its sale came back.
    """
    if refusal_of_undo(run, lines):
        return ""
    sale = sale_of(lines)
    if sale:
        return "" if is_refunded else f"coinsync refund {sale} --note TEXT"
    standing = [line.n for line in lines if line.reversed_by is None]
    if not standing:
        return ""
    if len(lines) == 1:
        return f"coinsync reverse {standing[0]} --note TEXT"
    return f"coinsync undo {run.id} --note TEXT"
