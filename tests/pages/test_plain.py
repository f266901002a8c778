"""What others wrote is shown as it is."""

import re

import pytest

from pages.plain import plain, shown

CONTROLS = {
    "new\nline.jpg": r"new\nline.jpg",
    "esc\x1b[31mred.jpg": r"esc\x1b[31mred.jpg",
    "gpj\u202ephoto.exe": r"gpj\u202ephoto.exe",
    "\ud800": r"\ud800",
    "tab\t\x00\x7f": r"tab\t\x00\x7f",
}


@pytest.mark.parametrize(("text", "wanted"), CONTROLS.items())
def test_control_characters_are_written_out(text, wanted):
    assert shown(text) == wanted
    assert plain(text).replace("\\\\", "\0").replace("\\", "").replace("\0", "\\") == wanted


@pytest.mark.parametrize("text", ["a red car", "Größe 10 – ein Hund (2).jpg", "狗 🐶👩‍👩‍👧", "می‌خواهم"])
def test_ordinary_text_stays_as_it_is(text):
    assert shown(text) == text and plain(text).replace("\\", "") == text


@pytest.mark.parametrize(
    "text",
    [
        "![x](https://evil.example/a.png)",
        "[a](b)",
        "**b**",
        "`c`",
        "<img src=x>",
        "# h",
        "1. x",
        ":red[r]",
        "$x$",
        ":material/delete:",
        "~~s~~",
        "| a | b |",
        "a\\*b",
        "&amp;",
    ],
)
def test_every_mark_of_markdown_has_a_backslash_before_it(text):
    assert not re.search(r"(?<!\\)(?:\\\\)*[!-/:-@\[\]^-`{-~]", plain(text))
    assert re.sub(r"\\(.)", r"\1", plain(text)).replace("\u2060", "") == text


@pytest.mark.parametrize(
    "text", ["https://evil.example", "HTTP://evil.example", "see www.evil.example", "me@evil.example"]
)
def test_no_address_stands_whole_for_a_link_to_be_made_of_it(text):
    left = re.sub(r"\\(.)", r"\1", plain(text))
    assert not re.search(r"https?://|www\.|\w@\w", left, re.IGNORECASE) and left.replace("\u2060", "") == text
