"""Results: what was measured, read from the files that training wrote."""

import json

import altair as alt
import pandas as pd
import streamlit as st

from pages.shared import DEFAULT, reports, systems

SCORES = ("hit@1", "hit@5", "hit@10", "p@1", "p@10", "map")  # 0..1, and the charts' order


def rows() -> pd.DataFrame:
    """One line a system, protocol and metric: value, spread, chance."""
    return pd.DataFrame([
        {"system": name, "protocol": protocol, "question": key.rpartition("/")[0], "metric": key.rpartition("/")[2],
         "value": value, "spread": entry["spread"].get(key, 0.0), "chance": entry["chance"].get(key)}
        for name, files in reports().items()
        for protocol, entry in files["metrics"].get("protocols", {}).items()
        for key, value in entry["metrics"].items()
    ])  # fmt: skip


def about(protocol: str) -> str:
    """A protocol's sentence, and how much was asked of how many."""
    entry = next(files["metrics"]["protocols"][protocol] for files in reports().values()
                 if protocol in files["metrics"].get("protocols", {}))  # fmt: skip
    dropped = f", {entry['dropped']} of them without a match" if entry["dropped"] else ""
    return f"{entry['about']} {entry['queries']:,} queries{dropped}, {entry['gallery']:,} in the gallery."


def leaderboard(table: pd.DataFrame) -> None:
    """All systems on one protocol, beside chance."""
    protocol = st.selectbox("Protocol", table.protocol.unique(), help="Which queries are held against which gallery.")
    st.caption(about(protocol))
    found = table[(table.protocol == protocol) & table.metric.isin(SCORES)]
    question = st.segmented_control("Question", list(found.question.unique()), key=f"question-{protocol}",
                                    default=found.question.iloc[0], required=True, format_func=spoken)
    found = found[found.question == question].assign(
        low=lambda t: (t.value - t.spread).clip(0), high=lambda t: (t.value + t.spread).clip(upper=1))  # fmt: skip
    order = [name for name in SCORES if name in set(found.metric)]
    x = alt.X("metric:N", sort=order, title=None, axis=alt.Axis(labelAngle=0))
    bars = alt.Chart(found).mark_bar().encode(
        x, alt.Y("value:Q", scale=alt.Scale(domain=[0, 1]), title=None), alt.Color("system:N", title=None),
        xOffset="system:N", tooltip=["system", "metric", "value", "spread", "chance"],
    )  # fmt: skip
    spread = alt.Chart(found).mark_rule().encode(x, alt.Y("low:Q"), alt.Y2("high:Q"), xOffset="system:N")
    chance = alt.Chart(found).mark_tick(thickness=2, color="#888888").encode(x, alt.Y("chance:Q"), xOffset="system:N")
    st.altair_chart(bars + spread + chance, height=320)
    st.caption("Bars: the exported encoders, on items never trained on. Thin lines: the standard error over queries. "
               "Grey ticks: what a random ranking would reach.")  # fmt: skip
    recall_curves(protocol, question)
    every = table[table.protocol == protocol]
    wide = every.pivot_table(index=["question", "metric"], columns="system", values="value")
    chances = every.groupby(["question", "metric"]).chance.first()
    with st.expander("All of its figures"):
        st.dataframe(wide.assign(chance=chances).reset_index().round(3), hide_index=True)


def recall_curves(protocol: str, question: str) -> None:
    """The mean precision of each system at each recall, where it was kept."""
    found = pd.DataFrame([
        {"system": name, "recall": step / (len(curve) - 1), "precision": precision}
        for name, files in reports().items()
        for curve in [files["metrics"].get("protocols", {}).get(protocol, {}).get("curves", {}).get(question, [])]
        for step, precision in enumerate(curve)
    ])  # fmt: skip
    if len(found):
        chart = alt.Chart(found).mark_line(point=True).encode(
            alt.X("recall:Q", title="recall"), alt.Y("precision:Q", scale=alt.Scale(domain=[0, 1]), title="precision"),
            alt.Color("system:N", title=None), tooltip=["system", "recall", alt.Tooltip("precision", format=".3f")],
        )  # fmt: skip
        st.altair_chart(chart.properties(title="Precision against recall, mean over the queries", height=300))


