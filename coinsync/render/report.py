"""The director's month."""

from coinsync.core.report import OUTCOMES, MonthLines
from coinsync.render.listing import Grid, Listing, Parts, dim
from coinsync.render.numbers import signed, total

COLUMNS = ("month", "part", "name", *OUTCOMES)
#: What stands in the table, in this order, and so many lines of each.
PARTS = ("school", "for", "presence", "branch", "group", "stock")
PART_MAX = 10
#: Who or what of a part did not move coins, and how that is said.
IDLE = (
    ("resident", "issued", "residents earned nothing"),
    ("resident", "spent", "residents spent nothing"),
    ("goods", "spent", "goods were not sold"),
)


def month_report(lines: MonthLines, month: str, *, every_line: bool) -> Listing:
    """A month on one screen; all groups, and names, where ``every_line`` is shown."""
    rows = [(*key, *map(line.get, OUTCOMES)) for key, line in sorted(lines.items())]
    page = [*_table(lines, month, every_line), *_idle(lines, month, every_line)]
    return Listing.of_rows(page, COLUMNS, rows)


def _table(lines: MonthLines, month: str, every_line: bool) -> Parts:
    grid = Grid(("", "", *(f">{outcome}" for outcome in OUTCOMES[:-1]), ">at the end"))
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
            grid.add(dim(part), key[2] or key[0], *moved, left)
    return [grid, dim(f"… {hidden} more, shown with -v")] if hidden else [grid]


def _idle(lines: MonthLines, month: str, every_line: bool) -> Parts:
    remarks: Parts = []
    for part, outcome, says in IDLE:
        names = sorted(key[2] for key in lines if key[:2] == (month, part))
        idle = [name for name in names if not lines[month, part, name][outcome]]
        remark = f"{len(idle)} of {len(names)} {says}"
        remarks.append(f"{remark}: {', '.join(idle)}" if every_line and idle else remark)
    return remarks
