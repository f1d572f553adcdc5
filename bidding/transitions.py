"""From a lifecycle's table to routes and buttons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from bidding.boundary import load
from bidding.extensions import db
from bidding.forms import ReasonForm
from bidding.lifecycle import Lifecycle, Reason
from bidding.permissions import Permission, requires
from bidding.vocabulary import Action, Tone

Verb = Callable[..., Any]

# Actions of different lifecycles may share a value, hence the lifecycle's name.
_endpoints: dict[tuple[str, Action], str] = {}


@dataclass(frozen=True)
class Button:
    """One thing the reader may do now, for ``components/actions.html``."""

    action: Action
    label: str
    url: str
    tone: Tone
    needs_reason: bool
    takes_reason: bool


def route_transition(
    blueprint: Blueprint,
    lifecycle: Lifecycle,
    action: Action,
    verb: Verb,
    *,
    entity: type[Any],
    path: str,
    readable: Permission,
    done: Callable[[Any], str],
    told: Any,
) -> None:
    """Give `action` its route, ``POST <path>/<id>/<noun>``, called ``<blueprint>.<action>``.

    Parameters
    ----------
    verb
        The rule: ``verb(session, record, actor=…, reason=…)``.
    entity, path
        The model and where its records live, such as ``/challenges``.
    readable
        Permission without which the record does not exist for the reader (404, not 403).
    done
        Given the record, the address to go to afterwards; a safe ``next`` field wins.
    told
        The sentence that confirms it.
    """
    (permission,) = {row.permission for row in lifecycle.transitions if row.action is action}

    def view(ident: int) -> Response:
        record = load(entity, ident, permission, readable=readable)
        verb(db.session, record, actor=current_user, reason=ReasonForm().words())
        flash(told, "success")
        return redirect(next_address(done(record)))

    blueprint.add_url_rule(
        f"{path}/<int:ident>/{action.noun}",
        endpoint=action.value,
        view_func=requires(permission)(view),
        methods=["POST"],
    )
    _endpoints[lifecycle.name, action] = f"{blueprint.name}.{action.value}"


def route_transitions(
    blueprint: Blueprint,
    lifecycle: Lifecycle,
    verbs: Mapping[Action, tuple[Verb, Any]],
    **options: Any,
) -> None:
    """Route several actions: ``{action: (verb, told)}``; `options` as for `route_transition`."""
    for action, (verb, told) in verbs.items():
        route_transition(blueprint, lifecycle, action, verb, told=told, **options)


def buttons(lifecycle: Lifecycle, record: Any) -> list[Button]:
    """The buttons of what the current user may do to `record` now.

    Actions that need more than a reason have a page of their own instead of a route here, and
    no button.
    """
    return [
        Button(
            action=row.action,
            label=gettext(row.action.label),
            url=url_for(_endpoints[lifecycle.name, row.action], ident=record.id),
            tone=row.action.tone,
            needs_reason=row.reason is Reason.REQUIRED,
            takes_reason=row.reason is not Reason.NONE,
        )
        for row in lifecycle.available(record, current_user)
        if (lifecycle.name, row.action) in _endpoints
    ]


def next_address(default: str) -> str:
    """The ``next`` of the form or the query, if it stays on this site; else `default`."""
    wanted = request.values.get("next", "")
    is_local = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if is_local and wanted.isprintable() else default
