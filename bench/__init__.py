"""Measurements: each line against its floor in the same run, both in turn, the median of several rounds."""
