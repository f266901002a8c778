"""Results: what was measured, read from the files that training wrote."""

import json

import altair as alt
import pandas as pd
import streamlit as st

from pages.shared import DEFAULT, reports, systems

SCORES = ("hit@1", "hit@5", "hit@10", "p@1", "p@10", "any@10", "map", "auroc", "both@1", "ceiling@1", "share@10")
SCORES += ("wanted@10", "plain@10", "unwanted@10")  # all from 0 to 1, in the charts' order


def rows() -> pd.DataFrame:
    """One line a system, protocol and metric: value, standard error, chance."""
    return pd.DataFrame(
        [
            {
                "system": name,
                "protocol": protocol,
                "question": key.rpartition("/")[0],
                "metric": key.rpartition("/")[2],
                "value": value,
                "stderr": entry["stderr"].get(key, 0.0),
                "chance": entry["chance"].get(key),
            }
            for name, files in reports().items()
            for protocol, entry in files["metrics"].get("protocols", {}).items()
            for key, value in entry["metrics"].items()
        ]
    )


def about(protocol: str) -> str:
    """A protocol's description, and its number of queries and photos."""
    entry = next(
        files["metrics"]["protocols"][protocol]
        for files in reports().values()
        if protocol in files["metrics"].get("protocols", {})
    )
    dropped = f", {entry['dropped']} of them without a match" if entry["dropped"] else ""
    return f"{entry['about']} {entry['queries']:,} queries{dropped}, {entry['gallery']:,} in the gallery."


def leaderboard(table: pd.DataFrame) -> None:
    """All systems on one protocol, beside chance."""
    protocol = st.selectbox("Protocol", table.protocol.unique(), help="Which queries are searched in which gallery.")
    st.caption(about(protocol))
    found = table[(table.protocol == protocol) & table.metric.isin(SCORES)]
    question = st.segmented_control(
        "Question",
        list(found.question.unique()),
        key=f"question-{protocol}",
        default=found.question.iloc[0],
        required=True,
        format_func=readable,
    )
    found = found[found.question == question].assign(
        low=lambda t: (t.value - t.stderr).clip(0), high=lambda t: (t.value + t.stderr).clip(upper=1)
    )
    order = [name for name in SCORES if name in set(found.metric)]
    x = alt.X("metric:N", sort=order, title=None, axis=alt.Axis(labelAngle=0))
    bars = (
        alt.Chart(found)
        .mark_bar()
        .encode(
            x,
            alt.Y("value:Q", scale=alt.Scale(domain=[0, 1]), title=None),
            alt.Color("system:N", title=None),
            xOffset="system:N",
            tooltip=["system", "metric", "value", "stderr", "chance"],
        )
    )
    errors = alt.Chart(found).mark_rule().encode(x, alt.Y("low:Q"), alt.Y2("high:Q"), xOffset="system:N")
    chance = alt.Chart(found).mark_tick(thickness=2, color="#888888").encode(x, alt.Y("chance:Q"), xOffset="system:N")
    st.altair_chart(bars + errors + chance, height=320)
    st.caption(
        "Bars: the exported encoders, on test items; each system's card says what training and pretraining had seen of "
        "these. Thin lines: the standard error over queries. "
        "Grey ticks: what a random ranking would reach."
    )
    recall_curves(protocol, question)
    stated_probabilities(protocol, question)
    every = table[table.protocol == protocol]
    wide = every.pivot_table(index=["question", "metric"], columns="system", values="value")
    chances = every.groupby(["question", "metric"]).chance.first()
    with st.expander("All of its figures"):
        st.dataframe(wide.assign(chance=chances).reset_index().round(3), hide_index=True)


