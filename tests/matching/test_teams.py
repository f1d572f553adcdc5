"""SMEs that cover more together: found in the background, invited together, shown to each side."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bidding import clock, deferred
from bidding.audit import AuditEvent
from bidding.challenges.models import ChallengeStatus, Operator, Requirement
from bidding.matching import jobs, queries, rules, teams
from bidding.matching.consortia import Candidate, Survey
from bidding.matching.coverage import Item, Weighed
from bidding.matching.models import (
    Exposure,
    ItemSurvey,
    JointInvitation,
    Side,
    Suggestion,
    Verdict,
)
from bidding.notifications import letters
from bidding.notifications.models import Notification
from bidding.organizations.models import OrganizationStatus
from bidding.permissions import AccessDenied
from bidding.violations import InvalidTransition, RuleViolation
from tests import factories as f

# Background work

ITEMS = ("Grain boundary diffusion", "Salt spray resistance", "Laser seam welding")


class Market:
    """A challenge with three musts, and three SMEs that cover one each."""

    def __init__(self, session) -> None:
        self.challenge = f.ChallengeFactory(
            title="Neodymium magnets that last",
            requirements=[
                Requirement(position=at, name=name, operator=Operator.AT_LEAST, value="5")
                for at, name in enumerate(ITEMS)
            ],
        )
        self.poster = f.member_of(self.challenge.organization)
        self.solvers = {}
        for name, skill in zip(("Alpha", "Beta", "Gamma"), ITEMS, strict=True):
            solver = self.solvers[name] = f.solver(name=f"{name} Works")
            f.ProfileFactory(
                organization=solver.organization,
                products="Neodymium magnets",
                technologies=f"{skill} of magnets",
            )
        session.commit()
        self.address = f"/challenges/{self.challenge.id}"

    def __getitem__(self, name: str):
        return self.solvers[name].organization

    def ids(self, *names: str) -> list[int]:
        return [self[name].id for name in names]


@pytest.fixture
def market(session) -> Market:
    return Market(session)


def proposed(session, market, **options) -> list[list[int]]:
    options = {"for_poster": True, **options}
    return [
        sorted(one.ids)
        for one in teams.proposals(session, market.challenge.id, **options).consortia
    ]


def test_publishing_finds_who_completes_whom(session, market) -> None:
    jobs.match_challenge(market.challenge.id)

    session.rollback()
    assert proposed(session, market) == [market.ids("Alpha", "Beta", "Gamma")]


def test_a_refresh_finds_the_same_and_replaces_what_was_known(session, market) -> None:
    jobs.match_challenge(market.challenge.id)
    session.rollback()
    first = session.scalar(queries.item_survey(market.challenge.id))
    known = (first.items, first.candidates)
    session.rollback()

    jobs.refresh()

    session.rollback()
    rows = session.scalars(sa.select(ItemSurvey)).all()
    assert [(row.items, row.candidates) for row in rows] == [known]
    market["Gamma"].profile.technologies = "Sourdough"
    session.commit()
    jobs.refresh()
    session.rollback()
    assert proposed(session, market) == [market.ids("Alpha", "Beta")]


def test_who_may_not_take_the_challenge_is_no_member(session, market) -> None:
    market.challenge.taker_region_code = "440000"
    session.commit()

    jobs.match_challenge(market.challenge.id)

    assert proposed(session, market) == []


def test_who_left_since_is_left_out(session, market) -> None:
    jobs.match_challenge(market.challenge.id)
    session.rollback()
    market["Beta"].status = OrganizationStatus.SUSPENDED
    session.commit()

    assert proposed(session, market) == [market.ids("Alpha", "Gamma")]


def test_who_was_set_aside_is_left_out_for_the_poster_alone(session, market) -> None:
    jobs.match_challenge(market.challenge.id)
    session.rollback()
    rules.give_feedback(
        session, market.challenge, market["Beta"], actor=market.poster, verdict=Verdict.NOT_RELEVANT
    )
    session.commit()

    assert proposed(session, market) == [market.ids("Alpha", "Gamma")]
    assert proposed(session, market, for_poster=False) == [market.ids("Alpha", "Beta", "Gamma")]


def test_a_challenge_that_asks_for_one_thing_has_no_survey(session, market) -> None:
    market.challenge.requirements = market.challenge.requirements[:1]
    market.challenge.problem = market.challenge.expected_result = ""
    session.commit()

    jobs.match_challenge(market.challenge.id)

    assert session.scalars(sa.select(ItemSurvey)).all() == []


# Inviting them together


def told(session) -> list[tuple[str, int, list[str]]]:
    rows = session.scalars(sa.select(Notification).order_by(Notification.id))
    return [(row.event, row.user_id, row.params["partners"]) for row in rows]


def invite(session, market, *names: str, introduces: bool = True, **options):
    return rules.invite_together(
        session,
        market.challenge,
        [market[name] for name in names],
        introduces=introduces,
        **{"actor": market.poster, **options},
    )


def test_each_is_invited_and_told_of_the_others(session, market) -> None:
    joint = invite(session, market, "Beta", "Alpha")

    assert [member.organization_id for member in joint.members] == market.ids("Alpha", "Beta")
    assert set(session.scalars(queries.invited_to(market.challenge.id))) == set(
        market.ids("Alpha", "Beta")
    )
    assert told(session) == [
        ("challenges.invite", market.solvers["Alpha"].id, ["Beta Works"]),
        ("challenges.invite", market.solvers["Beta"].id, ["Alpha Works"]),
    ]
    events = session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id)).all()
    assert [(event.action, event.changes) for event in events] == [
        (
            "challenges.invite_together",
            {"invited_together": [None, ["Alpha Works", "Beta Works"]], "introduced": [None, True]},
        ),
        ("challenges.invite", {"invited": [None, "Alpha Works"]}),
        ("challenges.invite", {"invited": [None, "Beta Works"]}),
    ]


def test_nobody_is_named_to_another_unless_the_poster_wants_it(session, market) -> None:
    rules.invite(session, market.challenge, market["Alpha"], actor=market.poster)

    joint = invite(session, market, "Alpha", "Beta", introduces=False)

    assert joint.introduces is False
    assert told(session) == [
        ("challenges.invite", market.solvers["Alpha"].id, []),
        ("challenges.invite", market.solvers["Beta"].id, []),
    ]


def test_who_was_invited_before_is_introduced_and_not_invited_again(session, market) -> None:
    rules.invite(session, market.challenge, market["Alpha"], actor=market.poster)

    invite(session, market, "Alpha", "Beta")

    assert told(session)[1:] == [
        ("challenges.introduce", market.solvers["Alpha"].id, ["Beta Works"]),
        ("challenges.invite", market.solvers["Beta"].id, ["Alpha Works"]),
    ]


def test_who_was_invited_without_introduction_can_be_introduced_later_but_once(
    session, market
) -> None:
    invite(session, market, "Alpha", "Beta", introduces=False)
    assert teams.introduced_teams(session, market.challenge.id) == set()

    invite(session, market, "Alpha", "Beta")

    assert told(session)[2:] == [
        ("challenges.introduce", market.solvers["Alpha"].id, ["Beta Works"]),
        ("challenges.introduce", market.solvers["Beta"].id, ["Alpha Works"]),
    ]
    with pytest.raises(RuleViolation, match="invited together already"):
        invite(session, market, "Alpha", "Beta")


def test_an_sme_can_be_in_two_teams_but_the_same_team_is_invited_once(session, market) -> None:
    invite(session, market, "Alpha", "Beta")
    invite(session, market, "Alpha", "Gamma")

    with pytest.raises(RuleViolation, match="invited together already"):
        invite(session, market, "Beta", "Alpha")
    with pytest.raises(RuleViolation, match="have been invited already"):
        invite(session, market, "Beta", "Gamma", introduces=False)
    assert teams.introduced_teams(session, market.challenge.id) == {
        frozenset(market.ids("Alpha", "Beta")),
        frozenset(market.ids("Alpha", "Gamma")),
    }


def test_a_team_is_two_to_four_smes_that_may_take_it_or_nobody_is_invited(session, market) -> None:
    more = [f.solver().organization for _ in range(3)]
    everyone = [market["Alpha"], market["Beta"], *more]
    for chosen in ([market["Alpha"]], [market["Alpha"]] * 2, everyone):
        with pytest.raises(RuleViolation, match="two to four"):
            rules.invite_together(
                session, market.challenge, chosen, actor=market.poster, introduces=True
            )
    market["Beta"].status = OrganizationStatus.SUSPENDED
    with pytest.raises(RuleViolation, match="Beta Works cannot take challenges"):
        invite(session, market, "Alpha", "Beta")

    assert session.scalars(sa.select(JointInvitation)).all() == []
    assert list(session.scalars(queries.invited_to(market.challenge.id))) == []


def test_only_the_poster_invites_and_only_while_it_is_open(session, market) -> None:
    for actor in (f.poster(), market.solvers["Alpha"], f.UserFactory(administrator=True)):
        with pytest.raises(AccessDenied):
            invite(session, market, "Alpha", "Beta", actor=actor)
    market.challenge.status = ChallengeStatus.SUSPENDED
    with pytest.raises(InvalidTransition):
        invite(session, market, "Alpha", "Beta")


def test_the_mail_names_the_partners_but_not_a_poster_who_is_withheld(app, session, market) -> None:
    market.challenge.shows_name = False
    rules.invite(session, market.challenge, market["Alpha"], actor=market.poster)
    invite(session, market, "Alpha", "Beta", "Gamma")
    deferred.take(session)
    session.commit()

    mails = [
        letters.compose(notice, app.config["SETTINGS"], encoding="8bit")
        .get_body(("plain",))
        .get_content()
        for notice in session.scalars(sa.select(Notification).order_by(Notification.id))
    ]

    assert ["thinks of you together with" in mail for mail in mails] == [False, True, True, True]
    assert "Beta Works, Gamma Works" in mails[1]
    assert "Alpha Works, Gamma Works" in mails[2]
    assert not any(market.challenge.organization.name in mail for mail in mails)


# The poster's page


def test_the_poster_reads_who_covers_what_and_invites_them_in_a_click(
    session, market, sign_in
) -> None:
    jobs.match_challenge(market.challenge.id)
    browser = sign_in(market.poster)

    page = browser.get(f"{market.address}/suggestions").text
    assert "Together they cover more" in page
    assert "3 SMEs cover 3 of 3 items" in page
    assert "Invite them together" in page

    answer = browser.post(
        f"{market.address}/consortium-invitations",
        data={"organization": market.ids("Alpha", "Beta", "Gamma"), "introduces": "yes"},
        follow_redirects=True,
    )

    assert "They are invited, and know of each other." in answer.text
    assert "Invited together" in answer.text
    assert "Invite them together" not in answer.text
    assert len(list(session.scalars(queries.invited_to(market.challenge.id)))) == 3


def test_who_is_seen_in_a_proposal_alone_was_shown_and_can_be_opened_from_there(
    session, market, sign_in, run_jobs
) -> None:
    jobs.match_challenge(market.challenge.id)
    session.rollback()
    session.execute(sa.delete(Suggestion))
    session.commit()
    browser = sign_in(market.poster)
    link = f"/organizations/{market['Beta'].id}?challenge={market.challenge.id}&from=suggestions"

    page = browser.get(f"{market.address}/suggestions").text
    assert link.replace("&", "&amp;") in page
    browser.get(link)
    run_jobs()

    session.rollback()
    rows = session.scalars(sa.select(Exposure).where(Exposure.side == Side.POSTER)).all()
    assert {row.organization_id: row.opened_at is not None for row in rows} == {
        market[name].id: name == "Beta" for name in ("Alpha", "Beta", "Gamma")
    }


def test_who_is_invited_but_not_introduced_is_not_called_invited_together(
    session, market, sign_in
) -> None:
    jobs.match_challenge(market.challenge.id)
    browser = sign_in(market.poster)
    everyone = {"organization": market.ids("Alpha", "Beta", "Gamma")}
    address = f"{market.address}/consortium-invitations"

    page = browser.post(address, data=everyone, follow_redirects=True).text
    assert "Invited together" not in page
    assert "Invite them together" not in page
    assert '<button class="btn btn-outline-primary" name="introduces" value="yes">' in page

    page = browser.post(address, data=everyone | {"introduces": "yes"}, follow_redirects=True).text
    assert "They are invited, and know of each other." in page
    assert "Invited together" in page


def test_an_sme_reads_whom_it_was_introduced_to(session, market, sign_in) -> None:
    invite(session, market, "Alpha", "Beta", "Gamma")
    market["Gamma"].status = OrganizationStatus.SUSPENDED
    deferred.take(session)
    session.commit()
    browser = sign_in(market.solvers["Alpha"])

    page = browser.get(market.address).text
    assert "The poster introduced you to:" in page
    assert f'<a href="/organizations/{market["Beta"].id}">Beta Works</a>' in page
    assert "Alpha Works</a>" not in page
    assert "Gamma Works" not in page
    assert (
        "The poster thinks of you together with Beta Works, Gamma Works."
        in browser.get("/notifications").text
    )


@pytest.mark.parametrize("introduces", [True, False])
def test_nobody_else_reads_who_was_introduced(session, market, sign_in, introduces) -> None:
    rules.invite(session, market.challenge, market["Gamma"], actor=market.poster)
    invite(session, market, "Alpha", "Beta", introduces=introduces)
    deferred.take(session)
    session.commit()
    readers = [market.solvers["Gamma"], market.poster]

    for reader in readers if introduces else [*readers, market.solvers["Alpha"]]:
        for page in (market.address, "/notifications"):
            shown = sign_in(reader).get(page).text
            assert "introduced you to" not in shown
            assert "together with" not in shown


def test_a_box_that_is_not_ticked_introduces_nobody(session, market, sign_in) -> None:
    answer = sign_in(market.poster).post(
        f"{market.address}/consortium-invitations",
        data={"organization": market.ids("Alpha", "Beta")},
        follow_redirects=True,
    )

    assert "They are invited, each by itself." in answer.text
    assert {partners == [] for *_, partners in told(session)} == {True}


@pytest.mark.parametrize(
    ("chosen", "status", "sentence"),
    [
        (["Alpha"], 200, "Choose two to four SMEs"),
        (["Alpha", "Alpha"], 200, "Choose two to four SMEs"),
        ([], 200, "Choose two to four SMEs"),
        (["Alpha", "nobody"], 404, ""),
    ],
)
def test_what_makes_no_team_is_explained(
    session, market, sign_in, chosen, status, sentence
) -> None:
    ids = [market[name].id if name in market.solvers else 10**30 for name in chosen]

    answer = sign_in(market.poster).post(
        f"{market.address}/consortium-invitations",
        data={"organization": ids},
        follow_redirects=True,
    )

    assert answer.status_code == status
    assert sentence in answer.text
    assert session.scalars(sa.select(JointInvitation)).all() == []


def test_staff_read_proposals_but_do_not_invite(session, market, sign_in) -> None:
    reviewer = f.UserFactory(reviewer=True)
    session.commit()
    jobs.match_challenge(market.challenge.id)

    page = sign_in(reviewer).get(f"{market.address}/suggestions").text

    assert "Together they cover more" in page
    assert "Invite them together" not in page


# The SME's page


def test_an_sme_sees_who_covers_what_it_does_not(session, market, sign_in) -> None:
    jobs.match_challenge(market.challenge.id)
    browser = sign_in(market.solvers["Alpha"])

    assert "Fitting partners" in browser.get(market.address).text
    page = browser.get(f"{market.address}/partners").text

    assert "Together you cover 3 of 3 items." in page
    assert "Beta Works" in page
    assert "What Gamma Works would add" in page
    assert f"/organizations/{market['Alpha'].id}?" not in page
    assert f'href="/organizations/{market["Beta"].id}"' in page
    assert "from=suggestions" not in page


def test_what_an_sme_covers_is_read_from_its_profile_as_it_is_now(session, market, sign_in) -> None:
    jobs.match_challenge(market.challenge.id)
    session.rollback()
    market["Alpha"].profile.technologies = ", ".join(ITEMS)
    session.commit()

    page = sign_in(market.solvers["Alpha"]).get(f"{market.address}/partners").text

    assert "No SME adds to what you cover" in page
    assert page.count("Covered") == 3


def test_partners_tell_nothing_of_who_is_invited_or_set_aside(session, market, sign_in) -> None:
    jobs.match_challenge(market.challenge.id)
    session.rollback()
    browser = sign_in(market.solvers["Alpha"])
    before = browser.get(f"{market.address}/partners").text

    invite(session, market, "Beta", "Gamma")
    rules.give_feedback(
        session,
        market.challenge,
        market["Gamma"],
        actor=market.poster,
        verdict=Verdict.NOT_RELEVANT,
    )
    f.SolutionFactory(challenge=market.challenge, organization=market["Beta"])
    deferred.take(session)
    session.commit()

    assert market.challenge.is_open
    assert without_tokens(browser.get(f"{market.address}/partners").text) == without_tokens(before)


def without_tokens(page: str) -> str:
    return "\n".join(line for line in page.splitlines() if "csrf_token" not in line)


def test_before_the_survey_the_page_says_so(session, market, sign_in) -> None:
    page = sign_in(market.solvers["Alpha"]).get(f"{market.address}/partners").text

    assert "Nothing is known yet" in page


@pytest.mark.parametrize(
    "facts",
    [
        {"closes_at": clock.now() - timedelta(hours=1)},
        {"taker_region_code": "440000"},
        {"required_qualifications": ["little_giant"]},
    ],
)
def test_partners_are_for_those_who_may_take_the_challenge(session, market, sign_in, facts) -> None:
    jobs.match_challenge(market.challenge.id)
    session.rollback()
    for name, value in facts.items():
        setattr(market.challenge, name, value)
    session.commit()
    browser = sign_in(market.solvers["Alpha"])

    assert "Fitting partners" not in browser.get(market.address).text
    assert browser.get(f"{market.address}/partners").status_code == 403


# Cost


def test_pages_cost_the_same_with_few_candidates_and_with_30(
    session, market, sign_in, count_queries
) -> None:
    pages = [
        (sign_in(market.poster), f"{market.address}/suggestions"),
        (sign_in(market.solvers["Alpha"]), f"{market.address}/partners"),
        (sign_in(market.solvers["Alpha"]), market.address),
    ]

    def know(rows: dict[int, int]) -> None:
        """Who covers which one of the items."""
        items = tuple(Item(name, name) for name in ITEMS)
        candidates = tuple(
            Candidate(ident, 0.3, tuple(float(at == skill) for at in range(len(ITEMS))))
            for ident, skill in rows.items()
        )
        nothing = Weighed.restored([[] for _ in items])
        survey = Survey(market.challenge.id, items, nothing, candidates)
        rules.store_surveys(session, [survey])
        session.commit()

    def costs() -> list[int]:
        return [count_queries(lambda b=b, page=page: b.get(page)) for b, page in pages]

    alpha, beta = market.ids("Alpha", "Beta")
    know({alpha: 0, beta: 1})
    invite(session, market, "Alpha", "Beta")
    deferred.take(session)
    session.commit()
    costs()
    few = costs()
    others = [f.solver().organization for _ in range(30)]
    know({alpha: 0, beta: 1, **{one.id: 2 for one in others}})
    for one in others[:10]:
        rules.invite_together(
            session, market.challenge, [market["Alpha"], one], actor=market.poster, introduces=False
        )
    deferred.take(session)
    session.commit()

    assert costs() == few
