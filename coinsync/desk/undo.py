"""A whole run of hand work taken back, as one plan. Writes nothing."""

from coinsync.core.catalog import Sale
from coinsync.core.journal import refusal_of_undo, sale_of
from coinsync.core.proposal import Proposal
from coinsync.desk import shop
from coinsync.desk.coins import reverse_all
from coinsync.desk.gather import Clerk
from coinsync.errors import AlreadyReversed, NotFound, NotReversible
from coinsync.staff_texts import phrase


def undo(clerk: Clerk, number: int, *, note: str) -> Proposal:
    """Plan to take back what still stands of a run; a sale comes back with its goods.

    Raises ``NotFound``, ``NotReversible``, ``AlreadyReversed`` where nothing stands any more, or
    ``NotEnoughCoins`` with everybody who has spent the coins since.
    """
    reader = clerk.reader
    run = reader.run_numbered(number)
    if run is None:
        raise NotFound.of("unknown_run", n=number)
    lines = reader.lines_of_run(run)
    refusal = refusal_of_undo(run, lines)
    if refusal:
        raise NotReversible.of(refusal, what=phrase("the_run", n=number))
    # An entry or a line of a sale is taken back once, so that nothing is undone twice, whether a
    # part was taken back before by itself or the same command is repeated.
    sale = reader.find(Sale, sale_of(lines))
    if sale is not None:
        return shop.refund(clerk, sale, (), note=note)
    standing = [line.posted for line in lines if line.reversed_by is None]
    if not standing:
        raise AlreadyReversed.of("run_undone", n=number)
    words = [phrase("takes_back_run", n=number, actor=run.actor)]
    if len(standing) < len(lines):
        words.append(phrase("part_taken_back", count=len(lines) - len(standing)))
    return reverse_all(clerk, standing, note, *words)
