"""Systems: a card each: what it takes, what it was trained on, its figures, its size and its speed, its limits."""

import streamlit as st

from pages import adopting
from pages.charts import colour_of
from pages.language import in_digits, language, tr
from pages.plain import plain
from pages.shared import names, reports, systems
from xmr.checkpoint import folder_of


def _files(config: dict, key: str) -> set[str]:
    """The files of a system's encoders under one key, each once."""
    return {part[key] for part in config["encoders"].values() if key in part}


st.markdown(f"#### {tr('What can search')}")
st.markdown(
    tr(
        "A system is a set of encoders that share one space: their vectors of a drawing, of words and of a photo "
        "can be compared. Choose one on the Search page, or several on Compare."
    )
)
if language() != "en":
    st.caption(tr("The systems are described in English."))
adopting.show()
spaces = {
    "cosine": tr("cosine similarity"),
    "euclidean": tr("Euclidean distance"),
    "hamming": tr("Hamming distance"),
}
for name, config in systems().items():
    with st.container(border=True):
        if lacking := [one for one in (*_files(config, "file"), "card.md") if not (folder_of(name) / one).is_file()]:
            st.markdown(f"##### {name}")
            st.error(tr("Damaged: {file} is missing.", file=plain(lacking[0])), icon=":material/error:")
            continue
        own, shared = (
            sum((folder_of(name) / file).stat().st_size for file in _files(config, key)) / 1e6
            for key in ("file", "trunk")
        )
        dot = f"<span style='color: {colour_of(name)}' aria-hidden='true'>●</span>"  # as in the charts
        st.markdown(f"##### {dot} {name}", unsafe_allow_html=True)
        st.markdown(config["about"])
        told = [
            tr("Takes {things}", things=", ".join(names()[modality] for modality in config["encoders"])),
            tr("vectors of {count} numbers, compared by {space}", count=config["dim"], space=spaces[config["space"]]),
            tr("{own} MB, and {shared} MB that several systems share", own=f"{own:.0f}", shared=f"{shared:.0f}")
            if shared
            else tr("{own} MB", own=f"{own:.0f}"),
            *(f"{names()[modality]}: {in_digits(float(ms))} ms" for modality, ms in reports()[name]["speed"].items()),
        ]
        st.caption(" · ".join(told))
        if "differs" in config["card"]:
            st.markdown(config["card"]["differs"])
        st.markdown(f"**{tr('Limits.')}** {config['card']['limits']}")
        with st.expander(tr("How it was built")):
            st.markdown(config["card"]["built"])
        with st.expander(tr("The whole card: data, figures, licence")):
            st.markdown((folder_of(name) / "card.md").read_text(encoding="utf-8").partition("\n")[2])
