"""Plans in a file: what a dry run found, to be looked at and applied later. The file holds names: mode 0600."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from coinsync.core import codec
from coinsync.core.plan import FORMAT, Plan
from coinsync.errors import PlanUnreadable


def save(path: Path, account: str, plans: Sequence[Plan]) -> None:
    """Write plans to a file, whole or not at all, readable by its owner alone."""
    content = {
        "coinsync_plans": FORMAT,
        "account": account,
        "plans": [codec.encode(plan) for plan in plans],
    }
    part = path.with_name(path.name + ".part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False, indent=1)
        part.replace(path)
    except OSError as error:
        raise PlanUnreadable(
            f"plan: {path} cannot be written ({type(error).__name__})",
            advice="Choose another place with --save FILE.",
        ) from error


def load(path: Path, account: str) -> tuple[Plan, ...]:
    """Read plans from a file. Raises ``PlanUnreadable`` when it is not ours, damaged, or of another CRM account."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["coinsync_plans"] != FORMAT:
            raise PlanUnreadable(f"plan: {path} is of another version of coinsync")
        plans = tuple(codec.decode(one, Plan) for one in content["plans"])
    except OSError as error:
        raise PlanUnreadable(f"plan: {path} cannot be read ({type(error).__name__})") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PlanUnreadable(f"plan: {path} is not a plan of coinsync, or it is damaged") from error
    if content["account"] != account:
        raise PlanUnreadable(
            f"plan: {path} is for the CRM account {content['account']!r}, not {account!r}"
        )
    return plans
