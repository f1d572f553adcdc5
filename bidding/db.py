"""Tables' common ground: base class, naming, column types, engine set-up. No Flask here."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.orm import Mapped, mapped_column

from bidding import clock


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware moment, kept in UTC. SQLite has no time zones, so we put UTC back on."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime; use bidding.clock.now()")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class Base(orm.DeclarativeBase):
    """Base of every table."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        str: sa.Text(),
        datetime: UtcDateTime(),
        date: sa.Date(),
        list[str]: sa.JSON(),
        dict[str, Any]: sa.JSON(),
    }


PrimaryKey = Annotated[int, mapped_column(primary_key=True)]
LongText = Annotated[str, mapped_column(sa.Text(), default="")]
Fen = Annotated[int, mapped_column(sa.BigInteger())]
"""Money, in fen (hundredths of a yuan)."""

FEN_PER_WAN = 1_000_000
"""Fen in ten thousand yuan, the unit of forms and pages."""

BIGGEST_ID = 2**31 - 1
"""What a primary key can hold; PostgreSQL fails on a larger number instead of finding nothing."""


def choice(values: type[StrEnum]) -> sa.Enum:
    """Column type of a choice: stored by value in plain text, the same on every database."""
    return sa.Enum(
        values,
        native_enum=False,
        length=40,
        validate_strings=True,
        values_callable=lambda members: [member.value for member in members],
    )


def references(target: str, *, index: bool = True, **options: Any) -> Any:
    """A foreign key column. Nothing is hard-deleted, so no cascade."""
    return mapped_column(sa.ForeignKey(target), index=index, **options)


class Timestamps:
    """When a row was made and last changed."""

    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)


def prepare_engine(engine: sa.Engine) -> None:
    """Make SQLite behave: foreign keys, WAL, a patient lock, and transactions that hold.

    The driver's own BEGIN handling breaks savepoints, so it is switched off and BEGIN is
    emitted here. A connection with the execution option ``writes=True`` begins IMMEDIATE:
    a reader that upgrades to a writer after somebody else wrote fails at once in WAL mode,
    whatever the busy timeout.
    """
    if engine.dialect.name != "sqlite":
        return

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA busy_timeout = 15000")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
