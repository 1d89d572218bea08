"""Invented words of the pretend school, kept in `names.toml`."""

import tomllib
from pathlib import Path

_FILE = Path(__file__).with_name("names.toml")
_WORDS = tomllib.loads(_FILE.read_text(encoding="utf-8"))

BRANCHES: list[str] = _WORDS["branches"]
SUBJECTS: list[str] = _WORDS["subjects"]
TEACHERS: list[str] = _WORDS["teachers"]
BOYS: list[str] = _WORDS["boys"]
GIRLS: list[str] = _WORDS["girls"]
SURNAMES: list[list[str]] = _WORDS["surnames"]
CUSTOMER_NOTES: list[str] = _WORDS["customer_notes"]
NUMERIC_LINKS: list[str] = _WORDS["numeric_links"]
SCREEN_NAMES: list[str] = _WORDS["screen_names"]
COMMUNITY = "vk.com/club77"
VK_NUMBERS_SINCE = 900_000_001
