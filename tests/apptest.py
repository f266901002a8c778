"""What a page holds, run without a browser."""

import json

from streamlit.testing.v1 import AppTest


def said(page: AppTest) -> str:
    """Everything on the page that is text."""
    kinds = (page.markdown, page.caption, page.warning, page.info, page.text, page.success, page.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def cards(page: AppTest) -> list[dict]:
    """What the grid of photos was given to show."""
    grids = [e.proto for e in page.get("bidi_component") if e.proto.component_name == "xmr_photos"]
    return [card for grid in grids for card in json.loads(grid.json)[0]["cards"]]


def ids(page: AppTest) -> list[str]:
    return [card["id"] for card in cards(page)]


def press(page: AppTest, label: str) -> AppTest:
    return next(button for button in page.button if button.label == label).click().run()
