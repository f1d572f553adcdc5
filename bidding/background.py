"""Background work with huey.

Rules `defer` a job by name; the boundary enqueues it after the commit; a worker runs it:
a thread inside ``python app.py``, or ``flask --app app work`` in production. A job makes
its own transactions with `boundary.unit_of_work`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from flask import Flask, current_app
from huey import Huey, MemoryHuey, RedisHuey, SqliteHuey, crontab
from huey.consumer import Consumer

log = structlog.get_logger(__name__)

Job = Callable[..., None]

_jobs: dict[str, Job] = {}
_periodic: dict[str, tuple[Job, dict[str, str]]] = {}


def job(name: str) -> Callable[[Job], Job]:
    """Register a job under the name that rules defer it by."""

    def register(function: Job) -> Job:
        _jobs[name] = function
        return function

    return register


def every(name: str, **schedule: str) -> Callable[[Job], Job]:
    """Register a job that runs by itself; `schedule` is as for `huey.crontab`, in UTC."""

    def register(function: Job) -> Job:
        _periodic[name] = (function, schedule)
        return function

    return register


def init_app(app: Flask) -> None:
    """Give the application its queue."""
    settings = app.config["SETTINGS"]
    queue = _make_queue(settings.queue, settings.redis_url, settings.data_dir)

    def run(name: str, *args: Any) -> None:
        with app.app_context():
            _jobs[name](*args)

    app.extensions["queue"] = queue
    app.extensions["queue.run"] = queue.task(name="run", retries=3, retry_delay=30)(run)
    for name, (function, schedule) in _periodic.items():

        def tick(function: Job = function) -> None:
            with app.app_context():
                function()

        queue.periodic_task(crontab(**schedule), name=name.replace(".", "_"))(tick)


def _make_queue(kind: str, redis_url: str, data_dir: Path) -> Huey:
    if kind == "memory":
        return MemoryHuey("jiebang", results=False)
    if redis_url:
        return RedisHuey("jiebang", url=redis_url, results=False)
    return SqliteHuey("jiebang", filename=str(data_dir / "queue.sqlite3"), results=False)


def enqueue(name: str, *args: Any) -> None:
    """Put a job on the queue.

    The queue being down must not fail an action that is already committed: it is logged, and
    the periodic sweeps find what was left.
    """
    if name not in _jobs:
        raise LookupError(f"no background job is called {name}")
    try:
        current_app.extensions["queue.run"](name, *args)
    except Exception:  # whatever the queue's client raises, see above
        log.exception("job_not_queued", job=name)


def drain(app: Flask) -> int:
    """Run what is on the queue now, in this thread; returns how many jobs ran."""
    queue: Huey = app.extensions["queue"]
    count = 0
    while (task := queue.dequeue()) is not None:
        queue.execute(task)
        count += 1
    return count


def make_consumer(app: Flask, workers: int = 1) -> Consumer:
    """A consumer of the application's queue, to `run()` as a process of its own."""
    queue: Huey = app.extensions["queue"]
    return queue.create_consumer(workers=workers, worker_type="thread", periodic=True)


class _Guest(Consumer):
    """A consumer in somebody else's process, whose signals are not its to handle."""

    def _set_signal_handlers(self) -> None:
        pass


def start_consumer(app: Flask) -> Consumer:
    """Start a consumer in threads of this process; `stop()` it at the end."""
    consumer = _Guest(app.extensions["queue"], workers=1, worker_type="thread", periodic=True)
    consumer.start()
    return consumer
