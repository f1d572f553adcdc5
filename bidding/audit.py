"""The append-only audit trail: who, when, from where, what changed, in which request."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from bidding import clock
from bidding.db import Base, PrimaryKey, references


@dataclass(frozen=True)
class Origin:
    """Where an act comes from; set once per request, job or command by the boundary."""

    channel: str = "command"
    request_id: str = ""
    address: str = ""


origin: ContextVar[Origin] = ContextVar("audit_origin", default=Origin())  # noqa: B039 - frozen


class AuditEvent(Base):
    """One thing that somebody did. Database triggers refuse to change or delete a row."""

    __tablename__ = "audit_events"
    __table_args__ = (sa.Index("ix_audit_events_subject", "subject_type", "subject_id"),)

    id: Mapped[PrimaryKey]
    at: Mapped[datetime] = mapped_column(index=True)
    actor_id: Mapped[int | None] = references("users.id")
    actor_name: Mapped[str] = mapped_column(default="")
    channel: Mapped[str]
    address: Mapped[str]
    request_id: Mapped[str] = mapped_column(index=True)
    action: Mapped[str]
    subject_type: Mapped[str]
    subject_id: Mapped[int]
    subject_name: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    changes: Mapped[dict[str, Any]]
    """field → [old, new], both as JSON values."""


def record(
    session: Session,
    action: str,
    subject: Any,
    *,
    actor: Any | None,
    reason: str = "",
    changes: dict[str, list[Any]] | None = None,
) -> AuditEvent:
    """Add an event about `subject` (a saved row with a `headline`) to the trail.

    `actor` None is the system itself. Without `changes`, the unflushed changes of `subject`
    are recorded.
    """
    if changes is None:
        changes = pending_changes(subject)
    session.flush()  # a new subject gets its id here
    source = origin.get()
    event = AuditEvent(
        at=clock.now(),  # now, not when the session happens to flush
        actor_id=actor.id if actor is not None else None,
        actor_name=actor.name if actor is not None else "",
        channel=source.channel,
        address=source.address,
        request_id=source.request_id,
        action=action,
        subject_type=subject.__tablename__,
        subject_id=subject.id,
        subject_name=subject.headline,
        reason=reason,
        changes=changes,
    )
    session.add(event)
    return event


# Columns that say nothing to a reader of the trail, or must not be copied into it.
_UNTOLD = frozenset({"updated_at", "created_at", "version", "password_hash", "session_key"})


def pending_changes(subject: Any) -> dict[str, list[Any]]:
    """The changes of `subject` that are not flushed yet: column → [old, new]."""
    state = sa.inspect(subject)
    changes: dict[str, list[Any]] = {}
    for attribute in state.mapper.column_attrs:
        if attribute.key in _UNTOLD:
            continue
        history = state.attrs[attribute.key].history
        if not history.has_changes():
            continue
        old = history.deleted[0] if history.deleted else None
        new = history.added[0] if history.added else None
        if old != new and not (state.transient or state.pending) or (old is None and new):
            changes[attribute.key] = [_plain(old), _plain(new)]
    return changes


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value


def trail(subject_type: str, subject_id: int) -> sa.Select[tuple[AuditEvent]]:
    """The events of one record, oldest first."""
    return (
        sa.select(AuditEvent)
        .where(AuditEvent.subject_type == subject_type, AuditEvent.subject_id == subject_id)
        .order_by(AuditEvent.id)
    )
