"""The director's month."""

from coinsync.core.ledger import Kind
from coinsync.core.report import OUTCOMES, MonthLines
from coinsync.render.listing import Grid, Listing, Parts, dim
from coinsync.render.numbers import signed, total
from coinsync.staff_texts import StaffText, columns, joined, phrase

COLUMNS = ("month", "part", "name", *OUTCOMES)
#: What stands in the table, in this order, and so many lines of each.
PARTS = ("school", "for", "presence", "branch", "group", "stock")
PART_MAX = 10
#: Who or what of a part did not move coins, and the text that says it.
IDLE = (
    ("resident", "issued", "none_earned"),
    ("resident", "spent", "none_spent"),
    ("goods", "spent", "none_sold"),
)
_PART_NAMES = dict(zip(PARTS, columns("month_parts"), strict=True))
_KIND_NAMES: dict[str, StaffText] = dict(zip(Kind, columns("kinds"), strict=True))


def month_report(lines: MonthLines, month: str, *, every_line: bool) -> Listing:
    """A month on one screen; all groups, and names, where ``every_line`` is shown."""
    rows = [(*key, *map(line.get, OUTCOMES)) for key, line in sorted(lines.items())]
    page = [*_table(lines, month, every_line), *_idle(lines, month, every_line)]
    return Listing.of_rows(page, COLUMNS, rows)


def _table(lines: MonthLines, month: str, every_line: bool) -> Parts:
    grid = Grid(columns("month"))
    hidden = 0
    for part in PARTS:
        keys = sorted(key for key in lines if key[1] == part)
        if part != "school":
            keys = [key for key in keys if key[0] == month]
        shown = keys if every_line else keys[:PART_MAX]
        hidden += len(keys) - len(shown)
        for key in shown:
            line = lines[key]
            moved = [signed(line[outcome]) if line[outcome] else "" for outcome in OUTCOMES[:-1]]
            left = total(line["coins"]) if "coins" in line else ""
            grid.add(dim(_PART_NAMES[part]), _name_of(*key), *moved, left)
    return [grid, dim(phrase("more", count=hidden))] if hidden else [grid]


def _name_of(month: str, part: str, name: str) -> str:
    if part == "school":
        return month
    if part == "presence":
        return phrase(name)
    if part == "stock":
        # Also beside a month that is past: what lay there then is not added up.
        return phrase("goods_today")
    # Coins that no rule gave are told by the kind of their entries.
    return _KIND_NAMES.get(name, name) if part == "for" else name


def _idle(lines: MonthLines, month: str, every_line: bool) -> Parts:
    remarks: Parts = []
    for part, outcome, id in IDLE:
        names = sorted(key[2] for key in lines if key[:2] == (month, part))
        idle = [name for name in names if not lines[month, part, name][outcome]]
        remark = phrase(id, idle=len(idle), all=len(names))
        if every_line and idle:
            remark = joined(": ", remark, ", ".join(idle))
        remarks.append(remark)
    return remarks
