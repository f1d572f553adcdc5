"""Markdown that people write → HTML that is safe to show."""

from __future__ import annotations

import html
from collections.abc import Sequence

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

_TAGS = {
    *("p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote"),
    *("ul", "ol", "li", "h3", "h4", "h5", "h6", "a"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(
    ["table", "strikethrough"]
)


def render_markdown(source: str | None) -> Markup:
    """HTML of `source`: no raw HTML, no images, no inline style, links marked nofollow.

    Headings start at the third level, below the page's own.
    """
    if not source:
        return Markup()
    tokens = _parser.parse(source)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
        token.attrs.pop("style", None)  # table alignment; the CSP forbids inline style
    html = _parser.renderer.render(tokens, _parser.options, {})
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer",
    )
    return Markup(clean)  # noqa: S704 - cleaned above


def plain(source: str | None, length: int = 160) -> str:
    """The words of `source` without markup, cut at `length` characters, for cards and lists."""
    words = " ".join(nh3.clean(_parser.render(source or ""), tags=set()).split())
    text = html.unescape(words)
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def lines(source: str | None) -> str:
    """The words of `source` without markup, a line for each paragraph, item or row of a table.

    Where places in a text have to be marked, markup would be in the way.
    """
    found: list[str] = []
    opening, is_cell = "", False
    for token in _parser.parse(source or ""):
        if token.type == "list_item_open":
            opening = f"{token.info}. " if token.info else "• "
        elif token.type in ("th_open", "td_open"):
            is_cell = bool(found) and not opening
        elif token.type == "tr_open":
            opening = " "
        elif token.type == "inline":
            words = _words(token.children or [])
            if is_cell:
                found[-1] += f"  {words}"
            else:
                found.append((opening + words).strip())
            opening, is_cell = "", False
        elif token.type in ("code_block", "fence", "html_block"):
            found.append(token.content.strip())
    return "\n".join(line for line in found if line)


def _words(tokens: Sequence[Token]) -> str:
    breaks = {"softbreak": "\n", "hardbreak": "\n"}
    return "".join(breaks.get(token.type, token.content) for token in tokens)
