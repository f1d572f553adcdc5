"""Passwords: how strong, and how kept (argon2id)."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bidding.violations import RuleViolation
from bidding.vocabulary import N_

SHORTEST = 10
LONGEST = 200
_FEWEST_DIFFERENT = 5

# What people fall back on when ten characters are asked for, without digits and signs.
_COMMON = frozenset(
    {
        *("", "password", "passw", "passwordpassword", "mypassword", "qwerty", "qwertyuiop"),
        *("qwertyuiopasdfghjkl", "asdfghjkl", "zxcvbnm", "qazwsx", "qazwsxedc", "qwertyqwerty"),
        *("abc", "abcd", "abcde", "abcdef", "abcdefgh", "abcdefghij", "abcdefghijk", "aa", "qq"),
        *("iloveyou", "letmein", "welcome", "welcometo", "administrator", "admin", "adminadmin"),
        *("woaini", "woainima", "changeme", "changemenow", "jiebang", "jiebangjiebang", "test"),
    }
)

# The hash of a password nobody has: what an unknown address is checked against, so that it
# takes as long as a known one.
_NOBODY = (
    "$argon2id$v=19$m=65536,t=3,p=4$NcIe5lWJxSZ9hbtbbFEtqA"
    "$N/UTgMxF53//HtDrVgsuWAIzPKuruxBsd6vRMeM54+Y"
)

_hasher = PasswordHasher()


def hash_of(password: str) -> str:
    """What is kept instead of `password`."""
    return _hasher.hash(password)


def matches(kept: str | None, password: str) -> bool:
    """Whether `password` is the one behind `kept`; takes as long when there is none."""
    try:
        right = _hasher.verify(kept or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return right and kept is not None


def is_outdated(kept: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(kept)


def demand_strength(password: str, *, email: str = "", name: str = "") -> None:
    """Refuse a password that is short, or among the first that anybody would try.

    Raises
    ------
    RuleViolation
        Of the field `password`, saying what would be better.
    """
    if len(password) < SHORTEST:
        raise RuleViolation(
            N_("Use at least %(number)s characters. A short sentence is easy to remember."),
            field="password",
            number=SHORTEST,
        )
    if len(password) > LONGEST:
        raise RuleViolation(
            N_("Use at most %(number)s characters."), field="password", number=LONGEST
        )
    lower = password.lower()
    own = {word for word in (email.lower(), email.lower().partition("@")[0], name.lower()) if word}
    letters = "".join(c for c in lower if c.isalpha())
    guessable = (
        len(set(lower)) < _FEWEST_DIFFERENT
        or letters in _COMMON
        or lower in own
        or letters in {"".join(c for c in word if c.isalpha()) for word in own}
    )
    if guessable:
        raise RuleViolation(
            N_(
                "That password is easy to guess. Put a few unrelated words together,"
                " or let your browser suggest one."
            ),
            field="password",
        )
