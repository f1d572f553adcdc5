"""Work to be done after the transaction: rules say it, the boundary hands it to the queue."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

Job = tuple[str, tuple[Any, ...]]
_KEY = "deferred_jobs"


def defer(session: Session, job: str, *args: Any) -> None:
    """Have the background job `job` run with `args` once `session` has been committed.

    Saying the same thing twice in one transaction runs it once.
    """
    jobs: list[Job] = session.info.setdefault(_KEY, [])
    if (job, args) not in jobs:
        jobs.append((job, args))


def take(session: Session) -> list[Job]:
    """Remove and return what was deferred on `session`."""
    return session.info.pop(_KEY, [])
