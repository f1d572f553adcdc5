"""Migrations go up, down and up again on this database, and say what the models say."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from bidding import migrations, models
from bidding.db import Base, prepare_engine

pytestmark = pytest.mark.database


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    """An empty database of the kind that is being tested."""
    shared = os.environ.get("JIEBANG_TEST_DATABASE_URL")
    if not shared:
        engine = sa.create_engine(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
        prepare_engine(engine)
        yield engine
        engine.dispose()
        return
    name = f"empty_{uuid.uuid4().hex}"
    server = sa.create_engine(shared, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine = sa.create_engine(sa.make_url(shared).set(database=name))
    yield engine
    engine.dispose()
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name}"))
    server.dispose()


def describe(engine: sa.Engine) -> dict[str, list[str]]:
    """Tables, columns, indexes and triggers, to compare one moment with another."""
    inspector = sa.inspect(engine)
    found = {
        table: sorted(
            [f"{c['name']} {c['type']} {c['nullable']}" for c in inspector.get_columns(table)]
            + [f"index {i['name']}" for i in inspector.get_indexes(table)]
            + [f"check {c['name']}" for c in inspector.get_check_constraints(table)]
        )
        for table in inspector.get_table_names()
    }
    triggers = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        if engine.dialect.name == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with engine.connect() as connection:
        found["triggers"] = sorted(connection.scalars(sa.text(triggers)))
    return found


def test_up_down_and_up_again(engine):
    migrations.upgrade(engine)
    first = describe(engine)
    assert set(Base.metadata.tables) <= set(first)
    assert first["triggers"]

    migrations.downgrade(engine, "base")
    assert describe(engine) == {
        "alembic_version": ["version_num VARCHAR(32) False"],
        "triggers": [],
    }

    migrations.upgrade(engine)
    assert describe(engine) == first


def test_every_step_can_be_undone(engine):
    migrations.upgrade(engine)
    script = ScriptDirectory.from_config(migrations.config())
    for step in script.walk_revisions():
        before = step.down_revision or "base"
        migrations.downgrade(engine, before)
        migrations.upgrade(engine, step.revision)
        migrations.downgrade(engine, before)


def test_models_and_migrations_say_the_same(engine):
    assert models
    migrations.upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_check_constraints_say_the_same(engine):
    """Alembic does not compare these."""
    migrations.upgrade(engine)
    inspector = sa.inspect(engine)
    for table in Base.metadata.sorted_tables:
        kept = {c["name"] for c in inspector.get_check_constraints(table.name)}
        meant = {
            str(c.name)
            for c in table.constraints
            if isinstance(c, sa.CheckConstraint) and c.name and not c._type_bound
        }
        assert kept == meant, table.name


def test_there_is_one_line_of_history():
    assert len(ScriptDirectory.from_config(migrations.config()).get_heads()) == 1
