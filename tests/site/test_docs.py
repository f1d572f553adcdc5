"""What the documents say is so."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields

import click
import pytest

from bidding.challenges import lifecycle as challenges
from bidding.config import PREFIX, ROOT, Settings
from bidding.organizations import lifecycle as organizations
from bidding.solutions import lifecycle as solutions

README = ROOT / "README.md"
DEVELOPERS = ROOT / "DEVELOPERS.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"


def shown_default(value: object) -> str:
    text = str(value).replace(f"{ROOT}/", "")
    return f"`{text}`" if text else "empty"


def test_the_settings_table_is_the_settings():
    rows = re.findall(
        r"^\| `(BIDDING_\w+)` \| (.*?) \| (.*?) \|$", README.read_text(), re.MULTILINE
    )
    assert {name: (default.strip(), help_text) for name, default, help_text in rows} == {
        PREFIX + f.name.upper(): (shown_default(f.default), f.metadata["help"])
        for f in fields(Settings)
    }


@pytest.mark.parametrize(
    ("name", "lifecycle"),
    [
        ("organizations", organizations.LIFECYCLE),
        ("challenges", challenges.LIFECYCLE),
        ("solutions", solutions.LIFECYCLE),
    ],
)
def test_the_diagrams_are_the_lifecycles(name, lifecycle):
    text = ARCHITECTURE.read_text()
    found = re.search(
        rf"<!-- lifecycle: {name} -->\n```mermaid\n(.*?)\n```\n<!-- end -->", text, re.DOTALL
    )
    assert found, f"no diagram of {name} between its markers"
    assert found[1] == lifecycle.mermaid()


@pytest.mark.parametrize("document", [README, DEVELOPERS, ARCHITECTURE], ids=lambda p: p.name)
def test_commands_exist(app, document):
    """`flask --app app …` words up to the first option or argument are a command."""
    unknown = []
    for line in re.findall(r"flask --app app ([^`\n|#]+)", document.read_text()):
        command: click.Command | None = app.cli
        for word in shlex.split(line):
            if not isinstance(command, click.Group) or not re.fullmatch(r"[a-z][\w-]*", word):
                break
            if word in ("run", "routes", "shell"):
                command = None
                break
            command = command.commands.get(word)
            if command is None:
                unknown.append(line)
                break
        else:
            if isinstance(command, click.Group):
                unknown.append(line)
    assert unknown == []


@pytest.mark.parametrize("document", [README, DEVELOPERS, ARCHITECTURE], ids=lambda p: p.name)
def test_addresses_exist(app, document):
    rules = app.url_map.bind("localhost")
    unknown = [
        f"{method} {path}"
        for method, path in re.findall(r"`(GET|POST) (/[^\s`]*)`", document.read_text())
        if not rules.test(re.sub(r"<[^>]+>", "1", path.partition("?")[0]), method=method)
    ]
    assert unknown == []


@pytest.mark.parametrize(
    "document",
    [README, DEVELOPERS, *sorted((ROOT / "docs").rglob("*.md"))],
    ids=lambda p: p.name,
)
def test_files_and_links_exist(document):
    text = document.read_text()
    named = re.findall(r"`((?:bidding|templates|static|tests|docs)/[\w./-]+)`", text)
    linked = [
        link.partition("#")[0]
        for link in re.findall(r"\]\(([^)\s]+)\)", text)
        if not re.match(r"https?:|mailto:|#", link)
    ]
    missing = [name for name in named if not (ROOT / name).exists()]
    missing += [link for link in linked if not (document.parent / link).exists()]
    assert missing == []


def test_every_lasting_choice_has_a_page():
    pages = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert len(pages) >= 6
    for page in pages:
        text = page.read_text()
        assert text.startswith("# "), page.name
        assert {"## Context", "## Decision", "## Consequences"} <= set(text.splitlines()), page.name
