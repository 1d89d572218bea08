"""``config.toml`` and secrets → frozen settings: every problem at once, secrets kept apart."""

from coinsync.config.file import example, first_file, load, parse
from coinsync.config.secrets import (
    DATABASE_PASSWORD,
    DATABASE_URL,
    Secret,
    Secrets,
    addressed,
    database_url,
)
from coinsync.config.settings import BranchSettings, BrandSettings, Settings, sections

__all__ = [
    "DATABASE_PASSWORD",
    "DATABASE_URL",
    "BranchSettings",
    "BrandSettings",
    "Secret",
    "Secrets",
    "Settings",
    "addressed",
    "database_url",
    "example",
    "first_file",
    "load",
    "parse",
    "sections",
]
