"""`flask --app app import …`"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

import click
import sqlalchemy as sa
from flask import current_app
from flask.cli import AppGroup

from bidding import clock
from bidding.boundary import reading, unit_of_work
from bidding.challenges import rules as challenge_rules
from bidding.importing.challenges import parse_challenge
from bidding.importing.organizations import parse_organization
from bidding.importing.tables import Mistake, Row, TableError, read_table
from bidding.organizations import credit_codes
from bidding.organizations import rules as organization_rules
from bidding.organizations.models import Organization

imports = AppGroup("import", help="Import tables: CSV or XLSX with a header row, all or nothing.")
_file = click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))


@imports.command("organizations")
@_file
def import_organizations(path: Path) -> None:
    """Import verified organizations from FILE.

    Columns: name, credit_code, region, industry; size_class, or employees and revenue_wan to
    tell it by; and optionally founded, website, brief, contact_name, contact_phone,
    contact_email, products, technologies, equipment, cases, notes, qualifications.
    """
    with reading() as session:
        taken = set(session.scalars(sa.select(Organization.credit_code)))
    mistakes: list[Mistake] = []
    parsed = [
        parse_organization(Row(line, cells, mistakes), taken)
        for line, cells in _table(path, "organizations")
    ]
    if mistakes:
        _refuse(mistakes)
    with unit_of_work("command") as session:
        organization_rules.adopt(session, parsed)
    click.echo(f"{len(parsed)} organizations imported. Next: flask --app app matching refresh")


@imports.command("challenges")
@_file
@click.option("--owner", required=True, metavar="CODE", help="Credit code of the poster.")
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=60,
    show_default=True,
    help="Open for so long where a row has no closes_at.",
)
def import_challenges(path: Path, owner: str, days: int) -> None:
    """Import challenges of the organization CODE from FILE and publish them.

    Columns: title; and optionally description, kind, background, expected_result,
    budget_min_wan, budget_max_wan, duration_months, region, industry, closes_at, awards; and
    what takers must be: required_qualifications, taker_region, taker_notes.
    """
    zone = ZoneInfo(current_app.config["BABEL_DEFAULT_TIMEZONE"])
    closes_at = datetime.combine(
        clock.now().astimezone(zone).date() + timedelta(days=days), time(17), zone
    )
    mistakes: list[Mistake] = []
    parsed = [
        parse_challenge(Row(line, cells, mistakes), zone, closes_at)
        for line, cells in _table(path, "challenges")
    ]
    with unit_of_work("command") as session:
        organization = session.scalar(
            sa.select(Organization).where(Organization.credit_code == credit_codes.normalise(owner))
        )
        if organization is None or not organization.may_post:
            raise click.ClickException(
                f"--owner: {owner} is not the code of a verified large enterprise"
            )
        if mistakes:
            _refuse(mistakes)
        challenge_rules.adopt(session, organization, parsed)
    click.echo(f"{len(parsed)} challenges imported. Next: flask --app app matching refresh")


def _table(path: Path, kind: str) -> list[tuple[int, dict[str, str]]]:
    try:
        return read_table(path, kind)
    except (TableError, OSError) as error:
        raise click.ClickException(f"{path}: {error}") from error


def _refuse(mistakes: list[Mistake]) -> NoReturn:
    for mistake in mistakes:
        click.echo(str(mistake), err=True)
    lines = len({mistake.line for mistake in mistakes})
    raise click.ClickException(f"{lines} bad rows; nothing was imported")
