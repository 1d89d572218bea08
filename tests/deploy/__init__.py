"""Tests of what puts the program on a server: docs/deploy."""
