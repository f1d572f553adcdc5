"""Pages of organizations, as the people who use them see them."""

from __future__ import annotations

import re

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bidding.accounts.models import User
from bidding.notifications.letters import compose
from bidding.notifications.models import Notification
from bidding.organizations import credit_codes, rules
from bidding.organizations.invitations import make_token
from bidding.organizations.models import (
    CapabilityProfile,
    MemberInvitation,
    MemberRole,
    Organization,
    OrganizationStatus,
    Qualification,
    QualificationKind,
)
from tests import factories

S = OrganizationStatus
FILLED = {
    "name": "Dongyang Sintering",
    "credit_code": credit_codes.make(1, "330783"),
    "region_code": ["330000", "330700", "330783"],
    "industry_code": "39",
    "size_class": "small",
    "employees": "120",
    "revenue_fen": "8,000.5",
    "founded": "2008",
    "website": "www.example.com",
    "brief": "Sintered magnets.\n\nFor motors.",
    "contact_name": "Zhou Min",
    "contact_phone": "0579-5555 0100",
    "contact_email": "zhou@example.com",
}


def only(session: Session, entity: type):
    session.expire_all()
    return session.scalars(sa.select(entity)).one()


def kept(html: str, *names: str) -> None:
    """Every word of FILLED must stand in the form again."""
    for name in names:
        value = FILLED[name]
        assert value in html, name


# Entering and changing


def test_a_newcomer_enters_an_organization(session: Session, sign_in) -> None:
    user = factories.UserFactory()
    session.commit()
    client = sign_in(user)
    assert client.get("/organizations/own").location == "/organizations/new"

    answer = client.post("/organizations/new", data=FILLED)

    organization = only(session, Organization)
    assert answer.location == f"/organizations/{organization.id}"
    assert organization.region_code == "330783"
    assert organization.revenue_fen == 8_000_500_000
    assert organization.website == "https://www.example.com"
    page = client.get(answer.location).text
    assert "Describe in the capability profile what you make." in page
    assert "Submit for verification" not in page
    assert client.get("/organizations/new").location == "/organizations/own"


def test_nothing_typed_is_lost_when_the_form_fails(session: Session, sign_in) -> None:
    user = factories.UserFactory()
    session.commit()
    wrong = {**FILLED, "credit_code": "91330783", "employees": "many", "founded": "20088"}
    answer = sign_in(user).post("/organizations/new", data=wrong)
    assert answer.status_code == 400
    assert "A unified social credit code has 18 characters" in answer.text
    assert "Enter a year, such as 2008." in answer.text
    for value in ("91330783", "many", "20088"):
        assert f'value="{value}"' in answer.text
    kept(answer.text, "name", "revenue_fen", "website", "brief", "contact_name", "contact_phone")
    assert '<option selected value="330783">' in answer.text
    assert '<option selected value="39">' in answer.text
    assert session.scalar(sa.select(sa.func.count(Organization.id))) == 0


def test_cities_are_shown_without_javascript(session: Session, sign_in) -> None:
    user = factories.UserFactory()
    session.commit()
    half = {**FILLED, "name": "", "region_code": ["330000", "", ""], "refresh": "region_code"}
    answer = sign_in(user).post("/organizations/new", data=half)
    assert answer.status_code == 200
    assert 'value="330700"' in answer.text
    assert "please correct" not in answer.text
    kept(answer.text, "credit_code", "revenue_fen", "brief", "contact_email")
    assert session.scalar(sa.select(sa.func.count(Organization.id))) == 0


def test_javascript_asks_for_the_places_below(client) -> None:
    answer = client.get("/regions/330700")
    assert {"code": "330783", "zh": "\u4e1c\u9633\u5e02", "en": "Dongyang"} in answer.json["places"]
    assert "max-age" in answer.headers["Cache-Control"]
    assert client.get("/regions/999999").status_code == 404


def test_a_size_class_that_contradicts_the_figures_is_asked_about(
    session: Session, sign_in
) -> None:
    user = factories.UserFactory()
    session.commit()
    client = sign_in(user)
    large = {**FILLED, "size_class": "large"}
    answer = client.post("/organizations/new", data=large)
    assert answer.status_code == 400
    assert "it would be Small, not Large" in answer.text
    assert client.post("/organizations/new", data={**large, "size_confirmed": "y"}).location
    assert only(session, Organization).is_large


def test_a_registered_code_is_refused_beside_its_field(session: Session, sign_in) -> None:
    factories.poster(name="First here", credit_code=FILLED["credit_code"])
    user = factories.UserFactory()
    session.commit()
    answer = sign_in(user).post("/organizations/new", data=FILLED)
    assert answer.status_code == 400
    assert "“First here” is registered with this code already" in answer.text
    kept(answer.text, "name", "brief")


