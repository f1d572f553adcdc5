"""How fast the matcher is and how much it needs, at a size of one's choice.

The corpus is made by recombining sentences of real profiles, so that its words and their
frequencies are real, however many documents are asked for.
"""

from __future__ import annotations

import gc
import json
import logging
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
from bidding.matching.measure import Collection, DataError, peak_rss_mb, percentile
from bidding.matching.postings import Postings
from bidding.matching.shelves import View
from bidding.matching.text import words

TOP = 20
_CHANGED = 500
_COMPARED = 40
_IN_TURN = 25
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
    collection: Collection,
    documents: int,
    *,
    peers: bool = False,
    seed: int = 0,
    say: Say = lambda _words: None,
) -> list[Figures]:
    """Fit, query and measure.

    Parameters
    ----------
    collection : Collection
        Its documents are recombined, its queries asked.
    documents : int
        How many to make.
    peers : bool, default=False
        Ask bm25s the same, some queries in turn, so that a machine that is now fast and now slow
        is so for both. Needs bm25s, which is in `tests/requirements.txt`.

    Returns
    -------
    list of dict
        Of the matcher, and of the peer if it was asked for. Milliseconds are of single queries on
        one thread: text in; out the best 20, with the terms that tie them unless `unexplained`.

    Raises
    ------
    DataError
        The collection has no documents or no queries.
    """
    real = list(collection.documents.values())
    queries = list(collection.queries.values())
    if not real or not queries:
        raise DataError("there is nothing to ask, or nothing to find")
    say(f"fitting {documents} profiles")
    started = time.perf_counter()
    matcher = TfidfMatcher().fit(recombined(real, documents, seed))
    figures: Figures = {
        "engine": "jiebang",
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
        figures["query_process_rss_mb"] = _rss_of_a_reader(Path(folder), queries[:50])
        started = time.perf_counter()
        snapshot = snapshots.read(Path(folder))
        figures["snapshot_open_seconds"] = round(time.perf_counter() - started, 2)
        view = View(snapshot.matcher, snapshot.ids, snapshot=snapshot.address)
        engines: list[Callable[[Document], Any]] = [
            lambda query: ask(view, query),
            lambda query: view.search(view.weigh(query), TOP),
        ]
        found = [figures]
        if peers:
            say("fitting bm25s")
            peer = Peer(recombined(real, documents, seed))
            engines.append(peer.ask)
            found.append({"engine": peer.name, "documents": documents, **peer.figures})
        say(f"asking {len(queries)} queries")
        explained, unexplained, *others = _timed(engines, queries)
        figures |= {
            "queries": len(queries),
            "query_characters": round(np.mean([len(q.title) + len(q.text) for q in queries])),
            **explained,
            **{f"unexplained_{name}": figure for name, figure in unexplained.items()},
        }
        for other, timed in zip(found[1:], others, strict=True):
            other |= timed
        figures |= _loss(view.matcher, queries[:_COMPARED])
        say("changing profiles")
        figures |= _changed(view, recombined(real, _CHANGED, seed + 1), queries[0])
    return found


def ask(view: View, query: Document) -> list[tuple[int, float, list[Any]]]:
    """The best documents for a query with the terms that tie them, as a page shows them."""
    vector = view.weigh(query)
    ids, scores = view.search(vector, TOP)
    terms = view.explain(vector, ids)
    return list(zip(ids.tolist(), scores.tolist(), terms, strict=True))


def _timed(
    engines: Sequence[Callable[[Document], Any]], queries: Sequence[Document]
) -> list[Figures]:
    """Times of each engine; they are asked some queries each in turn."""
    for engine in engines:  # pages of the snapshot come into memory
        for query in queries[:_IN_TURN]:
            engine(query)
    spent: list[list[float]] = [[] for _ in engines]
    for first in range(0, len(queries), _IN_TURN):
        for times, engine in zip(spent, engines, strict=True):
            for query in queries[first : first + _IN_TURN]:
                times.append(_milliseconds(lambda query=query, engine=engine: engine(query)))
    return [
        {
            "query_ms_p50": percentile(times, 50),
            "query_ms_p95": percentile(times, 95),
            "queries_per_second": round(1000 * len(times) / sum(times), 1),
        }
        for times in spent
    ]


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
        best = np.sort(exact[exact > 0])[::-1][:TOP]
        found, scores = matcher.postings_.search(vector.codes, vector.weights, TOP)
        if len(best):
            # Equal scores are as good as each other, so scores are compared, not documents.
            shared.append(float((exact[found] >= best[-1] * (1 - 1e-4)).sum()) / len(best))
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


class Peer:
    """bm25s over words: what a search for words finds, text in, the best 20 out.

    Raises
    ------
    ImportError
        bm25s is not installed; it is in `tests/requirements.txt`.
    """

    def __init__(self, documents: Iterator[Document]) -> None:
        import bm25s  # noqa: PLC0415 - only where it is compared with

        logging.getLogger("bm25s").setLevel(logging.WARNING)
        started = time.perf_counter()
        self._vocabulary: dict[str, int] = {}
        rows = [
            [
                self._vocabulary.setdefault(word, len(self._vocabulary))
                for word in words(f"{one.title} {one.text}")
            ]
            for one in documents
        ]
        self._top = min(TOP, len(rows))
        self._index = bm25s.BM25(k1=1.5, b=0.75)
        tokens = bm25s.tokenization.Tokenized(ids=rows, vocab=self._vocabulary)
        self._index.index(tokens, show_progress=False)
        self.name = f"bm25s {bm25s.__version__}"
        self.figures = {
            "features": len(self._vocabulary),
            "fit_seconds": round(time.perf_counter() - started, 1),
        }

    def ask(self, query: Document) -> None:
        asked = words(f"{query.title} {query.text}")
        known = [word for word in asked if word in self._vocabulary]
        if known:
            self._index.retrieve([known], k=self._top, show_progress=False)
