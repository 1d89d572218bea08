"""``config.toml`` and secrets → frozen settings: every problem at once, secrets kept apart."""

from coinsync.config.address import addressed, database_url
from coinsync.config.example_file import example
from coinsync.config.loading import load
from coinsync.config.secrets import (
    DATABASE_PASSWORD,
    DATABASE_URL,
    SECRET_NAMES,
    Secret,
    Secrets,
)
from coinsync.config.settings import BranchSettings, BrandSettings, Settings, sections

__all__ = [
    "DATABASE_PASSWORD",
    "DATABASE_URL",
    "SECRET_NAMES",
    "BranchSettings",
    "BrandSettings",
    "Secret",
    "Secrets",
    "Settings",
    "addressed",
    "database_url",
    "example",
    "load",
    "sections",
]
