"""Everything that is put on the trail can be read there."""

from __future__ import annotations

import re
from pathlib import Path

from bidding.audits.words import ACTIONS
from bidding.challenges.lifecycle import LIFECYCLE as CHALLENGES
from bidding.config import ROOT
from bidding.organizations.lifecycle import LIFECYCLE as ORGANIZATIONS
from bidding.solutions.lifecycle import LIFECYCLE as SOLUTIONS

RECORD = re.compile(r'(?:audit\.record|_note|_record)\(\s*session,\s*"([a-z_]+\.[a-z_]+)"')


def recorded() -> set[str]:
    """Actions named where an event is recorded, and those of the lifecycles."""
    sources = (path.read_text("utf-8") for path in Path(ROOT, "bidding").rglob("rules.py"))
    named = {action for source in sources for action in RECORD.findall(source)}
    return named | {
        f"{lifecycle.name}.{row.action.value}"
        for lifecycle in (ORGANIZATIONS, CHALLENGES, SOLUTIONS)
        for row in lifecycle.transitions
    }


def test_every_action_on_the_trail_has_its_words() -> None:
    assert len(recorded()) > 30
    assert sorted(recorded() - set(ACTIONS)) == []


def test_no_words_are_kept_for_actions_that_nobody_records() -> None:
    assert sorted(set(ACTIONS) - recorded()) == []
