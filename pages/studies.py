"""How a system was trained, what each part of it contributes, and what its space looks like: for Results."""

import json

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from pages import originals, verdicts, view
from pages.charts import (
    PLOT_HEIGHT,
    legend_below,
    protocol_name,
    protocol_names,
    readable,
    show_chart,
    show_table,
    tips,
)
from pages.grid import caption_of
from pages.language import in_digits, tr
from pages.shared import in_words, open_gallery, open_system, reports, show_error
from xmr.gallery import DEMO
from xmr.modality import BadInput, Modality

MAPPED = 1_000  # photos on the map, evenly spaced over the gallery


def training(name: str) -> None:
    """A system's losses and validation figures over the steps of its training."""
    history = reports()[name]["history"]
    if not history:  # of a model that was adopted
        st.caption(tr("Nothing is known here of how it was trained; its card may say more."))
        return
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
    losses = found.figure.str.startswith(("train/", "val/"))
    names = found.figure.str.removeprefix("train/").str.replace("val/loss", tr("loss on val"))
    _lines(found[losses].assign(figure=names), tr("Losses"))
    checked = found[~losses & (found.figure != "score")]
    checked = checked.assign(test=checked.figure.map(_test_of))
    tests = list(checked.test.unique())
    test = tests[0]
    if len(tests) > 1:
        test = view.choose(
            st.selectbox, tr("Validated on"), "validated", tests, tests[0], format_func=lambda key: _called(key) or key
        )
    part = checked[checked.test == test]
    _lines(part.assign(figure=[_figure_name(key, test) for key in part.figure]), tr("Validation"))


def _test_of(key: str) -> str:
    """The test that a figure of the validation is from, and apart from its shares its ranks."""
    head, _, rest = key.partition("/")
    test = head if rest and "_to_" not in head else ""
    return f"{test}/median_rank" if key.endswith("median_rank") else test


def _called(test: str) -> str:
    name, _, rank = test.partition("/")
    named = protocol_names().get(name, name) or tr("its own test")
    return f"{named}: median_rank" if rank else named


def _figure_name(key: str, test: str) -> str:
    question, _, metric = key.removeprefix(f"{test.partition('/')[0]}/").rpartition("/")
    return f"{readable(question)}, {metric}" if question else metric.replace("_", " ")


def _lines(part: pd.DataFrame, title: str) -> None:
    """Figures over the steps, a line each."""
    columns = 2 if part.figure.str.len().max() > 24 else 4
    legend = legend_below(part.figure.unique(), columns)
    chart = (
        alt.Chart(part)
        .mark_line(point=True)
        .encode(
            alt.X("steps:Q", title=tr("steps")),
            alt.Y("value:Q", title=None),
            alt.Color("figure:N", title=None, scale=alt.Scale(scheme="tableau20"), legend=legend),
            tooltip=tips("stage", "steps", "figure", "value:Q"),
        )
    )
    show_chart(chart.properties(height=260, autosize=PLOT_HEIGHT), title)


def with_std(entry: dict, key: str) -> str:
    """A metric's mean over the seeds, ± the standard deviation over them where there are several."""
    std = f" ± {in_digits(entry['seed_std'][key], 3)}" if entry.get("seeds", 1) > 1 else ""
    return f"{in_digits(entry['metrics'][key], 3)}{std}"


def ships(report: dict, trained_by: str) -> str:
    """Which variant of a study ships, or what ships was trained further from by another recipe, `trained_by`."""
    if trained_by == report["system"]:
        return tr("What ships is “{ships}”.", ships=report["ships"])
    return tr(
        "What ships was trained further from “{ships}” (`{command}`); its own figures are at the top of the page.",
        ships=report["ships"],
        command=f"fit {trained_by}",
    )