def recall_curves(protocol: str, question: str) -> None:
    """The mean precision of each system at each recall, where it was kept."""
    found = pd.DataFrame(
        [
            {"system": name, "recall": step / (len(curve) - 1), "precision": precision}
            for name, files in reports().items()
            for curve in [files["metrics"].get("protocols", {}).get(protocol, {}).get("curves", {}).get(question, [])]
            for step, precision in enumerate(curve)
        ]
    )
    if len(found):
        chart = (
            alt.Chart(found)
            .mark_line(point=True)
            .encode(
                alt.X("recall:Q", title="recall"),
                alt.Y("precision:Q", scale=alt.Scale(domain=[0, 1]), title="precision"),
                alt.Color("system:N", title=None),
                tooltip=["system", "recall", alt.Tooltip("precision", format=".3f")],
            )
        )
        st.altair_chart(chart.properties(title="Precision against recall, mean over the queries", height=300))


def stated_probabilities(protocol: str, question: str) -> None:
    """Whether what each system states as likely comes true as often, where it was measured."""
    held = {
        name: found[question]
        for name, files in reports().items()
        if question in (found := files["metrics"].get("protocols", {}).get(protocol, {}).get("reliability", {}))
    }
    if not held:
        return
    lines = [
        {"system": name, "stated": stated, "right": right, "answers": count}
        for name, found in held.items()
        for stated, right, count in found["bins"]
    ]
    scale = alt.Scale(domain=[0, 1])
    x, y = alt.X("stated:Q", scale=scale, title="stated"), alt.Y("right:Q", scale=scale, title="right")
    tips = ["system", *(alt.Tooltip(name, format=".3f") for name in ("stated", "right")), "answers"]
    chart = (
        alt.Chart(pd.DataFrame(lines))
        .mark_line(point=True)
        .encode(x, y, alt.Color("system:N", title=None), tooltip=tips)
    )
    ideal = alt.Chart(pd.DataFrame({"stated": [0, 1], "right": [0, 1]})).mark_line(color="#888888", strokeDash=[4, 4])
    st.altair_chart((ideal.encode(x, y) + chart).properties(title="Stated as likely, and right", height=300))
    errors = ", ".join(f"{name} {found['ece']:.3f}" for name, found in held.items())
    st.caption(
        "Of the ten answers to each query. On the dashed line, what is said to be 70% likely is right in 70%. "
        f"Expected calibration error: {errors}."
    )


def readable(question: str) -> str:
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
            for key, value in entry.items()
            if isinstance(value, float)
        ]
    found = pd.DataFrame(table)
    losses = found.figure.str.startswith("train/")
    found["figure"] = found.figure.str.removeprefix("train/")
    for part, title in ((found[losses], "Losses"), (found[~losses & (found.figure != "score")], "Validation")):
        chart = (
            alt.Chart(part)
            .mark_line(point=True)
            .encode(
                alt.X("steps:Q", title="steps"),
                alt.Y("value:Q", title=None),
                alt.Color("figure:N", title=None, legend=alt.Legend(orient="bottom", columns=1, labelLimit=320)),
                tooltip=["stage", "steps", "figure", "value"],
            )
        )
        legend = 30 * part.figure.nunique()  # a chart's height includes its legend's
        st.altair_chart(chart.properties(title=title, height=320 + legend))


def with_std(entry: dict, key: str) -> str:
    """A metric's mean over the seeds, ± the standard deviation over them where there are several."""
    std = f" ± {entry['seed_std'][key]:.3f}" if entry.get("seeds", 1) > 1 else ""
    return f"{entry['metrics'][key]:.3f}{std}"


def as_published(report: dict) -> None:
    """The system as it was first described, and repaired, which is what ships, side by side."""
    sides: dict[str, dict] = {"as published": {}, "repaired": {}}
    for variant, protocols in report["variants"].items():
        name, _, view = variant.partition(" ")  # a hashing system's view: the bits of its code
        side = {report["rows"]["as-published"]: "as published", report["rows"]["repaired"]: "repaired"}.get(
            name.removesuffix(f"-{view.partition(' ')[0]}")
        )
        if side:
            sides[side] |= {(p, key, view): entry for p, entry in protocols.items() for key in entry["metrics"]}
    both = [at for at in sides["as published"] if at in sides["repaired"]]
    if not both:
        return
    lines = [
        {
            "protocol": protocol,
            "metric": f"{readable(key)}{', ' if view else ''}{view}",
            **{side: with_std(found[protocol, key, view], key) for side, found in sides.items()},
            "chance": sides["repaired"][protocol, key, view]["chance"][key],
        }
        for protocol, key, view in both
    ]
    st.markdown("##### As published, and repaired")
    st.dataframe(pd.DataFrame(lines), hide_index=True)
    seeds = [max(found[at].get("seeds", 1) for at in both) for found in sides.values()]
    runs = [f"{count} seed{'s' if count > 1 else ''}" for count in seeds]
    st.caption(
        f"“as published”: what the first description says, trained here ({runs[0]}); another backbone stands in where "
        f"its weights cannot be had. “repaired”: what ships, “{report['ships']}” ({runs[1]}). ± is the standard "
        "deviation over the seeds."
    )


