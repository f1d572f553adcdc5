"""Fixtures: an application on a real database, people who are signed in, the queue drained."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, has_app_context
from flask.globals import _cv_app, _cv_request
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from bidding import background, create_app, migrations
from bidding.accounts.models import User
from bidding.config import Settings
from bidding.db import Base
from bidding.extensions import db
from tests import factories


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On another database than SQLite, run only the tests that use a database."""
    if "JIEBANG_TEST_DATABASE_URL" not in os.environ:
        return
    chosen = [
        item
        for item in items
        if "app" in getattr(item, "fixturenames", ()) or item.get_closest_marker("database")
    ]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
    items[:] = chosen


class Browser(FlaskClient):
    """A client whose requests share nothing with the test but the database.

    Without this a request would reuse the application context of the `session` fixture, and
    with it the signed-in user and the database session. What the test has not committed is
    invisible to the request; afterwards the test's session reads anew.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        def request() -> Any:
            _cv_app.set(None)  # type: ignore[arg-type]
            _cv_request.set(None)  # type: ignore[arg-type]
            return FlaskClient.open(self, *args, **{**kwargs, "buffered": True})

        response = copy_context().run(request)
        if has_app_context():
            db.session.rollback()
        return response


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One application for the run, on SQLite, or where `JIEBANG_TEST_DATABASE_URL` points."""
    data_dir: Path = tmp_path_factory.mktemp("data")
    app = create_app(
        Settings(
            database_url=os.environ.get("JIEBANG_TEST_DATABASE_URL", ""),
            data_dir=data_dir,
            secret_key="tests",
            queue="memory",
            base_url="http://localhost",
            sign_in_limit="1000 per minute",
            mail_limit="1000 per minute",
            log_format="console",
        )
    )
    app.test_client_class = Browser
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False, PROPAGATE_EXCEPTIONS=False)
    with app.app_context():
        engine = db.engine
        migrations.upgrade(engine)
    yield app
    engine.dispose()


@pytest.fixture(autouse=True)
def _clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """Empty every table after a test that used the application, unless it `shares_rows`."""
    yield
    if "app" in request.fixturenames and not request.node.get_closest_marker("shares_rows"):
        empty(request.getfixturevalue("app"))


def _delete_and_restart() -> str:
    tables = Base.metadata.sorted_tables
    deletions = [f"DELETE FROM {table.name}" for table in tables]  # noqa: S608 - our own names
    restarts = [
        f"SELECT setval('{table.name}_id_seq', 1, false)"
        for table in tables
        if table.autoincrement_column is not None
    ]
    return "; ".join(deletions + restarts)


def empty(app: Flask) -> None:
    """Empty the queue and every table."""
    app.extensions["queue"].flush()
    with app.app_context(), db.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # Without triggers and foreign keys, in this transaction only; TRUNCATE is slower.
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
            connection.execute(sa.text(_delete_and_restart()))
        else:
            triggers = connection.execute(
                sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            ).all()
            for name, _ in triggers:
                connection.execute(sa.text(f"DROP TRIGGER {name}"))
            for table in reversed(Base.metadata.sorted_tables):
                connection.execute(table.delete())
            for _, sql in triggers:
                connection.execute(sa.text(sql))


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """A session inside an application context, with the factories bound to it."""
    with app.app_context():
        factories.bind(db.session)
        yield db.session
        db.session.rollback()


@pytest.fixture
def run_jobs(app: Flask) -> Callable[[], int]:
    """Run what was put on the queue; answers how many jobs ran."""
    return lambda: background.drain(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A visitor's browser, reading English."""
    client = app.test_client()
    client.get("/healthz?lang=en")
    return client


@pytest.fixture
def sign_in(app: Flask) -> Callable[[User], FlaskClient]:
    """A browser, reading English, in which the given (committed) user is signed in."""

    def sign_in(user: User) -> FlaskClient:
        client = app.test_client()
        with client.session_transaction() as cookie:
            cookie["_user_id"] = user.get_id()
            cookie["_fresh"] = True
            cookie["locale"] = "en"
        return client

    return sign_in


@pytest.fixture
def count_queries(app: Flask) -> Callable[[Callable[[], object]], int]:
    """How many statements a call sends to the database."""

    def count(call: Callable[[], object]) -> int:
        statements: list[str] = []

        def note(_c: object, _cur: object, statement: str, *_rest: object) -> None:
            statements.append(statement)

        with app.app_context():
            engine = db.engine
        sa.event.listen(engine, "before_cursor_execute", note)
        try:
            call()
        finally:
            sa.event.remove(engine, "before_cursor_execute", note)
        return len([s for s in statements if not s.startswith(("BEGIN", "PRAGMA"))])

    return count


@pytest.fixture
def unique() -> str:
    """A word nothing else contains."""
    return uuid.uuid4().hex
