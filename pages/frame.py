"""The frame of every screen: the page's chrome and the navigation."""

from pathlib import Path

import streamlit as st

from pages import address, indexing, uploads, visit
from pages.language import switch, tr
from pages.shared import notice_models, show_error
from pages.state import state
from pages.widgets import everywhere
from xmr.modality import BadInput

st.set_page_config(page_title="xmr", page_icon=Path(__file__).with_name("icon.svg"), layout="wide")

page = st.navigation(
    [
        st.Page("search.py", title=tr("Search"), icon=":material/search:", default=True),
        st.Page("compare.py", title=tr("Compare"), icon=":material/compare:"),
        st.Page("results.py", title=tr("Results"), icon=":material/leaderboard:"),
        st.Page("gallery.py", title=tr("Gallery"), icon=":material/photo_library:"),
        st.Page("systems.py", title=tr("Systems"), icon=":material/hub:"),
    ],
    position="top",
)
if state.here != page.url_path:
    state.moved = state.turned = state.here is not None  # what was drawn goes on the next canvas
    state.here, state.uploaded = page.url_path, frozenset()  # an uploader forgets its files
# On a phone Streamlit leaves its menu open over the page that was chosen there: the script runs once on every page but
# the one that one began with.
closes = (
    """const menu = document.querySelector("[data-testid=stSidebar]");
    if (menu?.getBoundingClientRect().right > 1)  // open, or on its way
        menu.querySelector("[data-testid=stSidebarCollapseButton] button").click();"""
    if state.turned
    else ""
)
with st.container(key="chrome"):  # which takes no place in the page
    st.html(
        f"""<script>/* {page.url_path} */ {{ {closes} }}</script>""",
        unsafe_allow_javascript=True,
    )
    everywhere(state.language, uploads.refusal())
    switch()
visit.seen()
notice_models()
indexing.take_uploads()
address.arrive()
indexing.follow(aloud=page.url_path != "gallery")
address.stay()
indexing.show_line()
try:
    page.run()
except BadInput as error:  # what no page expected, such as a disk that is pulled out while its gallery is shown
    show_error(error)
except OSError as error:
    show_error(
        BadInput(
            tr(
                "{file} cannot be used: {why}. Try again.",
                file=error.filename or tr("A file"),
                why=error.strerror or error,
            )
        )
    )
