"""How fast the matcher is and how much it needs, at a size of one's choice.

The corpus is made by recombining sentences of real profiles, so that its words and their
frequencies are real, however many documents are asked for.
"""

from __future__ import annotations

import gc
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bidding.matching import snapshots
from bidding.matching.estimator import Document, TfidfMatcher, Vector
from bidding.matching.measure import Collection, peak_rss_mb, percentile
from bidding.matching.postings import Postings
from bidding.matching.shelves import View
from bidding.matching.text import words

TOP = 20
_CHANGED = 500
_COMPARED = 40
_SENTENCE = re.compile(r"[^。；;\n]*[。；;\n]?")

Figures = dict[str, Any]
Say = Callable[[str], None]


def recombined(documents: Sequence[Document], wanted: int, seed: int = 0) -> Iterator[Document]:
    """Yield `wanted` documents made of sentences of real ones.

    Each takes its title from one real document, its number of sentences from another, and every
    sentence from any. The same seed gives the same documents.
    """
    rng = np.random.default_rng(seed)
    pieces = [[s for s in _SENTENCE.findall(one.text) if s.strip()] for one in documents]
    sentences = [sentence for piece in pieces for sentence in piece] or [""]
    lengths = np.array([len(piece) for piece in pieces])
    for _ in range(wanted):
        title, model = rng.integers(len(documents), size=2)
        chosen = rng.integers(len(sentences), size=lengths[model])
        yield Document(documents[title].title, "".join(sentences[at] for at in chosen))


def bench(
    collection: Collection, documents: int, *, seed: int = 0, say: Say = lambda _words: None
) -> Figures:
    """Fit, query and measure.

    Parameters
    ----------
    collection : Collection
        Its documents are recombined, its queries asked.
    documents : int
        How many to make.

    Returns
    -------
    dict
        Milliseconds are of single queries on one thread: text in, the best 20 with the terms that
        tie them out.
    """
    real = list(collection.documents.values())
    queries = list(collection.queries.values())
    say(f"fitting {documents} profiles")
    started = time.perf_counter()
    matcher = TfidfMatcher().fit(recombined(real, documents, seed))
    figures: Figures = {
        "documents": documents,
        "features": len(matcher.codes_),
        "fit_seconds": round(time.perf_counter() - started, 1),
        "fit_peak_rss_mb": round(peak_rss_mb()),
        "index_mb": round(matcher.postings_.n_bytes / 2**20),
    }
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        say("writing and mapping the snapshot")
        started = time.perf_counter()
        snapshots.write(Path(folder), matcher, np.arange(documents), datetime.now(UTC))
        figures["snapshot_write_seconds"] = round(time.perf_counter() - started, 1)
        del matcher
        gc.collect()
        started = time.perf_counter()
        snapshot = snapshots.read(Path(folder))
        figures["snapshot_open_seconds"] = round(time.perf_counter() - started, 2)
        view = View(snapshot.matcher, snapshot.ids, snapshot=snapshot.address)
        say(f"asking {len(queries)} queries")
        figures |= _timed(view, queries)
        figures |= _loss(view.matcher, queries[:_COMPARED])
        say("changing profiles")
        figures |= _changed(view, recombined(real, _CHANGED, seed + 1), queries[0])
        figures["query_process_rss_mb"] = _rss_of_a_reader(Path(folder), queries[:50])
    return figures


def ask(view: View, query: Document) -> list[tuple[int, float, list[Any]]]:
    """The best documents for a query with the terms that tie them, as a page shows them."""
    vector = view.weigh(query)
    ids, scores = view.search(vector, TOP)
    terms = view.explain(vector, ids)
    return list(zip(ids.tolist(), scores.tolist(), terms, strict=True))


def _timed(view: View, queries: Sequence[Document]) -> Figures:
    for query in queries[:20]:  # pages of the snapshot come into memory
        ask(view, query)
    whole = [_milliseconds(lambda query=query: ask(view, query)) for query in queries]
    found = [
        _milliseconds(lambda query=query: view.search(view.weigh(query), TOP)) for query in queries
    ]
    return {
        "queries": len(queries),
        "query_characters": round(
            float(np.mean([len(query.title) + len(query.text) for query in queries]))
        ),
        "query_ms_p50": percentile(whole, 50),
        "query_ms_p95": percentile(whole, 95),
        "unexplained_ms_p50": percentile(found, 50),
        "unexplained_ms_p95": percentile(found, 95),
        "queries_per_second": round(1000 * len(whole) / sum(whole), 1),
    }


