"""`flask --app app matching …`"""

from __future__ import annotations

import json
from pathlib import Path

import click
from flask.cli import with_appcontext

from bidding.matching import bench, measure
from bidding.matching import jobs as background


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
    collection = _read(folder)
    figures = measure.evaluate(
        collection, judged=judged, min_grade=min_grade, title_only=title_only
    )
    click.echo(json.dumps(figures))


def _read(folder: Path) -> measure.Collection:
    try:
        return measure.read_collection(folder)
    except measure.DataError as error:
        raise click.ClickException(str(error)) from error


@matching.command("bench")
@click.option("--documents", required=True, type=click.IntRange(min=1), help="Profiles to make.")
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with corpus.jsonl and queries.jsonl.",
)
@click.option("--peers", is_flag=True, help="Also measure bm25s (see tests/requirements.txt).")
def bench_command(documents: int, data: Path, *, peers: bool) -> None:
    """Measure time and memory on N profiles recombined from the sentences of real ones.

    Prints a JSON object for each engine. Needs no database.
    """
    collection = _read(data)
    figures = bench.bench(collection, documents, say=lambda words: click.echo(words, err=True))
    click.echo(json.dumps(figures))
    if peers:
        click.echo("bm25s", err=True)
        click.echo(json.dumps(bench.bench_peer(collection, documents)))


@matching.command("refresh")
@click.option("--jobs", default=1, show_default=True, help="Processes; -1 for one a processor.")
@with_appcontext
def refresh(jobs: int) -> None:
    """Recompute every suggestion; goes on where it was stopped."""
    bar = click.progressbar(length=1, label="Stretches", file=click.get_text_stream("stderr"))
    with bar:

        def progress(done: int, everything: int) -> None:
            bar.length = everything
            bar.update(done - bar.pos)

        count = background.refresh(progress, jobs=jobs)
    click.echo(f"{count} suggestions")
