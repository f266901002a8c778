"""Whoever runs the app sets its limits; what is wrong in them is a sentence, and the app does not start."""

import re
import subprocess
import sys

import pytest

from pages import limits
from tests.browser import ROOT


def test_what_is_not_given_stays_as_it_is():
    assert limits.of({}) == limits.Limits()
    assert limits.of({"mb_of_a_visit": 5}) == limits.Limits(mb_of_a_visit=5)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"mb_of_visit": 5}, "There is no limit mb_of_visit. Is it mb_of_a_visit?"),
        ({"x": 5}, "Known: photos_of_a_visit, "),
        ({"mb_of_a_visit": 0}, "mb_of_a_visit is 0. Give a whole number above 0."),
        ({"mb_of_a_visit": "much"}, "is 'much'. Give a whole number"),
        ({"mb_of_a_visit": True}, "is True. Give a whole number"),
    ],
)
def test_a_wrong_limit_is_told_with_what_to_do(given, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        limits.of(given)


def started(folder, secrets: str) -> subprocess.CompletedProcess:
    """A program in `folder` that prints a limit of uploads and one of kept pictures."""
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "secrets.toml").write_text(secrets)
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    program += "from pages import kept, uploads; print(uploads.MAX_PHOTOS, uploads.MAX_BYTES, kept.MAX_AGE)"
    return subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True)


@pytest.mark.slow
def test_the_file_of_the_operator_counts(tmp_path):
    done = started(tmp_path, "[limits]\nphotos_of_a_visit = 3\nminutes_of_query_pictures = 2\n")
    assert done.stdout.split() == ["3", "200000000", "120"], done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("secrets", "told"),
    [("[limits]\nmb_of_a_visit = -1\n", "is -1."), ("limits = 3\n", "is no table"), ("[limits\n", "cannot be used")],
)
def test_a_wrong_file_ends_the_app_with_a_sentence(tmp_path, secrets, told):
    done = started(tmp_path, secrets)
    assert done.returncode and told in done.stderr and "Traceback" not in done.stderr
