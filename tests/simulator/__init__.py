"""Tests of the pretend AlfaCRM."""
