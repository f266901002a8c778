"""What is around every screen: the page's chrome and the navigation."""

from pathlib import Path

import streamlit as st

st.set_page_config(page_title="xmr", page_icon=Path(__file__).with_name("icon.svg"), layout="wide")

page = st.navigation([
    st.Page("search.py", title="Search", icon=":material/search:", default=True),
    st.Page("compare.py", title="Compare", icon=":material/compare:"),
    st.Page("results.py", title="Results", icon=":material/leaderboard:"),
    st.Page("gallery.py", title="Gallery", icon=":material/photo_library:"),
    st.Page("systems.py", title="Systems", icon=":material/hub:"),
], position="top")  # fmt: skip
state = st.session_state
if state.get("here") != page.title:
    state.moved = state.turned = "here" in state  # what was drawn goes on the next canvas
    state.here = page.title
# The default page keeps 6rem of nothing above its first line, and as much below its last. On a phone Streamlit leaves
# its menu open over the page that was chosen there: the script runs once on every page but the one that one began with.
closes = """const menu = document.querySelector("[data-testid=stSidebar]");
    if (menu?.getBoundingClientRect().right > 1)  // open, or on its way
        menu.querySelector("[data-testid=stSidebarCollapseButton] button").click();""" if state.turned else ""
st.html(f"""<style>.stMainBlockContainer {{padding: 4.6rem clamp(1rem, 3vw, 3rem) 2rem}}</style>
<script>/* {page.title} */ {{ {closes} }}</script>""", unsafe_allow_javascript=True)
page.run()
