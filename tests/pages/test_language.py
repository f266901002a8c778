"""The German interface has a text for each English one, with the same places to fill in, and no other."""

from __future__ import annotations

import ast
import json
import re
import string
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.grid import WORDED
from pages.language import german, in_digits, in_percent
from pages.shared import display_name
from tests.apptest import said
from xmr.gallery import DEMO, Gallery

PAGES = Path(__file__).resolve().parents[2] / "pages"


def english() -> set[str]:
    """The texts that the pages show through tr(...)."""
    found = set()
    for path in PAGES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "tr":
                for part in ast.walk(node.args[0]):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        found.add(part.value)
    return found


SHOWING = {
    "button",
    "camera_input",
    "caption",
    "checkbox",
    "download_button",
    "error",
    "expander",
    "file_uploader",
    "info",
}
SHOWING |= {"markdown", "multiselect", "number_input", "pills", "popover", "progress", "segmented_control", "selectbox"}
SHOWING |= {"slider", "spinner", "success", "text", "text_input", "toast", "toggle", "warning", "BadInput"}
WRAPPING = {"join", "plain", "shown"}  # calls that show what they are given
LABELS = {"label", "help", "placeholder", "title"}


def literals(node: ast.AST) -> Iterator[str]:
    """The texts in an expression that tr(...) does not translate."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "tr":
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", None)) not in WRAPPING:
        return
    inside = {ast.Subscript: ["value"], ast.FormattedValue: ["value"], ast.Compare: [], ast.Lambda: []}
    for field in inside.get(type(node), node._fields):
        held = getattr(node, field, None)
        for part in held if isinstance(held, list) else [held]:
            if isinstance(part, ast.AST):
                yield from literals(part)


def test_no_sentence_is_shown_untranslated():
    found = []
    for path in PAGES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", None)) in SHOWING:
                shown = node.args[:1] + [keyword.value for keyword in node.keywords if keyword.arg in LABELS]
                words = [text for one in shown for text in literals(one) if re.search("[a-z]{3}", text)]
                found += [f"{path.name}:{node.lineno} {text}" for text in words]
    assert found == []


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_text_has_a_german_one():
    assert english() - german().keys() == set()


def test_a_text_is_the_same_german_wherever_it_is_shown():
    told = [json.loads(path.read_text(encoding="utf-8")) for path in PAGES.glob("german/*.json")]
    assert [text for one in told for text, read in one.items() if read != german()[text]] == []


def test_german_texts_fill_in_the_same_places():
    assert {text for text, told in german().items() if fields(text) != fields(told)} == set()


def test_what_the_shipped_photos_show_has_a_german_name():
    with Gallery.open(DEMO) as gallery:
        shown = {display_name(str(item.facts[fact])) for item in gallery for fact in WORDED if item.facts.get(fact)}
    assert len(shown) > 125 and shown - german().keys() == set()


@pytest.mark.slow
def test_a_german_visitor_reads_german_sentences_and_numbers(monkeypatch):
    monkeypatch.chdir(PAGES.parent)
    page = AppTest.from_file(str(PAGES / "frame.py"), default_timeout=60)
    page.session_state["language"] = "de"
    page.run()
    assert "3.000 Fotos zu finden" in said(page) and "Flugzeug" in page.pills(key="example").options
    assert page.pills(key="idea").options == [
        "ein rotes Auto",
        "ein Tiger im Schnee",
        *page.pills(key="idea").options[2:],
    ]
    page.text_input(key="words").set_value("ein Hnd ohne Gras").run()
    assert "Gezeigt wird" in said(page) and "Ohne" in said(page) and "Showing" not in said(page)
    page.switch_page("gallery.py").run()
    assert "Flugzeug (24)" in page.multiselect(key="filter-category").options


def test_numbers_are_written_as_the_language_writes_them(monkeypatch):
    assert [in_digits(value) for value in (24, 3_000, 1234.56)] == ["24", "3,000", "1,234.6"]
    assert in_percent(0.746) == "75%"
    monkeypatch.setattr(sys.modules["pages.language"], "language", lambda: "de")
    assert [in_digits(value) for value in (24, 3_000, 1234.56)] == ["24", "3.000", "1.234,6"]
    assert in_percent(0.746) == "75\u00a0%"
