"""The German interface has a text for each English one, with the same places to fill in, and no other."""

from __future__ import annotations

import ast
import string
from pathlib import Path

from pages.grid import WORDED
from pages.language import german
from pages.shared import display_name
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


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_text_has_a_german_one():
    assert english() - german().keys() == set()


def test_german_texts_fill_in_the_same_places():
    assert {text for text, told in german().items() if fields(text) != fields(told)} == set()


def test_what_the_shipped_photos_show_has_a_german_name():
    with Gallery.open(DEMO) as gallery:
        shown = {display_name(str(item.facts[fact])) for item in gallery for fact in WORDED if item.facts.get(fact)}
    assert len(shown) > 125 and shown - german().keys() == set()
