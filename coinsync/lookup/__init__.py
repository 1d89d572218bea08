"""What staff look at, as values. Reads only."""