def as_published(report: dict, trained_by: str) -> None:
    """The system as it was first described, and repaired, side by side. trained_by: the recipe of what ships."""
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
    st.markdown(f"##### {tr('As published, and repaired')}")
    show_table(pd.DataFrame(lines))
    seeds = [max(found[at].get("seeds", 1) for at in both) for found in sides.values()]
    st.caption(
        tr(
            "“as published”: the original description, trained here (runs: {published}); where the original "
            "backbone's weights cannot be had, another one replaces it. “repaired”: “{ships}” (runs: {repaired}). ± "
            "is the standard deviation over the runs.",
            published=seeds[0],
            repaired=_runs(report, report["ships"], seeds[1]),
            ships=report["ships"],
        )
        + " "
        + ships(report, trained_by)
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
    show_table(pd.DataFrame(lines).fillna("–"))
    st.caption(
        tr(
            "The probe: how often a new linear classifier, fitted on some classes, tells a sketch's vector from a "
            "photo's on the others. 0.5 is chance: it cannot tell them apart."
        )
    )


def _runs(report: dict, variant: str, seeds: int) -> int:
    """From how many runs a variant is; the average is the mean of all these runs' weights."""
    return len(report["average_of"]) * len(report["seeds"]) if variant == "average" else seeds


def validated(report: dict) -> None:
    """What selected each variant's weights, and how often it was held against the test items, as far as that was
    kept."""
    lines = [
        {
            "variant": variant,
            "score on val": with_std(report["val"][variant], "score") if variant in report["val"] else "–",
            "times on test": str(report["test_evaluations"].get(variant, "–")),
        }
        for variant in dict.fromkeys(name.split()[0] for name in report["variants"])
    ]
    show_table(pd.DataFrame(lines))
    st.caption(
        tr(
            "The score on the validation items selects a run's weights; the figures above are on the test items, and "
            "the last column says how often these were used. A dash: not recorded."
        )
    )


def study(report: dict, trained_by: str) -> None:
    """A recipe's variants from several seeds, beside pretrained features. trained_by: the recipe of what ships."""
    st.caption(
        tr(
            "Each variant from up to {count} seeds: the mean ± the standard deviation over them. “baseline” is "
            "ImageNet's network without training, photos and sketches each centred.",
            count=len(report["seeds"]),
        )
        + " "
        + ships(report, trained_by)
        + (" " + tr("“average” is the mean of several variants' weights.") if "average" in report["variants"] else "")
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
    show_table(wide[order])


def settings(report: dict) -> None:
    """List the settings of each variant that was measured."""
    measured = {name.split()[0] for name in report["variants"]}
    lines = [
        f"- **{variant}**: "
        + (
            ", ".join(f"`{key}: {json.dumps(value)}`" for key, value in changed.items())
            or tr("the recipe as it stands")
        )
        for variant, changed in report["settings"].items()
        if variant in measured
    ]
    if "average" in measured:
        lines.append(f"- **average**: {tr('the mean of the weights of these runs')}: {', '.join(report['average_of'])}")
    with st.expander(tr("What each variant sets")):
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
                "code": tr("{count} bits", count=length),
                "kind": {"bits": tr("codes"), "numbers": tr("before their signs")}[kind],
                "question": readable(key.removesuffix("/tag/map")),
                "map": value,
            }
            for protocol, entry in protocols.items()
            for key, value in entry["metrics"].items()
            if key.endswith("/map")
        ]
    table = pd.DataFrame(lines)
    of = view.choose(
        st.segmented_control, tr("Variant and test"), "bits", list(table.of.unique()), table.of[0], required=True
    )
    table = table[table.of == of]
    order = sorted(table.code.unique(), key=lambda code: int(code.split()[0]))
    box = alt.Chart(table).encode(
        alt.X("code:N", sort=order, title=None, axis=alt.Axis(labelAngle=0)),
        alt.Y("question:N", title=None, axis=alt.Axis(labelLimit=220)),
    )
    shade = box.mark_rect().encode(
        alt.Color("map:Q", title="mAP", scale=alt.Scale(scheme="blues")),
        tooltip=[*tips("question", "code", "kind"), "map"],
    )
    middle = table["map"].median()
    text = box.mark_text().encode(
        alt.Text("map:Q", format=".3f"),
        color=alt.condition(f"datum.map > {middle}", alt.value("white"), alt.value("black")),
    )
    grid = (shade + text).properties(width=240, height=150)
    show_chart(grid.facet(row=alt.Row("kind:N", title=None, sort="descending")))


def pairs(found: dict, test: str) -> None:
    """How near each query is to each photo of a test: matching pairs are on the diagonal."""
    modality = next(iter(found))
    if len(found) > 1:
        modality = view.choose(
            st.segmented_control,
            tr("Queries"),
            "pairs",
            list(found),
            modality,
            required=True,
            format_func={"text": tr("captions"), "sketch": tr("drawings")}.get,
        )
    classes, scores = found[modality]["classes"], found[modality]["scores"]
    names = [in_words(name) for name in classes]
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
            alt.X("photo:N", sort=names, title=tr("photo of"), axis=alt.Axis(labelOverlap=False)),
            alt.Y("query:N", sort=names, title=tr("query of"), axis=alt.Axis(labelOverlap=False)),
            alt.Color("score:Q", title=tr("score"), scale=alt.Scale(scheme="viridis")),
            tooltip=tips("query", "photo", "score:Q"),
        )
    )
    st.markdown(verdicts.own_nearest(scores))
    show_chart(chart.properties(height=560))
    st.caption(
        tr(
            "Scores between test photos and the drawings or captions of them: {test}. Photos without a single kind "
            "are numbered. A good system has its highest scores on the diagonal.",
            test=protocol_name(test),
        )
    )


