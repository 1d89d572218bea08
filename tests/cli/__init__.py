"""Tests of commands, as a person or cron calls them."""
