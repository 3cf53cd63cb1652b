import re
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moa_code.prompts.render import prompt_hash, render, template, variables

NAMES = sorted(
    f.name.removesuffix(".md") for f in resources.files("moa_code.prompts").iterdir() if f.name.endswith(".md")
)


@pytest.mark.parametrize("name", NAMES)
def test_every_prompt_renders_with_its_variables_and_no_others(name):
    values = {v: f"<{v}>" for v in variables(name)}
    text = render(name, **values)
    assert all(value in text for value in values.values())
    assert not re.search(r"\{\{|\}\}", text)
    assert re.fullmatch(r"[0-9a-f]{64}", prompt_hash(name))


def test_a_missing_variable_is_refused():
    with pytest.raises(ValueError, match="'proposer_user' needs context, style"):
        render("proposer_user", instruction="i", feedback="")


def test_an_unused_variable_is_refused():
    with pytest.raises(ValueError, match="'style_direct' has no place for extra"):
        render("style_direct", extra="x")


@pytest.mark.parametrize("name", ["no_such_prompt", "../core/errors", "Style_Direct", "render.py", ""])
def test_a_prompt_that_is_not_there(name):
    with pytest.raises(KeyError):
        render(name)


@given(st.text())
def test_what_stands_in_a_value_is_left_alone(code):
    assert render("retry_nearest", nearest=code) == template("retry_nearest").replace("{{nearest}}", code)


def test_braces_and_placeholders_in_code_stay():
    code = "f'{x}' '{{nearest}}' '{{instruction}}' {1: {}}"
    assert code in render("retry_nearest", nearest=code)


def test_different_prompts_have_different_hashes():
    assert len({prompt_hash(name) for name in NAMES}) == len(NAMES) >= 14
