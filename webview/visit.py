"""What is read for one visit."""

from __future__ import annotations

from collections.abc import Iterable

from coinsync.core.facts import Group
from coinsync.core.ledger import Line
from coinsync.store.reader import Reader
from webview.goods import GOODS_MAX
from webview.pages import LINES_MAX, RESIDENTS_MAX, Family, Older


def family_of(reader: Reader, vk: int) -> Family:
    """Read what a visitor may see, in as many statements for any family's size.

    One more of everything is read than is shown: that tells whether there is more.
    """
    residents = tuple(reader.residents_of_visitor(vk)[: RESIDENTS_MAX + 1])
    shown = [resident.id for resident in residents[:RESIDENTS_MAX]]
    lines = reader.last_lines(shown, LINES_MAX + 1)
    every_line = (line for history in lines.values() for line in history)
    return Family(
        residents=residents,
        balances=reader.balances(shown),
        lines=lines,
        groups=_groups(reader, every_line),
        synced_at=reader.last_synced_at(),
        shelf=reader.shelf(GOODS_MAX + 1),
    )


def older_of(reader: Reader, vk: int, child: int, before: int) -> Older | None:
    """Read what follows the line ``before`` of a child whom the visitor may see, or None."""
    for resident in reader.residents_of_visitor(vk)[:RESIDENTS_MAX]:
        if resident.id == child:
            break
    else:
        return None
    lines = reader.older_lines(child, before, LINES_MAX + 1)
    if lines is None:
        return None
    return Older(resident, lines, _groups(reader, lines))


def _groups(reader: Reader, lines: Iterable[Line]) -> dict[int, str]:
    ids: set[int] = set()
    for line in lines:
        if line.lesson is not None:
            ids.update(line.lesson.groups)
    return {group.id: group.name for group in reader.recorded(Group, ids)}
