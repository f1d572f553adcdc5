"""What both sides say of a suggestion: kept apart from it, told to the right people, acted on."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from bidding import deferred
from bidding.audit import AuditEvent
from bidding.audits import queries as audits
from bidding.challenges.models import ChallengeStatus
from bidding.matching import jobs, queries, rules
from bidding.matching.models import Feedback, Side, Suggestion, Verdict
from bidding.notifications.models import Notification
from bidding.permissions import AccessDenied
from bidding.violations import InvalidTransition, RuleViolation
from tests import factories as f

LIKE, PASS = Verdict.INTERESTED, Verdict.NOT_RELEVANT


class Market:
    """One open challenge, its poster, and three SMEs suggested for it: A the best, C the least."""

    def __init__(self, session) -> None:
        self.challenge = f.ChallengeFactory(title="Cooler magnets")
        self.poster = f.member_of(self.challenge.organization)
        self.solvers = {}
        for name, score in (("Alpha", 0.5), ("Beta", 0.4), ("Gamma", 0.3)):
            solver = self.solvers[name] = f.solver(name=f"{name} Magnets")
            session.add(suggestion(self.challenge, solver.organization, score))
        session.commit()

    def __getitem__(self, name: str):
        return self.solvers[name].organization


def suggestion(challenge, organization, score: float = 0.4) -> Suggestion:
    terms = [{"term": "magnet", "share": 0.5}]
    return Suggestion(challenge=challenge, organization=organization, score=score, terms=terms)


@pytest.fixture
def market(session) -> Market:
    return Market(session)


def say(browser, challenge, organization, verdict: str, **fields: str):
    return browser.post(
        f"/challenges/{challenge.id}/feedback",
        data={"organization": organization.id, "verdict": verdict, **fields},
        follow_redirects=True,
    )


def said(session) -> list[tuple[int, Side, Verdict | None]]:
    rows = session.scalars(sa.select(Feedback).order_by(Feedback.id))
    return [(row.organization_id, row.side, row.verdict) for row in rows]


def in_order(page: str, *names: str) -> list[str]:
    """`names` as they come on the page; a name that is not there fails."""
    return sorted(names, key=page.index)


def read(browser, address: str) -> str:
    """A page without what differs each time it is read: the tokens of its forms."""
    return re.sub(r'name="csrf_token" value="[^"]*"', "", browser.get(address).text)


# The rules


def test_each_side_says_its_own(session, market) -> None:
    solver = market.solvers["Beta"]

    rules.give_feedback(
        session, market.challenge, market["Beta"], actor=market.poster, verdict=PASS
    )
    rules.give_feedback(session, market.challenge, market["Beta"], actor=solver, verdict=LIKE)

    assert said(session) == [
        (market["Beta"].id, Side.POSTER, PASS),
        (market["Beta"].id, Side.SOLVER, LIKE),
    ]


def test_saying_it_again_changes_nothing_and_a_change_of_mind_is_on_the_trail(
    session, market
) -> None:
    pair = (session, market.challenge, market["Alpha"])
    for verdict in (LIKE, LIKE, PASS):
        rules.give_feedback(*pair, actor=market.poster, verdict=verdict)
    rules.take_back_feedback(*pair, actor=market.poster)
    rules.take_back_feedback(*pair, actor=market.poster)

    assert said(session) == [(market["Alpha"].id, Side.POSTER, None)]
    events = session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id)).all()
    assert {event.action for event in events} == {"matching.feedback"}
    assert [event.changes["verdict"] for event in events] == [
        [None, "interested"],
        ["interested", "not_relevant"],
        ["not_relevant", None],
    ]


def test_taking_back_what_was_never_said_does_nothing(session, market) -> None:
    rules.take_back_feedback(session, market.challenge, market["Alpha"], actor=market.poster)

    assert said(session) == []


def test_only_the_two_sides_have_a_say(session, market) -> None:
    outsiders = [
        f.UserFactory(),
        f.poster(),
        market.solvers["Beta"],
        f.UserFactory(administrator=True),
    ]
    for actor in outsiders:
        with pytest.raises(AccessDenied):
            rules.give_feedback(
                session, market.challenge, market["Alpha"], actor=actor, verdict=LIKE
            )
        with pytest.raises(AccessDenied):
            rules.take_back_feedback(session, market.challenge, market["Alpha"], actor=actor)


def test_a_large_enterprise_is_not_the_other_side_of_a_challenge(session, market) -> None:
    rival = f.poster()

    with pytest.raises(AccessDenied):
        rules.give_feedback(
            session, market.challenge, rival.organization, actor=rival, verdict=LIKE
        )
    with pytest.raises(RuleViolation, match="cannot take challenges"):
        rules.give_feedback(
            session, market.challenge, rival.organization, actor=market.poster, verdict=LIKE
        )


def test_what_is_not_open_takes_no_feedback_but_gives_it_back(session, market) -> None:
    pair = (session, market.challenge, market["Alpha"])
    rules.give_feedback(*pair, actor=market.poster, verdict=PASS)
    market.challenge.status = ChallengeStatus.SUSPENDED

    with pytest.raises(InvalidTransition):
        rules.give_feedback(*pair, actor=market.poster, verdict=LIKE)
    rules.take_back_feedback(*pair, actor=market.poster)

    assert said(session) == [(market["Alpha"].id, Side.POSTER, None)]


def test_a_suspended_poster_says_nothing_new_while_smes_may(session, market, sign_in) -> None:
    pair = (session, market.challenge, market["Alpha"])
    rules.give_feedback(*pair, actor=market.poster, verdict=PASS)
    market.challenge.organization.status = "suspended"
    session.commit()

    with pytest.raises(InvalidTransition, match="is suspended"):
        rules.give_feedback(*pair, actor=market.poster, verdict=LIKE)
    rules.take_back_feedback(*pair, actor=market.poster)
    rules.give_feedback(*pair, actor=market.solvers["Alpha"], verdict=LIKE)

    assert said(session) == [
        (market["Alpha"].id, Side.POSTER, None),
        (market["Alpha"].id, Side.SOLVER, LIKE),
    ]
    session.commit()
    address = f"/challenges/{market.challenge.id}"
    for page in (f"{address}/suggestions", f"{address}/pairings/{market['Alpha'].id}"):
        answer = sign_in(market.poster).get(page)
        assert answer.status_code == 200
        assert "Not relevant" not in answer.text


def test_feedback_survives_a_refresh(session, market, sign_in) -> None:
    rules.give_feedback(
        session, market.challenge, market["Alpha"], actor=market.poster, verdict=PASS
    )
    rules.store(session, [], scope=Suggestion.challenge_id == market.challenge.id)
    session.add(suggestion(market.challenge, market["Alpha"]))
    session.commit()

    page = sign_in(market.poster).get(f"/challenges/{market.challenge.id}/suggestions").text

    assert "Every suggestion is set aside" in page
    assert "Set aside (1)" in page


# The poster's page


def test_a_poster_sets_an_sme_aside_and_brings_it_back(session, market, sign_in) -> None:
    browser = sign_in(market.poster)

    page = say(browser, market.challenge, market["Alpha"], "not_relevant").text
    assert "Alpha Magnets is set aside, at the end of your suggestions." in page
    assert in_order(page, "Beta Magnets</a>", "Gamma Magnets</a>", "Set aside (1)") == [
        "Beta Magnets</a>",
        "Gamma Magnets</a>",
        "Set aside (1)",
    ]
    assert page.index("Alpha Magnets</a>") > page.index("Set aside (1)")

    page = say(browser, market.challenge, market["Alpha"], "").text
    assert "Taken back. Alpha Magnets stands where its score puts it." in page
    assert "Set aside" not in page
    assert in_order(page, "Beta Magnets</a>", "Alpha Magnets</a>")[0] == "Alpha Magnets</a>"


def test_interest_lifts_and_interest_of_both_lifts_most(session, market, sign_in) -> None:
    browser = sign_in(market.poster)
    page = say(browser, market.challenge, market["Gamma"], "interested").text
    names = ["Alpha Magnets</a>", "Beta Magnets</a>", "Gamma Magnets</a>"]
    assert in_order(page, *names) == [names[2], names[0], names[1]]
    assert page.count("You are interested") == 1
    assert "This SME is interested" not in page

    for name in ("Beta", "Gamma"):
        say(sign_in(market.solvers[name]), market.challenge, market[name], "interested")
    say(browser, market.challenge, market["Alpha"], "interested")
    say(browser, market.challenge, market["Alpha"], "")
    page = browser.get(f"/challenges/{market.challenge.id}/suggestions").text

    assert in_order(page, *names) == [names[2], names[1], names[0]]
    assert page.count("This SME is interested") == 2


def test_a_poster_never_learns_that_an_sme_finds_it_not_relevant(session, market, sign_in) -> None:
    address = f"/challenges/{market.challenge.id}/suggestions"
    before = read(sign_in(market.poster), address)

    say(sign_in(market.solvers["Alpha"]), market.challenge, market["Alpha"], "not_relevant")

    assert read(sign_in(market.poster), address) == before


def test_staff_read_what_the_matcher_found_not_what_the_two_said(session, market, sign_in) -> None:
    reviewer = f.UserFactory(reviewer=True)
    session.commit()
    address = f"/challenges/{market.challenge.id}/suggestions"
    before = read(sign_in(reviewer), address)

    say(sign_in(market.poster), market.challenge, market["Alpha"], "not_relevant")
    say(sign_in(market.poster), market.challenge, market["Gamma"], "interested")

    assert read(sign_in(reviewer), address) == before
    assert "Not relevant" not in before


def test_the_trail_tells_neither_side_of_the_other(session, market) -> None:
    pair = (session, market.challenge, market["Alpha"])
    rules.give_feedback(*pair, actor=market.poster, verdict=PASS)
    rules.give_feedback(*pair, actor=market.solvers["Alpha"], verdict=PASS)
    insiders = [
        f.member_of(market.challenge.organization, reviewer=True),
        f.member_of(market["Alpha"], reviewer=True),
    ]
    neutral = [f.UserFactory(reviewer=True), f.member_of(market["Beta"], reviewer=True)]

    def reads(reader) -> int:
        query = audits.events(reader, action="matching.feedback")
        return len(session.scalars(query).all())

    assert [reads(one) for one in insiders] == [0, 0]
    assert [reads(one) for one in neutral] == [2, 2]


# The SME's pages


def test_an_sme_sets_a_challenge_aside_and_brings_it_back(session, market, sign_in) -> None:
    browser = sign_in(market.solvers["Alpha"])

    page = say(browser, market.challenge, market["Alpha"], "not_relevant").text
    assert "“Cooler magnets” is set aside, at the end of your recommendations." in page
    assert "Every recommendation is set aside" in page
    assert "Set aside (1)" in page
    assert "Cooler magnets" not in browser.get("/dashboard").text

    page = say(browser, market.challenge, market["Alpha"], "").text
    assert "Taken back." in page
    assert "Set aside" not in page
    assert "Cooler magnets" in browser.get("/dashboard").text


def test_interest_lifts_a_challenge_on_every_list_of_the_sme(session, market, sign_in) -> None:
    solver = market.solvers["Gamma"]
    better = f.ChallengeFactory(title="Better paid")
    session.add(suggestion(better, market["Gamma"], 0.6))
    session.commit()
    browser = sign_in(solver)
    assert in_order(browser.get("/recommendations").text, "Better paid", "Cooler magnets") == [
        "Better paid",
        "Cooler magnets",
    ]

    page = say(browser, market.challenge, market["Gamma"], "interested").text

    assert "The poster of “Cooler magnets” sees that you are interested." in page
    for page in (browser.get("/recommendations").text, browser.get("/dashboard").text):
        assert in_order(page, "Better paid", "Cooler magnets")[0] == "Cooler magnets"


def test_an_sme_never_learns_what_the_poster_says(session, market, sign_in) -> None:
    browser = sign_in(market.solvers["Alpha"])
    before = read(browser, "/recommendations")

    say(sign_in(market.poster), market.challenge, market["Alpha"], "not_relevant")
    assert read(browser, "/recommendations") == before
    say(sign_in(market.poster), market.challenge, market["Alpha"], "interested")
    assert read(browser, "/recommendations") == before


def test_feedback_does_not_unmask_a_poster(session, market, sign_in) -> None:
    market.challenge.shows_name = False
    session.commit()
    browser = sign_in(market.solvers["Alpha"])

    for verdict in ("interested", "not_relevant", ""):
        page = say(browser, market.challenge, market["Alpha"], verdict).text
        assert market.challenge.organization.name not in page


def test_it_goes_back_to_the_page_it_came_from(session, market, sign_in) -> None:
    browser = sign_in(market.poster)
    address = f"/challenges/{market.challenge.id}/feedback"
    fields = {"organization": market["Alpha"].id, "verdict": "interested"}

    assert browser.post(address, data=fields).location.endswith("/suggestions")
    assert browser.post(address, data=fields | {"next": "/dashboard"}).location == "/dashboard"
    away = browser.post(address, data=fields | {"next": "//elsewhere.example"})
    assert away.location.endswith("/suggestions")


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("verdict", "perhaps", 400),
        ("organization", "0", 404),
        ("organization", "abc", 404),
        ("organization", str(10**30), 404),
    ],
)
def test_what_makes_no_sense_is_refused(session, market, sign_in, field, value, status) -> None:
    fields = {"organization": market["Alpha"].id, "verdict": "interested", field: value}

    answer = sign_in(market.poster).post(f"/challenges/{market.challenge.id}/feedback", data=fields)

    assert answer.status_code == status
    assert said(session) == []


def test_an_sme_that_was_suspended_meanwhile_is_explained_not_an_error(
    session, market, sign_in
) -> None:
    browser = sign_in(market.poster)
    say(browser, market.challenge, market["Alpha"], "not_relevant")
    market["Alpha"].status = "suspended"
    session.commit()

    page = say(browser, market.challenge, market["Alpha"], "interested")
    assert page.status_code == 200
    assert "This organization cannot take challenges at present." in page.text
    page = say(browser, market.challenge, market["Alpha"], "")
    assert "Taken back. Alpha Magnets" in page.text


@pytest.mark.parametrize("status", ["draft", "pending", "changes_requested", "rejected"])
@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("feedback", {"verdict": ""}),
        ("feedback", {"verdict": "interested"}),
        ("invitations", {}),
        ("consortium-invitations", {}),
    ],
)
def test_an_organization_that_is_not_verified_is_as_unknown_as_one_that_is_not_there(
    session, market, sign_in, status, action, fields
) -> None:
    hidden = f.OrganizationFactory(sme=True, name="Secret Start-up", status=status)
    session.commit()
    browser = sign_in(market.poster)
    address = f"/challenges/{market.challenge.id}/{action}"

    for ident in (hidden.id, 99999):
        chosen = [market["Alpha"].id, ident] if action.startswith("consortium") else [ident]
        assert browser.post(address, data={"organization": chosen, **fields}).status_code == 404
    assert "Secret Start-up" not in browser.get(f"/challenges/{market.challenge.id}").text


def test_what_the_poster_said_of_an_sme_makes_it_known_to_nobody_else(
    session, market, sign_in
) -> None:
    say(sign_in(market.poster), market.challenge, market["Alpha"], "not_relevant")
    market["Alpha"].status = "suspended"
    stranger = f.poster()
    session.commit()

    assert say(sign_in(stranger), market.challenge, market["Alpha"], "").status_code == 404


def test_nothing_is_said_to_be_taken_back_where_nothing_was_said(market, sign_in) -> None:
    page = say(sign_in(market.poster), market.challenge, market["Alpha"], "").text

    assert "Taken back" not in page


# Mail


def test_nobody_is_mailed_about_what_either_side_set_aside(session, market) -> None:
    rules.give_feedback(
        session, market.challenge, market["Alpha"], actor=market.poster, verdict=PASS
    )
    rules.give_feedback(
        session, market.challenge, market["Beta"], actor=market.solvers["Beta"], verdict=PASS
    )

    assert rules.tell_solvers(session, market.challenge) == 1

    told = session.scalars(sa.select(Notification.user_id)).all()
    assert told == [market.solvers["Gamma"].id]
    deferred.take(session)


# Cost


def test_lists_cost_the_same_with_1_row_and_30(session, market, sign_in, count_queries) -> None:
    buyer, seller = sign_in(market.poster), sign_in(market.solvers["Alpha"])
    pages = [
        (buyer, f"/challenges/{market.challenge.id}/suggestions"),
        (seller, "/recommendations"),
        (seller, "/dashboard"),
    ]

    def more(number: int) -> None:
        for place in range(number):
            verdict = (LIKE, PASS, None)[place % 3]
            sme, other = f.solver(), f.ChallengeFactory()
            session.add_all(
                [
                    suggestion(market.challenge, sme.organization),
                    suggestion(other, market["Alpha"]),
                ]
            )
            if verdict is None:
                continue
            for challenge, organization, actor in (
                (market.challenge, sme.organization, market.poster),
                (market.challenge, sme.organization, sme),
                (other, market["Alpha"], market.solvers["Alpha"]),
            ):
                rules.give_feedback(session, challenge, organization, actor=actor, verdict=verdict)
        session.commit()

    def costs() -> list[int]:
        return [count_queries(lambda b=b, page=page: b.get(page)) for b, page in pages]

    more(2)
    costs()
    few = costs()
    more(28)

    assert costs() == few


def test_the_matcher_itself_takes_no_notice(session, market) -> None:
    """What was said orders what is shown; the stored suggestions stay the matcher's own."""
    rules.give_feedback(
        session, market.challenge, market["Alpha"], actor=market.poster, verdict=PASS
    )
    session.commit()

    found = session.scalars(queries.suggestions_for(market.challenge.id, 20)).all()

    assert [each.organization_id for each in found] == [
        market[name].id for name in ("Alpha", "Beta", "Gamma")
    ]
    assert jobs.refresh() >= 0
