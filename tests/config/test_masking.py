import json
from urllib.parse import urlencode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.config.masking import MASK, Masker

AWKWARD = [
    pytest.param("plain-s3cret", id="plain"),
    pytest.param('quote"s3cret', id="double quote"),
    pytest.param("quote's3cret", id="single quote"),
    pytest.param("both\"quotes's3cret", id="both quotes"),
    pytest.param("back\\s3cret", id="backslash"),
    pytest.param("tab\ts3cret", id="tab"),
    pytest.param("schlüssel-s3cret", id="umlaut"),
    pytest.param("🔑-s3cret", id="beyond 16 bits"),
    pytest.param("a+b/c=s3cret", id="base64"),
]
NOTATIONS = [
    pytest.param(str, id="as it is"),
    pytest.param(json.dumps, id="JSON"),
    pytest.param(lambda text: json.dumps(text, ensure_ascii=False), id="JSON in Unicode"),
    pytest.param(repr, id="repr"),
    pytest.param(ascii, id="ascii"),
    pytest.param(lambda text: repr(f'{text} "'), id="repr with a quote elsewhere"),
    pytest.param(lambda text: repr(f"{text} '\""), id="repr with both quotes elsewhere"),
    pytest.param(lambda text: urlencode({"apiKey": text}, safe=""), id="URL"),
]


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("secret", AWKWARD)
def test_a_secret_is_masked_in_every_notation(secret, notation):
    masker = Masker()
    masker.hide(secret)
    masked = masker.mask(f"before {notation(secret)} after")
    assert MASK in masked
    assert "s3cret" not in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")


def test_a_secret_that_begins_with_another_one_is_masked_whole():
    masker = Masker()
    masker.hide("abc")
    masker.hide("abc-def")
    assert masker.mask("abc-def, abc") == f"{MASK}, {MASK}"


def test_an_empty_secret_hides_nothing():
    masker = Masker()
    masker.hide("", "")
    assert masker.mask("all of it") == "all of it"


@given(st.text(st.characters(exclude_characters="*", exclude_categories=["Cs"]), min_size=8))
def test_no_secret_survives_in_a_logged_json_line(secret):
    masker = Masker()
    masker.hide(secret)
    assume(secret not in "before after")
    assert masker.mask(json.dumps(f"before {secret} after")) == json.dumps(f"before {MASK} after")
