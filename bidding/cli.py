"""Commands of ``flask --app app``. Features with commands of their own add a group."""

from __future__ import annotations

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from bidding import background, migrations
from bidding.accounts.cli import users
from bidding.extensions import db
from bidding.importing.cli import imports
from bidding.matching.cli import matching

database = AppGroup("db", help="Keep the database's schema.")


@database.command("upgrade")
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Bring the database up to REVISION."""
    migrations.upgrade(db.engine, revision)
    click.echo(f"database at {revision}")


@database.command("downgrade")
@click.argument("revision")
def downgrade(revision: str) -> None:
    """Take the database back to REVISION (or `base`)."""
    migrations.downgrade(db.engine, revision)
    click.echo(f"database at {revision}")


@database.command("revision")
@click.option("-m", "--message", required=True)
def revision(message: str) -> None:
    """Write a migration from the difference between the models and the database."""
    from alembic import command  # noqa: PLC0415 - only developers need it

    command.revision(migrations.config(db.engine), message, autogenerate=True)


@click.command("work")
@click.option("--workers", default=1, show_default=True, help="Threads.")
@with_appcontext
def work(workers: int) -> None:
    """Run background work until stopped."""
    app: Flask = current_app._get_current_object()  # type: ignore # noqa: SLF001 - for threads
    background.make_consumer(app, workers).run()


def init_app(app: Flask) -> None:
    for command in (database, users, matching, imports, work):
        app.cli.add_command(command)
