"""The mind of coinsync: what is true, what it is worth, and what to change. No I/O, no clock, no randomness."""
