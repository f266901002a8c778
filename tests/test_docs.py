"""The API reference is made without a warning, and has every public name with an example that runs."""

from __future__ import annotations

import doctest
import inspect

import pytest

import xmr
from tools.docs import MODULES, main

FINDER = doctest.DocTestFinder(recurse=False)


def public_names() -> list[tuple[str, object]]:
    """The public names of xmr and, behind each class, its public methods."""
    found = []
    for name in xmr.__all__:
        thing = getattr(xmr, name)
        found.append((name, thing))
        if inspect.isclass(thing):
            found += [(f"{name}.{key}", getattr(thing, key)) for key in vars(thing) if key[0] != "_"]
    return [(name, thing) for name, thing in found if callable(thing)]


def test_the_reference_has_a_page_a_module_and_a_place_a_name(tmp_path):
    main(tmp_path)
    page = (tmp_path / "xmr.html").read_text(encoding="utf-8")
    assert [name for name in xmr.__all__ if f'id="{name}"' not in page] == []
    pages = [tmp_path / f"{module.replace('.', '/')}.html" for module in MODULES]
    assert all(page.is_file() for page in pages)
    assert [page.name for page in pages if str(tmp_path) in page.read_text(encoding="utf-8")] == []


def test_a_warning_stops_it(tmp_path, monkeypatch):
    (tmp_path / "oddly_typed.py").write_text('def use(one: "NoSuchType"):\n    """Use it."""\n')
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("tools.docs.MODULES", ("oddly_typed",))
    with pytest.raises(UserWarning, match="NoSuchType"):
        main(tmp_path / "api")


@pytest.mark.parametrize(("name", "thing"), public_names(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_public_name_says_what_it_does(name, thing):
    assert inspect.getdoc(thing), f"{name} has no docstring"


@pytest.mark.parametrize("name", xmr.__all__)
def test_every_name_that_a_user_imports_has_an_example(name):
    assert any(test.examples for test in FINDER.find(getattr(xmr, name), name)), f"{name} has no example"
