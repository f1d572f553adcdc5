"""`flask --app app matching …`"""

from __future__ import annotations

import json
from pathlib import Path

import click
from flask.cli import with_appcontext

from bidding.matching import jobs, measure


@click.group("matching")
def matching() -> None:
    """The matcher: how good it is, and keeping its suggestions fresh."""


@matching.command("evaluate")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--judged", is_flag=True, help="Rank only the documents judged for a query.")
@click.option(
    "--min-grade",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="A document is relevant from this grade on.",
)
@click.option("--title-only", is_flag=True, help="Ask with the titles of the queries alone.")
def evaluate(folder: Path, *, judged: bool, min_grade: int, title_only: bool) -> None:
    """Measure the matcher on the judged data in DIR and print one JSON object.

    Needs no database.
    """
    try:
        collection = measure.read_collection(folder)
    except measure.DataError as error:
        raise click.ClickException(str(error)) from error
    figures = measure.evaluate(
        collection, judged=judged, min_grade=min_grade, title_only=title_only
    )
    click.echo(json.dumps(figures))


@matching.command("refresh")
@with_appcontext
def refresh() -> None:
    """Recompute every suggestion."""
    bar = click.progressbar(length=1, label="Pairings", file=click.get_text_stream("stderr"))
    with bar:

        def progress(done: int, everything: int) -> None:
            bar.length = everything
            bar.update(done - bar.pos)

        count = jobs.refresh(progress)
    click.echo(f"{count} suggestions")
