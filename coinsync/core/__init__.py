"""The domain: facts, rules, ledger, plans and proofs. No I/O, no clock, no randomness."""
