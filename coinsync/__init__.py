"""coinsync: attendance in a school's CRM becomes coins that a family can open."""

__version__ = "0.1.0"
