"""coinsync: attendance in a school's CRM becomes coins that a family can open."""

__version__ = "0.1.0"
#: About when this version was made.
BUILT_ON = "2026-11-30"
