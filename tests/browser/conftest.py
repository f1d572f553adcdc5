"""Chromium, and a site of its own for each story."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.person import Person
from tests.browser.site import Site

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Welcome = Callable[..., Person]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The application on a free loopback port, with an empty database."""
    site = Site(tmp_path)
    yield site
    site.close()


@pytest.fixture(params=["zh_Hans_CN", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def welcome(browser: Browser, site: Site, language: str) -> Iterator[Welcome]:
    """People at browsers of their own, who read the language of the story.

    At the end nobody may have met an error in the console or a page with an accessibility fault.
    """
    people: list[Person] = []

    def welcome(name: str, *, javascript: bool = True) -> Person:
        people.append(Person(name, browser, site, language, javascript=javascript))
        return people[-1]

    yield welcome
    faults = [fault for person in people for fault in person.faults]
    for person in people:
        person.leave()
    if faults:
        pytest.fail("\n".join(dict.fromkeys(faults)), pytrace=False)
