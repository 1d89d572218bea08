"""Tests on a bare Debian of the test's own: make test-server."""
