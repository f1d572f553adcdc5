"""Probes for whoever keeps the service running."""

from __future__ import annotations

import sqlalchemy as sa
import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from bidding import migrations
from bidding.extensions import db
from bidding.permissions import Permission, requires

log = structlog.get_logger(__name__)


def init_app(app: Flask) -> None:
    app.add_url_rule("/healthz", view_func=healthz)
    app.add_url_rule("/readyz", view_func=readyz)


@requires(Permission.VISIT)
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@requires(Permission.VISIT)
def readyz() -> tuple[dict[str, str], int]:
    """The database answers and has every migration."""
    try:
        db.session.execute(sa.text("SELECT 1"))
        current, head = migrations.current(db.session.connection()), migrations.head()
    except SQLAlchemyError:
        log.exception("not_ready")
        return {"status": "unavailable", "database": "unreachable"}, 503
    if current != head:
        return {"status": "unavailable", "database": "needs `flask --app app db upgrade`"}, 503
    return {"status": "ok", "database": "ok"}, 200
