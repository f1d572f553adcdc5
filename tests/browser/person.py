"""Somebody at a browser. Finds things as people do: by what they are and what they are called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import polib
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Locator, expect

from bidding.i18n import CATALOGUES
from tests.browser.site import PASSWORD, Site, address_of

WCAG = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    },
    "resultTypes": ["violations"],
}
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 390, "height": 844}
SECONDS = 1000

expect.set_options(timeout=10 * SECONDS)


@cache
def _catalogue(language: str) -> dict[str, str]:
    path: Path = CATALOGUES / language / "LC_MESSAGES" / "messages.po"
    return {e.msgid: e.msgstr for e in polib.pofile(str(path))} if path.is_file() else {}


class Person:
    """Somebody with a browser window of their own.

    Every page they come to is looked at once: WCAG 2.2 A and AA by axe, in light and dark, and
    no sideways scrolling on a narrow screen. What is wrong is collected in `faults`.
    """

    def __init__(
        self, name: str, browser: Browser, site: Site, language: str, *, javascript: bool = True
    ) -> None:
        self.name = name
        self.address = address_of(name)
        self.site = site
        self.language = language
        self.faults: list[str] = []
        self._looked_at: set[str] = set()
        self._forgiven = ""
        self._javascript = javascript
        self._context = browser.new_context(
            viewport=WIDE,
            java_script_enabled=javascript,
            locale="zh-CN" if language != "en" else "en-GB",
            base_url=site.address,
            reduced_motion="reduce",  # axe would measure colours halfway through a transition
        )
        self._context.set_default_timeout(10 * SECONDS)
        self.page = self._context.new_page()
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.faults.append(f"{self.page.url}: {error}"))
        self.goto(f"/?lang={language}")

    def leave(self) -> None:
        self._context.close()

    def t(self, message: str, **params: object) -> str:
        """`message` in the language that this person reads."""
        words = _catalogue(self.language).get(message) or message
        return words % params if params else words

    # Looking

    def _note(self, message: ConsoleMessage) -> None:
        if self._forgiven and self._forgiven in message.text:
            return  # the browser tells of every answer that is not a good one
        if message.type in ("error", "warning"):
            self.faults.append(f"{self.page.url}: console: {message.text}")

    def look(self) -> None:
        """Look at the page, unless one of the same kind was looked at before."""
        heading = self.page.locator("h1").first.inner_text()
        kind = re.sub(r"\d+", "#", self.page.url.partition("?")[0]) + " " + heading
        if kind in self._looked_at:
            return
        self._looked_at.add(kind)
        if self._javascript:
            self._run_axe(WCAG, "light")
        self.page.set_viewport_size(NARROW)
        over = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if over > 0:
            self.faults.append(f"{self.page.url} scrolls sideways by {over} px at 390 px")
        self.page.set_viewport_size(WIDE)
        if self._javascript and self.language != "en":  # colours know no language
            self.page.emulate_media(color_scheme="dark")
            self._run_axe(CONTRAST, "dark")
            self.page.emulate_media(color_scheme="light")

    def _run_axe(self, options: dict[str, object], where: str) -> None:
        results = Axe().run(self.page, options=options).response
        for violation in results["violations"]:
            nodes = "; ".join(
                f"{node['target']} {node['failureSummary'][:300]}"
                for node in violation["nodes"][:3]
            )
            self.faults.append(f"{self.page.url} ({where}): {violation['id']}: {nodes}")

    def sees(self, *messages: str, **params: object) -> None:
        """Every message stands on the page, in this person's language."""
        for message in messages:
            expect(self.page.get_by_text(self.t(message, **params)).first).to_be_visible()

    def does_not_see(self, words: str) -> None:
        expect(self.page.get_by_text(words)).to_have_count(0)

    def is_at(self, heading: str, **params: object) -> None:
        """The page has this heading."""
        words = self.t(heading, **params)
        expect(self.page.get_by_role("heading", level=1)).to_have_text(words)
        self.look()

    # Moving and typing

    def goto(self, path: str) -> None:
        self.page.goto(path)
        self.look()

    def follow(self, link: str, *, within: str | None = None) -> None:
        """Click a link by its words."""
        named = self._inside(within or "body").get_by_role("link", name=self.t(link), exact=True)
        named.first.click()
        self.page.wait_for_load_state()
        self.look()

    def press(self, button: str, *, within: str | None = None, status: int = 200) -> None:
        """Click a button of the page's main part by its words, and wait for what comes."""
        name = re.compile(rf"^\s*{re.escape(self.t(button))}")
        self._forgiven = f"status of {status}" if status >= 400 else ""
        with self.page.expect_navigation() as navigation:
            self._inside(within or "main").get_by_role("button", name=name).first.click()
        self.page.wait_for_load_state()
        assert navigation.value.status == status
        self.look()
        self._forgiven = ""

    def decide(self, action: str, reason: str = "") -> None:
        """Press one of the buttons of a lifecycle, which asks for a reason in a small form."""
        opener = self.page.locator("summary").filter(has_text=self.t(action)).first
        opener.click()
        panel = self.page.locator("details[open]").filter(has=opener).first
        if reason:
            panel.get_by_role("textbox").fill(reason)
        with self.page.expect_navigation():
            panel.get_by_role("button", name=self.t(action)).click()
        self.page.wait_for_load_state()
        self.look()

    def fill(
        self, label: str, words: str, *, within: Locator | None = None, **params: object
    ) -> None:
        self._labelled(label, within, **params).fill(words)

    def choose(
        self, label: str, option: str, *, within: Locator | None = None, **params: object
    ) -> None:
        """Choose an option of a list by its words."""
        self._labelled(label, within, **params).select_option(label=self.t(option))

    def choose_place(self, *codes: str) -> None:
        """Choose a region from province to county; without JavaScript a button shows the next."""
        levels = ("Province", "City or district", "County or district")
        for number, (level, code) in enumerate(zip(levels, codes, strict=False)):
            if number and not self._javascript:
                self.press("Show cities" if number == 1 else "Show the counties")
            select = self.page.get_by_label(f"{self.t('Region')}: {self.t(level)}")
            expect(select.locator(f"option[value='{code}']")).to_be_attached()
            select.select_option(code)

    def choose_code(self, label: str, code: str) -> None:
        """Choose an option of a long list by its code."""
        self._labelled(label, None).select_option(code)

    def tick(self, label: str, *, within: Locator | None = None, **params: object) -> None:
        self._labelled(label, within, **params).check()

    def _labelled(self, label: str, within: Locator | None, **params: object) -> Locator:
        words = re.escape(self.t(label, **params))
        where = within or self.page
        return (
            where.get_by_label(re.compile(rf"^\s*{words}\s*(\*|$)")).locator("visible=true").first
        )

    def _inside(self, within: str) -> Locator:
        """A part of the page: `main`, `body`, or the smallest card or row with these words."""
        if within in ("main", "body"):
            return self.page.locator(within)
        return self.page.locator("article, section, tr, li").filter(has_text=within).last

    @contextmanager
    def row(self, number: int) -> Iterator[Locator]:
        """One row of a list of rows, counted from 1."""
        yield self.page.get_by_role("group", name=self.t("Row %(number)s", number=number))

    # What everybody does

    def sign_in(self, address: str | None = None) -> None:
        self.goto("/sign-in")
        self.fill("E-mail address", address or self.address)
        self.fill("Password", PASSWORD)
        self.press("Sign in")

    def read_mail(self) -> None:
        """Follow the link in the last mail."""
        self.site.run_jobs()
        self.goto(self.site.link_in_mail_to(self.address))
