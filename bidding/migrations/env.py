"""What Alembic runs for every migration command."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from bidding import models
from bidding.db import Base, UtcDateTime

engine = context.config.attributes["engine"]

assert models, "imported so that every table is known to the metadata"


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Keep migrations free of this package: they must run as written years from now."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


with engine.connect().execution_options(writes=True) as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,  # SQLite cannot alter a table in place
        compare_type=True,
        render_item=render_item,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
