"""Results: what was measured, as training wrote it; what people preferred; and where systems go wrong."""

import altair as alt
import pandas as pd
import streamlit as st

from pages import charts, studies, verdicts, view, votes, weak_spots
from pages.charts import protocol_name, readable
from pages.grid import caption_of, photo_grid
from pages.language import in_digits, in_percent, language, tr
from pages.plain import plain, shown
from pages.shared import (
    DEFAULT,
    follow,
    in_words,
    names,
    open_gallery,
    open_searcher,
    reports,
    show_error,
    systems,
    to_search,
)
from xmr.gallery import DEMO
from xmr.modality import BadInput, Modality

SCORES = ("hit@1", "hit@5", "hit@10", "p@1", "p@10", "any@10", "map", "auroc", "both@1", "ceiling@1", "share@10")
SCORES += ("wanted@10", "plain@10", "unwanted@10")  # all from 0 to 1, in the charts' order
FIGURE = ["system", "metric", "value", "stderr", "chance"]  # the columns of a verdicts.Figure
WORST_KINDS = 20  # in the chart; the table has all
WORST_QUERIES = 3


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
    told = tr("{queries} queries, {photos} to search.", queries=entry["queries"], photos=entry["gallery"])
    left_out = tr("{count} queries have no match and are left out.", count=entry["dropped"]) if entry["dropped"] else ""
    return f"{entry['about']} {told} {left_out}"


def leaderboard(table: pd.DataFrame) -> None:
    """All systems on one protocol, beside chance."""
    tests = list(table.protocol.unique())
    protocol = view.choose(
        st.selectbox,
        tr("Test"),
        "test",
        tests,
        tests[0],
        drops=["question"],
        format_func=protocol_name,
        help=tr("What was searched for, and among which photos."),
    )
    st.caption(about(protocol))
    found = table[(table.protocol == protocol) & table.metric.isin(SCORES)]
    question = view.choose(
        st.segmented_control,
        tr("Query → result, and what counts as right"),
        "question",
        list(found.question.unique()),
        found.question.iloc[0],
        required=True,
        format_func=readable,
        wrap=True,
    )
    found = found[found.question == question]
    shown_systems = [name for name in systems() if name in set(found.system)]
    st.markdown(verdicts.best([verdicts.Figure(*row) for row in found[FIGURE].itertuples(index=False)], question))
    st.caption(" ".join(f"**{name}**: {systems()[name]['about']}" for name in shown_systems))
    if missing := verdicts.absent(protocol, question, shown_systems):
        st.caption(missing)
    if language() != "en":
        st.caption(tr("Tests and systems are described in English."))
    found = found.assign(low=lambda t: (t.value - t.stderr).clip(0), high=lambda t: (t.value + t.stderr).clip(upper=1))
    order = [name for name in SCORES if name in set(found.metric)]
    x = alt.X("metric:N", sort=order, title=None, axis=alt.Axis(labelAngle=0))
    offset = alt.XOffset("system:N", sort=shown_systems)
    bars = (
        alt.Chart(found)
        .mark_bar()
        .encode(
            x,
            alt.Y("value:Q", scale=alt.Scale(domain=[0, 1]), title=None),
            charts.colours(found.system),
            offset,
            tooltip=charts.tips("system", "metric", "value:Q", "stderr:Q", "chance:Q"),
        )
    )
    # A band as wide as its bar, which is in its place; a rule or a tick is beside it.
    errors = alt.Chart(found).mark_bar(color="#888888", opacity=0.7)
    errors = errors.encode(x, alt.Y("low:Q", stack=False), alt.Y2("high:Q"), offset)
    chance = alt.Chart(found).mark_bar(stroke="#888888", strokeWidth=2)
    chance = chance.encode(x, alt.Y("chance:Q", stack=False), alt.Y2("chance"), offset)
    # Its height includes the legend's, so that what is below stays in its place while the page opens.
    charts.show_chart(bars + errors + chance, height=340)
    st.caption(
        tr(
            "Bars: the shipped encoders on test items; each system's card says what training had seen of these. Grey "
            "bands: the standard error over the queries. Grey lines: guessing. Point at a chart to save it as a "
            "picture (PNG), or its figures (CSV, behind the table)."
        )
    )
    with st.expander(tr("What the figures mean")):
        st.markdown(charts.glossary())
    recall_curves(protocol, question)
    stated_probabilities(protocol, question)
    worst_queries(protocol, question)
    every = table[table.protocol == protocol]
    wide = every.pivot_table(index=["question", "metric"], columns="system", values="value")
    wide = wide.assign(chance=every.groupby(["question", "metric"]).chance.first()).reset_index()
    wide = wide.sort_values(["question", "metric"], key=lambda column: column.map(_place_of), kind="stable")
    wide = wide.assign(question=wide.question.map(readable)).round(3)
    with st.expander(tr("All figures of this test")):
        charts.show_table(wide)


