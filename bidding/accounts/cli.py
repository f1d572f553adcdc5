"""``flask --app app users …``: accounts from the command line."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from bidding.accounts import queries, rules
from bidding.accounts.models import Role
from bidding.boundary import unit_of_work
from bidding.i18n import LOCALES
from bidding.violations import RuleViolation

users = AppGroup("users", help="Make and close accounts.")


@users.command("create")
@click.argument("email")
@click.option("--name", required=True)
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), default=Role.PARTICIPANT.value
)
@click.option("--locale", type=click.Choice(LOCALES), default=LOCALES[0], show_default=True)
@click.password_option(help="Asked for when left out.")
def create(email: str, name: str, role: str, locale: str, password: str) -> None:
    """Make a confirmed account for EMAIL."""
    try:
        with unit_of_work("command") as session:
            address = rules.create_user(
                session, email=email, name=name, password=password, role=Role(role), locale=locale
            ).email
    except RuleViolation as violation:
        raise click.ClickException(str(violation)) from None
    click.echo(f"{address} can sign in as {role}")


@users.command("deactivate")
@click.argument("email")
def deactivate(email: str) -> None:
    """Close the account of EMAIL and end its sessions."""
    with unit_of_work("command") as session:
        user = session.scalar(queries.by_email(email))
        if user is None:
            raise click.ClickException(f"there is no account {email}")
        rules.deactivate(session, user)
    click.echo(f"{email} can no longer sign in")
