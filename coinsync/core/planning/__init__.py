"""From facts and the ledger to plans. Pure: equal inputs give equal plans."""
