"""What the charts have in common: one colour a system on every page, and the words of their axes in plain language."""

from __future__ import annotations

from collections.abc import Collection

import altair as alt
import pandas as pd
import streamlit as st

from pages.language import language, tr
from pages.shared import systems

PLOT_HEIGHT = alt.AutoSizeParams(type="fit-x", contains="padding")  # `height` is without the legend's, else with it
# Told apart also by who sees few colours, and seen on white and on black.
_COLOURS = ("#3b78e7", "#d9730d", "#1a9e78", "#c2408f", "#8a63d2", "#a8851a", "#0f93a8", "#c8453b")


_GERMAN = alt.NumberLocale(decimal=",", thousands=".", grouping=[3], currency=["", "\u00a0€"])


def show_chart(chart: alt.Chart | alt.LayerChart | alt.FacetChart, title: str = "", **more: int) -> None:
    """Put a chart on the page, with its numbers as the visitor's language writes them. Its title is above it, since one
    inside of it is cut off on a phone."""
    if title:
        st.markdown(f"**{title}**")
    if language() == "de":
        chart = chart.configure(locale=alt.Locale(number=_GERMAN))
    st.altair_chart(chart, **more)


def show_table(frame: pd.DataFrame) -> None:
    """Put a table on the page, its columns named in the visitor's words; the browser writes its numbers."""
    named = frame.rename(columns=field_names())
    numbers = dict.fromkeys(named.select_dtypes("number"), st.column_config.NumberColumn(format="localized"))
    st.dataframe(named, hide_index=True, column_config=numbers)


def colour_of(system: str) -> str:
    """A system's colour, the same on every page; systems beyond the eighth take one again."""
    known = list(systems())
    return _COLOURS[(known.index(system) if system in known else len(known)) % len(_COLOURS)]


def colours(shown: Collection[str]) -> alt.Color:
    """The colours of a chart whose field "system" has these values, in the order of the systems."""
    order = [name for name in systems() if name in set(shown)]
    scale = alt.Scale(domain=order, range=[colour_of(name) for name in order])
    return alt.Color("system:N", title=None, scale=scale, legend=legend_below(order, len(_COLOURS)))


def field_names() -> dict[str, str]:
    """What the fields of charts and the columns of tables are called."""
    return {
        "system": tr("system"),
        "metric": tr("figure"),
        "figure": tr("figure"),
        "value": tr("value"),
        "stderr": tr("standard error"),
        "chance": tr("guessing"),
        "question": tr("query → result"),
        "protocol": tr("test"),
        "variant": tr("variant"),
        "score on val": tr("score on val"),
        "times on test": tr("times on test"),
        "probe": tr("probe"),
        "stage": tr("stage"),
        "steps": tr("steps"),
        "recall": tr("found"),
        "precision": tr("right"),
        "stated": tr("stated"),
        "right": tr("right"),
        "answers": tr("answers"),
        "name": tr("kind"),
        "queries": tr("queries"),
        "rank": tr("rank of the first right answer"),
        "instead": tr("came first"),
        "query": tr("query"),
        "photo": tr("photo"),
        "score": tr("score"),
        "class": tr("kind"),
        "modality": tr("as"),
        "text": tr("text"),
        "caption": tr("caption"),
        "kind": tr("kind"),
        "colour": tr("colour"),
        "place": tr("place"),
        "code": tr("code"),
        "as published": tr("as published"),
        "repaired": tr("repaired"),
    }


def legend_below(labels: Collection[str], columns: int) -> alt.Legend:
    """A legend below a chart, in so many columns, or in as many as its width has room for."""
    room = 30 + 7 * max(map(len, labels), default=0)  # px of a symbol and its label
    fitting = alt.ExprRef(f"clamp(floor(width / {room}), 1, {columns})")
    return alt.Legend(orient="bottom", columns=fitting, labelLimit=360, symbolLimit=0)


