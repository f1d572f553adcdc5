"""Whatever people are told has its words, in both languages."""

from __future__ import annotations

import ast
import importlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import flask_babel
import pytest
from jinja2 import StrictUndefined, meta

from bidding.challenges import lifecycle as challenges
from bidding.config import ROOT
from bidding.i18n import LOCALES
from bidding.organizations import lifecycle as organizations
from bidding.solutions import lifecycle as solutions

LIFECYCLES = (organizations.LIFECYCLE, challenges.LIFECYCLE, solutions.LIFECYCLE)
EMAILS = ROOT / "templates" / "emails"
# What `letters` gives to every template.
ALWAYS = {"headline", "reason", "link", "recipient_name", "programme_name"}


def calls() -> Iterator[tuple[Path, ast.Call]]:
    """Every call of `notify` or `notify_address` in the rooms."""
    for path in sorted((ROOT / "bidding").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in ("notify", "notify_address"):
                    yield path, node


def event_of(path: Path, call: ast.Call) -> str | None:
    """The event that a call names, by a word or by a constant of its module."""
    named = call.args[1]
    if isinstance(named, ast.Constant):
        return str(named.value)
    module = importlib.import_module(
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    )
    value = getattr(module, getattr(named, "id", ""), None)
    return value if isinstance(value, str) else None


def told() -> dict[str, set[str]]:
    """Event → the parameters that its words may use besides `ALWAYS`."""
    events: dict[str, set[str]] = defaultdict(set)
    announced: dict[str, set[str]] = defaultdict(set)
    for path, call in calls():
        params = {keyword.arg for keyword in call.keywords if keyword.arg}
        params -= {"actor", "in_app", "reason", "locale"}
        event = event_of(path, call)
        if event is not None:
            events[event] |= params
        elif path.name == "lifecycle.py":  # a lifecycle's own way of announcing
            announced[path.parent.name] |= params
        elif path.name == "rules.py" and isinstance(call.args[1], ast.Name):
            for named in _named_in(path, call):
                events[named] |= params
    for lifecycle in LIFECYCLES:
        for row in lifecycle.transitions:
            if row.hears:
                events[f"{lifecycle.name}.{row.action.value}"] |= announced[lifecycle.name]
    return events


def _named_in(path: Path, call: ast.Call) -> set[str]:
    """Events that reach a call through an argument of the function around it."""
    tree = ast.parse(path.read_text())
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and node.lineno <= call.lineno <= (node.end_lineno or 0)
    ][-1]
    return {
        argument.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == around.name
        for argument in node.args
        if isinstance(argument, ast.Constant) and "." in str(argument.value)
    }


EVENTS = told()


def files_of(event: str) -> list[str]:
    feature, _, name = event.partition(".")
    return [f"emails/{feature}/{name}.{suffix}" for suffix in ("subject.txt", "txt")]


@pytest.mark.parametrize("event", sorted(EVENTS))
def test_every_event_has_its_words(event):
    assert [f for f in files_of(event) if not (ROOT / "templates" / f).is_file()] == []


def test_no_words_without_an_event():
    """Words for events that never happen are debris."""
    written = {
        f"{path.parent.name}.{path.name.removesuffix('.subject.txt')}"
        for path in EMAILS.glob("*/*.subject.txt")
    }
    assert written - set(EVENTS) == set()


@pytest.mark.parametrize("event", sorted(EVENTS))
def test_words_use_only_what_they_are_given(app, event):
    env = app.jinja_env
    for name in files_of(event):
        source = env.loader.get_source(env, name)[0]
        used = meta.find_undeclared_variables(env.parse(source)) - set(env.globals)
        assert used - ALWAYS - EVENTS[event] == set(), name


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("event", sorted(EVENTS))
def test_words_can_be_read_in_both_languages(app, event, locale):
    context = {name: _sample(name) for name in ALWAYS | EVENTS[event]}
    strict = app.jinja_env.overlay(undefined=StrictUndefined)
    with app.test_request_context("/"), flask_babel.force_locale(locale):
        subject, body = (strict.get_template(f).render(context).strip() for f in files_of(event))
    assert len(subject.splitlines()) == 1
    assert "%(" not in subject + body
    assert any("\u4e00" <= letter <= "\u9fff" for letter in subject) is (locale != "en")


def _sample(name: str) -> object:
    if name.startswith("is_"):
        return True
    if name.endswith("_at"):
        return "2027-03-31T09:00:00+00:00"
    return ["rare earth", "sintering"] if name == "terms" else f"<{name}>"
