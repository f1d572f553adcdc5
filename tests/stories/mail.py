"""Reading the mail that a site without a mail server writes to files."""

from __future__ import annotations

import email
import email.policy
import re
from email.message import EmailMessage
from pathlib import Path


def letters_to(address: str, folder: Path) -> list[EmailMessage]:
    """What arrived at `address`, oldest first."""
    letters = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted(
            (folder / "mail").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns
        )
    ]
    return [letter for letter in letters if address in letter["To"]]


def link_in(letter: EmailMessage, site: str) -> str:
    """The link to `site` in a letter."""
    text = letter.get_body(("plain",)).get_content()
    return re.search(rf"{re.escape(site)}\S+", text)[0]
