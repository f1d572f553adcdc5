"""Reading the mail that the application wrote."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask import Flask


def without_tokens(page: str) -> str:
    """A page without its CSRF tokens, which carry the time."""
    return re.sub(r'(name="csrf_token"[^>]*value=")[^"]*', r"\1", page)


class Mailbox:
    """The mail that arrived, oldest first."""

    def __init__(self, folder: Path, run_jobs: Callable[[], int]) -> None:
        self.folder = folder
        self.run_jobs = run_jobs

    def all(self) -> list[EmailMessage]:
        self.run_jobs()
        files = sorted(self.folder.glob("*.eml"))
        return [message_from_bytes(f.read_bytes(), policy=policy.default) for f in files]

    def last(self) -> EmailMessage:
        return self.all()[-1]

    def last_link(self) -> str:
        """The path that the newest mail leads to."""
        text = self.last().get_body(("plain",)).get_content()
        return re.search(r"http://localhost(/\S+)", text)[1]


@pytest.fixture
def mailbox(
    app: Flask,
    run_jobs: Callable[[], int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Mailbox:
    settings = replace(app.config["SETTINGS"], data_dir=tmp_path, smtp_url="")
    monkeypatch.setitem(app.config, "SETTINGS", settings)
    return Mailbox(tmp_path / "mail", run_jobs)
