"""A real mail server on loopback, and templates of a made-up event."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from flask import Flask
from jinja2 import ChoiceLoader, DictLoader


class Post:
    """A mail server's office: keeps what arrives, and answers as it was told to."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.refused: dict[str, str] = {}
        self.on_data: Callable[[], str | None] = lambda: None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Envelope
    ) -> str:
        answer = self.on_data()
        if answer is None:
            self.envelopes.append(envelope)
        return answer or "250 OK"

    @property
    def messages(self) -> list[EmailMessage]:
        return [
            message_from_bytes(envelope.content, policy=policy.default)
            for envelope in self.envelopes
        ]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def start_server(post: Post, port: int) -> Iterator[Callable[..., None]]:
    """Bring the mail server up; until then its port refuses connections."""
    started: list[Controller] = []

    def start(**options: Any) -> None:
        controller = Controller(post, hostname="127.0.0.1", port=port, **options)
        controller.start()
        started.append(controller)

    yield start
    for controller in started:
        controller.stop()


@pytest.fixture
def by_smtp(app: Flask, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = replace(app.config["SETTINGS"], smtp_url=f"smtp://127.0.0.1:{port}")
    monkeypatch.setitem(app.config, "SETTINGS", settings)


@pytest.fixture
def by_file(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings = replace(app.config["SETTINGS"], smtp_url="", data_dir=tmp_path)
    monkeypatch.setitem(app.config, "SETTINGS", settings)
    return tmp_path / "mail"


def login_only(name: str, password: str) -> dict[str, Any]:
    """Options of a server that takes mail only after this login."""

    def check(*args: Any) -> AuthResult:
        given: LoginPassword = args[-1]
        right = (given.login, given.password) == (name.encode(), password.encode())
        return AuthResult(success=right, handled=False)

    return {"authenticator": check, "auth_required": True, "auth_require_tls": False}


@pytest.fixture(autouse=True)
def _templates(app: Flask) -> Iterator[None]:
    """The event ``tests.decided``, and ``tests.broken`` whose letter cannot be written."""
    made_up = DictLoader(
        {
            "emails/tests/decided.subject.txt": '{{ _("Decided: %(name)s", name=headline) }}',
            "emails/tests/decided.txt": "{{ reason }}\n\n{{ _('Language') }}",
            "emails/tests/broken.subject.txt": "Broken",
            "emails/tests/broken.txt": "{{ 1 / 0 }}",
        }
    )
    loader = app.jinja_env.loader
    app.jinja_env.loader = ChoiceLoader([made_up, loader])
    yield
    app.jinja_env.loader = loader
