"""What is around every screen: the page's chrome and the navigation."""

from pathlib import Path

import streamlit as st

st.set_page_config(page_title="xmr", page_icon=Path(__file__).with_name("icon.svg"), layout="wide")

# The default page keeps 6rem of nothing above its first line, and as much below its last.
st.html("<style>.stMainBlockContainer {padding: 3.2rem clamp(1rem, 3vw, 3rem) 2rem}</style>")

st.navigation([st.Page("search.py", title="Search", icon=":material/search:", default=True)],
              position="hidden").run()
