"""Lifecycle: the one place where a status changes.

A lifecycle is a table of transitions. The same table guards a change, draws the buttons,
makes the routes and prints the diagram in the documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy.orm import Mapped, Session, declared_attr, mapped_column

from bidding import audit, clock
from bidding.permissions import Permission, allows
from bidding.violations import AccessDenied, InvalidTransition, ReasonRequired
from bidding.vocabulary import N_, Action, Choice


class Reason(Enum):
    """Whether an action owes its reader a reason."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class HasLifecycle:
    """Columns of a record with a lifecycle; the record itself adds `status`.

    `version` stops two people from deciding at once: the second meets ``StaleDataError``.
    """

    status_reason: Mapped[str] = mapped_column(default="")
    status_changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    version: Mapped[int]

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - a class-level directive
        return {"version_id_col": cls.version}


@dataclass(frozen=True)
class Transition:
    """One row of the table.

    Parameters
    ----------
    sources, action, target
        ``(from, action) → to``.
    permission
        Who may do it.
    reason
        Whether a reason is owed.
    refuse
        Given the record, returns the sentence that says why it cannot be done now, or None.
        For facts a status cannot express, such as the deadline.
    stamp
        Name of the column that receives the time.
    hears
        Given the record, the people to notify; the actor is left out.
    keeps_reason
        Whether the reason of the state before goes on to stand.
    """

    sources: tuple[Choice, ...]
    action: Action
    target: Choice
    permission: Permission
    reason: Reason = Reason.NONE
    refuse: Callable[[Any], str | None] | None = None
    stamp: str | None = None
    hears: tuple[Callable[[Any], Iterable[Any]], ...] = ()
    keeps_reason: bool = False


Announce = Callable[..., None]


@dataclass(frozen=True)
class Lifecycle:
    """The states of one kind of record and the ways between them.

    Parameters
    ----------
    name
        The feature's name; events are called ``<name>.<action>``.
    initial
        The state a new record is in.
    transitions
        The table.
    announce
        ``announce(session, event, record, recipients, actor=…, reason=…)`` queues notices.
    """

    name: str
    initial: Choice
    transitions: tuple[Transition, ...]
    announce: Announce | None = None
    _by_key: dict[tuple[Choice, Action], Transition] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_key: dict[tuple[Choice, Action], Transition] = {}
        for transition in self.transitions:
            for source in transition.sources:
                if (source, transition.action) in by_key:
                    raise ValueError(f"two rows for {source} × {transition.action}")
                by_key[source, transition.action] = transition
        object.__setattr__(self, "_by_key", by_key)

    def find(self, status: Choice, action: Action) -> Transition | None:
        """The row for `action` from `status`, if there is one."""
        return self._by_key.get((status, action))

    def available(self, record: Any, actor: Any) -> list[Transition]:
        """What `actor` may do to `record` now, in the order of the table."""
        return [
            row
            for row in self.transitions
            if record.status in row.sources
            and allows(actor, row.permission, record)
            and not (row.refuse and row.refuse(record))
        ]

    def check(self, record: Any, action: Action, *, actor: Any) -> Transition:
        """The row that applies, or the violation that says why none does.

        Raises
        ------
        AccessDenied
            `actor` may not do this to `record` in any state, or not in this one.
        InvalidTransition
            The record's state, or its facts, forbid it.
        """
        row = self.find(record.status, action)
        holders = {r.permission for r in self.transitions if r.action is action}
        if row is not None:
            holders = {row.permission}
        if not any(allows(actor, permission, record) for permission in holders):
            raise AccessDenied()
        if row is None:
            raise InvalidTransition(
                N_("“%(record)s” has changed in the meantime, and this can no longer be done."),
                record=record.headline,
            )
        if row.refuse and (sentence := row.refuse(record)):
            raise InvalidTransition(sentence)
        return row

    def advance(
        self, session: Session, record: Any, action: Action, *, actor: Any, reason: str = ""
    ) -> Transition:
        """Do `action` to `record`: check, set, stamp, audit and queue notices.

        Everything happens in the caller's transaction and is flushed, so that a second
        person who decided on the same version meets ``StaleDataError`` here.

        Raises
        ------
        AccessDenied, InvalidTransition
            See `check`.
        ReasonRequired
            The row owes a reason and `reason` is blank.
        """
        changes = audit.pending_changes(record)  # before a query of `check` flushes them
        row = self.check(record, action, actor=actor)
        reason = reason.strip()
        if row.reason is Reason.REQUIRED and not reason:
            raise ReasonRequired()
        moment = clock.now()
        changes["status"] = [record.status.value, row.target.value]
        record.status = row.target
        if not row.keeps_reason:
            record.status_reason = reason
        record.status_changed_at = moment
        if row.stamp:
            setattr(record, row.stamp, moment)
        session.flush()
        event = f"{self.name}.{action.value}"
        audit.record(session, event, record, actor=actor, reason=reason, changes=changes)
        if self.announce and row.hears:
            recipients = {person.id: person for hear in row.hears for person in hear(record)}
            recipients.pop(actor.id, None)
            self.announce(
                session, event, record, list(recipients.values()), actor=actor, reason=reason
            )
        return row

    def mermaid(self) -> str:
        """The table as a Mermaid state diagram."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial.value}"]
        lines += [
            f"    {source.value} --> {row.target.value}: {row.action.value}"
            for row in self.transitions
            for source in row.sources
        ]
        return "\n".join(lines)
