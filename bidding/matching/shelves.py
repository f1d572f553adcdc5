"""Every document of one kind, ready to be searched, and never behind the database.

Few documents are fitted in memory by whoever needs them. Many are mapped from a snapshot; what the
database says has changed since is weighed beside it, a small *delta* that hides what it replaces,
until a worker makes the next snapshot. Either way every process sees a change the next time it
looks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from bidding import clock
from bidding.matching import snapshots
from bidding.matching.estimator import Document, TfidfMatcher, Vector
from bidding.matching.explaining import SharedTerm, contributions
from bidding.matching.postings import Floats, Numbers, Postings
from bidding.matching.text import Codes, among

log = structlog.get_logger(__name__)

FEW = 2000
"""Up to so many documents are fitted in memory, in about a second."""

MANY_CHANGES = 500
"""From so many changes on, a worker makes a new snapshot."""

MOST_CHANGES = 2000
"""More than so many changes wait for the snapshot: weighing them would take a page seconds."""

_OVERLAP = timedelta(minutes=5)
"""A change is stamped before it is committed, so a little of what a snapshot has is read again."""

_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)

_ROWS_AT_ONCE = 2000


class IndexNotReady(Exception):
    """There are many documents, and no snapshot of them or of most: a worker is to make one."""


@dataclass(frozen=True)
class Source:
    """Where the documents of a shelf come from.

    Parameters
    ----------
    name : str
    count : callable
        Selects how many documents there are.
    changed : callable
        Selects id and time of every change after a moment; also of records that are, or have
        become, no documents.
    rows : callable
        Selects the records that are documents in the order of their ids; those among some ids, or
        all of them for None.
    document : callable
        The text of a record.
    """

    name: str
    count: Callable[[], sa.Select[tuple[int]]]
    changed: Callable[[datetime], sa.CompoundSelect[Any] | sa.Select[Any]]
    rows: Callable[[Sequence[int] | None], sa.Select[Any]]
    document: Callable[[Any], Document]

    def stream(self, session: Session, ids: list[int]) -> Iterator[Document]:
        """Yield all documents; their ids are appended to `ids`."""
        query = self.rows(None).execution_options(yield_per=_ROWS_AT_ONCE)
        with _apart(session) as reader:
            for row in reader.scalars(query):
                ids.append(row.id)
                yield self.document(row)
                reader.expunge(row)

    def some(self, session: Session, wanted: Sequence[int], ids: list[int]) -> Iterator[Document]:
        """Yield the documents among some ids, as `stream` does."""
        with _apart(session) as reader:
            for row in reader.scalars(self.rows(wanted)):
                ids.append(row.id)
                yield self.document(row)


def _apart(session: Session) -> Session:
    """A session in the same transaction, whose records are not those that the caller works on.

    The queries here load little of a record and refuse the rest, which would stick to the caller's.
    """
    return Session(session.connection())


@dataclass(frozen=True)
class View:
    """The documents of a shelf at one moment.

    Attributes
    ----------
    matcher : TfidfMatcher
    ids : ndarray of int64, shape (n_documents,)
        Of the fitted documents, ascending.
    hidden : ndarray of bool, shape (n_documents,), or None
        Fitted documents that have changed since.
    delta : Postings or None
        What they have become, and what is new.
    delta_ids : ndarray of int64
    snapshot : Address or None
        Where the fitted documents are on disk.
    """

    matcher: TfidfMatcher
    ids: npt.NDArray[np.int64]
    hidden: npt.NDArray[np.bool_] | None = None
    delta: Postings | None = None
    delta_ids: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    snapshot: snapshots.Address | None = None

    @classmethod
    def of(cls, documents: Sequence[Document], ids: Sequence[int]) -> Self:
        """A view of some documents that are on no shelf; `ids` ascend."""
        return cls(TfidfMatcher().fit(documents), np.array(ids, np.int64))

    def __getstate__(self) -> dict[str, Any]:
        """A view on a snapshot travels between processes as the snapshot's address."""
        state = {each.name: getattr(self, each.name) for each in fields(self)}
        if self.snapshot is not None:
            state.update(matcher=None, ids=None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if state["snapshot"] is not None:
            found = snapshots.open_once(state["snapshot"])
            state.update(matcher=found.matcher, ids=found.ids)
        self.__dict__.update(state)

    @property
    def identity(self) -> Any:
        """Something that differs wherever the documents do."""
        fitted = self.snapshot or (self.matcher.postings_, self.matcher.idf_, self.ids)
        return fitted, self.hidden, self.delta, self.delta_ids

    @property
    def n_documents(self) -> int:
        gone = int(self.hidden.sum()) if self.hidden is not None else 0
        return len(self.ids) - gone + len(self.delta_ids)

    @cached_property
    def _hidden_ids(self) -> npt.NDArray[np.int64]:
        return self.ids[:0] if self.hidden is None else self.ids[self.hidden]

    @cached_property
    def every_id(self) -> npt.NDArray[np.int64]:
        """The ids of all documents by place: the fitted ones, hidden or not, then the delta's."""
        return np.concatenate([self.ids, self.delta_ids])

    @cached_property
    def _unfitted(self) -> Codes:
        """The features that only the delta has, sorted."""
        if self.delta is None:
            return np.empty(0, np.int64)
        return self.delta.codes[self.matcher.postings_.find(self.delta.codes) < 0]

    @property
    def n_features(self) -> int:
        """Of fitted and changed documents together."""
        return len(self.matcher.postings_.codes) + len(self._unfitted)

    def find(self, codes: Codes) -> Numbers:
        """The number of each feature in this view, or -1 where no document has it."""
        numbers = self.matcher.postings_.find(codes).astype(np.int64)
        known = among(codes, self._unfitted)
        behind = len(self.matcher.postings_.codes)
        numbers[known] = behind + self._unfitted.searchsorted(codes[known])
        return numbers

    def rows(self, first: int, last: int) -> sp.csr_array:
        """The documents at some places as weights of features by their numbers, see `find`.

        Returns
        -------
        csr_array of float32, shape (last - first, n_features)
            A hidden document has no weights.
        """
        begin, end = min(first, len(self.ids)), min(last, len(self.ids))
        fitted = self.matcher.postings_.rows(begin, end)
        fitted.resize((end - begin, self.n_features))
        if self.hidden is not None:
            fitted = sp.diags_array((~self.hidden[begin:end]).astype(np.float32)) @ fitted
        if self.delta is None or end == last:
            return sp.csr_array(fitted)
        own = self.delta.rows(max(first - len(self.ids), 0), last - len(self.ids))
        numbers = self.find(self.delta.codes)
        renumbered = sp.csr_array(
            (np.ones(len(numbers), np.float32), (np.arange(len(numbers)), numbers)),
            shape=(len(numbers), self.n_features),
        )
        return sp.csr_array(sp.vstack([fitted, own @ renumbered], format="csr"))

    def weigh(self, query: Document) -> Vector:
        """Turn a query into weighted features."""
        return self.matcher.weigh(query, also=self.delta)

    def search(
        self,
        vector: Vector,
        top: int,
        allowed: npt.NDArray[np.bool_] | None = None,
    ) -> tuple[npt.NDArray[np.int64], Floats]:
        """Find the best documents for a query.

        Parameters
        ----------
        vector : Vector
        top : int
        allowed : ndarray of bool or None
            Which of `every_id` may be found; all of them unless given.

        Returns
        -------
        ids : ndarray of int64, at most `top`
            Best first, smaller ids first among equals.
        scores : ndarray of float32
        """
        mask = None if self.hidden is None else ~self.hidden
        if allowed is not None:
            ours = allowed[: len(self.ids)]
            mask = ours if mask is None else mask & ours
        places, scores = self.matcher.postings_.search(vector.codes, vector.weights, top, mask)
        ids = self.ids[places]
        if self.delta is not None:
            mask = allowed[len(self.ids) :] if allowed is not None else None
            places, more = self.delta.search(vector.codes, vector.weights, top, mask)
            ids = np.concatenate([ids, self.delta_ids[places]])
            scores = np.concatenate([scores, more])
            order = np.lexsort((ids, -scores))[:top]
            ids, scores = ids[order], scores[order]
        return ids, scores

    def shared(self, vector: Vector, ids: Sequence[int] | npt.NDArray[np.int64]) -> sp.csr_array:
        """Weights that a query's features have in some documents; no weights for unknown ids.

        Returns
        -------
        csr_array of float32, shape (n_ids, n_features)
        """
        wanted = np.asarray(ids, np.int64)
        found = _shared(self.matcher.postings_, self.ids, vector, wanted)
        if self.delta is None:
            return found
        is_hidden = np.isin(wanted, self._hidden_ids)
        found = sp.diags_array((~is_hidden).astype(np.float32)) @ found
        return sp.csr_array(found + _shared(self.delta, self.delta_ids, vector, wanted))

    def features(self, ident: int) -> Codes:
        """The features of one document, sorted; none for an unknown id."""
        for postings, ids, hidden in (
            (self.matcher.postings_, self.ids, self.hidden),
            (self.delta, self.delta_ids, None),
        ):
            at = int(ids.searchsorted(ident))
            known = postings is not None and at < len(ids) and ids[at] == ident
            if postings is not None and known and (hidden is None or not hidden[at]):
                span = slice(int(postings.ends[at]), int(postings.ends[at + 1]))
                return np.sort(postings.codes[postings.features[span]])
        return np.empty(0, np.int64)

    def scores(self, vector: Vector, ids: Sequence[int] | npt.NDArray[np.int64]) -> Floats:
        """Score some documents; 0 for unknown ids."""
        scores: Floats = self.shared(vector, ids) @ vector.weights
        return scores

    def explain(
        self, vector: Vector, ids: Sequence[int] | npt.NDArray[np.int64], top: int | None = 8
    ) -> list[list[SharedTerm]]:
        """Name the terms that tie a query to some documents; see `Reading.terms`."""
        gained = contributions(self.shared(vector, ids), vector.weights)
        return self.matcher.read(vector).terms(gained, top)


def _shared(
    postings: Postings, ids: npt.NDArray[np.int64], vector: Vector, wanted: npt.NDArray[np.int64]
) -> sp.csr_array:
    if not len(ids):
        return sp.csr_array((len(wanted), len(vector.codes)), dtype=np.float32)
    places: Numbers = np.minimum(ids.searchsorted(wanted), len(ids) - 1)
    known = ids[places] == wanted
    found = postings.shared(vector.codes, places)
    if known.all():
        return found
    return sp.csr_array(sp.diags_array(known.astype(np.float32)) @ found)


def _view_of(snapshot: snapshots.Snapshot) -> View:
    return View(snapshot.matcher, snapshot.ids, snapshot=snapshot.address)


@dataclass(frozen=True)
class _Held:
    """A view and the state of the world that it shows."""

    state: Any
    view: View
    snapshot: snapshots.Snapshot | None = None

    @property
    def name(self) -> str | None:
        return self.snapshot and self.snapshot.address.name


class Shelf:
    """Keeps the view of one source for the threads of a process.

    Parameters
    ----------
    source : Source
    folder : Path
        Of its snapshots, shared by all processes.
    few : int, default=`FEW`
    """

    def __init__(self, source: Source, folder: Path, *, few: int = FEW) -> None:
        self.source = source
        self.folder = folder
        self.few = few
        self._lock = threading.Lock()
        self._held: _Held | None = None

    def view(self, session: Session) -> View:
        """The documents as the database has them now.

        Raises
        ------
        IndexNotReady
        """
        with self._lock:
            held = self._mapped()
            if held is None or held.snapshot is None:
                held = self._fit(session)
            else:
                held = self._catch_up(session, held, held.snapshot)
            self._held = held
            return held.view

    def build(self, session: Session) -> str | None:
        """Make a snapshot of all documents; None when another process is at it."""
        with snapshots.building(self.folder) as mine:
            if not mine:
                return None
            as_of = clock.now()
            # Read before the documents, which are then at least as new.
            seen = self._changes(session, as_of)
            ids: list[int] = []
            matcher = TfidfMatcher().fit(self.source.stream(session, ids))
            return snapshots.write(self.folder, matcher, np.array(ids, np.int64), as_of, seen)

    def needs_building(self, session: Session) -> bool:
        """Whether there are many documents without a snapshot, or many that it does not have."""
        with self._lock:
            held = self._mapped()
            self._held = held or self._held
        if held is None or held.snapshot is None:
            return self._count(session) > self.few
        if len(held.snapshot.seen) > MANY_CHANGES and clock.now() - held.snapshot.as_of > _OVERLAP:
            return True  # each look reads again what it has seen; the next one will have seen less
        changed = self._unseen(session, held.snapshot)
        if len({ident for ident, _ in changed}) > MANY_CHANGES:
            return True
        # After an import that was stamped long before it was committed nothing seems to have
        # changed, but there are more documents than are known of.
        missing = self._count(session) - self.view(session).n_documents
        return abs(missing) > MANY_CHANGES

    def _count(self, session: Session) -> int:
        return session.scalar(self.source.count()) or 0

    def _changes(self, session: Session, since: datetime) -> tuple[tuple[int, int], ...]:
        """Id and microsecond of what changed."""
        rows = session.execute(self.source.changed(since - _OVERLAP))
        return tuple(sorted((ident, round(at.timestamp() * 1e6)) for ident, at in rows))

    def _unseen(
        self, session: Session, snapshot: snapshots.Snapshot
    ) -> tuple[tuple[int, int], ...]:
        """What changed and is not in a snapshot."""
        changes = self._changes(session, snapshot.as_of)
        return tuple(change for change in changes if change not in snapshot.seen)

    def _mapped(self) -> _Held | None:
        """The snapshot in force: the one that is held, unless there is another by now.

        Where that one cannot be used, the one that is held will do: it has more to catch up with.
        """
        held = self._held if self._held is not None and self._held.snapshot else None
        name = snapshots.current(self.folder)
        if name is None:
            return None
        if held is not None and held.name == name:
            return held
        try:
            snapshot = snapshots.read(self.folder)
        except snapshots.SnapshotDamaged as error:
            log.error("snapshot_damaged", source=self.source.name, reason=str(error))
            snapshots.discard(self.folder, name)
            return None
        except snapshots.SnapshotError as error:
            log.warning("snapshot_unusable", source=self.source.name, reason=str(error))
            return held
        return _Held((), _view_of(snapshot), snapshot)

    def _fit(self, session: Session) -> _Held:
        """Fit few documents here and now, unless they are as they were."""
        count = self._count(session)
        if count > self.few:
            raise IndexNotReady(self.source.name)
        state = (count, self._changes(session, _BEGINNING))
        if self._held is not None and self._held.snapshot is None and self._held.state == state:
            return self._held
        ids: list[int] = []
        matcher = TfidfMatcher().fit(self.source.stream(session, ids))
        return _Held(state, View(matcher, np.array(ids, np.int64)))

    def _catch_up(self, session: Session, held: _Held, snapshot: snapshots.Snapshot) -> _Held:
        """Weigh what changed since `snapshot`, unless it was done already."""
        changes = self._unseen(session, snapshot)
        if changes == held.state:
            return held
        base = _view_of(snapshot)
        if not changes:
            return _Held((), base, snapshot)
        changed = sorted({ident for ident, _ in changes})
        if len(changed) > MOST_CHANGES:
            raise IndexNotReady(self.source.name)
        ids: list[int] = []
        delta = base.matcher.transform(self.source.some(session, changed, ids))
        view = replace(
            base,
            hidden=np.isin(base.ids, changed),
            delta=delta,
            delta_ids=np.array(ids, np.int64),
        )
        return _Held(changes, view, snapshot)
