"""A small application of views that misbehave, on the same database as the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from bidding import background, create_app
from bidding.config import Settings
from bidding.extensions import db
from tests.core import probe

MakeApp = Callable[..., Flask]


@pytest.fixture(scope="session")
def probe_app(app: Flask) -> Iterator[Flask]:
    """The real application with the probe's views added."""
    probing = create_app(app.config["SETTINGS"])
    probing.config.update(app.config)
    probing.register_blueprint(probe.bp)
    probe.register_jobs()
    yield probing
    probe.forget_jobs()
    with probing.app_context():
        db.engine.dispose()


@pytest.fixture
def probing(probe_app: Flask, app: Flask) -> Iterator[FlaskClient]:
    """A visitor of the probe, reading English."""
    client = probe_app.test_client()
    client.get("/healthz?lang=en")
    yield client
    probe_app.extensions["queue"].flush()
    probe.notes.clear()


@pytest.fixture
def run_probe_jobs(probe_app: Flask) -> Callable[[], int]:
    return lambda: background.drain(probe_app)


@pytest.fixture
def make_app(tmp_path: Path) -> Iterator[MakeApp]:
    """Applications of one's own, on an SQLite file that does not exist yet."""
    made: list[Flask] = []

    def make(**settings: object) -> Flask:
        values = {"data_dir": tmp_path / "data", "secret_key": "tests", "log_format": "console"}
        made.append(create_app(Settings(**(values | settings))))
        return made[-1]

    yield make
    for app in made:
        with app.app_context():
            db.engine.dispose()
