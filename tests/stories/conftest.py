"""People with a browser that has no screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from bidding import background, clock


@pytest.fixture
def mail_folder(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this story's mail lands."""
    settings = replace(app.config["SETTINGS"], data_dir=tmp_path)
    monkeypatch.setitem(app.config, "SETTINGS", settings)
    return tmp_path


@pytest.fixture
def mail_server(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have mail go to the server of this URL from now on."""

    def use(url: str) -> None:
        monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], smtp_url=url))

    return use


@pytest.fixture
def deliver(app: Flask) -> Callable[..., None]:
    """Run the sweep that delivers what waits, at a moment of one's choice."""

    @contextmanager
    def at(moment: object) -> Iterator[None]:
        if moment is None:
            yield
        else:
            with clock.at(moment):
                yield

    def deliver(moment: object = None) -> None:
        with app.app_context(), at(moment):
            background.enqueue("notifications.deliver")
            background.drain(app)

    return deliver
