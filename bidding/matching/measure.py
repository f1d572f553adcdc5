"""How good and how fast the matcher is, on judged data.

A folder holds `corpus.jsonl` and `queries.jsonl`, an object with `id`, `title` and `text` on each
line, and `qrels.tsv`: query, document and grade, separated by tabs.
"""

from __future__ import annotations

import csv
import json
import math
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bidding.matching.estimator import Document, TfidfMatcher

TOP = 20
_GAINS_AT = 10
_RECALL_AT = 20
_RANK_AT = 10

Figure = int | float


class DataError(ValueError):
    """A file that cannot be read as judged data; the message names the file and the line."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A corpus, its queries, and a grade for each judged pair."""

    documents: Mapping[str, Document]
    queries: Mapping[str, Document]
    grades: Mapping[str, Mapping[str, int]]


def read_collection(folder: Path) -> Collection:
    """Read a folder of judged data; raises `DataError`."""
    documents = _read_texts(folder / "corpus.jsonl")
    queries = _read_texts(folder / "queries.jsonl")
    return Collection(documents, queries, _read_grades(folder / "qrels.tsv", documents, queries))


def read_table(path: Path, title: str | None = None) -> tuple[list[int], list[Document]]:
    """Read a CSV with a header row: the line of each row, and its text. Raises `DataError`.

    The title is in the column `title`, or else in the first one; all others are text.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            names = next(reader, [])
            if not names or (title and title not in names):
                raise DataError(f"{path.name} has no column {title or 'at all'}")
            at = names.index(title) if title else 0
            lines, texts = [], []
            for row in filter(None, reader):
                cells = [*row, *[""] * (len(names) - len(row))][: len(names)]
                heading = cells.pop(at)
                lines.append(reader.line_num)
                texts.append(Document(heading, "\n".join(filter(None, cells))))
    except OSError as error:
        raise DataError(f"{path} cannot be read") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path.name} is no CSV in UTF-8: {error}") from error
    return lines, texts


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each filled line with words for where it is."""
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield f"{path.name}, line {number}", line.rstrip("\r\n")
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not UTF-8: {error}") from error


def _read_texts(path: Path) -> dict[str, Document]:
    texts: dict[str, Document] = {}
    for where, line in _lines(path):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{where}: not JSON ({error})") from error
        if not isinstance(row, dict) or not isinstance(row.get("id"), str):
            raise DataError(f'{where}: expected an object with a string "id"')
        title, text = row.get("title", ""), row.get("text", "")
        if not isinstance(title, str) or not isinstance(text, str):
            raise DataError(f'{where}: "title" and "text" must be strings')
        if row["id"] in texts:
            raise DataError(f"{where}: id {row['id']!r} appears twice")
        texts[row["id"]] = Document(title, text)
    return texts


def _read_grades(
    path: Path, documents: Mapping[str, Document], queries: Mapping[str, Document]
) -> dict[str, dict[str, int]]:
    grades: dict[str, dict[str, int]] = {}
    for where, line in _lines(path):
        fields = line.split("\t")
        if len(fields) != 3:
            raise DataError(f"{where}: expected query, document and grade separated by tabs")
        query, document, grade = fields
        if query not in queries:
            raise DataError(f"{where}: query {query!r} is not in queries.jsonl")
        if document not in documents:
            raise DataError(f"{where}: document {document!r} is not in corpus.jsonl")
        try:
            number = int(grade)
        except ValueError as error:
            raise DataError(f"{where}: grade {grade!r} is not a whole number") from error
        if number < 0:
            raise DataError(f"{where}: grade {grade} is negative")
        if document in grades.setdefault(query, {}):
            raise DataError(f"{where}: the pair is judged twice")
        grades[query][document] = number
    return grades


def ndcg(ranked: Sequence[str], grades: Mapping[str, int], depth: int = _GAINS_AT) -> float:
    """Compute nDCG with linear gains; the ideal is over all judged documents."""
    ideal = _discounted(sorted(grades.values(), reverse=True)[:depth])
    if not ideal:
        return 0.0
    return _discounted([grades.get(document, 0) for document in ranked[:depth]]) / ideal


def _discounted(gains: Sequence[int]) -> float:
    return math.fsum(gain / math.log2(place + 1) for place, gain in enumerate(gains, start=1))


def recall(ranked: Sequence[str], relevant: set[str], depth: int = _RECALL_AT) -> float:
    """Compute the part of the relevant documents that is among the first `depth`."""
    return len(relevant.intersection(ranked[:depth])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranked: Sequence[str], relevant: set[str], depth: int = _RANK_AT) -> float:
    """Compute one over the place of the first relevant document; 0 when it comes too late."""
    for place, document in enumerate(ranked[:depth], start=1):
        if document in relevant:
            return 1 / place
    return 0.0


