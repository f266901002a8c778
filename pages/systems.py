"""Systems: a card each: what it takes, what it was trained on, its figures, its size and its speed, its limits."""

import streamlit as st

from pages import adopting
from pages.shared import NAMES, reports, systems
from xmr.checkpoint import folder_of


def _files(config: dict, key: str) -> set[str]:
    """The files of a system's encoders under one key, each once."""
    return {part[key] for part in config["encoders"].values() if key in part}


st.markdown("#### What can search")
st.markdown(
    "A system is a set of encoders that share one space: their vectors of a drawing, of words and of a photo "
    "can be compared. Choose one on the Search page, or several on Compare."
)
adopting.show()
for name, config in systems().items():
    with st.container(border=True):
        own, shared = (
            sum((folder_of(name) / file).stat().st_size for file in _files(config, key)) / 1e6
            for key in ("file", "trunk")
        )
        st.markdown(f"##### {name}\n{config['about']}")
        takes = ", ".join(NAMES[modality] for modality in config["encoders"])
        speeds = reports()[name]["speed"]
        told = "".join(f" · {modality} {ms:.1f} ms" for modality, ms in speeds.items())
        space = f"vectors of {config['dim']} numbers, compared by {config['space']}"
        size = f"{own:.0f} MB" + (f" and {shared:.0f} MB that several share" if shared else "")
        st.caption(f"Takes {takes} · {space} · {size}{told}")
        if "differs" in config["card"]:
            st.markdown(config["card"]["differs"])
        st.markdown(config["card"]["built"])
        st.markdown(f"**Limits.** {config['card']['limits']}")
        with st.expander("Its whole card"):
            st.markdown((folder_of(name) / "card.md").read_text(encoding="utf-8").partition("\n")[2])
