"""Runs, and how fresh each branch is."""

from collections.abc import Sequence

from coinsync.core.freshness import Freshness
from coinsync.core.ledger import Run
from coinsync.render.listing import Grid, Listing, Parts
from coinsync.render.numbers import age, signed


def runs_listing(runs: Sequence[Run], fresh: Sequence[Freshness]) -> Listing:
    """The last runs, and when each branch was last synced."""
    words = ("posted (UTC)", "branch", "what", "window")
    grid = Grid((">run", *words, ">entries", ">coins", ">requests", "by"))
    names = {branch.branch: branch.name for branch in fresh}
    for run in runs:
        # What is done by hand belongs to no branch.
        number = str(run.branch) if run.branch else ""
        window = f"{run.until}" if run.since == run.until else f"{run.since} … {run.until}"
        grid.add(
            str(run.id),
            run.posted_at.replace("T", " ").removesuffix("Z"),
            names.get(run.branch, number),
            run.purpose,
            window,
            str(run.entries),
            signed(run.coins) if run.coins else "0",
            str(run.requests),
            run.actor,
        )
    page: Parts = [grid, ""]
    for branch in fresh:
        synced = "never synced" if branch.age is None else f"last synced {age(branch.age)} ago"
        page.append(f"{branch.name}: {synced}")
    # Whoever was named by another account of the machine than the own one, is told once.
    named = dict.fromkeys((run.actor, run.login) for run in runs)
    for actor, login in named:
        if not login.startswith(f"{actor}("):
            page.append(f"{actor}: named by the account {login}")
    return Listing(page, {"runs": runs, "branches": fresh}, Run._fields, runs)
