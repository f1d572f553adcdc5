"""A notice in words: one sentence in the app, a letter by mail."""

from __future__ import annotations

import ipaddress
import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

from flask import current_app, request
from flask_babel import force_locale, gettext
from jinja2 import TemplateNotFound

from bidding import clock, i18n
from bidding.config import Settings
from bidding.notifications.links import link_to
from bidding.notifications.models import Notification

_LONGEST_SUBJECT = 200
_BLANK_LINES = re.compile(r"\n\s*\n")


def sentence(notification: Notification) -> str:
    """What happened, in one line, in the language in force."""
    return _sentence(notification, _context(notification))


def compose(notification: Notification, settings: Settings, *, encoding: str) -> EmailMessage:
    """The mail of a notice: plain text and HTML, in the recipient's language.

    The Message-ID depends on the notice alone, so that a mail that leaves twice because a
    worker died in between is recognised as one. `encoding` is the content transfer encoding.
    """
    locale = notification.locale
    with (
        current_app.test_request_context(base_url=settings.base_url),
        force_locale(locale if locale in i18n.LOCALES else settings.default_locale),
    ):
        context = _context(notification, link=_absolute(link_to(notification)))
        subject = _sentence(notification, context)
        name = _template(notification)
        context["paragraphs"] = _paragraphs(_render(f"{name}.txt", context))
        context["subject"] = subject
        context["html_lang"] = i18n.HTML_LANG[i18n.locale_code()]
        text = _render("emails/message.txt", context).strip() + "\n"
        html = _render("emails/message.html", context)

    message = EmailMessage(policy=SMTP)
    message["Subject"] = subject
    message["From"] = settings.mail_from
    message["To"] = Address(addr_spec=notification.address)
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = (
        f"<{notification.created_at:%Y%m%d%H%M%S%f}.{notification.id}@{host_name(settings)}>"
    )
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, cte=encoding)
    message.add_alternative(html, subtype="html", cte=encoding)
    message["Content-Language"] = context["html_lang"]  # any sooner, it would go with the text
    return message


def host_name(settings: Settings) -> str:
    """The site's host in a form that mail protocols accept."""
    host = urlsplit(settings.base_url).hostname or "localhost"
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host
    return f"[{host}]"


def _context(notification: Notification, link: str | None = None) -> dict[str, Any]:
    settings: Settings = current_app.config["SETTINGS"]
    return {
        "headline": "",
        "reason": "",
        **notification.params,
        "link": link,
        "recipient_name": "" if link is None else _name(notification),
        "programme_name": settings.programme_name or gettext("Jiebang"),
    }


def _name(notification: Notification) -> str:
    """What to call the recipient. A name typed by a stranger is not carried to their victim."""
    user = notification.user
    return user.name if user is not None and user.confirmed_at is not None else ""


def _absolute(path: str | None) -> str:
    return request.host_url.rstrip("/") + path if path else ""


def _template(notification: Notification) -> str:
    feature, _, event = notification.event.partition(".")
    return f"emails/{feature}/{event}"


def _sentence(notification: Notification, context: dict[str, Any]) -> str:
    try:
        text = _render(f"{_template(notification)}.subject.txt", context)
    except TemplateNotFound:  # of a version that knew more events, or fewer
        text = str(context["headline"]) or notification.event
    line = "".join(c for c in " ".join(text.split()) if c.isprintable())
    return line if len(line) <= _LONGEST_SUBJECT else line[: _LONGEST_SUBJECT - 1] + "…"


def _paragraphs(text: str) -> list[list[str]]:
    """Paragraphs, each a list of lines."""
    kept = "".join(c for c in text if c.isprintable() or c == "\n")
    return [block.strip().split("\n") for block in _BLANK_LINES.split(kept) if block.strip()]


def _render(name: str, context: dict[str, Any]) -> str:
    # Not flask.render_template: its context processors ask the database about the reader,
    # once for every notice of a list.
    return current_app.jinja_env.get_template(name).render(context)
