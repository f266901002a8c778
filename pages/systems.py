"""Systems: a card each: what it takes, what it was trained on, its figures, its size and its speed, its limits."""

import streamlit as st

from pages.shared import names, reports, systems
from xmr.checkpoint import ROOT

st.markdown("#### What can search")
st.markdown(
    "A system is a set of encoders that share one space: their vectors of a drawing, of words and of a photo "
    "can be compared. Choose one on the Search page, or several on Compare."
)
for name, config in systems().items():
    with st.container(border=True):
        own, shared = (
            sum((ROOT / name / part[key]).stat().st_size for part in config["encoders"].values() if key in part) / 1e6
            for key in ("file", "trunk")
        )
        st.markdown(f"##### {name}\n{config['about']}")
        takes = ", ".join(names()[modality] for modality in config["encoders"])
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
            st.markdown((ROOT / name / "card.md").read_text(encoding="utf-8").partition("\n")[2])
