"""What the people of the journeys write; the texts are in `words.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from types import SimpleNamespace

_TEXTS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def words_in(language: str) -> SimpleNamespace:
    """The texts of one language, as attributes."""
    return SimpleNamespace(**_TEXTS[language])
