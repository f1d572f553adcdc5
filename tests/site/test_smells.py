"""DESIGN's smells, each as a search that must find nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bidding.config import ROOT

CODE = sorted(p for p in (ROOT / "bidding").rglob("*.py") if "versions" not in p.parts)
PAGES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = [p for p in (ROOT / "static").rglob("*.js") if "vendor" not in p.parts]
STYLES = [p for p in (ROOT / "static").rglob("*.css") if "vendor" not in p.parts]


def hits(pattern: str, paths: list[Path], *, unless: str = r"(?!)") -> list[str]:
    """Lines that match, as ``file:line: text``; Jinja comments do not count."""
    found = []
    for path in paths:
        text = re.sub(
            r"\{#.*?#\}", lambda m: "\n" * m.group().count("\n"), path.read_text(), flags=re.DOTALL
        )
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(pattern, line) and not re.search(unless, line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    return found


def test_statuses_are_members_of_an_enumeration_not_words():
    assert hits(r"\b(status|state|role)\s*(==|!=)\s*['\"]", CODE + PAGES) == []
    assert hits(r"\.(status|state|role)\s*=\s*['\"]", CODE) == []


def test_a_status_is_set_by_the_lifecycle_only():
    elsewhere = [p for p in CODE if p.name not in ("lifecycle.py", "seed.py")]
    assert hits(r"\w\.status\s*=(?!=)", elsewhere) == []


def test_commits_happen_at_the_boundary_only():
    elsewhere = [p for p in CODE if p.name != "boundary.py" and "migrations" not in p.parts]
    assert hits(r"\.commit\(\)", elsewhere) == []


def test_no_legacy_orm():
    legacy = r"\b[A-Z]\w+\.query\b|session\.query\(|db\.Column|backref=|lazy=.dynamic"
    assert hits(legacy, CODE) == []


def test_templates_do_not_query_or_count():
    assert hits(r"filter_by|\.count\(\)|\.query\b|db\.session", PAGES) == []


def test_nothing_bypasses_escaping():
    """In code, ruff's S704 asks every `Markup` of something for its reason."""
    assert hits(r"\|\s*safe\b|autoescape\s+false", PAGES) == []


def test_no_inline_script_style_or_handler():
    """The CSP would refuse it, silently and only in the browser."""
    assert hits(r"<style|\sstyle\s*=", PAGES) == []
    assert hits(r"<script(?![^>]*\bsrc=)", PAGES) == []
    assert hits(r"\son[a-z]+\s*=\s*[\"']", PAGES) == []
    assert hits(r"javascript:", PAGES) == []
    assert hits(r"\beval\(|new Function\(|\.innerHTML\s*=|setAttribute\(.style", SCRIPTS) == []


def test_nothing_is_fetched_from_elsewhere():
    assert hits(r"(?:src|href)=[\"'](?:https?:)?//", PAGES) == []
    assert hits(r"@import|url\(\s*[\"']?(?:https?:)?//", STYLES) == []


def test_no_chinese_outside_the_catalogue_and_the_data():
    assert hits(r"[\u4e00-\u9fff]", CODE + PAGES + SCRIPTS) == []


def test_every_post_form_carries_a_token():
    bare = [
        f"{path.relative_to(ROOT)}: {form[:80]}"
        for path in PAGES
        for form in re.findall(r"<form\b.*?</form>", path.read_text(), flags=re.DOTALL)
        if re.search(r"""method=["']?post""", form[: form.find(">") + 400], re.IGNORECASE)
        and not re.search(r"csrf_token|hidden_tag|\bfields\(", form)
        and "caller()" not in form
    ]
    assert bare == []


def test_nothing_changes_by_following_a_link():
    changing = r"<a [^>]*href=[^>]*url_for\([^)]*\.(publish|reject|withdraw|submit|verify)\b"
    assert hits(changing, PAGES) == []


@pytest.mark.parametrize(("kind", "limit"), [("views.py", 280), ("html", 220)])
def test_files_stay_short_enough_to_read(kind, limit):
    paths = [p for p in CODE if p.name == kind] if kind == "views.py" else PAGES
    long = {str(p.relative_to(ROOT)): n for p in paths if (n := p.read_text().count("\n")) > limit}
    assert long == {}


def functions() -> Iterator[tuple[Path, ast.FunctionDef]]:
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                yield path, node


def test_views_stay_short():
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {length} lines"
        for path, node in functions()
        if path.name == "views.py"
        and (length := (node.end_lineno or 0) - node.body[0].lineno + 1) > 25
    ]
    assert long == []


def test_rules_take_the_session_first_and_name_their_actor():
    """`verb(session, record, *, actor, …)`; what only reads belongs in queries."""
    odd = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path, node in functions()
        if path.name == "rules.py"
        and any("session" in arg.arg for arg in node.args.args[:1])
        and not node.name.startswith("_")
        and node.args.args[0].annotation is None
    ]
    assert odd == []


def test_every_noqa_carries_its_reason():
    everywhere = CODE + sorted((ROOT / "tests").rglob("*.py"))
    assert hits(r"#\s*noqa", everywhere, unless=r"noqa: [A-Z0-9, ]+ - \w|r\"#\\s\*noqa\"") == []
