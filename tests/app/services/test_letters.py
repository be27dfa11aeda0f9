"""Looking at the words of a mail before they go out."""

import pytest

from app.services.channels.letters import (
    FIELDS,
    Template,
    default_reminder,
    default_template,
    flaws,
    names,
    trial,
    written,
)
from app.vocabulary import LETTER_FLAWS, word
from app.words import LANGUAGES, set_language

GOOD = Template("{merchant}: {product}", "{name} {link}")
VALUES = dict.fromkeys(FIELDS, "x")


def kinds(template: Template, **values: str) -> list[tuple[str, str, bool]]:
    return [(flaw.kind, flaw.field, flaw.is_fatal) for flaw in flaws(template, VALUES | values)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_of_the_house_have_no_flaw(language: str) -> None:
    set_language(language)
    for with_pickup in (True, False):
        usual = default_template(with_pickup=with_pickup)
        for template in (usual, default_reminder(usual.subject, with_pickup=with_pickup)):
            assert flaws(template, VALUES) == []
            assert flaws(trial(template), VALUES) == []


@pytest.mark.parametrize(
    ("template", "found"),
    [
        (GOOD, []),
        (Template("", "{link}"), [("no-subject", "", True)]),
        (Template(" \n", "{link}"), [("no-subject", "", True)]),
        (Template("x", "{name}"), [("no-way-in", "", True)]),
        (Template("{link}", "{name}"), [("secret-in-subject", "link", True), ("no-way-in", "", True)]),
        (Template("{pickup_code}", "{link}"), [("secret-in-subject", "pickup_code", True)]),
        (Template("x", "{nme} {link} {nme} {}"), [("unknown-field", "nme", True), ("unknown-field", "", True)]),
        (Template("{secret}", "{link}"), [("unknown-field", "secret", True)]),
        (Template("x", "{link} {name"), [("stray-brace", "", True)]),
        (Template("x", "{link} name}"), [("stray-brace", "", True)]),
        (Template("x", "{pickup_code}"), [("code-without-page", "", False)]),
        (Template("节" * 20, "{link}"), []),
        (Template("节" * 21, "{link}"), [("long-subject", "", False)]),
        (Template("n" * 41, "{link}"), [("long-subject", "", False)]),
    ],
)
def test_a_flaw_is_named(template: Template, found: list[tuple[str, str, bool]]) -> None:
    assert kinds(template) == [
        *found,
        *([("code-without-page", "", False)] if template.subject == "{pickup_code}" else []),
    ]


def test_a_field_that_comes_out_empty_is_named_and_stops_only_where_it_must() -> None:
    template = Template("{product}", "{name} {link} {note} {amount} {pickup_code} {pickup_url} {merchant}")
    assert kinds(template, name=" ", note="", amount="", pickup_url="", merchant="") == [
        ("empty-field", "name", True),
        ("empty-field", "pickup_url", True),
        ("empty-field", "merchant", False),
    ]


def test_a_long_name_makes_a_subject_long() -> None:
    assert kinds(Template("{name}", "{link}"), name="n" * 41) == [("long-subject", "", False)]


def test_every_flaw_has_words_in_both_languages() -> None:
    every = {flaw.kind for flaw in flaws(Template("{link}{x}{", "{pickup_code}" + "{"), {})}
    every |= {flaw.kind for flaw in flaws(Template("", ""), VALUES)} | {"long-subject"}
    assert every == set(LETTER_FLAWS)
    for key in every:
        words = {language: (set_language(language), word(LETTER_FLAWS, key))[1] for language in LANGUAGES}
        assert len(set(words.values())) == len(LANGUAGES)


def test_a_trial_is_marked_before_anything_else_can_be_read() -> None:
    letter = written(trial(GOOD), VALUES | {"name": "{link}"})
    assert letter.subject.startswith("【试发】")
    assert letter.text.startswith("这是一封试发邮件")
    assert "{link}" in letter.text


def test_a_field_has_a_name_in_each_language_and_both_always_work() -> None:
    assert len(names()) == 2 * len(FIELDS)
    for language in LANGUAGES:
        set_language(language)
        template = Template(
            "{商户}：{product}", "{姓名}，{name}：{链接} {提取码} {领取页} {有效至} {备注} {金额} {商品}"
        )
        assert kinds(template) == []
        values = {field: f"<{field}>" for field in FIELDS}
        letter = written(template, values)
        assert letter.subject == "<merchant>：<product>"
        assert letter.text == (
            "<name>，<name>：<link> <pickup_code> <pickup_url> <valid_until> <note> <amount> <product>\n"
        )
        assert kinds(Template("{链接}", "{姓名}")) == [("secret-in-subject", "link", True), ("no-way-in", "", True)]


@pytest.mark.parametrize(("language", "greeting"), [("zh_CN", "{姓名}"), ("en", "Dear {name}")])
def test_the_words_of_the_house_call_fields_as_the_window_does(language: str, greeting: str) -> None:
    set_language(language)
    usual = default_template()
    for template in (usual, default_reminder(usual.subject)):
        assert template.body.startswith(greeting)
        assert ("{name}" in template.body) == (language == "en")