def _place_of(name: str) -> tuple[str, int]:
    """A question, or a metric, for sorting: p@1 before p@10."""
    head, _, k = name.partition("@")
    return head, int(k) if k.isdecimal() else 0


def worst_queries(protocol: str, question: str) -> None:
    """The queries of a test that each system answers worst, where they were kept with its figures."""
    lines = [
        {"system": name, "query": shown(one["query"]), "rank": one["rank"], "instead": shown(one["found"])}
        for name, files in reports().items()
        if files["worst"].get("weights") == files["metrics"].get("weights")
        for one in files["worst"].get("protocols", {}).get(protocol, {}).get(question, [])
    ]
    if lines:
        with st.expander(tr("The worst queries of this test")):
            charts.show_table(pd.DataFrame(lines))
            st.caption(tr("The rank of the first right answer, and what comes first instead."))


def one_is_right(metrics: dict[str, float], question: str) -> bool:
    """Whether each query has a single right answer: then a share of the right ones says no more than whether it was
    found, and a curve over these shares is a flat line."""
    found = metrics.get(f"{question}/hit@1")
    return found is not None and metrics.get(f"{question}/recall@1", found) == found


def recall_curves(protocol: str, question: str) -> None:
    """The mean precision of each system at each recall, where it was kept and says something."""
    entries = {name: files["metrics"].get("protocols", {}).get(protocol) for name, files in reports().items()}
    found = pd.DataFrame(
        [
            {"system": name, "recall": step / (len(curve) - 1), "precision": precision}
            for name, entry in entries.items()
            if entry and not one_is_right(entry["metrics"], question)
            for curve in [entry.get("curves", {}).get(question, [])]
            for step, precision in enumerate(curve)
        ]
    )
    if len(found):
        st.markdown(verdicts.half_found({name: list(part.precision) for name, part in found.groupby("system")}))
        chart = (
            alt.Chart(found)
            .mark_line(point=True)
            .encode(
                alt.X("recall:Q", title=tr("share of the right photos that is found (recall)")),
                alt.Y("precision:Q", scale=alt.Scale(domain=[0, 1]), title=tr("right on average (precision)")),
                charts.colours(found.system),
                tooltip=charts.tips("system", "recall", "precision:Q"),
            )
        )
        title = tr("Precision and recall: how much is right, the further you look")
        charts.show_chart(chart.properties(height=300, autosize=charts.PLOT_HEIGHT), title)


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
    x, y = alt.X("stated:Q", scale=scale, title=tr("stated")), alt.Y("right:Q", scale=scale, title=tr("right"))
    tips = charts.tips("system", "stated:Q", "right:Q", "answers")
    chart = alt.Chart(pd.DataFrame(lines)).mark_line(point=True).encode(x, y, charts.colours(held), tooltip=tips)
    ideal = alt.Chart(pd.DataFrame({"stated": [0, 1], "right": [0, 1]})).mark_line(color="#888888", strokeDash=[4, 4])
    st.markdown(verdicts.nearest_to_the_truth({name: found["ece"] for name, found in held.items()}))
    charts.show_chart(
        (ideal.encode(x, y) + chart).properties(height=300, autosize=charts.PLOT_HEIGHT),
        tr("How sure it says it is, and how often it is right"),
    )
    errors = ", ".join(f"{name} {in_digits(found['ece'], 3)}" for name, found in held.items())
    st.caption(
        tr(
            "For the ten answers to each query. On the dashed line, 70% of the answers that are called 70% sure are "
            "right. Mean distance from it (expected calibration error): {errors}.",
            errors=errors,
        )
    )


def preferences() -> None:
    """What people found better on Compare, without names."""
    st.markdown(f"#### {tr('What people preferred')}")
    try:
        counts = votes.counted(systems())
    except BadInput as error:
        show_error(error)
        return
    if not counts:
        st.caption(tr("Nobody has voted yet. Compare, “Which is better? Without names”, shows two systems' answers."))
        return
    kinds = names()
    lines = []
    for count in counts:
        low, high = count.interval
        lines.append(
            {
                tr("asked with"): " + ".join(kinds[Modality(kind)] for kind in count.asked.split("+")),
                tr("first"): count.first,
                tr("second"): count.second,
                tr("first better"): count.counts[0],
                tr("second better"): count.counts[1],
                tr("both alike"): count.counts[2],
                tr(
                    "first better, of those that chose"
                ): f"{in_percent(count.share)} ({in_percent(low)} – {in_percent(high)})" if count.chose else "–",
            }
        )
    charts.show_table(pd.DataFrame(lines))
    st.caption(
        tr(
            "Counted on this server since the file was created, over all galleries. In brackets: the 95% confidence "
            "interval of the share (Wilson)."
        )
    )


@st.cache_data(show_spinner=False, max_entries=24)
def _looked(system: str, asked: str, own: str, version: tuple[int, ...]) -> pd.DataFrame:
    return weak_spots.look(open_searcher(system), Modality(asked), own if asked == Modality.TEXT else None)