def probes(report: dict) -> None:
    """How far each variant mixes sketches with photos."""
    lines = []
    shown = ("sketch_to_photo/category/map", "sketch_to_photo/category/p@1")
    for variant, entry in report["probe"].items():
        found = {
            f"{protocol}, {readable(key)}": with_std(held, key)
            for protocol, held in report["variants"][variant].items()
            for key in shown
            if key in held["metrics"]
        }
        lines.append({"variant": variant, "probe": with_std(entry, "accuracy"), **found})
    st.dataframe(pd.DataFrame(lines).fillna("–"), hide_index=True)
    st.caption(
        "The probe: how often a fresh linear classifier, fitted on some classes, tells a sketch's vector from a "
        "photo's in the others. 0.5 is chance: nothing tells them apart."
    )


def study(report: dict) -> None:
    """A recipe's variants from several seeds, beside pretrained features."""
    average = "; “average” is the mean of several variants' weights" if "average" in report["variants"] else ""
    st.caption(
        f"Each variant from up to {len(report['seeds'])} seeds: the mean ± the standard deviation over them{average}. "
        "“baseline” is ImageNet's network without training, photos and sketches each centred. What ships is "
        f"“{report['ships']}”."
    )
    lines = []
    for variant, protocols in {"baseline": report["baseline"], **report["variants"]}.items():
        for protocol, entry in protocols.items():
            for key in entry["metrics"]:
                lines.append(
                    {
                        "protocol": protocol,
                        "metric": readable(key),
                        "variant": variant,
                        "value": with_std(entry, key),
                        "chance": entry["chance"][key],
                    }
                )
    table = pd.DataFrame(lines)
    wide = table.pivot(index=["protocol", "metric", "chance"], columns="variant", values="value")
    wide = wide.fillna("–").reset_index()
    order = ["protocol", "metric", *(v for v in ("baseline", *report["variants"]) if v in wide), "chance"]
    st.dataframe(wide[order], hide_index=True)


def settings(report: dict) -> None:
    """List the settings of each variant that was measured."""
    measured = {name.split()[0] for name in report["variants"]}
    lines = [
        f"- **{variant}**: "
        + (", ".join(f"`{key}: {json.dumps(value)}`" for key, value in changed.items()) or "the recipe as it stands")
        for variant, changed in report["settings"].items()
        if variant in measured
    ]
    if "average" in measured:
        lines.append(f"- **average**: the mean of the weights of these runs: {', '.join(report['average_of'])}")
    with st.expander("What each variant sets"):
        st.markdown("\n".join(lines))