@dataclass(frozen=True)
class Task:
    """What is asked of a matcher.

    Parameters
    ----------
    collection : Collection
    judged : bool, default=False
        Rank only a query's judged documents, and leave out queries all of whose judged documents
        are relevant.
    min_grade : int, default=1
        A document is relevant from this grade on.
    title_only : bool, default=False
        Ask with the query's title alone, or with its text where the title is empty.
    """

    collection: Collection
    judged: bool = False
    min_grade: int = 1
    title_only: bool = False

    @property
    def asked(self) -> list[str]:
        """The queries that can be measured; without any grades all of them."""
        if not self.collection.grades:
            return list(self.collection.queries)
        return [name for name in self.collection.queries if self._can_be_measured(name)]

    def query(self, name: str) -> Document:
        query = self.collection.queries[name]
        if not self.title_only:
            return query
        return Document(query.title, "") if query.title.strip() else Document("", query.text)

    def grades(self, name: str) -> Mapping[str, int]:
        return self.collection.grades.get(name, {})

    def relevant(self, name: str) -> set[str]:
        return {key for key, grade in self.grades(name).items() if grade >= self.min_grade}

    def _can_be_measured(self, name: str) -> bool:
        relevant = self.relevant(name)
        return bool(relevant) and not (self.judged and len(relevant) == len(self.grades(name)))


@dataclass(frozen=True)
class Measured:
    """Figures of each query, an array each."""

    ndcg: np.ndarray
    recall: np.ndarray
    mrr: np.ndarray
    milliseconds: np.ndarray


def measure(matcher: TfidfMatcher, task: Task) -> Measured:
    """Ask a matcher, fitted with the documents of the task, every query of it."""
    names = list(task.collection.documents)
    rows: list[tuple[float, float, float]] = []
    milliseconds: list[float] = []
    for name in task.asked:
        query = task.query(name)
        started = time.perf_counter()
        matches = matcher.rank(query, TOP)
        milliseconds.append((time.perf_counter() - started) * 1000)
        grades, relevant = task.grades(name), task.relevant(name)
        if task.judged:
            ranked = _rank_judged(matcher, query, names, grades)
        else:
            ranked = [names[match.index] for match in matches]
        rows.append(
            (ndcg(ranked, grades), recall(ranked, relevant), reciprocal_rank(ranked, relevant))
        )
    figures = np.array(rows).reshape(-1, 3)
    return Measured(*figures.T, np.array(milliseconds))


def evaluate(task: Task, matcher: TfidfMatcher | None = None) -> dict[str, Figure]:
    """Fit a matcher and measure it.

    Parameters
    ----------
    task : Task
    matcher : TfidfMatcher or None
        What to fit and measure; the default configuration unless given.

    Returns
    -------
    dict of str to number
        Without any grades only the counts and the timings.
    """
    matcher = matcher or TfidfMatcher()
    started = time.perf_counter()
    matcher.fit(task.collection.documents.values())
    fit_seconds = time.perf_counter() - started
    measured = measure(matcher, task)
    figures: dict[str, Figure] = {
        "queries": len(measured.ndcg),
        "documents": len(task.collection.documents),
    }
    if task.collection.grades:
        figures["ndcg@10"] = mean(measured.ndcg)
        figures["recall@20"] = mean(measured.recall)
        figures["mrr@10"] = mean(measured.mrr)
    figures["fit_seconds"] = round(fit_seconds, 3)
    figures["query_ms_p50"] = percentile(measured.milliseconds, 50)
    figures["query_ms_p95"] = percentile(measured.milliseconds, 95)
    figures["peak_rss_mb"] = round(peak_rss_mb(), 1)
    return figures


def _rank_judged(
    matcher: TfidfMatcher, query: Document, names: Sequence[str], grades: Mapping[str, int]
) -> list[str]:
    candidates = [at for at, name in enumerate(names) if name in grades]
    scores = matcher.scores(query, candidates)
    return [names[candidates[at]] for at in np.argsort(-scores, kind="stable")]


def mean(values: Sequence[float] | np.ndarray) -> float:
    """The mean to four places; 0 of nothing."""
    return round(math.fsum(values) / len(values), 4) if len(values) else 0.0


def percentile(values: Sequence[float] | np.ndarray, percent: int) -> float:
    """A percentile to three places; 0 of nothing."""
    return round(float(np.percentile(values, percent)), 3) if len(values) else 0.0


def peak_rss_mb() -> float:
    """The most memory that this process has had resident, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts bytes where Linux counts kibibytes.
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
