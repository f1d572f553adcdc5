"""Alembic, driven from the application: one schema for SQLite and PostgreSQL."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

_FOLDER = Path(__file__).parent


def config(engine: sa.Engine | None = None) -> Config:
    """Alembic's configuration; `engine` is handed to `env.py`."""
    settings = Config()
    settings.set_main_option("script_location", str(_FOLDER))
    settings.set_main_option("path_separator", "os")
    settings.set_main_option("file_template", "%%(year)d%%(month).2d%%(day).2d_%%(slug)s")
    settings.attributes["engine"] = engine
    return settings


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """Bring the database up to `revision`."""
    command.upgrade(config(engine), revision)


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Take the database back to `revision`."""
    command.downgrade(config(engine), revision)


@cache
def head() -> str | None:
    """The newest revision this code knows."""
    return ScriptDirectory.from_config(config()).get_current_head()


def current(connection: sa.Connection) -> str | None:
    """The revision the database is at; None before the first."""
    return MigrationContext.configure(connection).get_current_revision()
