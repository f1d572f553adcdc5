"""Verbs of the evaluation: break the seal, screen, shortlist, decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from sqlalchemy.orm import Session

from bidding.accounts.models import User
from bidding.challenges.lifecycle import LIFECYCLE as CHALLENGES
from bidding.challenges.lifecycle import ChallengeAction, posters
from bidding.challenges.models import Challenge
from bidding.challenges.rules import NAMED
from bidding.evaluations.models import Decision, Outcome
from bidding.notifications.rules import notify
from bidding.solutions import queries
from bidding.solutions.lifecycle import LIFECYCLE as SOLUTIONS
from bidding.solutions.lifecycle import SolutionAction, solvers
from bidding.solutions.models import Solution, SolutionStatus
from bidding.violations import ReasonRequired, RuleViolation, Several
from bidding.vocabulary import N_


def open_solutions(
    session: Session, challenge: Challenge, *, actor: User, reason: str = ""
) -> None:
    """Break the seal, once the deadline has passed. Every SME that submitted is told."""
    CHALLENGES.advance(session, challenge, ChallengeAction.OPEN, actor=actor, reason=reason)
    for solution in _put_forward(session, challenge):
        notify(session, "challenges.open", challenge, solvers(solution), actor=actor)


def pass_screening(session: Session, solution: Solution, *, actor: User, reason: str = "") -> None:
    """Let the solution through to the evaluation."""
    SOLUTIONS.advance(session, solution, SolutionAction.PASS, actor=actor, reason=reason)


def exclude(session: Session, solution: Solution, *, actor: User, reason: str = "") -> None:
    """Exclude the solution at screening, with a reason that its authors are told."""
    SOLUTIONS.advance(session, solution, SolutionAction.EXCLUDE, actor=actor, reason=reason)


def shortlist(session: Session, solution: Solution, *, actor: User, reason: str = "") -> None:
    """Put the solution on the shortlist, from which awards are made."""
    SOLUTIONS.advance(session, solution, SolutionAction.SHORTLIST, actor=actor, reason=reason)


def award(
    session: Session,
    challenge: Challenge,
    *,
    actor: User,
    statement: str,
    reasons: Mapping[int, str],
    selected: AbstractSet[int],
) -> Decision:
    """Award the challenge to the `selected` solutions and pass the others over.

    Everybody who is still in the evaluation is owed a reason, in `reasons` by solution id.

    Raises
    ------
    Several
        Naming the fields ``selected``, ``reason_<id>`` and ``statement``.
    """
    CHALLENGES.check(challenge, ChallengeAction.AWARD, actor=actor)
    undecided = _undecided(session, challenge)
    if wrong := _award_faults(challenge, undecided, statement, reasons, selected):
        raise Several(wrong)
    for solution in undecided:
        action = SolutionAction.SELECT if solution.id in selected else SolutionAction.PASS_OVER
        SOLUTIONS.advance(session, solution, action, actor=actor, reason=reasons[solution.id])
    CHALLENGES.advance(session, challenge, ChallengeAction.AWARD, actor=actor, reason=statement)
    _tell_colleagues(session, "challenges.award", challenge, actor=actor, reason=statement)
    return _decide(session, challenge, Outcome.AWARDED, statement, actor=actor)


def _award_faults(
    challenge: Challenge,
    undecided: Iterable[Solution],
    statement: str,
    reasons: Mapping[int, str],
    selected: AbstractSet[int],
) -> list[RuleViolation]:
    faults = []
    shortlisted = {s.id for s in undecided if s.status is SolutionStatus.SHORTLISTED}
    if not selected:
        faults.append(RuleViolation(N_("Select at least one solution."), field="selected"))
    if selected - shortlisted:
        faults.append(
            RuleViolation(N_("Only shortlisted solutions can be selected."), field="selected")
        )
    if len(selected) > challenge.awards:
        faults.append(
            RuleViolation(
                N_("At most %(awards)s can be selected; you selected %(count)s."),
                field="selected",
                awards=challenge.awards,
                count=len(selected),
            )
        )
    faults += [
        RuleViolation(
            N_("Give a reason. The people concerned will read it."), field=f"reason_{solution.id}"
        )
        for solution in undecided
        if not reasons.get(solution.id, "").strip()
    ]
    if not statement.strip():
        faults.append(
            RuleViolation(N_("Write the statement that is published."), field="statement")
        )
    if challenge.gives_away_poster(statement):
        faults.append(RuleViolation(NAMED, field="statement"))
    return faults


def declare_unsuccessful(
    session: Session, challenge: Challenge, *, actor: User, reason: str
) -> Decision:
    """End the evaluation without an award. Every SME still in it is told the reason."""
    CHALLENGES.check(challenge, ChallengeAction.FAIL, actor=actor)
    if not reason.strip():
        raise ReasonRequired()
    _keep_poster_withheld(challenge, reason)
    for solution in _undecided(session, challenge):
        SOLUTIONS.advance(session, solution, SolutionAction.PASS_OVER, actor=actor, reason=reason)
    CHALLENGES.advance(session, challenge, ChallengeAction.FAIL, actor=actor, reason=reason)
    _tell_colleagues(session, "challenges.fail", challenge, actor=actor, reason=reason)
    return _decide(session, challenge, Outcome.UNSUCCESSFUL, reason, actor=actor)


def cancel(session: Session, challenge: Challenge, *, actor: User, reason: str) -> None:
    """Cancel the challenge. Whoever works on a solution is told; a seal that holds stays.

    Once the seal is broken, those whose solution was never submitted are out of it.
    """
    CHALLENGES.check(challenge, ChallengeAction.CANCEL, actor=actor)
    _keep_poster_withheld(challenge, reason)
    CHALLENGES.advance(session, challenge, ChallengeAction.CANCEL, actor=actor, reason=reason)
    concerned = queries.put_forward if challenge.is_opened else queries.on_challenge
    for solution in session.scalars(concerned(challenge.id)):
        notify(
            session, "challenges.cancel", challenge, solvers(solution), actor=actor, reason=reason
        )
    _tell_colleagues(session, "challenges.cancel", challenge, actor=actor, reason=reason)


def _keep_poster_withheld(challenge: Challenge, reason: str) -> None:
    """The reason is published with the outcome."""
    if challenge.gives_away_poster(reason):
        raise RuleViolation(NAMED, field="reason")


def _put_forward(session: Session, challenge: Challenge) -> list[Solution]:
    return list(session.scalars(queries.put_forward(challenge.id)))


def _undecided(session: Session, challenge: Challenge) -> list[Solution]:
    return [
        solution
        for solution in _put_forward(session, challenge)
        if SOLUTIONS.find(solution.status, SolutionAction.PASS_OVER)
    ]


def _tell_colleagues(
    session: Session, event: str, challenge: Challenge, *, actor: User, reason: str
) -> None:
    colleagues = [user for user in posters(challenge) if user.id != actor.id]
    notify(session, event, challenge, colleagues, actor=actor, reason=reason.strip())


def _decide(
    session: Session, challenge: Challenge, outcome: Outcome, statement: str, *, actor: User
) -> Decision:
    decision = Decision(
        challenge_id=challenge.id,
        outcome=outcome,
        statement=statement.strip(),
        decided_by_id=actor.id,
        decided_at=challenge.decided_at,
    )
    session.add(decision)
    session.flush()
    return decision
