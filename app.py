"""The app: page chrome and navigation. Open it with `streamlit run app.py`."""

import streamlit as st

st.set_page_config(page_title="xmr", page_icon="pages/icon.svg", layout="wide")

# The default page keeps 6rem of nothing above its first line, and as much below its last.
st.html("<style>.stMainBlockContainer {padding: 3.2rem clamp(1rem, 3vw, 3rem) 2rem}</style>")

st.navigation([st.Page("pages/search.py", title="Search", icon=":material/search:", default=True)],
              position="hidden").run()
