"""A year of a school, night by night, with every trouble at once."""
