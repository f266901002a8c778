"""What a visit holds is named in one place, with what it is to begin with; what all visits share is kept by all that it
depends on."""

import ast

import pytest
from streamlit.testing.v1 import AppTest

from pages.state import state
from tests.browser import ROOT
from xmr.gallery import DEMO


def test_a_key_has_its_default_until_it_is_written_and_is_a_key_of_streamlits():
    def page():
        import streamlit as st

        from pages.state import state

        st.text(f"{state.like} {state.folder} {'folder' in st.session_state}")
        state.like = "a photo"
        st.text(f"{state.like} {st.session_state.like}")

    first, second = (text.value for text in AppTest.from_function(page).run().text)
    assert first == f"None {DEMO} False" and second == "a photo a photo"


def test_a_key_that_is_not_named_is_a_slip():
    with pytest.raises(AttributeError):
        _ = state.liek
    with pytest.raises(AttributeError):
        state.liek = "a photo"


def test_what_is_sent_of_a_widget_that_the_server_has_forgotten_is_passed_over():
    """Streamlit calls what listens to it even so, if another page was opened at that moment."""

    def page():
        import streamlit as st

        from pages import ask, filters, galleries, pictures, view

        filters._choose("colour")
        filters._choose_dates()
        pictures._take("pictures-9")
        pictures._use("a picture")
        view._changed("test", "", ())
        galleries.switch("scope-", "")
        ask._set_weight("words")
        st.text(sorted(st.session_state.to_dict()))

    ran = AppTest.from_function(page).run()
    assert not ran.exception and ran.text[0].value == "[]"


def test_all_that_a_cached_function_is_given_tells_its_results_apart():
    """Streamlit leaves out of a key what has a name that begins with "_"."""
    cached = [
        (path.name, node.name, [argument.arg for argument in node.args.args])
        for path in (ROOT / "pages").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and any("st.cache_" in ast.unparse(one) for one in node.decorator_list)
    ]
    assert len(cached) > 5
    assert [one for one in cached if any(name.startswith("_") for name in one[2])] == []
