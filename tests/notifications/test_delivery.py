"""Mail leaves after the event: once, in the recipient's language, whatever the server does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from threading import Thread

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from bidding import clock
from bidding.config import SettingsError
from bidding.notifications import delivery
from bidding.notifications.models import Notification
from bidding.notifications.queries import MAX_ATTEMPTS
from bidding.notifications.rules import notify, notify_address
from bidding.notifications.transports import SmtpServer
from tests import factories
from tests.notifications.conftest import Post, login_only

Start = Callable[..., None]


def tell(session: Session, *emails: str, event: str = "tests.decided", **params: str) -> None:
    """Queue one notice per address, as rules do, and commit."""
    subject = factories.ChallengeFactory(title=params.pop("title", "Low-loss magnets"))
    people = [factories.UserFactory(email=email, name="Zhou Min") for email in emails]
    notify(session, event, subject, people, **params)
    session.commit()


def text_of(message: EmailMessage) -> str:
    return "\n".join(message.get_body(("plain",)).get_content().splitlines()) + "\n"


def outbox(session: Session) -> list[Notification]:
    session.rollback()
    return list(session.scalars(sa.select(Notification).order_by(Notification.id)))


def later(minutes: float) -> AbstractContextManager[None]:
    return clock.at(clock.now() + timedelta(minutes=minutes))


@pytest.mark.usefixtures("by_smtp")
def test_a_notice_is_mailed_as_text_and_html_with_a_link(
    session: Session, start_server: Start, post: Post
) -> None:
    start_server()
    tell(session, "zhou@example.com", reason="First line.\n\nTom & <b>Jerry</b>")
    (notice,) = outbox(session)
    delivery.deliver()

    (message,) = post.messages
    assert message["Subject"] == "Decided: Low-loss magnets"
    assert message["To"] == "zhou@example.com"
    assert message["From"] == "Jiebang <no-reply@jiebang.invalid>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith(f".{notice.id}@localhost>")
    assert message["Date"] is not None
    text = text_of(message)
    assert text.startswith("Hello Zhou Min,\n\nFirst line.\n\nTom & <b>Jerry</b>\n\n")
    assert f"http://localhost/challenges/{notice.subject_id}\n" in text
    html = message.get_body(("html",)).get_content()
    assert "Tom &amp; &lt;b&gt;Jerry&lt;/b&gt;" in html
    assert f'href="http://localhost/challenges/{notice.subject_id}"' in html
    (notice,) = outbox(session)
    assert notice.mailed_at is not None


@pytest.mark.usefixtures("by_smtp")
def test_each_recipient_reads_their_own_language(
    session: Session, start_server: Start, post: Post
) -> None:
    start_server()
    people = [
        factories.UserFactory(email=f"{locale}@example.com", locale=locale)
        for locale in ("en", "zh_Hans_CN")
    ]
    notify(session, "tests.decided", factories.ChallengeFactory(title="低损耗磁体"), people)
    session.commit()
    delivery.deliver()
    languages = {
        message["To"].addresses[0].username: (
            message["Content-Language"],
            '<html lang="zh-Hans">' in message.get_body(("html",)).get_content(),
            "低损耗磁体" in message["Subject"],
        )
        for message in post.messages
    }
    assert languages == {"en": ("en", False, True), "zh_Hans_CN": ("zh-Hans", True, True)}


@pytest.mark.usefixtures("by_smtp")
def test_a_headline_cannot_smuggle_in_a_header(
    session: Session, start_server: Start, post: Post
) -> None:
    start_server()
    tell(session, "zhou@example.com", title="Magnets\r\nBcc: all@example.com\x1b\u2028X: y")
    delivery.deliver()
    (envelope,) = post.envelopes
    (message,) = post.messages
    assert envelope.rcpt_tos == ["zhou@example.com"]
    assert message["Bcc"] is None
    assert message["Subject"] == "Decided: Magnets Bcc: all@example.com X: y"


@pytest.mark.usefixtures("by_smtp")
def test_an_address_that_smuggles_is_never_tried_and_blocks_nobody(
    session: Session, start_server: Start, post: Post
) -> None:
    start_server()
    challenge = factories.ChallengeFactory()
    notify_address(session, "tests.decided", challenge, "a@b.c\r\nBcc: d@e.f", locale="en")
    notify_address(session, "tests.decided", challenge, "zhou@example.com", locale="en")
    session.commit()
    delivery.deliver()
    assert [envelope.rcpt_tos for envelope in post.envelopes] == [["zhou@example.com"]]
    assert text_of(post.messages[0]).startswith("Hello,\n")


@pytest.mark.usefixtures("by_smtp")
def test_a_server_that_is_down_only_delays(
    session: Session, start_server: Start, post: Post
) -> None:
    tell(session, "a@example.com", "b@example.com")
    delivery.deliver()
    tried, untouched = outbox(session)
    assert (tried.attempts, untouched.attempts) == (1, 0), "one try shows that it is down"
    assert tried.last_error
    assert tried.mailed_at is None

    start_server()
    delivery.deliver()
    assert [envelope.rcpt_tos for envelope in post.envelopes] == [["b@example.com"]]
    with later(2):
        delivery.deliver()
    assert [envelope.rcpt_tos for envelope in post.envelopes][1:] == [["a@example.com"]]
    assert [notice.last_error for notice in outbox(session)] == ["", ""]


@pytest.mark.usefixtures("by_smtp")
def test_the_action_succeeds_and_its_mail_waits_while_the_server_is_down(
    session: Session, run_jobs: Callable[[], int], client: object
) -> None:
    factories.UserFactory(email="zhou@example.com")
    session.commit()
    answer = client.post("/password-resets", data={"email": "zhou@example.com"})
    assert answer.status_code == 302
    assert run_jobs() == 1
    (notice,) = outbox(session)
    assert notice.attempts == 1
    assert notice.mailed_at is None


@pytest.mark.usefixtures("by_smtp")
def test_waiting_doubles_until_the_mail_is_given_up(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    tell(session, "zhou@example.com")
    moment = clock.now() + timedelta(seconds=1)
    waits = []
    for _ in range(MAX_ATTEMPTS):
        with clock.at(moment):
            delivery.deliver()
        (notice,) = outbox(session)
        waits.append((notice.next_attempt_at - moment) / timedelta(minutes=1))
        moment = notice.next_attempt_at
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 720, 720]
    assert "mail_given_up" in caplog.text
    with clock.at(moment + timedelta(days=30)):
        delivery.deliver()
    assert outbox(session)[0].attempts == MAX_ATTEMPTS


@pytest.mark.usefixtures("by_smtp")
def test_a_refused_recipient_is_given_up_at_once_and_blocks_nobody(
    session: Session, start_server: Start, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    start_server()
    post.refused = {"gone@example.com": "550 no such user", "busy@example.com": "451 later"}
    tell(session, "gone@example.com", "busy@example.com", "zhou@example.com")
    with caplog.at_level(logging.ERROR):
        delivery.deliver()

    assert [envelope.rcpt_tos for envelope in post.envelopes] == [["zhou@example.com"]]
    gone, busy, _sent = outbox(session)
    assert (gone.attempts, gone.last_error) == (MAX_ATTEMPTS, "550 no such user")
    assert "mail_refused" in caplog.text
    assert (busy.attempts, busy.last_error) == (1, "451 later")
    post.refused = {}
    with later(2):
        delivery.deliver()
    assert post.envelopes[1].rcpt_tos == ["busy@example.com"]


@pytest.mark.usefixtures("by_smtp")
def test_a_letter_that_cannot_be_written_blocks_nobody(
    session: Session, start_server: Start, post: Post
) -> None:
    start_server()
    tell(session, "a@example.com", event="tests.broken")
    tell(session, "b@example.com")
    delivery.deliver()
    assert [envelope.rcpt_tos for envelope in post.envelopes] == [["b@example.com"]]
    broken, _sent = outbox(session)
    assert broken.last_error.startswith("ZeroDivisionError")


@pytest.mark.usefixtures("by_smtp")
def test_while_one_worker_sends_no_other_takes_the_same_mail_and_nothing_is_locked(
    app: Flask, session: Session, start_server: Start, post: Post
) -> None:
    """A second worker, and a writer, run in the middle of the SMTP dialogue."""
    tell(session, "a@example.com")
    user_id = outbox(session)[0].user_id
    session.rollback()
    finished = []

    def meanwhile() -> None:
        with app.app_context():
            delivery.deliver()
            with delivery.unit_of_work() as other:
                other.execute(sa.update(Notification).values(read_at=clock.now()))
        finished.append(user_id)

    def on_data() -> None:
        post.on_data = lambda: None
        thread = Thread(target=meanwhile)
        thread.start()
        thread.join(timeout=10)

    post.on_data = on_data
    start_server()
    delivery.deliver()
    assert finished, "the other worker waited for a lock"
    assert len(post.envelopes) == 1
    assert outbox(session)[0].attempts == 1


@pytest.mark.usefixtures("by_smtp")
def test_the_mail_of_a_worker_that_died_is_sent_when_its_claim_runs_out(
    session: Session, start_server: Start, post: Post
) -> None:
    start_server()
    tell(session, "a@example.com")
    assert delivery._claim() is not None
    delivery.deliver()
    assert post.envelopes == []
    with later(delivery.LEASE / timedelta(minutes=1)):
        delivery.deliver()
    assert len(post.envelopes) == 1


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_the_server_may_ask_for_a_login(
    app: Flask,
    session: Session,
    start_server: Start,
    post: Post,
    port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start_server(**login_only("jiebang", "p@ss/word"))
    tell(session, "a@example.com")
    for password, arrived in (("wrong", 0), ("p%40ss%2Fword", 1)):
        url = f"smtp://jiebang:{password}@127.0.0.1:{port}"
        settings = replace(app.config["SETTINGS"], smtp_url=url)
        monkeypatch.setitem(app.config, "SETTINGS", settings)
        with later(5 * arrived):
            delivery.deliver()
        assert len(post.envelopes) == arrived
    assert "wrong" not in outbox(session)[0].last_error


@pytest.mark.parametrize(
    ("url", "port", "tls", "starttls"),
    [
        ("smtp://mail.example", 25, False, False),
        ("smtp://mail.example?starttls=1", 587, False, True),
        ("smtps://mail.example", 465, True, False),
        ("smtp://u:p@mail.example:2525?starttls=0", 2525, False, False),
    ],
)
def test_smtp_urls(url: str, port: int, tls: bool, starttls: bool) -> None:
    server = SmtpServer.parse(url)
    assert (server.host, server.port, server.tls, server.starttls) == (
        "mail.example",
        port,
        tls,
        starttls,
    )


@pytest.mark.parametrize(
    "url",
    [
        "u:hunter2@mail.example:25",
        "http://u:hunter2@mail.example",
        "smtp://u:hunter2@",
        "smtp://u:hunter2@mail.example:x",
        "smtp://u:hunter2@mail.example?tls=1",
    ],
)
def test_an_smtp_url_that_cannot_be_read_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        SmtpServer.parse(url)
    assert "hunter2" not in str(refusal.value)


def test_without_a_server_mail_is_written_to_files_and_the_log_says_where(
    session: Session, by_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tell(session, "zhou@example.com", reason="依据评审结果")
    with caplog.at_level(logging.INFO):
        delivery.deliver()
    (file,) = by_file.glob("*.eml")
    assert str(file) in caplog.text
    words = file.read_text(encoding="utf-8")
    assert "依据评审结果" in words, "readable as it is"
    assert f"http://localhost/challenges/{outbox(session)[0].subject_id}" in words
    assert file.stat().st_mode & 0o077 == 0
    delivery.deliver()
    assert len(list(by_file.iterdir())) == 1


def test_a_closed_account_hears_nothing(session: Session) -> None:
    person = factories.UserFactory(deactivated_at=clock.now())
    notify(session, "tests.decided", factories.ChallengeFactory(), [person])
    session.commit()
    assert outbox(session) == []