def bits(report: dict) -> None:
    """The hashing system's grid: mean average precision by length of code, language and direction, beside that of the
    numbers that the codes are the signs of."""
    lines = []
    for variant, protocols in report["variants"].items():
        trained, length, kind = variant.split()
        lines += [
            {
                "of": f"{trained}, {protocol}",
                "code": f"{length} bits",
                "kind": {"bits": "codes", "numbers": "before their signs"}[kind],
                "question": readable(key.removesuffix("/tag/map")),
                "map": value,
            }
            for protocol, entry in protocols.items()
            for key, value in entry["metrics"].items()
            if key.endswith("/map")
        ]
    table = pd.DataFrame(lines)
    of = st.segmented_control("Variant and protocol", list(table.of.unique()), default=table.of[0], required=True)
    table = table[table.of == of]
    order = sorted(table.code.unique(), key=lambda code: int(code.split()[0]))
    box = alt.Chart(table).encode(
        alt.X("code:N", sort=order, title=None, axis=alt.Axis(labelAngle=0)),
        alt.Y("question:N", title=None, axis=alt.Axis(labelLimit=220)),
    )
    shade = box.mark_rect().encode(
        alt.Color("map:Q", title="mAP", scale=alt.Scale(scheme="blues")), tooltip=["question", "code", "kind", "map"]
    )
    middle = table["map"].median()
    text = box.mark_text().encode(
        alt.Text("map:Q", format=".3f"),
        color=alt.condition(f"datum.map > {middle}", alt.value("white"), alt.value("black")),
    )
    grid = (shade + text).properties(width=240, height=150)
    st.altair_chart(grid.facet(row=alt.Row("kind:N", title=None, sort="descending")))


def pairs(found: dict) -> None:
    """How near each query is to each photo: matching pairs are on the diagonal."""
    modality = next(iter(found))
    if len(found) > 1:
        modality = st.segmented_control(
            "Queries",
            list(found),
            default=modality,
            required=True,
            key="pairs",
            format_func={"text": "captions", "sketch": "drawings"}.get,
        )
    classes, scores = found[modality]["classes"], found[modality]["scores"]
    names = [name.replace("_", " ") for name in classes]
    table = pd.DataFrame(
        [
            {"query": query, "photo": photo, "score": scores[row][column]}
            for row, query in enumerate(names)
            for column, photo in enumerate(names)
        ]
    )
    chart = (
        alt.Chart(table)
        .mark_rect()
        .encode(
            alt.X("photo:N", sort=names, title="photo of", axis=alt.Axis(labelOverlap=False)),
            alt.Y("query:N", sort=names, title=f"{modality} of", axis=alt.Axis(labelOverlap=False)),
            alt.Color("score:Q", scale=alt.Scale(scheme="viridis")),
            tooltip=["query", "photo", "score"],
        )
    )
    st.altair_chart(chart.properties(height=560))
    st.caption(
        "Scores of rendered test photos and of what was drawn or written of them. A good system has its highest "
        "scores on the diagonal."
    )


def places(found: list[dict]) -> None:
    """The map of the space."""
    table = pd.DataFrame(found)
    table["class"] = table["class"].str.replace("_", " ")
    chart = (
        alt.Chart(table)
        .mark_point(filled=True, size=70, opacity=0.85)
        .encode(
            alt.X("x:Q", axis=None),
            alt.Y("y:Q", axis=None),
            alt.Color(
                "class:N",
                title=None,
                scale=alt.Scale(scheme="tableau20"),
                legend=alt.Legend(orient="bottom", columns=4),
            ),
            alt.Shape(
                "modality:N",
                title=None,
                legend=alt.Legend(orient="top", symbolFillColor="gray", symbolStrokeColor="gray"),
            ),
            tooltip=["class", "modality", "text"],
        )
    )
    st.altair_chart(chart.properties(height=520).interactive())
    st.caption(
        "t-SNE of rendered test items: what lies together is near in the space. Each modality is moved to the "
        "same middle first, since photos as a whole lie elsewhere than words."
    )


st.markdown("#### How well each system finds what it is asked for")
leaderboard(rows())
st.markdown("#### How each system was trained")
chosen = st.segmented_control("System", list(systems()), default=DEFAULT, required=True, key="trained")
training(chosen)
if report := reports()[chosen]["study"]:
    if "rows" in report:
        as_published(report)
    st.markdown("##### What each part contributes")
    if all(variant.endswith(("bits", "numbers")) for variant in report["variants"]):
        bits(report)
    else:
        study(report)
    settings(report)
    if report.get("probe"):
        st.markdown("##### How far sketches and photos mix")
        probes(report)
if space := reports()[chosen]["space"]:
    st.markdown("##### Which pairs it finds similar")
    pairs(space["pairs"])
    st.markdown("##### A map of its space")
    places(space["map"])
