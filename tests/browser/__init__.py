"""Tests of the Mini App in a real browser."""
