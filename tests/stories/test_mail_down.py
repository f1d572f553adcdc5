"""A mail server that is down delays mail; it never fails or loses the action."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message

from bidding import clock
from bidding.notifications.models import Notification
from bidding.organizations.models import Organization, OrganizationStatus
from tests import factories


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Postbox(Message):
    """Keeps what arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.letters: list[object] = []

    def handle_message(self, message: object) -> None:
        self.letters.append(message)


@pytest.fixture
def postbox() -> Iterator[tuple[Postbox, str]]:
    """A real SMTP server on loopback, and its URL."""
    box = Postbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield box, f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


def test_the_action_succeeds_and_the_mail_arrives_later(
    session, sign_in, run_jobs, mail_server, deliver, postbox
):
    box, working = postbox
    organization = factories.OrganizationFactory(status=OrganizationStatus.PENDING)
    member = factories.member_of(organization, email="member@example.com")
    reviewer = factories.UserFactory(reviewer=True)
    ident = organization.id
    session.commit()

    mail_server(f"smtp://127.0.0.1:{free_port()}")
    answer = sign_in(reviewer).post(f"/organizations/{ident}/verification")
    assert answer.status_code == 302
    run_jobs()

    session.expire_all()
    assert session.get_one(Organization, ident).is_verified
    notice = session.scalars(sa.select(Notification)).one()
    assert notice.mailed_at is None
    assert notice.last_error
    assert organization.name in sign_in(member).get("/notifications").text
    session.commit()

    mail_server(working)
    deliver(clock.now() + timedelta(days=1))

    session.expire_all()
    assert session.get_one(Notification, notice.id).mailed_at is not None
    (letter,) = box.letters
    assert letter["To"] == "member@example.com"
    assert letter["X-RcptTo"] == "member@example.com"

    deliver(clock.now() + timedelta(days=2))
    assert len(box.letters) == 1


def test_mail_of_a_refused_action_never_leaves(session, sign_in, mail_server, deliver, postbox):
    box, working = postbox
    organization = factories.OrganizationFactory(status=OrganizationStatus.PENDING)
    factories.member_of(organization)
    reviewer = factories.UserFactory(reviewer=True)
    ident = organization.id
    session.commit()
    mail_server(working)
    refused = sign_in(reviewer).post(f"/organizations/{ident}/rejection", data={"reason": " "})
    assert refused.status_code == 400
    deliver(clock.now() + timedelta(days=1))
    assert box.letters == []
