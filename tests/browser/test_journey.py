"""From a need to an award, by everybody who takes part, in a real browser.

Every page that anybody comes to is checked for accessibility and for narrow screens, see
`person.Person`. The labels looked for are the catalogue's, so a page that forgets to translate
one fails in Chinese.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from bidding import clock
from bidding.accounts.models import Role
from bidding.organizations import credit_codes
from tests.browser.person import Person
from tests.browser.site import PASSWORD
from tests.stories.words import words_in

PLACE = ("330000", "330700", "330783")


def test_a_need_finds_its_solver(site, welcome, language):
    words = words_in(language)
    reviewer = welcome("Zhao Lin")
    site.employ("Zhao Lin", Role.REVIEWER, language=language)
    reviewer.sign_in()

    poster = welcome("Zhou Min")
    registers(poster)
    enters_organization(poster, words.poster, words, number=1, size="Large", employees="3200")
    verifies(reviewer, words.poster, words)

    solver = welcome("Wu Jing")
    registers(solver)
    enters_organization(solver, words.solver, words, number=2, size="Small", employees="80")
    verifies(reviewer, words.solver, words)

    rival = welcome("Qian Bo")
    registers(rival)
    enters_organization(rival, words.rival, words, number=3, size="Small", employees="60")
    verifies(reviewer, words.rival, words)

    writes_challenge(poster, words)
    publishes(reviewer, words)
    site.run_jobs()

    visitor = welcome("Somebody Curious")
    visitor.follow("Challenges")
    visitor.follow(words.title)
    visitor.sees(words.poster, "Sign in to write a solution")

    invites(poster, words)
    site.run_jobs()
    hears_and_submits(solver, words, price="180")
    hears_and_submits(rival, words, price="150", invited=False)

    poster.goto("/challenges/own")
    poster.follow(words.title)
    poster.does_not_see(words.solver)
    site.pass_deadline()

    opens_and_awards(poster, words)
    site.run_jobs()

    solver.goto("/notifications")
    solver.goto("/solutions")
    solver.follow(words.title)
    solver.sees("Selected", words.praise)
    solver.press("Accept the award")
    solver.sees("Award accepted")

    rival.goto("/solutions")
    rival.follow(words.title)
    rival.sees("Not selected", words.regret)
    rival.does_not_see(words.praise)

    visitor.goto("/challenges")
    visitor.follow(words.title)
    visitor.sees("Awarded", words.solver, words.statement)
    reviewer.goto("/audits")
    subjects = [letter["Subject"] for letter in site.mail_to(rival.address)]
    assert any(words.title in subject for subject in subjects)


@pytest.mark.parametrize("language", ["zh_Hans_CN"], indirect=True)
def test_the_same_without_javascript(site, welcome, language):
    words = words_in(language)
    site.employ("Zhao Lin", Role.REVIEWER, language=language)
    reviewer = welcome("Zhao Lin", javascript=False)
    reviewer.sign_in()
    poster = welcome("Zhou Min", javascript=False)
    registers(poster)
    enters_organization(poster, words.poster, words, number=1, size="Large", employees="3200")
    verifies(reviewer, words.poster, words)
    solver = welcome("Wu Jing", javascript=False)
    registers(solver)
    enters_organization(solver, words.solver, words, number=2, size="Small", employees="80")
    verifies(reviewer, words.solver, words)
    writes_challenge(poster, words)
    publishes(reviewer, words)
    site.run_jobs()
    invites(poster, words)
    hears_and_submits(solver, words, price="180")
    site.pass_deadline()
    opens_and_awards(poster, words, rivals=False)
    solver.goto("/solutions")
    solver.follow(words.title)
    solver.sees("Selected")


# What they do


def registers(person: Person) -> None:
    person.follow("Register")
    person.fill("Your name", person.name)
    person.fill("E-mail address", person.address)
    person.fill("Password", PASSWORD)
    person.press("Register")
    person.read_mail()
    person.press("Yes, confirm")
    person.sign_in()


def enters_organization(
    person: Person, name: str, words, *, number: int, size: str, employees: str
) -> None:
    person.follow("Create my organization")
    person.fill("Full name", name)
    person.fill("Unified social credit code", credit_codes.make(number, PLACE[-1]))
    person.choose_place(*PLACE)
    person.choose_code("Industry", "39")
    person.fill("Employees", employees)
    person.fill("Revenue of the last year", "90000" if size == "Large" else "1500")
    person.choose("Size class", size)
    person.fill("In a few sentences", words.brief)
    person.fill("Contact person", person.name)
    person.fill("Phone", "0579-5555 0100")
    person.fill("E-mail", person.address)
    person.press("Enter the organization")
    person.is_at(name)
    if size != "Large":
        person.follow("Edit the profile")
        person.fill("Main products", words.products)
        person.fill("Technologies", words.technologies)
        person.press("Save")
    person.press("Submit for verification")
    person.sees("Waiting for verification")


def verifies(reviewer: Person, organization: str, words) -> None:
    reviewer.goto("/reviews")
    reviewer.follow(organization)
    reviewer.decide("Verify", words.verified)
    reviewer.site.run_jobs()


def writes_challenge(poster: Person, words) -> None:
    poster.goto("/dashboard")
    poster.follow("Post a challenge")
    poster.fill("Title", words.title)
    poster.fill("Background", words.background)
    poster.fill("Main problem", words.problem)
    poster.fill("Expected result", words.result)
    for number, (name, value, unit) in enumerate(words.indicators, 1):
        with poster.row(number) as row:
            poster.fill("Indicator", name, within=row)
            poster.fill("Value", value, within=row)
            poster.fill("Unit", unit, within=row)
    poster.fill("Budget from", "100")
    poster.fill("Budget up to", "300")
    poster.tick("Joint development")
    poster.choose("Intellectual property", "Owned jointly")
    poster.fill("Time for the work", "12")
    closes_at = clock.now() + timedelta(days=30)
    poster.fill("Deadline for solutions", f"{closes_at:%Y-%m-%dT%H:%M}")
    poster.press("Save and preview")
    poster.sees("Preview.", words.title)
    poster.press("Submit for review")
    poster.sees("In review")


def publishes(reviewer: Person, words) -> None:
    reviewer.goto("/reviews")
    reviewer.follow(words.title)
    reviewer.decide("Publish")


def invites(poster: Person, words) -> None:
    poster.goto("/challenges/own")
    poster.follow(words.title)
    poster.follow("Suggested SMEs")
    poster.press("Invite", within=words.solver)
    poster.sees("Invited")


def hears_and_submits(solver: Person, words, *, price: str, invited: bool = True) -> None:
    solver.goto("/recommendations")
    if invited:
        solver.sees("You are invited")
    solver.follow(words.title)
    solver.press("Write a solution")
    solver.fill("Summary", words.summary)
    solver.fill("Approach", words.approach)
    for name, *_ in words.indicators:
        solver.choose("Answer to “%(requirement)s”", "Meets", requirement=name)
        solver.fill("Explanation for “%(requirement)s”", words.answer, requirement=name)
    solver.press("Save the draft")
    solver.fill("Price", price)
    solver.fill("Duration", "10")
    solver.fill("Schedule", words.schedule)
    solver.fill("Team", words.team)
    solver.press("Save and submit")
    solver.sees("Submitted")


def opens_and_awards(poster: Person, words, *, rivals: bool = True) -> None:
    poster.goto("/challenges/own")
    poster.follow(words.title)
    poster.follow("Evaluation")
    poster.press("Open the solutions")
    poster.sees(words.solver)
    for _ in range(2 if rivals else 1):
        poster.decide("Pass screening")
    poster.decide("Shortlist")
    poster.follow("Award")
    poster.press("Award and tell everyone concerned", status=400)
    poster.tick("Select %(organization)s", organization=words.solver)
    poster.fill("Reason for %(organization)s", words.praise, organization=words.solver)
    if rivals:
        poster.fill("Reason for %(organization)s", words.regret, organization=words.rival)
    poster.fill("Overall statement", words.statement)
    poster.press("Award and tell everyone concerned")
    poster.sees("Awarded", words.statement)
