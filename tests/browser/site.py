"""The site under test: served, its jobs run and its mail read when the story says so."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
import waitress.server
from flask import Flask
from sqlalchemy.orm import Session

from bidding import background, boundary, clock, create_app, migrations
from bidding.accounts import rules as accounts
from bidding.accounts.models import Role
from bidding.challenges.models import Challenge
from bidding.config import Settings
from bidding.extensions import db
from tests.stories.mail import letters_to, link_in

PASSWORD = "correct horse battery"


Answer = TypeVar("Answer")


class Site:
    """One instance with its own data folder.

    Playwright keeps an event loop in the test's thread, where Flask's application context cannot
    be used; whatever touches the application runs in a thread of its own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._worker = ThreadPoolExecutor(max_workers=1)
        self.app = self._do(self._make)
        self.server = waitress.server.create_server(self.app, host="127.0.0.1", port=0, threads=4)
        self.address = f"http://127.0.0.1:{self.server.effective_port}"
        settings = replace(self.app.config["SETTINGS"], base_url=self.address)
        self.app.config["SETTINGS"] = settings  # links in mail need the port
        self._thread = threading.Thread(target=self.server.run, daemon=True)
        self._thread.start()

    def _do(self, work: Callable[[], Answer]) -> Answer:
        return self._worker.submit(work).result()

    def _make(self) -> Flask:
        app = create_app(
            Settings(
                data_dir=self.folder,
                secret_key="browser tests",
                queue="memory",
                sign_in_limit="1000 per minute",
                mail_limit="1000 per minute",
                log_format="console",
            )
        )
        with app.app_context():
            migrations.upgrade(db.engine)
        return app

    def close(self) -> None:
        def dispose() -> None:
            with self.app.app_context():
                db.engine.dispose()

        self.server.close()
        self.server.task_dispatcher.shutdown()
        self._thread.join(10)
        self._do(dispose)
        self._worker.shutdown()

    def run_jobs(self) -> None:
        """Do what a worker would have done by now."""
        self._do(lambda: background.drain(self.app))

    def write(self, change: Callable[[Session], object]) -> None:
        """Change the database behind everybody's back."""

        def work() -> None:
            with self.app.app_context(), boundary.unit_of_work("command") as session:
                change(session)

        self._do(work)

    def employ(self, person: str, role: Role, *, language: str) -> None:
        """Make an account of the programme's own staff."""
        self.write(
            lambda session: accounts.create_user(
                session,
                email=address_of(person),
                name=person,
                password=PASSWORD,
                role=role,
                locale=language,
            )
        )

    def pass_deadline(self) -> None:
        """Let the deadline of every challenge have passed a minute ago."""
        past = clock.now() - timedelta(minutes=1)
        self.write(lambda session: session.execute(sa.update(Challenge).values(closes_at=past)))

    def mail_to(self, address: str) -> list[EmailMessage]:
        """What arrived there, oldest first."""
        return letters_to(address, self.folder)

    def link_in_mail_to(self, address: str) -> str:
        """The link in the last mail that arrived there."""
        return link_in(self.mail_to(address)[-1], self.address)


def address_of(person: str) -> str:
    """The mail address of somebody, from their name."""
    return f"{person.lower().replace(' ', '.')}@example.com"
