"""From a need to an award by everybody who takes part: what the browser does, on both databases."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from bidding import background, boundary, clock
from bidding.accounts import rules as accounts
from bidding.accounts.models import Role
from bidding.audit import AuditEvent
from bidding.challenges.models import Challenge
from bidding.extensions import db
from bidding.organizations import credit_codes
from bidding.organizations.models import Organization
from tests.stories.mail import letters_to, link_in
from tests.stories.words import words_in

PASSWORD = "correct horse battery"


class Somebody:
    """A person with a browser, a mailbox, and nothing else to know the site by."""

    def __init__(self, app: Flask, mail: Path, email: str) -> None:
        self.app, self.mail, self.email = app, mail, email
        self.client: FlaskClient = app.test_client()
        self.client.get("/?lang=en")

    def reads(self, address: str, *words: str) -> str:
        page = self.client.get(address, follow_redirects=True)
        assert page.status_code == 200, address
        assert [word for word in words if word not in page.text] == [], address
        return page.text

    def does(self, address: str, **words: object) -> str:
        """Send a form; answers where it leads."""
        page = self.client.post(address, data=words)
        assert page.status_code == 302, f"{address}: {page.status_code}\n{page.text}"
        return page.location

    def mailbox(self) -> list[str]:
        background.drain(self.app)
        return [letter["Subject"] for letter in letters_to(self.email, self.mail)]

    def link(self) -> str:
        """The address that the last mail leads to."""
        assert self.mailbox()
        return link_in(letters_to(self.email, self.mail)[-1], "http://localhost").removeprefix(
            "http://localhost"
        )

    def registers(self, name: str) -> None:
        self.does("/register", name=name, email=self.email, password=PASSWORD)
        refused = self.client.post("/sign-in", data={"email": self.email, "password": PASSWORD})
        assert refused.status_code == 400
        confirmation = self.link()
        assert self.client.get(confirmation).status_code == 200
        self.does(confirmation)
        self.signs_in()

    def signs_in(self) -> None:
        assert self.does("/sign-in", email=self.email, password=PASSWORD) == "/dashboard"


@pytest.fixture
def cast(app: Flask, mail_folder: Path) -> SimpleNamespace:
    with app.app_context(), boundary.unit_of_work("command") as session:
        accounts.create_user(
            session,
            email="reviewer@example.com",
            name="Zhao Lin",
            password=PASSWORD,
            role=Role.REVIEWER,
            locale="en",
        )
    people = {
        name: Somebody(app, mail_folder, f"{name}@example.com")
        for name in ("reviewer", "poster", "solver", "rival", "visitor")
    }
    people["reviewer"].signs_in()
    return SimpleNamespace(**people)


def test_a_need_finds_its_solver(app, session, cast):
    words = words_in("en")
    enters(cast.poster, "Zhou Min", words.poster, 1, words, size="large", employees="3200")
    enters(cast.solver, "Wu Jing", words.solver, 2, words, size="small", employees="80")
    enters(cast.rival, "Qian Bo", words.rival, 3, words, size="small", employees="60")
    for name in (words.poster, words.solver, words.rival):
        cast.reviewer.reads("/reviews", name)
        cast.reviewer.does(f"/organizations/{ident(Organization, name)}/verification")
    assert len(cast.poster.mailbox()) == 2  # confirm the address; verified

    challenge = writes_challenge(cast.poster, words)
    cast.visitor.client.get(challenge)
    assert words.title not in cast.visitor.reads("/challenges")
    cast.reviewer.does(f"{challenge}/publication")
    assert len(cast.poster.mailbox()) == 3
    cast.visitor.reads("/challenges", words.title, words.poster)

    suggestions = cast.poster.reads(f"{challenge}/suggestions", words.solver)
    assert "dysprosium" in suggestions
    cast.solver.reads("/recommendations", words.title)
    organization = ident(Organization, words.solver)
    cast.poster.does(f"{challenge}/invitations", organization=organization)
    cast.solver.reads("/recommendations", "You are invited", words.title)
    assert any(words.title in subject for subject in cast.solver.mailbox())

    chosen = submits(cast.solver, challenge, words, price="180")
    passed_over = submits(cast.rival, challenge, words, price="150")
    assert cast.poster.client.get(chosen).status_code == 404
    assert cast.poster.client.post(f"{challenge}/opening").status_code == 409

    with boundary.unit_of_work("command") as own:
        past = clock.now() - timedelta(minutes=1)
        own.execute(sa.update(Challenge).values(closes_at=past))
    assert cast.solver.client.post(f"{chosen}/withdrawal").status_code == 409

    cast.poster.does(f"{challenge}/opening")
    cast.poster.reads(f"{challenge}/evaluation", words.solver, words.rival, words.answer)
    for solution in (chosen, passed_over):
        cast.poster.does(f"{solution}/eligibility")
    cast.poster.does(f"{chosen}/shortlisting")
    number, other = chosen.rpartition("/")[2], passed_over.rpartition("/")[2]
    cast.poster.does(
        f"{challenge}/award",
        selected=number,
        statement=words.statement,
        **{f"reason_{number}": words.praise, f"reason_{other}": words.regret},
    )

    cast.solver.reads(chosen, "Selected", words.praise)
    assert words.praise not in cast.rival.reads(passed_over, "Not selected", words.regret)
    assert any(words.title in subject for subject in cast.rival.mailbox())
    cast.visitor.reads(challenge, "Awarded", words.solver, words.statement)
    cast.solver.does(f"{chosen}/confirmation")
    cast.reviewer.reads("/audits", words.title)
    told = session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id)).all()
    story = [action for action in told if action.startswith(("challenges.", "solutions."))]
    assert [action for action in story if action != "solutions.update"] == [
        "challenges.create",
        "challenges.submit",
        "challenges.publish",
        "challenges.invite",
        "solutions.start",
        "solutions.submit",
        "solutions.start",
        "solutions.submit",
        "challenges.open",
        "solutions.pass",
        "solutions.pass",
        "solutions.shortlist",
        "solutions.select",
        "solutions.pass_over",
        "challenges.award",
        "solutions.confirm",
    ]


def ident(entity: type, name: str) -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(entity.id).where(entity.name == name))


def enters(
    person: Somebody, name: str, organization: str, number: int, words, *, size: str, employees: str
) -> None:
    person.registers(name)
    address = person.does(
        "/organizations/new",
        name=organization,
        credit_code=credit_codes.make(number, "330783"),
        region_code=["330000", "330700", "330783"],
        industry_code="39",
        size_class=size,
        employees=employees,
        revenue_fen="90000" if size == "large" else "1500",
        brief=words.brief,
        contact_name=name,
        contact_phone="0579-5555 0100",
        contact_email=person.email,
    )
    if size != "large":
        person.does(f"{address}/profile", products=words.products, technologies=words.technologies)
    person.does(f"{address}/submission")


def writes_challenge(poster: Somebody, words) -> str:
    rows = {
        f"requirements-{number}-{field}": value
        for number, indicator in enumerate(words.indicators)
        for field, value in zip(("name", "value", "unit"), indicator, strict=True)
    }
    rows |= {f"requirements-{number}-operator": ">=" for number in range(len(words.indicators))}
    saved = poster.does(
        "/challenges/new",
        intent="save",
        kind="technology",
        title=words.title,
        background=words.background,
        problem=words.problem,
        expected_result=words.result,
        budget_min_fen="100",
        budget_max_fen="300",
        cooperation="joint",
        ip_terms="joint",
        duration_months="12",
        awards="1",
        region_code="330783",
        industry_code="39",
        closes_at=f"{clock.now() + timedelta(days=30):%Y-%m-%dT%H:%M}",
        shows_name="y",
        **rows,
    )
    challenge = saved.removesuffix("/edit")
    poster.reads(f"{challenge}/preview", words.title)
    poster.does(f"{challenge}/submission")
    return challenge


def submits(solver: Somebody, challenge: str, words, *, price: str) -> str:
    started = solver.does(f"{challenge}/solutions")
    page = solver.reads(started)
    answers = {}
    for requirement in sorted({part.split('"')[0] for part in page.split('name="response_')[1:]}):
        answers[f"response_{requirement}"] = "meets"
        answers[f"statement_{requirement}"] = words.answer
    assert len(answers) == 2 * len(words.indicators)
    return solver.does(
        started,
        submit="1",
        summary=words.summary,
        approach=words.approach,
        price_fen=price,
        duration_months="10",
        schedule=words.schedule,
        team=words.team,
        **answers,
    )
