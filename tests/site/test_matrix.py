"""Every route × every role answers exactly what `matrix.py` says.

Nothing that a request changes is kept, so that every cell sees the same world.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html.parser import HTMLParser

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient

from bidding import boundary, deferred
from bidding.extensions import db
from bidding.permissions import Permission
from tests import factories
from tests.conftest import empty
from tests.site.matrix import FORMS, PUBLIC, ROLES, ROWS, Row
from tests.site.world import World

pytestmark = pytest.mark.shares_rows

METHODS = ("GET", "POST")


@pytest.fixture(scope="module")
def world(app: Flask) -> Iterator[World]:
    with app.test_request_context():
        factories.bind(db.session)
        world = World(db.session)
    yield world
    empty(app)


@pytest.fixture
def ask(app: Flask, world: World, sign_in, client, monkeypatch) -> Callable[..., object]:
    """Send the request of a row as somebody; what it would have changed is rolled back."""

    def keep_nothing(session) -> None:
        session.flush()
        deferred.take(session)
        session.rollback()

    monkeypatch.setattr(boundary, "commit", keep_nothing)

    def ask(row: Row, role: str) -> object:
        person = world.people[role]
        browser: FlaskClient = sign_in(person) if person else client
        with app.test_request_context():
            url = url_for(row.endpoint, **world.records[row.record])
        data = {"reason": "As agreed."} | FORMS.get(row.endpoint, {})
        if row.method == "GET":
            return browser.get(url)
        return browser.post(url, data={k: v(world) if callable(v) else v for k, v in data.items()})

    return ask


def routes(app: Flask) -> set[tuple[str, str]]:
    return {
        (method, rule.endpoint)
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
        for method in METHODS
        if method in (rule.methods or ())
    }


def test_every_route_has_a_row_and_every_row_a_route(app):
    listed = {(row.method, row.endpoint) for row in ROWS}
    assert routes(app) - listed == set(), "write their rows in tests/site/matrix.py"
    assert listed - routes(app) == set(), "these rows have no route any more"


def test_every_view_declares_its_permission(app):
    undeclared = [
        name
        for name, view in app.view_functions.items()
        if name != "static" and not isinstance(getattr(view, "permission", None), Permission)
    ]
    assert undeclared == []


def test_public_routes_are_these_and_no_others(app):
    public = {
        endpoint
        for endpoint, view in app.view_functions.items()
        if getattr(view, "permission", None) is Permission.VISIT
    }
    assert public == PUBLIC


def test_addresses_are_plural_kebab_case_nouns(app):
    odd = [
        rule.rule
        for rule in app.url_map.iter_rules()
        for part in rule.rule.split("/")
        if part
        and not part.startswith("<")
        and not part.replace("-", "").isalnum()
        and rule.endpoint != "static"
    ]
    assert [rule for rule in odd if "_" in rule or rule != rule.lower()] == []


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_who_gets_what(ask, row):
    got = {role: ask(row, role).status_code for role in ROLES}
    assert got == row.expected, f"\n{Row.line(row.method, row.endpoint, row.record, got)}"


class _Page(HTMLParser):
    """What must hold of any page."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.ids: set[str] = set()
        self.labelled: set[str] = set()
        self.headings = 0
        self.lang = ""
        self.title = ""
        self._in_title = False
        self._form: str | None = None
        self._token = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self._in_title = tag == "title" and not self.title
        self.headings += tag == "h1"
        if tag == "html":
            self.lang = attributes.get("lang", "")
        for name in attributes:
            if name == "style" or name.startswith("on"):
                self.faults.append(f"<{tag} {name}>")
        if tag == "style" or (tag == "script" and not attributes.get("src")):
            self.faults.append(f"inline <{tag}>")
        if ident := attributes.get("id"):
            if ident in self.ids:
                self.faults.append(f"two elements with id {ident}")
            self.ids.add(ident)
        if tag == "form" and attributes.get("method", "").lower() == "post":
            self._form, self._token = attributes.get("action", "here"), False
        if tag == "input" and attributes.get("name") == "csrf_token" and attributes.get("value"):
            self._token = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self._form is not None:
            if not self._token:
                self.faults.append(f"form to {self._form} has no token")
            self._form = None
        if tag == "title":
            self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data


@pytest.mark.parametrize("row", [row for row in ROWS if row.method == "GET"], ids=str)
def test_every_page_is_sound(app, ask, row, monkeypatch):
    """Tokens in forms, one heading, a title, unique ids, nothing inline, nothing untranslated."""
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    readers = [role for role in ROLES if row.expected[role] == 200]
    for role in readers:
        response = ask(row, role)
        if response.mimetype != "text/html":
            continue
        page = _Page()
        page.feed(response.text)
        page.close()
        assert page.faults == [], role
        assert page.headings == 1, role
        assert page.lang == "en"
        assert page.title.strip() not in ("", "Jiebang") or row.endpoint == "dashboards.home"
        assert "%(" not in response.text
        assert "<bidding." not in response.text


@pytest.mark.parametrize("row", [row for row in ROWS if row.method == "POST"], ids=str)
def test_no_post_without_its_token(app, ask, row, monkeypatch):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    assert ask(row, "administrator").status_code == 400
