"""Every question to the database: rows come in, values of the core go out.

The questions lie in ``queries``, one module for each noun.
"""

from __future__ import annotations

from coinsync.store.queries.ledger import N_MAX as N_MAX
from coinsync.store.queries.lessons import LessonQueries
from coinsync.store.queries.people import PeopleQueries
from coinsync.store.queries.proof import ProofQueries
from coinsync.store.queries.runs import RunQueries
from coinsync.store.queries.shop import ShopQueries


class Reader(PeopleQueries, LessonQueries, ShopQueries, RunQueries, ProofQueries):
    """Questions to one database, through a connection that somebody else has opened."""
