"""Desks with four residents, each with a past of its own."""

from tests.support.desk import at, family, known, paid

__all__ = ["at", "family", "known", "paid"]
