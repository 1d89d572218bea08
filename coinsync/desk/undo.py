"""A whole run of hand work taken back, as one plan. Writes nothing."""

from coinsync.core.catalog import Sale
from coinsync.core.journal import refusal_of_undo, sale_of
from coinsync.core.plan import Plan, Purpose
from coinsync.core.proposal import Proposal, scope_of
from coinsync.desk import shop
from coinsync.desk.coins import reverse_all
from coinsync.desk.gather import Clerk
from coinsync.errors import AlreadyReversed, NotFound, NotReversible


def undo(clerk: Clerk, number: int, *, note: str) -> Proposal:
    """Plan to take back what still stands of a run; it is empty where nothing does.

    A sale comes back with its goods. Raises ``NotFound``, ``NotReversible``, or ``NotEnoughCoins``
    with everybody who has spent the coins since.
    """
    reader = clerk.reader
    run = reader.run_numbered(number)
    if run is None:
        raise NotFound(f"run {number} does not exist", advice='"coinsync journal" shows the runs.')
    lines = reader.lines_of_run(run)
    refusal = refusal_of_undo(run, lines)
    if refusal:
        raise NotReversible(f"run {number} {refusal}")
    # An entry or a line of a sale is taken back once, so that nothing is undone twice, whether a
    # part was taken back before by itself or the same command is repeated.
    sale = reader.find(Sale, sale_of(lines))
    if sale is not None:
        try:
            return shop.refund(clerk, sale, (), note=note)
        except AlreadyReversed:
            lines = []
    standing = [line.posted for line in lines if line.reversed_by is None]
    if not standing:
        nothing = Plan.of(Purpose.DESK, scope_of(clerk.today()), ())
        return Proposal(nothing, words=(f"run {number} is taken back already",))
    words = [f"takes back run {number} of {run.actor}"]
    if len(standing) < len(lines):
        words.append(f"{len(lines) - len(standing)} of its entries were taken back before")
    return reverse_all(clerk, standing, note, *words)
