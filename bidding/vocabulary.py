"""Words of the field that code and pages share: labelled choices and marked messages.

Rules and models may not import Flask, so they cannot translate. They mark their English
sentences with `N_` for the message catalogue; pages translate them when they show them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


def N_(message: str) -> str:  # noqa: N802 - the customary name of gettext's no-op marker
    """Mark `message` for translation and return it unchanged."""
    return message


class Tone(StrEnum):
    """How a state should feel on a page; components map it to a colour and an icon."""

    NEUTRAL = "neutral"
    INFO = "info"
    WARNING = "warning"
    SUCCESS = "success"
    DANGER = "danger"


class Choice(StrEnum):
    """An enumeration stored by value whose members carry an English label and a tone."""

    label: str
    tone: Tone

    def __new__(cls, value: str, label: str, tone: Tone = Tone.NEUTRAL) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        member.tone = tone
        return member


class Action(StrEnum):
    """Something a person does to a record, the button's words, and its URL noun."""

    label: str
    noun: str
    tone: Tone

    def __new__(cls, value: str, label: str, noun: str, tone: Tone = Tone.NEUTRAL) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        member.noun = noun
        member.tone = tone
        return member
