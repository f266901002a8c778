"""The README says what the measurements say."""

import re

from benchmarks.readme import ROOT, written

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_figures_are_those_of_the_files():
    assert written(README) == README


def test_every_file_it_points_to_is_there():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not link.startswith("http") and not (ROOT / link).exists()] == []
