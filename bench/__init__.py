"""Measurements: ours against a floor in the same run, in turn, the median of several rounds."""