def test_the_identity_of_a_verified_organization_is_not_in_its_form(
    session: Session, sign_in
) -> None:
    owner = factories.solver(name="Verified name")
    session.commit()
    client, url = sign_in(owner), f"/organizations/{owner.organization_id}/edit"
    page = client.get(url).text
    assert "This is what was verified, so it stays as it is." in page
    assert 'name="credit_code"' not in page
    assert client.post(url, data={**FILLED, "name": "New name"}).status_code == 302
    organization = session.get(Organization, owner.organization_id, populate_existing=True)
    assert (organization.name, organization.employees) == ("Verified name", 120)


def test_a_pending_organization_cannot_be_edited(session: Session, sign_in) -> None:
    owner = factories.solver(status=S.PENDING)
    session.commit()
    answer = sign_in(owner).get(f"/organizations/{owner.organization_id}/edit")
    assert answer.status_code == 409
    assert "Nothing can be changed until the decision." in answer.text


# The capability profile

PROFILE = {
    "products": "Sintered magnets",
    "technologies": "Diffusion",
    "equipment": "Furnaces",
    "cases": "Motors",
    "notes": "",
    "qualifications-0-kind": "high_tech",
    "qualifications-0-number": "GR2025",
    "qualifications-0-issued_on": "2025-01-01",
    "qualifications-0-expires_on": "",
}


def test_an_sme_describes_itself(session: Session, sign_in) -> None:
    owner = factories.solver()
    session.commit()
    client, url = sign_in(owner), f"/organizations/{owner.organization_id}/profile"
    assert client.post(url, data=PROFILE).status_code == 302
    assert only(session, CapabilityProfile).products == "Sintered magnets"
    assert only(session, Qualification).kind is QualificationKind.HIGH_TECH
    assert 'value="GR2025"' in client.get(url).text


def test_rows_are_added_and_removed_without_javascript(session: Session, sign_in) -> None:
    owner = factories.solver()
    session.commit()
    client, url = sign_in(owner), f"/organizations/{owner.organization_id}/profile"

    answer = client.post(url, data={**PROFILE, "add-row": "qualifications"})
    assert answer.status_code == 200
    shown = answer.text.partition("<template")[0]
    assert 'name="qualifications-1-kind"' in shown
    for word in ("Sintered magnets", "GR2025"):
        assert word in shown

    answer = client.post(url, data={**PROFILE, "remove-row": "qualifications-0"})
    shown = answer.text.partition("<template")[0]
    assert 'name="qualifications-0-kind"' not in shown
    assert "Sintered magnets" in shown
    assert session.scalars(sa.select(CapabilityProfile)).all() == []


def test_a_failing_profile_keeps_its_rows(session: Session, sign_in) -> None:
    owner = factories.solver()
    session.commit()
    wrong = {**PROFILE, "qualifications-0-kind": "", "qualifications-0-issued_on": "soon"}
    answer = sign_in(owner).post(f"/organizations/{owner.organization_id}/profile", data=wrong)
    assert answer.status_code == 400
    assert "Choose the qualification, or remove the row." in answer.text
    assert 'value="soon"' in answer.text
    assert 'value="GR2025"' in answer.text


def test_a_large_enterprise_has_no_profile(session: Session, sign_in) -> None:
    owner = factories.poster()
    session.commit()
    url = f"/organizations/{owner.organization_id}/profile"
    assert sign_in(owner).get(url).status_code == 404


# Reading


def test_markdown_is_shown_sanitized(session: Session, sign_in) -> None:
    profile = factories.ProfileFactory(products="**Magnets** <script>alert(1)</script>")
    reader = factories.poster()
    session.commit()
    page = sign_in(reader).get(f"/organizations/{profile.organization_id}").text
    assert "<strong>Magnets</strong>" in page
    assert "<script>alert" not in page


def test_contact_and_members_are_not_for_other_organizations(session: Session, sign_in) -> None:
    owner = factories.solver(contact_phone="0579-5555 0123")
    other, reviewer = factories.poster(), factories.UserFactory(reviewer=True)
    session.commit()
    url = f"/organizations/{owner.organization_id}"
    for reader, sees in ((owner, True), (reviewer, True), (other, False)):
        page = sign_in(reader).get(url).text
        assert ("0579-5555 0123" in page) is sees
        assert (f"</svg> {owner.name} <span" in page) is sees


def test_an_organization_that_is_not_verified_does_not_exist_for_others(
    session: Session, sign_in, client
) -> None:
    owner = factories.solver(status=S.PENDING)
    other = factories.poster()
    session.commit()
    url = f"/organizations/{owner.organization_id}"
    assert sign_in(owner).get(url).status_code == 200
    assert sign_in(other).get(url).status_code == 404
    assert client.get(url).status_code == 404


