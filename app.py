"""The app: `streamlit run app.py`. The screens are in pages/; pages/frame.py is around each of them."""

import threading
import webbrowser
from contextlib import asynccontextmanager

import pandas  # noqa: F401  # the canvas imports it at its first use; here it delays the server, and no visitor
import streamlit as st

import pages.shared  # noqa: F401  # likewise, for all that answers a query


@asynccontextmanager
async def open_in_browser(_app: st.App):
    """Show the app to who started it, as Streamlit itself does for an app that is a plain script."""
    if not st.get_option("server.headless"):
        address = f"http://localhost:{st.get_option('server.port')}"
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    yield


app = st.App("pages/frame.py", lifespan=open_in_browser)
