"""Work after the transaction: queued by name, run by a worker, never in the way of the action."""

from __future__ import annotations

import threading
import time

import pytest
import sqlalchemy as sa
from huey.exceptions import TaskException

from bidding import background, migrations
from bidding.accounts.models import User
from bidding.deferred import defer, take
from bidding.extensions import db
from tests.core import probe


def test_a_job_that_nobody_registered_is_a_mistake_of_the_program(app):
    with app.app_context(), pytest.raises(LookupError, match="no-such-job"):
        background.enqueue("no-such-job")


def test_saying_the_same_thing_twice_runs_it_once(app, session):
    defer(session, "probe.note", 1)
    defer(session, "probe.note", 2)
    defer(session, "probe.note", 1)
    assert take(session) == [("probe.note", (1,)), ("probe.note", (2,))]
    assert take(session) == []


def test_a_queue_that_is_down_does_not_fail_what_is_already_committed(
    probe_app, probing, session, monkeypatch
):
    def down(*_args: object) -> None:
        raise TaskException("no queue today")

    monkeypatch.setitem(probe_app.extensions, "queue.run", down)
    assert probing.post("/probe/users/a@example.com").status_code == 200
    assert session.scalars(sa.select(User.email)).all() == ["a@example.com"]


def test_a_job_that_fails_is_tried_again(probe_app, probing, monkeypatch):
    calls: list[int] = []

    def fails_once(number: int) -> None:
        calls.append(number)
        if len(calls) == 1:
            raise ConnectionError("try later")

    monkeypatch.setitem(background._jobs, "probe.note", fails_once)
    task = probe_app.extensions["queue.run"]
    queue = probe_app.extensions["queue"]
    with probe_app.app_context():
        background.enqueue("probe.note", 7)
    assert task.task_class.default_retries == 3
    background.drain(probe_app)
    later = [t for t in queue.scheduled() if t.args == ("probe.note", 7)]
    assert calls == [7]
    assert len(later) == 1
    queue.execute(later[0], later[0].eta)
    assert calls == [7, 7]


def test_a_real_worker_runs_what_a_request_left_behind(make_app, monkeypatch):
    """SqliteHuey and a consumer thread, as under `python app.py`; not the tests' own queue."""
    ran = threading.Event()

    def write(email: str) -> None:
        probe.write_user(email)
        ran.set()

    monkeypatch.setitem(background._jobs, "probe.write", write)
    app = make_app()
    with app.app_context():
        migrations.upgrade(db.engine)
        background.enqueue("probe.write", "worker@example.com")
        consumer = background.make_consumer(app)
        consumer.start()
        try:
            assert ran.wait(15)
        finally:
            consumer.stop(graceful=True)
        assert db.session.scalars(sa.select(User.email)).all() == ["worker@example.com"]
    assert (app.config["SETTINGS"].data_dir / "queue.sqlite3").exists()


def test_the_queue_survives_the_process(make_app):
    first, second = make_app(), make_app()
    with first.app_context():
        background.enqueue("notifications.deliver")
    assert len(second.extensions["queue"].pending()) == 1


def test_periodic_jobs_are_registered_under_their_names(app):
    queue = app.extensions["queue"]
    names = {task.name for task in queue._registry.periodic_tasks}
    assert names == {name.replace(".", "_") for name in background._periodic}


def test_draining_counts_what_ran(probe_app, probing):
    started = time.monotonic()
    with probe_app.app_context():
        background.enqueue("probe.note", "a")
        background.enqueue("probe.note", "b")
    assert background.drain(probe_app) == 2
    assert probe.notes == ["a", "b"]
    assert time.monotonic() - started < 5
