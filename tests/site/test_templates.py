"""Every template compiles, and every address in it exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import nodes

from bidding.config import ROOT

TEMPLATES = sorted(
    path.relative_to(ROOT / "templates").as_posix()
    for path in (ROOT / "templates").rglob("*")
    if path.is_file()
)


@pytest.mark.parametrize("name", TEMPLATES)
def test_it_compiles_and_names_what_exists(app, name):
    env = app.jinja_env
    source, path, _ = env.loader.get_source(env, name)
    env.compile(source, name, path)
    tree = env.parse(source)

    endpoints = {
        call.args[0].value
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name)
        and call.node.name == "url_for"
        and call.args
        and isinstance(call.args[0], nodes.Const)
    }
    assert endpoints - set(app.view_functions) == set()

    others = {
        reference.template.value
        for kind in (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)
        for reference in tree.find_all(kind)
        if isinstance(reference.template, nodes.Const)
    }
    assert others - set(TEMPLATES) == set()

    filters = {node.name for node in tree.find_all(nodes.Filter)}
    tests = {node.name for node in tree.find_all(nodes.Test)}
    assert filters - set(env.filters) == set()
    assert tests - set(env.tests) == set()

    assets = re.findall(r"""asset\(["']([^"']+)["']\)""", source)
    assert [a for a in assets if not (ROOT / "static" / a).is_file()] == []


def test_every_page_template_is_used():
    """A template that no code and no other template names is debris."""
    code = "\n".join(p.read_text() for p in (ROOT / "bidding").rglob("*.py"))
    markup = "\n".join(p.read_text() for p in (ROOT / "templates").rglob("*") if p.is_file())
    unused = [
        name
        for name in TEMPLATES
        if not name.startswith("emails/") and f'"{name}"' not in code and f'"{name}"' not in markup
    ]
    assert unused == []


def test_icons_are_in_the_sprite():
    sprite = next((ROOT / "static" / "vendor").glob("bootstrap-icons-*/sprite.svg")).read_text()
    known = set(re.findall(r'<symbol[^>]*\bid="([^"]+)"', sprite))
    named = {
        icon
        for path in (ROOT / "templates").rglob("*.html")
        for icon in re.findall(r"""\bicon\(["']([a-z0-9-]+)["']""", Path(path).read_text())
    }
    assert named - known == set()