def places(found: list[dict]) -> None:
    """The map of the space."""
    table = pd.DataFrame(found)
    table["class"] = table["class"].map(in_words)
    called = {"photo": tr("photo"), "sketch": tr("drawing"), "text": tr("words")}
    table["modality"] = table.modality.map(lambda kind: called.get(kind, kind))
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
                legend=legend_below(table["class"].unique(), 4),
            ),
            alt.Shape(
                "modality:N",
                title=None,
                legend=alt.Legend(orient="top", symbolFillColor="gray", symbolStrokeColor="gray"),
            ),
            tooltip=tips("class", "modality", "text"),
        )
    )
    show_chart(chart.properties(height=400, autosize=PLOT_HEIGHT).interactive())
    st.caption(
        tr(
            "t-SNE of rendered test items: neighbours here are near in the space. Each modality is centred first, "
            "because photos as a whole lie elsewhere than words."
        )
    )


@st.cache_data(show_spinner=False, max_entries=12)
def _flat(system: str, version: tuple[int, ...]) -> pd.DataFrame:
    """The shipped photos on a plane: the two directions in which the means of their kinds differ most."""
    gallery = open_gallery(DEMO)
    ids, vectors = gallery.vectors(open_system(system), Modality.PHOTO)  # (N, dim)
    items = gallery.find(ids)
    kinds = np.array([str(items[id].facts.get("category")) for id in ids])
    vectors = vectors - vectors.mean(axis=0)
    means = np.stack([vectors[kinds == kind].mean(axis=0) for kind in np.unique(kinds)])  # (kinds, dim)
    _, _, directions = np.linalg.svd(means, full_matrices=False)
    places = vectors @ directions[:2].T  # (N, 2)
    return pd.DataFrame(
        {
            "id": ids,
            "x": places[:, 0],
            "y": places[:, 1],
            "kind": kinds,
            **{fact: [str(items[id].facts.get(fact)) for id in ids] for fact in ("colour", "place")},
        }
    )


def photo_map(system: str) -> None:
    """The shipped photos in a system's space; each shows itself where one points."""
    gallery = open_gallery(DEMO)
    names = {"kind": tr("Thing"), "colour": tr("Colour"), "place": tr("Place")}
    by = view.choose(
        st.segmented_control,
        tr("The shipped photos, coloured by"),
        "mapped",
        list(names),
        "colour",
        required=True,
        format_func=names.get,
    )
    try:
        table = _flat(system, gallery.version())
    except BadInput as error:
        show_error(error)
        return
    table = table.iloc[:: max(1, len(table) // MAPPED)]
    table = table.assign(
        image=originals.address(gallery) + table.id, caption=[caption_of(gallery, id) for id in table.id]
    )
    legend = None if by == "kind" else legend_below(table[by].unique(), 5)
    colour = alt.Color(f"{by}:N", title=None, legend=legend)
    if by == "colour":
        shades = {
            "beige": "#d8c49a",
            "gold": "#d4a72c",
            "silver": "#aab2b8",
            "turquoise": "#30b5b0",
            "white": "#e9e9e9",
        }
        known = sorted(table.colour.unique())
        colour.scale = alt.Scale(
            domain=[in_words(name) for name in known], range=[shades.get(name, name) for name in known]
        )
    for fact in names:
        table[fact] = table[fact].map(in_words)
    chart = (
        alt.Chart(table)
        .mark_point(filled=True, size=60, opacity=0.9, stroke="#888888", strokeWidth=0.4)
        .encode(
            alt.X("x:Q", axis=None),
            alt.Y("y:Q", axis=None),
            colour,
            tooltip=["image", *tips("caption", "kind", "colour", "place")],  # Vega shows what is called image as one
        )
    )
    show_chart(chart.properties(height=400, autosize=PLOT_HEIGHT).interactive())
    st.caption(
        tr(
            "{count} of the shipped photos, projected onto the plane in which the means of their kinds are furthest "
            "apart. Point at one to see it; drag and scroll to move and zoom.",
            count=len(table),
        )
    )
