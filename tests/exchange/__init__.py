"""Tests of the CRM and VK."""
