"""What a page holds, run without a browser."""

import json

from streamlit.testing.v1 import AppTest


def said(page: AppTest) -> str:
    """Everything on the page that is text."""
    kinds = (page.markdown, page.caption, page.warning, page.info, page.text, page.success, page.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def grids(page: AppTest) -> list[dict]:
    """What each grid of photos was told."""
    found = [e.proto for e in page.get("bidi_component") if e.proto.component_name == "xmr_photos"]
    return [json.loads(grid.json)[0] for grid in found]


def cards(page: AppTest) -> list[dict]:
    """What the grids of photos were given to show."""
    return [card for grid in grids(page) for card in grid["cards"]]


def ids(page: AppTest) -> list[str]:
    return [card["id"] for card in cards(page)]


def press(page: AppTest, label: str) -> AppTest:
    return next(button for button in page.button if button.label == label).click().run()
