"""What staff do, as plans. Reads, decides, and writes nothing."""
