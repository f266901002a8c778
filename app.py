"""The app: `streamlit run app.py`. The screens are in pages/; pages/frame.py is around each of them."""

import asyncio
import threading
import webbrowser
from contextlib import asynccontextmanager

from pages import memory

memory.share_arena()  # before the packages below begin threads

import pandas  # noqa: E402, F401  # the canvas imports it at its first use; here it delays the server, and no visitor
import streamlit as st  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402

import pages.shared  # noqa: E402, F401  # likewise, for all that answers a query
from pages import first, originals, trust, uploads, visit  # noqa: E402


@asynccontextmanager
async def running(_app: st.App):
    """Show the app to who started it, as Streamlit itself does for an app that is a plain script; and tidy up: before,
    while and after it runs."""
    if not st.get_option("server.headless"):
        address = f"http://localhost:{st.get_option('server.port')}"
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    uploads.sweep()
    tidying = [asyncio.create_task(visit.end_visits()), asyncio.create_task(memory.free_models())]
    yield
    for task in tidying:
        task.cancel()
    uploads.end_all()


app = st.App(
    "pages/frame.py",
    lifespan=running,
    routes=[originals.ROUTE],
    middleware=[
        Middleware(visit.KnowVisitors),
        Middleware(trust.KeepOutOfFrames),
        Middleware(uploads.LimitUploads),
        Middleware(memory.LimitMessages),
        Middleware(first.LoadFirst),
    ],
)
