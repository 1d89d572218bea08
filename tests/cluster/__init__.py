"""Tests of three database servers as one."""
