"""How fresh each branch is."""

from collections.abc import Sequence

from coinsync.core.freshness import Freshness
from coinsync.render.listing import Listing, Parts
from coinsync.render.numbers import age


def freshness_listing(fresh: Sequence[Freshness]) -> Listing:
    """When each branch was last synced."""
    page: Parts = []
    for branch in fresh:
        synced = "never synced" if branch.age is None else f"last synced {age(branch.age)} ago"
        page.append(f"{branch.name}: {synced}")
    return Listing(page, {"branches": fresh})
