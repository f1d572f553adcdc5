"""Markdown that people write is shown, and never run."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from bidding.text import lines, plain, render_markdown

ALLOWED = {
    "a": {"href", "rel", "title"},
    "ol": {"start"},
    **{tag: set() for tag in ("p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote")},
    **{tag: set() for tag in ("ul", "li", "h3", "h4", "h5", "h6")},
    **{tag: set() for tag in ("table", "thead", "tbody", "tr", "th", "td")},
}

HOSTILE = [
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "<svg/onload=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:x)",
    '[x](https://example.com "onclick=alert(1)")',
    '[x](https://example.com" onmouseover="alert(1))',
    "<https://example.com/'onclick='alert(1)>",
    "![x](https://tracker.example/pixel.gif)",
    "`<script>`",
    "```<style>\n*{display:none}\n```",
    "| a |\n|:-:|\n| <b onclick=x>b</b> |",
    '<a style="position:fixed">x</a>',
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#x6A;avascript:alert(1)",
    "[x](&#x6A;avascript:alert(1))",
    "<!--><script>alert(1)</script>-->",
    "<math><mtext></p><style><img src onerror=alert(1)>",
]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ALLOWED:
            self.faults.append(f"<{tag}>")
            return
        for name, value in attrs:
            if name not in ALLOWED[tag]:
                self.faults.append(f"<{tag} {name}>")
            if name == "href" and re.match(r"\s*[\w+.-]+:", value or ""):
                scheme = (value or "").partition(":")[0].strip().lower()
                if scheme not in {"http", "https", "mailto"}:
                    self.faults.append(f"href={value}")

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"comment {data}")


def faults(html: str) -> list[str]:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.faults


@pytest.mark.parametrize("source", HOSTILE)
def test_hostile_markdown_is_harmless(source):
    assert faults(render_markdown(source)) == []


pieces = st.sampled_from([*HOSTILE, "\n\n", "- ", "# ", "> ", "**", "](", "<", '"', "|", "\n|-|\n"])


@given(st.lists(pieces | st.text(max_size=20), max_size=12).map("".join))
def test_any_mixture_is_harmless(source):
    assert faults(render_markdown(source)) == []


def test_what_people_need_is_there():
    html = render_markdown(
        "# Aim\n\n**45 MGOe** and ~~40~~\n\n1. one\n2. two\n\n"
        "| a | b |\n|:-:|---|\n| 1 | 2 |\n\n[site](https://example.com)\nnext line"
    )
    assert "<h3>Aim</h3>" in html
    assert "<strong>45 MGOe</strong> and <s>40</s>" in html
    assert "<li>two</li>" in html
    assert "<th>a</th>" in html
    assert '<a href="https://example.com" rel="nofollow noopener noreferrer">site</a><br>' in html
    assert "style" not in html


@pytest.mark.parametrize("source", [None, ""])
def test_nothing_is_nothing(source):
    assert render_markdown(source) == ""
    assert plain(source) == ""


def test_plain_words_for_lists():
    assert plain("# Aim\n\n**45 MGOe** & more", 100) == "Aim 45 MGOe & more"
    assert plain("abcdefgh", 5) == "abcd…"


@given(st.lists(pieces | st.text(max_size=20), max_size=12).map("".join))
def test_plain_words_are_left_to_the_template_to_escape(source):
    """A `Markup` here would let `&lt;script&gt;` come alive in a list."""
    assert not isinstance(plain(source), Markup)


def test_lines_keep_the_words_and_the_shape():
    source = (
        "A **bold**\nword\n\n- x `y`\n- z\n\n3. n\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<b>t</b>"
    )

    assert lines(source).split("\n") == [
        "A bold", "word", "• x y", "• z", "3. n", "a  b", "1  2", "<b>t</b>",
    ]  # fmt: skip
    assert lines(None) == ""
