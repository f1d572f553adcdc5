"""`flask --app app matching …`"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import click
from flask.cli import with_appcontext

from bidding.matching import bench, measure, refreshing, tuning
from bidding.matching import jobs as background
from bidding.matching.duplicates import alike_pairs
from bidding.matching.estimator import TfidfMatcher
from bidding.matching.shelves import IndexNotReady
from bidding.matching.snapshots import SnapshotError


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
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Another value of a parameter, such as b=0.9 or channel_weights.character=0.",
)
def evaluate(
    folder: Path, *, judged: bool, min_grade: int, title_only: bool, settings: tuple[str, ...]
) -> None:
    """Measure the matcher on the judged data in DIR and print one JSON object.

    Needs no database.
    """
    task = measure.Task(_read(folder), judged, min_grade, title_only)
    click.echo(json.dumps(measure.evaluate(task, _matcher(settings))))


def _matcher(settings: Sequence[str]) -> TfidfMatcher:
    matcher = TfidfMatcher()
    for setting in settings:
        name, _, value = setting.partition("=")
        try:
            tuning.put(matcher, name, json.loads(value))
        except ValueError as error:
            raise click.ClickException(f"--set {setting}: {error}") from error
    return matcher


@matching.command("tune")
@click.argument("tasks", metavar="TASK…", nargs=-1, required=True)
@click.option(
    "--trials", type=click.IntRange(min=0), default=60, show_default=True, help="Settings to try."
)
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    default=5,
    show_default=True,
    help="Parts the queries are split into.",
)
@click.option("--seed", default=0, show_default=True)
def tune(tasks: tuple[str, ...], *, trials: int, folds: int, seed: int) -> None:
    """Choose the settings by cross-validation over judged data, and say how much that varies.

    A TASK is DIR or DIR:OPTION:OPTION with the options judged, title-only and min-grade=N. Prints a
    JSON object a trial, the default settings first, and then what cross-validation says.
    """
    chosen = [_task(words) for words in tasks]
    for words, task in zip(tasks, chosen, strict=True):
        if len(task.asked) < 2 * folds:
            raise click.ClickException(f"{words}: too few queries with grades for {folds} folds")
    results = []
    for trial in tuning.trials(chosen, trials, seed):
        click.echo(json.dumps({"settings": trial.settings, "ndcg@10": trial.means}))
        results.append(trial)
    click.echo(json.dumps(tuning.cross_validate(results, folds)))


@matching.command("calibrate")
@click.argument("tasks", metavar="TASK…", nargs=-1, required=True)
def calibrate(tasks: tuple[str, ...]) -> None:
    """Tell how many of the pairs of a score are relevant; TASK as for `tune`."""
    for words in tasks:
        click.echo(json.dumps({"task": words, "bands": tuning.precision_by_score(_task(words))}))


def _task(words: str) -> measure.Task:
    folder, *options = words.split(":")
    grade = [option.partition("=")[2] for option in options if option.startswith("min-grade=")]
    known = {"judged", "title-only", *(f"min-grade={one}" for one in grade if one.isdigit())}
    if not known.issuperset(options):
        raise click.ClickException(f"{words}: options are judged, title-only and min-grade=N")
    return measure.Task(
        _read(Path(folder)), "judged" in options, int([*grade, "1"][0]), "title-only" in options
    )


def _read(folder: Path) -> measure.Collection:
    with _said(measure.DataError):
        return measure.read_collection(folder)


@contextmanager
def _said(*faults: type[Exception]) -> Iterator[None]:
    """Let the command end with what a fault says."""
    try:
        yield
    except faults as error:
        raise click.ClickException(str(error)) from error


@matching.command("bench")
@click.option("--documents", required=True, type=click.IntRange(min=1), help="Profiles to make.")
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of judged data, of which the documents and queries are used.",
)
@click.option("--peers", is_flag=True, help="Also measure bm25s (see tests/requirements.txt).")
def bench_command(documents: int, data: Path, *, peers: bool) -> None:
    """Measure time and memory on N profiles recombined from the sentences of real ones.

    Prints a JSON object for each engine. Needs no database.
    """
    collection = _read(data)
    with _said(measure.DataError):
        found = bench.bench(
            collection, documents, peers=peers, say=lambda words: click.echo(words, err=True)
        )
    for figures in found:
        click.echo(json.dumps(figures))


@matching.command("duplicates")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--title", metavar="COLUMN", help="The column of the titles; the first one unless given."
)
def duplicates(path: Path, title: str | None) -> None:
    """List the rows of FILE, a CSV with a header row, that ask for much the same.

    All other columns are read as text. Needs no database.
    """
    with _said(measure.DataError):
        lines, texts = measure.read_table(path, title)
    pairs = sorted(alike_pairs(texts), key=lambda pair: -pair[1].likeness)
    for number, similar in pairs:
        other = similar.challenge_id
        click.echo(f"{similar.likeness:.2f}  line {lines[number]}: {texts[number].title}")
        click.echo(f"      line {lines[other]}: {texts[other].title}")
    click.echo(f"{len(pairs)} pairs much alike in {len(texts)} rows")


@matching.command("refresh")
@click.option("--jobs", default=1, show_default=True, help="Processes; -1 for one a processor.")
@click.option("--scheduler", metavar="tcp://…", help="Use the workers of this Dask scheduler.")
@with_appcontext
def refresh(jobs: int, scheduler: str | None) -> None:
    """Recompute every suggestion; goes on where it was stopped."""
    cluster = refreshing.on_cluster(scheduler) if scheduler else nullcontext()
    with _said(refreshing.ClusterError, IndexNotReady, SnapshotError), cluster:
        count = _refresh(-1 if scheduler else jobs)
    click.echo(f"{count} suggestions")


def _refresh(jobs: int) -> int:
    """Refresh with a bar of progress and the time left."""
    bar = click.progressbar(length=1, label="Stretches", file=click.get_text_stream("stderr"))
    with bar:

        def progress(done: int, everything: int) -> None:
            bar.length = everything
            bar.update(done - bar.pos)

        return background.refresh(progress, jobs=jobs)