def tips(*fields: str) -> list[alt.Tooltip]:
    """What a chart says of a point, in the visitor's words; a number's field ends in ":Q"."""
    called = field_names()
    return [
        alt.Tooltip(
            field, title=called[field.removesuffix(":Q")], **({"format": ".3f"} if field.endswith(":Q") else {})
        )
        for field in fields
    ]


def readable(question: str) -> str:
    """A protocol's question in plain words.

    >>> readable("sketch_to_photo/category")
    'drawing → photo: of the same kind'
    >>> readable("sketch_to_photo/without_adapter")
    'drawing → photo: of the same kind, without the adapter for drawings'
    """
    asked, _, right = question.partition("/")
    things = {
        "sketch": tr("drawing"),
        "text": tr("words"),
        "text_en": tr("English words"),
        "text_de": tr("German words"),
        "photo": tr("photo"),
    }
    said = " → ".join(things.get(thing, thing.replace("_", " ")) for thing in asked.split("_to_"))
    rights = {
        "category": tr("of the same kind"),
        "instance": tr("the very same thing"),
        "image": tr("the very photo"),
        "tag": tr("with a tag in common"),
        "averaged": tr("all captions of a photo as one"),
        "half": tr("half drawn, of the same kind"),
        "with_adapter": tr("of the same kind, with the adapter for drawings"),
        "without_adapter": tr("of the same kind, without the adapter for drawings"),
    }
    told = ", ".join(rights.get(part, part.replace("_", " ")) for part in right.split("/"))
    return f"{said}: {told}" if right else said


def protocol_names() -> dict[str, str]:
    """The tests in plain words; one that is not named here is called by its own name."""
    return {
        "world-test": tr("Rendered things never trained on"),
        "world-scenes": tr("Rendered scenes of several things"),
        "world-mixed": tr("A drawing and words together"),
        "world-tags": tr("Rendered photos, by tags"),
        "flickr8k-test-en": tr("Flickr8k, English captions"),
        "flickr8k-test-de": tr("Flickr8k, German captions"),
        "flickr8k-tags": tr("Flickr8k, by tags"),
        "sketchy25-heldout": tr("Sketchy: held-out photos"),
        "sketchy-1-unseen": tr("Sketchy: kinds never trained on, first selection"),
        "sketchy-2-unseen": tr("Sketchy: kinds never trained on, second selection"),
        "chairv2-test": tr("Chairs: the exact chair that was sketched"),
        "quickdraw-demo": tr("Doodles, in the shipped photos"),
        "quickdraw-photos": tr("Doodles, in real photos"),
        "paper-demo": tr("Drawings on paper, in the shipped photos"),
        "typed-demo": tr("Words as people type them, in the shipped photos"),
        "out-of-gallery": tr("Does it notice that a kind is not there?"),
    }


def protocol_name(protocol: str) -> str:
    """A test by its plain name and its own."""
    name, at, variant = protocol.partition("@")
    plain = protocol_names().get(name)
    return f"{plain} ({protocol})" if plain else protocol


def glossary() -> str:
    """What the figures mean, as Markdown."""
    lines = (
        tr("**hit@k**, **any@k**: the share of the queries with a right photo among the first k; 0.73 is 73 of 100."),
        tr("**p@k**: of the first k photos, the share that is right."),
        tr("**recall@k**: of all right photos, the share that is among the first k."),
        tr(
            "**map**: mean average precision, how early the right photos come in the whole ranking; 1 means all of "
            "them first."
        ),
        tr("**median_rank**: the rank of the first right photo, for the median query."),
        tr(
            "**auroc**: how often a query whose kind is in the gallery scores above one whose kind is not; 0.5 is "
            "guessing."
        ),
        tr(
            "**both@1**, **share@10**: how often the first photo fits both the drawing and the words, and the share "
            "of the first ten that does."
        ),
        tr(
            "**wanted@10**, **unwanted@10**: the share of the first ten with what is wanted, and with what is not "
            "wanted."
        ),
    )
    return "\n".join(f"- {line}" for line in lines)