def _milliseconds(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def _loss(matcher: TfidfMatcher, queries: Sequence[Document]) -> Figures:
    """What the shortened lists cost: the best 20 against those of scoring every document."""
    shared, kept = [], []
    for query in queries:
        vector = matcher.weigh(query)
        exact = _every_score(matcher.postings_, vector)
        best = np.sort(exact)[::-1][:TOP]
        found, scores = matcher.postings_.search(vector.codes, vector.weights, TOP)
        if best[0] > 0:
            # Equal scores are as good as each other, so scores are compared, not documents.
            shared.append(float((exact[found] >= best[-1] * (1 - 1e-4)).sum()) / TOP)
            kept.append(float(scores.sum() / best.sum()))
    return {
        "top20_kept": round(float(np.mean(shared)), 4),
        "top20_score_kept": round(float(np.mean(kept)), 5),
    }


def _every_score(postings: Postings, vector: Vector) -> np.ndarray:
    dense = np.zeros(len(postings.codes), np.float32)
    numbers = postings.find(vector.codes)
    dense[numbers[numbers >= 0]] = vector.weights[numbers >= 0]
    steps = range(0, postings.n_documents, 100_000)
    ends = [min(at + 100_000, postings.n_documents) for at in steps]
    parts = [postings.rows(at, end) @ dense for at, end in zip(steps, ends, strict=True)]
    return np.concatenate(parts)


def _changed(view: View, changed: Iterator[Document], query: Document) -> Figures:
    """How long until changed profiles are found: one alone, and the most a delta holds."""
    documents = list(changed)

    def weigh(some: Sequence[Document]) -> float:
        def call() -> None:
            ids = np.arange(len(some))
            delta = view.matcher.transform(some)
            hidden = np.isin(view.ids, ids)
            ask(View(view.matcher, view.ids, hidden, delta, ids), query)

        return round(min(_milliseconds(call) for _ in range(3)), 1)

    return {"change_visible_ms": weigh(documents[:1]), "500_changes_visible_ms": weigh(documents)}


def _rss_of_a_reader(folder: Path, queries: Sequence[Document]) -> int:
    """Resident memory of a process that maps the snapshot and answers queries."""
    asked = json.dumps([[query.title, query.text] for query in queries])
    command = [sys.executable, "-c", f"from {__name__} import read_and_ask; read_and_ask()"]
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, str(folder)], input=asked, capture_output=True, text=True, check=True
    )
    return round(float(done.stdout))


def read_and_ask() -> None:
    """The other process: answers queries of standard input, prints its resident memory."""
    snapshot = snapshots.read(Path(sys.argv[1]))
    view = View(snapshot.matcher, snapshot.ids, snapshot=snapshot.address)
    for title, text in json.load(sys.stdin):
        ask(view, Document(title, text))
    # Not the peak of getrusage, which a process inherits from the one that started it.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    sys.stdout.write(str(int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 2**10))


def bench_peer(collection: Collection, documents: int, *, seed: int = 0) -> Figures:
    """The same documents and queries through bm25s over words, text in, the best 20 out.

    Raises
    ------
    ImportError
        bm25s is not installed; it is in `tests/requirements.txt`.
    """
    import bm25s  # noqa: PLC0415 - only where it is compared with

    real = list(collection.documents.values())
    started = time.perf_counter()
    vocabulary: dict[str, int] = {}
    rows = [
        [vocabulary.setdefault(word, len(vocabulary)) for word in words(f"{one.title} {one.text}")]
        for one in recombined(real, documents, seed)
    ]
    index = bm25s.BM25(k1=1.5, b=0.75)
    index.index(bm25s.tokenization.Tokenized(ids=rows, vocab=vocabulary), show_progress=False)
    del rows
    figures: Figures = {"peer": f"bm25s {bm25s.__version__}", "documents": documents}
    figures["fit_seconds"] = round(time.perf_counter() - started, 1)

    def query(one: Document) -> None:
        known = [word for word in words(f"{one.title} {one.text}") if word in vocabulary]
        if known:
            index.retrieve([known], k=min(TOP, documents), show_progress=False)

    queries = list(collection.queries.values())
    for one in queries[:20]:
        query(one)
    spent = [_milliseconds(lambda one=one: query(one)) for one in queries]
    figures["query_ms_p50"] = percentile(spent, 50)
    figures["query_ms_p95"] = percentile(spent, 95)
    figures["peak_rss_mb"] = round(peak_rss_mb())
    return figures
