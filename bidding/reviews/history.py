"""The audit trail in a reviewer's words: what happened, and what changed since last time."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from flask_babel import gettext

from bidding.audit import AuditEvent
from bidding.audits.describing import action_words, field_words, value_words
from bidding.organizations.models import QualificationKind
from bidding.organizations.rules import TEXTS

SHORT = 20
"""Longer prose is compared clause by clause."""

KEPT = 60
"""How much is shown of either end of a long passage that stayed the same."""

_KNOWN = {"status", "status_reason", "email", "member"}  # the history tells of them
_PROSE = {"background", "problem", "expected_result", "ip_notes", "taker_notes", "brief", *TEXTS}
_CLAUSE = re.compile("[^\u3002\uff0c\uff1b\uff1a,;.!?\n]*[\u3002\uff0c\uff1b\uff1a,;.!?\n]?\\s*")
Piece = tuple[str, str]


@dataclass(frozen=True)
class Entry:
    """One event, for ``components/timeline.html``."""

    at: datetime
    actor_label: str
    title: str
    reason: str


@dataclass(frozen=True)
class Change:
    """One field before and after.

    `pieces` compare two long texts: (``same`` | ``gone`` | ``new`` | ``cut``, text).
    """

    label: str
    old: str
    new: str
    pieces: tuple[Piece, ...] = ()


def entries(events: Iterable[AuditEvent]) -> list[Entry]:
    """What happened, newest first."""
    shown = [
        Entry(event.at, event.actor_name, _title(event.action), event.reason) for event in events
    ]
    return shown[::-1]


def _title(action: str) -> str:
    words = action_words(action)
    return words[:1].upper() + words[1:]


def changes_since_refusal(events: Sequence[AuditEvent]) -> list[Change] | None:
    """What was changed between the last two submissions; None if it was submitted but once."""
    submitted = [at for at, event in enumerate(events) if event.action.endswith(".submit")]
    if len(submitted) < 2:
        return None
    merged: dict[str, list[Any]] = {}
    for event in events[submitted[-2] + 1 : submitted[-1]]:
        for field, (old, new) in event.changes.items():
            merged[field] = [merged[field][0] if field in merged else old, new]
    return [
        _change(events[0].subject_type, field, old, new)
        for field, (old, new) in merged.items()
        if field not in _KNOWN and old != new
    ]


def _change(subject_type: str, field: str, old: Any, new: Any) -> Change:
    before, after = (_words(subject_type, field, value) for value in (old, new))
    is_long = field in _PROSE and len(before) > SHORT and len(after) > SHORT
    return Change(field_words(field), before, after, compare(before, after) if is_long else ())


def compare(old: str, new: str) -> tuple[Piece, ...]:
    """Two texts clause by clause; what stayed is cut to its ends."""
    left, right = ([c for c in _CLAUSE.findall(text) if c] for text in (old, new))
    pieces: list[Piece] = []
    for step, a, b, c, d in difflib.SequenceMatcher(a=left, b=right, autojunk=False).get_opcodes():
        gone, come = "".join(left[a:b]), "".join(right[c:d])
        if step == "equal":
            pieces += _cut(gone)
            continue
        pieces += [(word, text) for word, text in (("gone", gone), ("new", come)) if text]
    return tuple((word, "".join(t for _w, t in run)) for word, run in groupby(pieces, _first))


def _first(piece: Piece) -> str:
    return piece[0]


def _cut(text: str) -> list[Piece]:
    if len(text) <= 2 * KEPT:
        return [("same", text)]
    return [("same", text[:KEPT]), ("cut", " … "), ("same", text[-KEPT:])]


def _words(subject_type: str, field: str, value: Any) -> str:
    if field == "qualifications" and value:
        return " · ".join(map(_qualification_words, value))
    return value_words(subject_type, field, value)


def _qualification_words(told: str) -> str:
    """One line of the trail: its kind, then what else was stated."""
    kind, _space, rest = told.partition(" ")
    return f"{gettext(QualificationKind(kind).label)} {rest}".strip()
