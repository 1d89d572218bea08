"""Tests of what staff do, as plans."""
