"""The points of facts: a default, what a programme overrides, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bidding import create_app
from bidding.config import Settings, SettingsError
from bidding.matching import policy
from bidding.matching.models import Strength
from bidding.organizations.models import QualificationKind
from bidding.organizations.size_classes import SizeClass


def test_the_default_gives_no_sme_more_than_a_tenth() -> None:
    default = policy.read()

    assert default.most == pytest.approx(policy.MOST)
    assert set(default.qualifications) == set(QualificationKind)
    assert SizeClass.MEDIUM not in default.size
    # Facts put what fits in order; they lift nothing weak above what is strong.
    assert Strength.of(0.11 + policy.MOST) is not Strength.STRONG


def test_a_file_overrides_single_keys(tmp_path) -> None:
    own = tmp_path / "policy.toml"
    own.write_text("[industry]\nsame_division = 0\n[qualifications]\nhigh_tech = 0.02\n")

    default, changed = policy.read(), policy.read(own)

    expected = {**default.qualifications, QualificationKind.HIGH_TECH: 0.02}
    assert changed == replace(default, same_division=0.0, qualifications=expected)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[industry]\nsame_devision = 0.01", "industry.same_devision: no such key"),
        ("[size]\nlarge = 0.01", "size.large: no such key"),
        ('[region]\nsame_city = "much"', "region.same_city: a number"),
        ("[region]\nsame_city = -0.01", "region.same_city: a number"),
        ("[region]\nsame_city = nan", "region.same_city: a number"),
        ("[region]\nsame_city = true", "region.same_city: a number"),
        ("same_city = 0.01", "same_city: belongs into a table"),
        (
            "[cluster]\nsame_city_and_division = 0.02",
            "for one SME, and these give 0.11",
        ),
        ("[cluster", "policy.toml: "),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_key(tmp_path, text, complaint) -> None:
    own = tmp_path / "policy.toml"
    own.write_text(text)

    with pytest.raises(policy.PolicyError) as refusal:
        policy.read(own)

    assert complaint in str(refusal.value)


def test_the_application_does_not_start_with_a_broken_policy(tmp_path) -> None:
    settings = Settings(
        data_dir=tmp_path, secret_key="tests", matching_policy=str(tmp_path / "missing.toml")
    )

    with pytest.raises(SettingsError, match="BIDDING_MATCHING_POLICY: .*missing.toml"):
        create_app(settings)


def test_the_application_ranks_by_the_policy_of_its_settings(tmp_path) -> None:
    own = tmp_path / "policy.toml"
    own.write_text("[size]\nmicro = 0.005")
    before = policy.in_force()
    try:
        create_app(Settings(data_dir=tmp_path, secret_key="tests", matching_policy=str(own)))
        assert policy.in_force().size[SizeClass.MICRO] == 0.005
    finally:
        policy.put_in_force()
    assert policy.in_force() == before
