"""What is read for one visit: only residents linked to the visitor's VK account, and what everybody may see."""

from __future__ import annotations

from collections.abc import Iterable

from coinsync.core.facts import Group
from coinsync.core.ledger import Line
from coinsync.store.reader import Reader
from webview.goods import GOODS_MAX
from webview.pages import LINES_MAX, RESIDENTS_MAX, Family, Older


def family_of(reader: Reader, vk: int) -> Family:
    """Read what a visitor may see, in as many statements for a large family as for a small one."""
    residents = tuple(reader.residents_of_visitor(vk)[: RESIDENTS_MAX + 1])
    shown = [resident.id for resident in residents[:RESIDENTS_MAX]]
    lines = reader.last_lines(shown, LINES_MAX + 1)
    return Family(
        residents,
        reader.balances(shown),
        lines,
        _groups(reader, (line for history in lines.values() for line in history)),
        reader.last_synced_at(),
        reader.shelf(GOODS_MAX + 1),
    )


def older_of(reader: Reader, vk: int, child: int, before: int) -> Older | None:
    """Read what follows the line ``before`` of a child; None of a child whom this visitor may not see, or no line."""
    resident = next(
        (one for one in reader.residents_of_visitor(vk)[:RESIDENTS_MAX] if one.id == child), None
    )
    lines = reader.older_lines(child, before, LINES_MAX + 1) if resident else None
    return (
        None
        if resident is None or lines is None
        else Older(resident, lines, _groups(reader, lines))
    )


def _groups(reader: Reader, lines: Iterable[Line]) -> dict[int, str]:
    lessons = (line.lesson for line in lines if line.lesson is not None)
    return {
        group.id: group.name
        for group in reader.recorded(Group, {id for one in lessons for id in one.groups})
    }