def test_a_complete_organization_is_submitted_with_one_button(session: Session, sign_in) -> None:
    owner = factories.poster(status=S.DRAFT, brief="Magnets", employees=2000, revenue_fen=10**12)
    session.commit()
    client, url = sign_in(owner), f"/organizations/{owner.organization_id}"
    assert f'action="{url}/submission"' in client.get(url).text
    assert client.post(f"{url}/submission").location == url
    assert "A reviewer is looking at it" in client.get(url).text
    assert client.post(f"{url}/submission").status_code == 409


def test_its_members_read_why_changes_are_wanted(session: Session, sign_in) -> None:
    owner = factories.solver(status=S.CHANGES_REQUESTED, status_reason="The name is mistyped.")
    session.commit()
    page = sign_in(owner).get(f"/organizations/{owner.organization_id}").text
    assert "The name is mistyped." in page


# The directory


def names(html: str) -> list[str]:
    return re.findall(r'class="card-heading"><a [^>]*>([^<]*)</a>', html)


def test_the_directory_shows_verified_organizations_only(session: Session, sign_in, client) -> None:
    reader = factories.poster(name="B poster")
    factories.ProfileFactory(organization__name="A maker")
    for status in set(S) - {S.VERIFIED}:
        factories.OrganizationFactory(status=status)
    session.commit()
    page = sign_in(reader).get("/organizations").text
    assert names(page) == ["A maker", "B poster"]
    assert "Sintered neodymium magnets" in page
    assert client.get("/organizations").status_code == 302


def test_the_directory_is_narrowed_down(session: Session, sign_in) -> None:
    reader = factories.poster(name="Poster", region_code="110101", industry_code="65")
    maker = factories.ProfileFactory(organization__name="Maker").organization
    rules_of = Qualification(kind=QualificationKind.LITTLE_GIANT, organization=maker)
    session.add(rules_of)
    factories.ProfileFactory(
        organization__name="Rubber", products="Seals 100%", organization__region_code="370211"
    )
    session.commit()
    client = sign_in(reader)
    for query, found in (
        ("q=NEODYMIUM diffusion", ["Maker"]),
        ("q=100%25", ["Rubber"]),
        (f"q={maker.credit_code.lower()}", ["Maker"]),
        ("province=330000", ["Maker"]),
        ("section=I", ["Poster"]),
        ("section=C", ["Maker", "Rubber"]),
        ("size=sme", ["Maker", "Rubber"]),
        ("size=large", ["Poster"]),
        ("qualification=little_giant", ["Maker"]),
        ("province=nowhere&section=%25&size=huge", ["Maker", "Poster", "Rubber"]),
    ):
        assert names(client.get(f"/organizations?{query}").text) == found, query
    assert "No organization fits" in client.get("/organizations?q=nothing").text


def test_the_directory_takes_as_many_queries_for_one_as_for_thirty(
    session: Session, sign_in, count_queries
) -> None:
    reader = factories.solver()
    session.commit()
    client = sign_in(reader)
    few = count_queries(lambda: client.get("/organizations"))
    for profile in factories.ProfileFactory.create_batch(30):
        session.add(
            Qualification(kind=QualificationKind.HIGH_TECH, organization=profile.organization)
        )
    session.commit()
    assert count_queries(lambda: client.get("/organizations")) == few


# Members


def members_url(owner: User) -> str:
    return f"/organizations/{owner.organization_id}/members"


def test_an_owner_invites_by_mail_and_revokes(session: Session, sign_in, run_jobs) -> None:
    owner = factories.solver()
    session.commit()
    client, url = sign_in(owner), f"/organizations/{owner.organization_id}/invitations"
    assert client.post(url, data={"email": "new@example.com"}).location == members_url(owner)
    invitation = only(session, MemberInvitation)
    page = client.get(members_url(owner)).text
    assert "new@example.com" in page
    assert client.post(f"/invitations/{invitation.id}/revocation").location == members_url(owner)
    assert not only(session, MemberInvitation).is_open


def test_a_mistyped_address_is_kept(session: Session, sign_in) -> None:
    owner = factories.solver()
    session.commit()
    answer = sign_in(owner).post(
        f"/organizations/{owner.organization_id}/invitations", data={"email": "new@"}
    )
    assert answer.status_code == 400
    assert 'value="new@"' in answer.text


def test_members_are_managed_by_their_owner_only(session: Session, sign_in) -> None:
    owner = factories.solver()
    mate = factories.member_of(owner.organization, member_role=MemberRole.MEMBER)
    other, administrator = factories.solver(), factories.UserFactory(administrator=True)
    session.commit()
    url, removal = members_url(owner), f"/memberships/{mate.membership.id}/removal"
    assert sign_in(mate).get(url).status_code == 403
    assert sign_in(other).get(url).status_code == 403
    assert sign_in(other).post(removal).status_code == 403
    assert sign_in(administrator).get(url).status_code == 200
    assert sign_in(owner).post(removal).location == url
    assert sign_in(mate).get("/organizations/own").location == "/organizations/new"