def spoken(question: str) -> str:
    """sketch_to_photo/category -> sketch to photo, category"""
    return question.replace("_", " ").replace("/", ", ")


def training(name: str) -> None:
    """A system's losses and validation figures over the steps of its training."""
    history = reports()[name]["history"]
    table, start, stage = [], 0, None
    for entry in history:
        if entry["stage"] != stage:
            start, stage = table[-1]["steps"] if table else 0, entry["stage"]
        table += [
            {"steps": start + entry["step"], "stage": stage, "figure": key, "value": value}
            for key, value in entry.items() if isinstance(value, float)
        ]  # fmt: skip
    found = pd.DataFrame(table)
    losses = found.figure.str.startswith("train/")
    found["figure"] = found.figure.str.removeprefix("train/")
    for part, title in ((found[losses], "Losses"), (found[~losses & (found.figure != "score")], "Validation")):
        chart = alt.Chart(part).mark_line(point=True).encode(
            alt.X("steps:Q", title="steps"), alt.Y("value:Q", title=None),
            alt.Color("figure:N", title=None, legend=alt.Legend(orient="bottom", columns=1, labelLimit=320)),
            tooltip=["stage", "steps", "figure", "value"],
        )  # fmt: skip
        legend = 30 * part.figure.nunique()  # a chart's height includes its legend's
        st.altair_chart(chart.properties(title=title, height=320 + legend))


def study(report: dict) -> None:
    """A recipe's variants from several seeds, beside what was learned by nobody."""
    soup = "; “soup” is the mean of the weights of several variants' runs" if "soup" in report["variants"] else ""
    st.caption(f"Each variant from {len(report['seeds'])} seeds: the mean ± the standard deviation over them{soup}. "
               "“raw” is ImageNet's network as it is, photos and sketches each seen from their mean. What ships is "
               f"“{report['ships']}”.")  # fmt: skip
    lines = []
    for variant, protocols in {"raw": report["raw"], **report["variants"]}.items():
        for protocol, entry in protocols.items():
            for key, value in entry["metrics"].items():
                spread = f" ± {entry['spread'][key]:.3f}" if entry.get("seeds", 1) > 1 else ""
                lines.append({"protocol": protocol, "metric": spoken(key), "variant": variant,
                              "value": f"{value:.3f}{spread}", "chance": entry["chance"][key]})  # fmt: skip
    table = pd.DataFrame(lines)
    wide = table.pivot(index=["protocol", "metric", "chance"], columns="variant", values="value")
    wide = wide.fillna("–").reset_index()
    order = ["protocol", "metric", *(v for v in ("raw", *report["variants"]) if v in wide), "chance"]
    st.dataframe(wide[order], hide_index=True)


def settings(report: dict) -> None:
    """What each variant that was measured sets in the recipe."""
    measured = {name.split()[0] for name in report["variants"]}
    lines = [f"- **{variant}**: " + (", ".join(f"`{key}: {json.dumps(value)}`" for key, value in changed.items())
                                     or "the recipe as it stands")
             for variant, changed in report["settings"].items() if variant in measured]  # fmt: skip
    if "soup" in measured:
        lines.append(f"- **soup**: the mean of the weights of these runs: {', '.join(report['soup'])}")
    with st.expander("What each variant sets"):
        st.markdown("\n".join(lines))


