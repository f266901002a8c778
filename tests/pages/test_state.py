"""What a visit holds is named in one place, with what it is to begin with."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.state import state
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
