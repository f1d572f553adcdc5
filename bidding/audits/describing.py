"""An event as a reader sees it: words for its codes, in the language in force."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext

from bidding import i18n
from bidding.audit import AuditEvent
from bidding.audits.words import ACTIONS, CHANNELS, FIELDS, SUBJECTS
from bidding.challenges.models import Cooperation
from bidding.db import Base, UtcDateTime
from bidding.notifications.links import page_of
from bidding.organizations.models import QualificationKind
from bidding.templating import industry_name, region_name
from bidding.vocabulary import Choice

# Lists of a choice's values are plain JSON in the database.
_LISTS_OF: dict[str, type[Choice]] = {
    "cooperation": Cooperation,
    "required_qualifications": QualificationKind,
}

# Of a solution only its progress is told. Its words are on its page, in the versions that were
# submitted; what was typed and thought better of stays its authors'.
_TOLD: dict[str, frozenset[str]] = {
    "solutions": frozenset({"status", "submitted_at", "decided_at"}),
}


@dataclass(frozen=True)
class Line:
    """One event, ready to be shown."""

    event: AuditEvent
    action: str
    subject: str
    page: str | None
    channel: str
    changes: list[tuple[str, str, str]]
    """Field, old value, new value."""

    @property
    def is_long(self) -> bool:
        """Whether the changes are better folded away."""
        return sum(len(old) + len(new) for _, old, new in self.changes) > 240


def describe(event: AuditEvent) -> Line:
    """`event` in words."""
    return Line(
        event=event,
        action=action_words(event.action),
        subject=subject_words(event.subject_type),
        page=page_of(event.subject_type, event.subject_id),
        channel=gettext(CHANNELS[event.channel]) if event.channel in CHANNELS else event.channel,
        changes=[
            (
                field_words(field),
                value_words(event.subject_type, field, old),
                value_words(event.subject_type, field, new),
            )
            for field, (old, new) in event.changes.items()
            if field in _TOLD.get(event.subject_type, event.changes)
        ],
    )


def action_words(action: str) -> str:
    """What was done; an action nobody wrote a sentence for keeps its name, made readable."""
    if action in ACTIONS:
        return gettext(ACTIONS[action])
    return action.replace(".", ": ").replace("_", " ")


def subject_words(subject_type: str) -> str:
    """What kind of record it is."""
    if subject_type in SUBJECTS:
        return gettext(SUBJECTS[subject_type])
    return _readable(subject_type)


def field_words(field: str) -> str:
    """What a column is called on the pages."""
    return gettext(FIELDS[field]) if field in FIELDS else _readable(field)


def value_words(subject_type: str, field: str, value: Any) -> str:
    """A stored value as the pages would show it."""
    if value is None or value == "" or value == []:
        return ""
    column = _column(subject_type, field)
    kind = column.type if column is not None else None
    if isinstance(kind, sa.Enum) and kind.enum_class is not None:
        return _label(kind.enum_class, value)
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(kind, UtcDateTime):
        return i18n.format_moment(datetime.fromisoformat(value))
    if field.endswith("_fen"):
        return i18n.format_money(value)
    if field in ("region_code", "taker_region_code"):
        return region_name(value) or str(value)
    if field == "industry_code":
        return industry_name(value) or str(value)
    if field in _LISTS_OF:
        return gettext(", ").join(_label(_LISTS_OF[field], one) for one in value)
    return _plain(value)


def _column(subject_type: str, field: str) -> sa.Column[Any] | None:
    table = Base.metadata.tables.get(subject_type)
    return table.c.get(field) if table is not None else None


def _label(values: Any, value: Any) -> str:
    try:
        return gettext(values(value).label)
    except ValueError:  # a value of an earlier version
        return str(value)


def _plain(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        return gettext(", ").join(str(one) for one in value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _readable(name: str) -> str:
    return name.replace("_", " ").capitalize()
