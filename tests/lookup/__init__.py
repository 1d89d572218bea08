"""Tests of what staff look at."""