def bits(report: dict) -> None:
    """The hashing system's grid: mean average precision by length of code, language and direction, beside that of the
    numbers that the codes are the signs of."""
    lines = []
    for variant, protocols in report["variants"].items():
        trained, length, kind = variant.split()
        lines += [
            {"of": f"{trained}, {protocol}", "code": f"{length} bits",
             "kind": {"bits": "codes", "numbers": "before their signs"}[kind],
             "question": spoken(key.removesuffix("/tag/map")), "map": value}
            for protocol, entry in protocols.items()
            for key, value in entry["metrics"].items() if key.endswith("/map")
        ]  # fmt: skip
    table = pd.DataFrame(lines)
    of = st.segmented_control("Variant and protocol", list(table.of.unique()), default=table.of[0], required=True)
    table = table[table.of == of]
    order = sorted(table.code.unique(), key=lambda code: int(code.split()[0]))
    box = alt.Chart(table).encode(alt.X("code:N", sort=order, title=None, axis=alt.Axis(labelAngle=0)),
                                  alt.Y("question:N", title=None, axis=alt.Axis(labelLimit=220)))  # fmt: skip
    shade = box.mark_rect().encode(alt.Color("map:Q", title="mAP", scale=alt.Scale(scheme="blues")),
                                   tooltip=["question", "code", "kind", "map"])  # fmt: skip
    middle = table["map"].median()
    text = box.mark_text().encode(alt.Text("map:Q", format=".3f"), color=alt.condition(
        f"datum.map > {middle}", alt.value("white"), alt.value("black")))  # fmt: skip
    grid = (shade + text).properties(width=240, height=150)
    st.altair_chart(grid.facet(row=alt.Row("kind:N", title=None, sort="descending")))


def pairs(found: dict) -> None:
    """How near each query is to each photo: matching pairs are on the diagonal."""
    modality = next(iter(found))
    if len(found) > 1:
        modality = st.segmented_control("Queries", list(found), default=modality, required=True, key="pairs",
                                        format_func={"text": "captions", "sketch": "drawings"}.get)  # fmt: skip
    classes, scores = found[modality]["classes"], found[modality]["scores"]
    names = [name.replace("_", " ") for name in classes]
    table = pd.DataFrame([
        {"query": query, "photo": photo, "score": scores[row][column]}
        for row, query in enumerate(names) for column, photo in enumerate(names)
    ])  # fmt: skip
    chart = alt.Chart(table).mark_rect().encode(
        alt.X("photo:N", sort=names, title="photo of", axis=alt.Axis(labelOverlap=False)),
        alt.Y("query:N", sort=names, title=f"{modality} of", axis=alt.Axis(labelOverlap=False)),
        alt.Color("score:Q", scale=alt.Scale(scheme="viridis")), tooltip=["query", "photo", "score"],
    )  # fmt: skip
    st.altair_chart(chart.properties(height=560))
    st.caption("Scores of rendered test photos and of what was drawn or written of them. A good system has its highest "
               "scores on the diagonal.")  # fmt: skip


def places(found: list[dict]) -> None:
    """The map of the space."""
    table = pd.DataFrame(found)
    table["class"] = table["class"].str.replace("_", " ")
    chart = alt.Chart(table).mark_point(filled=True, size=70, opacity=0.85).encode(
        alt.X("x:Q", axis=None), alt.Y("y:Q", axis=None),
        alt.Color("class:N", title=None, scale=alt.Scale(scheme="tableau20"),
                  legend=alt.Legend(orient="bottom", columns=4)),
        alt.Shape("modality:N", title=None, legend=alt.Legend(orient="top", symbolFillColor="gray",
                                                              symbolStrokeColor="gray")),
        tooltip=["class", "modality", "text"],
    )  # fmt: skip
    st.altair_chart(chart.properties(height=520).interactive())
    st.caption("t-SNE of rendered test items: what lies together is near in the space. Each modality is moved to the "
               "same middle first, since photos as a whole lie elsewhere than words.")  # fmt: skip


st.markdown("#### How well each system finds what it is asked for")
leaderboard(rows())
st.markdown("#### How each system was trained")
chosen = st.segmented_control("System", list(systems()), default=DEFAULT, required=True, key="trained")
training(chosen)
if report := reports()[chosen]["study"]:
    st.markdown("##### What its parts are worth")
    if all(variant.endswith(("bits", "numbers")) for variant in report["variants"]):
        bits(report)
    else:
        study(report)
    settings(report)
if space := reports()[chosen]["space"]:
    st.markdown("##### Which pairs it holds to be near")
    pairs(space["pairs"])
    st.markdown("##### A map of its space")
    places(space["map"])
