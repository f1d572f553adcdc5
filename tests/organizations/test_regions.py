"""Regions by GB/T 2260."""

import re

import pytest

from bidding.organizations import regions
from bidding.organizations.regions import Region

ZH, EN = "zh_Hans_CN", "en"


def region(code: str) -> Region:
    found = regions.find(code)
    assert found is not None
    return found


def places_below(above: Region) -> list[Region]:
    return [place for child in above.children for place in (child, *places_below(child))]


@pytest.fixture(scope="module")
def places() -> list[Region]:
    return [place for top in regions.provinces() for place in (top, *places_below(top))]


def test_every_place_is_reached_from_its_province_once(places):
    levels = [place.level for place in places]
    assert (levels.count("province"), levels.count("city"), levels.count("county")) == (
        34,
        333,
        2850,
    )
    assert len({place.code for place in places}) == len(places)
    assert all(child.parent == place for place in places for child in place.children)


def test_every_place_has_a_latin_name_and_six_digits(places):
    assert [p for p in places if not re.fullmatch("[1-9][0-9]{5}", p.code)] == []
    assert [p for p in places if not re.fullmatch("[A-Z][A-Za-z\u00fc' -]+", p.name_en)] == []


def test_full_name_reads_as_an_address_in_both_languages():
    dongyang = region("330783")
    assert dongyang.full_name(ZH) == "浙江省金华市东阳市"
    assert dongyang.full_name(EN) == "Dongyang, Jinhua, Zhejiang"
    assert (dongyang.name(ZH), dongyang.name(EN)) == ("东阳市", "Dongyang")
    assert [step.code for step in dongyang.path] == ["330000", "330700", "330783"]


def test_district_of_a_municipality_hangs_under_the_municipality():
    chaoyang = region("110105")
    assert chaoyang.full_name(ZH) == "北京市朝阳区"
    assert chaoyang.city is None
    assert chaoyang.parent == region("110000")
    assert chaoyang in region("110000").children
    assert region("110100").is_grouping


def test_city_directly_under_the_province_is_among_its_cities():
    xiantao = region("429004")
    assert xiantao.full_name(EN) == "Xiantao, Hubei"
    assert xiantao in region("420000").children
    assert region("420100") in region("420000").children


@pytest.mark.parametrize("code", ["441900", "442000", "460400", "620200"])
def test_city_without_counties_is_the_end_of_the_path(code):
    assert region(code).level == "city"
    assert region(code).children == ()


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("150000", "Inner Mongolia"),
        ("540000", "Xizang"),
        ("610000", "Shaanxi"),
        ("810000", "Hong Kong SAR"),
        ("150100", "Hohhot"),
        ("222404", "Hunchun"),
        ("320831", "Jinhu"),
        ("341500", "Lu'an"),
        ("340300", "Bengbu"),
        ("350200", "Xiamen"),
        ("371524", "Dong'e"),
        ("371722", "Shanxian"),
        ("410182", "Xingyang"),
        ("410621", "Xunxian"),
        ("430100", "Changsha"),
        ("440112", "Huangpu"),
        ("440113", "Panyu"),
        ("500000", "Chongqing"),
        ("522702", "Fuquan"),
        ("141100", "Lüliang"),
        ("430421", "Hengyang County"),
        ("310115", "Pudong New Area"),
        ("653131", "Taxkorgan"),
    ],
)
def test_english_name_is_the_customary_one(code, name):
    assert region(code).name_en == name


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("330783", "330783"),
        ("33", "330000"),
        ("浙江", "330000"),
        ("Zhejiang", "330000"),
        ("浙江东阳", "330783"),
        ("东阳市", "330783"),
        ("浙江省 金华市 东阳市", "330783"),
        ("dongyang city, zhejiang province, China", "330783"),
        ("中国广东省广州市黄埔区", "440112"),
        ("Huangpu District, Guangzhou", "440112"),
        ("上海浦东", "310115"),
        ("湖北省省直辖县级行政区划仙桃市", "429004"),
        ("北京市市辖区", "110000"),
        ("恩施州", "422800"),
        ("新疆维吾尔自治区", "650000"),
        ("Tibet", "540000"),
        ("Luliang, Shanxi", "141100"),
    ],
)
def test_region_is_recognised_as_people_write_it(text, code):
    assert regions.parse(text) == region(code)


@pytest.mark.parametrize(
    ("text", "code"), [("吉林", "220000"), ("衡阳", "430400"), ("西安", "610100")]
)
def test_shared_name_means_the_province_or_else_the_city(text, code):
    assert regions.parse(text) == region(code)


@pytest.mark.parametrize(
    "text",
    [
        "朝阳",
        "鼓楼区",
        "通州区",
        "Suzhou",
        "Huangpu",
        "市辖区",
        "县",
        "999999",
        "Atlantis",
        "",
        "金" * 500,
    ],
)
def test_unknown_or_ambiguous_region_is_not_guessed(text):
    assert regions.parse(text) is None


def test_full_names_of_all_places_are_recognised(places):
    assert [place for place in places if regions.parse(place.full_name(ZH)) != place] == []
    # Two counties of Yunfu differ in English by an apostrophe only.
    unclear = {place.code for place in places if regions.parse(place.full_name(EN)) != place}
    assert unclear == {"445303", "445322"}


def test_prefix_selects_what_lies_inside():
    assert [regions.code_prefix(c) for c in ("330000", "330700", "330783")] == [
        "33",
        "3307",
        "330783",
    ]
    assert regions.is_within("330783", "330700")
    assert regions.is_within("330700", "330700")
    assert not regions.is_within("330700", "330783")
    assert not regions.is_within("310115", "330000")


@pytest.mark.parametrize("code", ["", "33", "33078%", "000000", "3307830", "330783\n"])
def test_prefix_of_something_else_is_refused(code):
    with pytest.raises(ValueError, match="not a region code"):
        regions.code_prefix(code)
