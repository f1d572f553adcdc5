"""Finding records by words: rooms ask, and the matcher, which they may not import, answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

MOST_FOUND = 500
"""Records that a search ranks; nobody pages further, and each of them costs."""

MOST_NAMED = 50
"""Records that a search finds by what they are called, before all others."""

LONGEST = 200
"""Characters of a search; what comes after them is left out."""

MOST_WORDS = 8
"""Of a search; each is one more comparison with every text that is looked at."""

_MARKS = '"“”„«»「」『』'
_PHRASE = re.compile(f"[{_MARKS}]([^{_MARKS}]+)[{_MARKS}]")


def asked(line: str) -> str:
    """The search that a line asks for: none where there is not one word in it."""
    q = line[:LONGEST].rstrip()
    return q if words(q) else ""


def phrases(q: str) -> list[str]:
    """What stands between quotation marks, which must occur just so."""
    found = (" ".join(phrase.split()) for phrase in _PHRASE.findall(q))
    return [phrase for phrase in found if phrase][:MOST_WORDS]


def words(q: str) -> list[str]:
    """The words of a search, a phrase in quotation marks as one."""
    others = (word.strip(_MARKS) for word in _PHRASE.sub(" ", q).split())
    return [*phrases(q), *filter(None, others)][:MOST_WORDS]


Explain = Callable[[Sequence[int]], Mapping[int, Sequence[Any]]]


@dataclass(frozen=True)
class Found:
    """What a search found, and how.

    Attributes
    ----------
    ids : sequence of int
        Best first, at most `MOST_FOUND`. None of them: what the words are left to find as they
        are written, such as a bare figure, no index knows.
    is_cut : bool
        Whether there are more than these.
    is_ready : bool
        Whether there was an index to ask.
    explain : callable
        For some ids, the terms that were found in each, as ``components/terms.html`` shows them.
    """

    ids: Sequence[int] = ()
    is_cut: bool = False
    is_ready: bool = True
    explain: Explain = lambda _ids: {}


Finder = Callable[[Session, str, Sequence[int] | None], Found | None]
_finders: dict[str, Finder] = {}


def finds(table: str) -> Callable[[Finder], Finder]:
    """Decorator of what finds the records of a table by words, among some ids or all.

    It answers None while it has no index.
    """

    def register(finder: Finder) -> Finder:
        _finders[table] = finder
        return finder

    return register


def find(
    session: Session,
    table: str,
    q: str,
    *,
    named: sa.Select[tuple[int, bool]],
    among: sa.Select[tuple[int]] | None = None,
) -> Found:
    """Find by words: first what is called so, then what an index finds.

    Parameters
    ----------
    table : str
    q : str
    named : Select
        Ids of what is called so in whole or in part, and whether in whole.
    among : Select or None
        Ids of what may be found; everything unless given.
    """
    allowed = None if among is None else session.scalars(among).all()
    finder = _finders.get(table)
    found = finder(session, q, allowed) if finder else None
    if found is None:
        return Found(is_ready=False)
    nth = {ident: place for place, ident in enumerate(found.ids)}
    called = [
        (not whole, nth.get(ident, MOST_FOUND), ident) for ident, whole in session.execute(named)
    ]
    ids = list(dict.fromkeys([*(ident for *_, ident in sorted(called)), *found.ids]))
    is_cut = found.is_cut or len(ids) > MOST_FOUND
    return replace(found, ids=ids[:MOST_FOUND], is_cut=is_cut)


def places(column: InstrumentedAttribute[int], found: Sequence[int]) -> sa.Case[int]:
    """An order: as `found` has the ids."""
    return sa.case({ident: place for place, ident in enumerate(found)}, value=column)
