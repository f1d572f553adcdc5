"""Where a notice leads: the record it is about, or what its event says."""

from __future__ import annotations

from collections.abc import Callable

from flask import url_for

from bidding.notifications.models import Notification

# Table of the record → the endpoint of its page.
PAGES: dict[str, str] = {
    "organizations": "organizations.detail",
    "challenges": "challenges.detail",
    "solutions": "solutions.detail",
}

Builder = Callable[[Notification], str]
_builders: dict[str, Builder] = {}


def link_of(event: str) -> Callable[[Builder], Builder]:
    """Register a function that makes the link of `event`, such as one with a signed token.

    It is called when the mail is rendered and answers a path of this site.
    """

    def register(builder: Builder) -> Builder:
        _builders[event] = builder
        return builder

    return register


def page_of(subject_type: str | None, subject_id: int | None) -> str | None:
    """The page of a record, where it has one."""
    endpoint = PAGES.get(subject_type or "")
    return url_for(endpoint, ident=subject_id) if endpoint else None


def link_to(notification: Notification) -> str | None:
    """Where a notice leads, as a path of this site."""
    builder = _builders.get(notification.event)
    if builder is not None:
        return builder(notification)
    return page_of(notification.subject_type, notification.subject_id)
