"""The questions that ``coinsync.store.reader.Reader`` answers, by noun."""
