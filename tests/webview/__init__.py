"""Tests of the Mini App's server."""
