"""Plans in a file: kept whole, read back equal, closed to others."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from coinsync import planfile
from coinsync.core.facts import Presence, Resident
from coinsync.core.ledger import Entry, KeyState, Kind
from coinsync.core.plan import Evidence, Plan, Post, Purpose, Put, Remark, RemarkKind, Scope
from coinsync.errors import PlanUnreadable

SCOPE = Scope(1, date(2026, 11, 1), date(2026, 11, 20))
ENTRY = Entry(
    "alfacrm:test:lesson:9:5",
    1,
    5,
    10,
    Kind.AWARD,
    date(2026, 11, 3),
    "lesson",
    "sync",
    "rule",
    lesson=9,
)
PLAN = Plan.of(
    Purpose.LESSONS,
    SCOPE,
    [Post(ENTRY), Put(Resident(5, "Ада М.", Presence.CLIENT, (1, 2)))],
    basis=[KeyState(ENTRY.key)],
    remarks=[Remark(RemarkKind.LATE, "late", 9, 5)],
    evidence=Evidence(1, 2, 3, 4),
)


def test_what_is_saved_comes_back_equal(tmp_path: Path) -> None:
    """Digest, order, remarks and all."""
    planfile.save(tmp_path / "plan", "test", [PLAN, PLAN])
    assert planfile.load(tmp_path / "plan", "test") == (PLAN, PLAN)


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    """It holds names of children."""
    planfile.save(tmp_path / "plan", "test", [PLAN])
    assert (tmp_path / "plan").stat().st_mode & 0o777 == 0o600


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """No half of a file, no traceback."""
    with pytest.raises(PlanUnreadable, match="cannot be written"):
        planfile.save(tmp_path / "none" / "plan", "test", [PLAN])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("coins", 0),
        ("coins", "10"),
        ("coins", 1.0),
        ("key", "Ключ"),
        ("kind", "bribe"),
        ("happened_on", "soon"),
        ("more", 1),
    ],
)
def test_a_file_that_was_tampered_with_is_refused(
    tmp_path: Path, field: str, value: object
) -> None:
    """Every value is checked on the way in."""
    planfile.save(tmp_path / "plan", "test", [PLAN])
    content = json.loads((tmp_path / "plan").read_text(encoding="utf-8"))
    next(change for change in content["plans"][0]["changes"] if change["is"] == "Post")["entry"][
        field
    ] = value
    (tmp_path / "plan").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(PlanUnreadable, match="not a plan of coinsync, or it is damaged"):
        planfile.load(tmp_path / "plan", "test")