def test_an_invited_visitor_is_led_to_an_account_and_back(session: Session, client) -> None:
    owner = factories.solver()
    invitation = rules.invite(session, owner.organization, actor=owner, email="new@example.com")
    session.commit()
    here = f"/invitations/{make_token(invitation.id)}"
    page = client.get(here).text
    assert f"/register?next={here}&amp;email=new@example.com" in page
    assert f"/sign-in?next={here}" in page
    client.post(here)
    assert only(session, MemberInvitation).is_open


def test_a_newcomer_without_the_mail_at_hand_finds_the_invitation(
    session: Session, sign_in
) -> None:
    owner = factories.solver()
    for email in ("new@example.com", "else@example.com"):
        invitation = rules.invite(session, owner.organization, actor=owner, email=email)
    user = factories.UserFactory(email="else@example.com")
    session.commit()
    page = sign_in(user).get("/organizations/new").text
    assert re.findall(r"/invitations/[^\"]+", page) == [f"/invitations/{make_token(invitation.id)}"]


def test_an_invited_person_joins_with_one_button(session: Session, sign_in) -> None:
    owner, user = factories.solver(), factories.UserFactory()
    invitation = rules.invite(session, owner.organization, actor=owner, email=user.email)
    session.commit()
    here = f"/invitations/{make_token(invitation.id)}"
    client = sign_in(user)
    assert f'action="{here}"' in client.get(here).text
    assert user.organization_id is None
    assert client.post(here).location == "/organizations/own"
    session.expire_all()
    assert user.organization_id == owner.organization_id
    assert "You are a member of" in client.get(here).text


def test_an_invitation_is_for_its_address_only(session: Session, sign_in) -> None:
    owner, thief = factories.solver(), factories.UserFactory()
    invitation = rules.invite(session, owner.organization, actor=owner, email="new@example.com")
    session.commit()
    here = f"/invitations/{make_token(invitation.id)}"
    client = sign_in(thief)
    page = client.get(here).text
    assert "was sent to new@example.com" in page
    assert f'action="{here}"' not in page
    assert client.post(here).status_code == 403


def test_a_made_up_invitation_leads_nowhere(session: Session, client) -> None:
    assert client.get(f"/invitations/{make_token(12345)}").status_code == 404
    assert client.get("/invitations/1.abc").status_code == 404


def test_every_mail_says_what_happened_and_where_to_go(session: Session, app) -> None:
    owner = factories.solver(name="Dongyang Sintering", status=S.PENDING)
    organization = owner.organization
    reviewer = factories.UserFactory(reviewer=True)
    administrator = factories.UserFactory(administrator=True)
    rules.invite(session, organization, actor=owner, email="new@example.com")
    rules.request_changes(session, organization, actor=reviewer, reason="Mistyped.")
    organization.status = S.PENDING
    rules.verify(session, organization, actor=reviewer)
    rules.suspend(session, organization, actor=administrator, reason="Complaints.")
    rules.reinstate(session, organization, actor=administrator, reason="Settled.")
    organization.status = S.PENDING
    rules.reject(session, organization, actor=reviewer, reason="Closed down.")

    letters = [
        compose(notice, app.config["SETTINGS"], encoding="8bit")
        for notice in session.scalars(sa.select(Notification).order_by(Notification.id))
    ]

    texts = [letter.get_body(("plain",)).get_content() for letter in letters]
    assert [letter["Subject"] for letter in letters] == [
        "Join “Dongyang Sintering” on Jiebang",
        "Please correct the entry of “Dongyang Sintering”",
        "“Dongyang Sintering” is verified",
        "“Dongyang Sintering” is suspended",
        "“Dongyang Sintering” is reinstated",
        "“Dongyang Sintering” was not verified",
    ]
    token = make_token(only(session, MemberInvitation).id)
    assert f"http://localhost/invitations/{token}" in texts[0]
    page = f"http://localhost/organizations/{organization.id}"
    assert all(page in text for text in texts[1:])
    reasons = ["Mistyped.", "", "Complaints.", "Settled.", "Closed down."]
    assert all(reason in text for reason, text in zip(reasons, texts[1:], strict=True))


def test_a_reason_nobody_would_read_is_refused(session: Session, sign_in) -> None:
    organization = factories.OrganizationFactory()
    administrator = factories.UserFactory(administrator=True)
    session.commit()
    browser = sign_in(administrator)
    address = f"/organizations/{organization.id}/suspension"

    assert browser.post(address, data={"reason": "x" * 4001}).status_code == 400
    assert only(session, Organization).status is S.VERIFIED
    assert browser.post(address, data={"reason": "Forged\0 licence."}).status_code == 302
    assert only(session, Organization).status_reason == "Forged licence."
