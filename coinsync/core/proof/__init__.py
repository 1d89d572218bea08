"""What reconcile proves: the checks, each over values that were gathered for it."""
