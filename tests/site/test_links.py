"""Nobody is offered a link that leads nowhere."""

from __future__ import annotations

import html
import re
from urllib.parse import urlsplit

import pytest

from tests.site.matrix import ROLES
from tests.site.world import World

MOST_PAGES = 150


@pytest.mark.parametrize("role", ROLES)
def test_every_link_that_a_person_is_shown_can_be_opened(app, session, sign_in, client, role):
    with app.test_request_context():
        world = World(session)
    person = world.people[role]
    browser = sign_in(person) if person else client
    waiting = [("/", "nowhere")]
    seen: set[str] = set()
    dead: list[str] = []
    while waiting and len(seen) < MOST_PAGES:
        address, source = waiting.pop(0)
        if address in seen:
            continue
        seen.add(address)
        response = browser.get(address)
        if response.status_code not in (200, 302):
            dead.append(f"{address} on {source}: {response.status_code}")
        if response.mimetype != "text/html":
            continue
        ids = set(re.findall(r'\bid="([^"]+)"', response.text))
        for link in re.findall(r'<a\b[^>]*\bhref="([^"]*)"', response.text):
            parts = urlsplit(html.unescape(link))
            if parts.scheme or parts.netloc:
                continue
            if not parts.path and parts.fragment and parts.fragment not in ids:
                dead.append(f"#{parts.fragment} on {address}")
            if parts.path:
                query = f"?{parts.query}" if parts.query else ""
                waiting.append((parts.path + query, address))
    assert len(seen) > 5
    assert dead == []