def going_wrong() -> None:
    """The kinds and the queries that a system finds worst in the shipped photos, worked out on demand."""
    st.markdown(f"#### {tr('Where it goes wrong, in the shipped photos')}")
    if not view.switch(
        tr("Look"), "look", help=tr("Takes a second or two. Uses the shipped captions, photos and examples.")
    ):
        return
    with st.container(horizontal=True):
        system = view.choose(
            st.segmented_control,
            tr("System"),
            "look_system",
            list(systems()),
            DEFAULT,
            drops=["look_asked", "look_kind"],
            required=True,
            wrap=True,
        )
        asked = view.choose(
            st.segmented_control,
            tr("Asked with"),
            "look_asked",
            [
                kind
                for kind in (Modality.TEXT, Modality.PHOTO, Modality.SKETCH)
                if kind in systems()[system]["encoders"]
            ],
            Modality.PHOTO,
            drops=["look_kind"],
            required=True,
            format_func=names().get,
        )
    try:
        gallery = open_gallery(DEMO)
        with st.spinner(tr("Asking every query …")):
            table = _looked(system, asked, language(), gallery.version())
    except BadInput as error:
        show_error(error)
        return
    single = table[~table.kind.str.contains(", ")]  # queries with one right kind
    if not len(single):
        st.info(tr("There are no such queries in the shipped photos."))
        return
    kinds = weak_spots.by_kind(single).assign(system=system, name=lambda t: t.kind.map(in_words))
    chart = (
        alt.Chart(kinds.head(WORST_KINDS))
        .mark_bar()
        .encode(
            alt.Y("name:N", sort=None, title=None),
            alt.X("right:Q", scale=alt.Scale(domain=[0, 1]), title=tr("share of right kind among the first ten")),
            charts.colours([system]),
            tooltip=charts.tips("name", "right:Q", "queries"),
        )
    )
    charts.show_chart(chart.properties(height=22 * min(len(kinds), WORST_KINDS), autosize=charts.PLOT_HEIGHT))
    st.caption(
        tr(
            "{queries} queries, {right} of their first ten photos right. The {count} worst of {all} kinds.",
            queries=len(single),
            right=in_percent(single.right.mean()),
            count=min(len(kinds), WORST_KINDS),
            all=len(kinds),
        )
    )
    with st.expander(tr("All kinds")):
        charts.show_table(kinds[["name", "right", "queries"]].round(3))
    kind = view.choose(
        st.selectbox,
        tr("The worst queries of a kind"),
        "look_kind",
        list(kinds.kind),
        kinds.kind.iloc[0],
        format_func=lambda name: shown(in_words(name)),
    )
    worst = single[single.kind == kind].sort_values("right", kind="stable").head(WORST_QUERIES)
    for number, query in enumerate(worst.itertuples()):
        said = caption_of(gallery, query.query) if asked == Modality.PHOTO else query.query
        right = round(query.right * len(query.found))
        st.markdown(tr("**{query}**: {right} of {all} right", query=plain(said), right=right, all=len(query.found)))
        found = gallery.find(query.found)
        asked_for = gallery.find([query.query]) if asked == Modality.PHOTO else {}
        photo_grid(
            gallery,
            [*asked_for.values(), *(found[id] for id in query.found if id in found)],
            to_search,
            key=f"weak-{number}",
            framed=kind,
        )
    if asked == Modality.PHOTO:
        st.caption(tr("The first photo of each row is the query. Photos of the right kind have a green frame."))
    else:
        st.caption(tr("Photos of the right kind have a green frame."))


follow()
st.markdown(f"#### {tr('How well each system finds what it is asked for')}")
leaderboard(rows())
preferences()
going_wrong()
st.markdown(f"#### {tr('How each system was trained')}")
chosen = view.choose(
    st.segmented_control,
    tr("System"),
    "trained",
    list(systems()),
    DEFAULT,
    drops=["validated", "bits", "pairs"],
    required=True,
    wrap=True,
)
studies.training(chosen)
if report := reports()[chosen]["study"]:
    trained_by = systems()[chosen]["card"]["command"].split()[1]
    if "rows" in report:
        studies.as_published(report, trained_by)
    st.markdown(f"##### {tr('What each part contributes')}")
    if all(variant.endswith(("bits", "numbers")) for variant in report["variants"]):
        studies.bits(report)
    else:
        studies.study(report, trained_by)
    if report.get("val"):
        studies.validated(report)
    studies.settings(report)
    if report.get("probe"):
        st.markdown(f"##### {tr('How far sketches and photos mix')}")
        studies.probes(report)
if space := reports()[chosen]["space"]:
    if space["pairs"]:
        st.markdown(f"##### {tr('Which pairs it finds similar')}")
        studies.pairs(space["pairs"], space["of"])
    if space["map"]:
        st.markdown(f"##### {tr('A map of its space')}")
        studies.places(space["map"])
    studies.photo_map(chosen)
