"""What every test of pages needs."""

import sys

import pytest
from streamlit.testing.v1 import AppTest

from tests.browser import ROOT, open_browser, serve


@pytest.fixture(autouse=True)
def _main_module_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest leaves the page as the main module, which every worker process started later would run again."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(autouse=True)
def _own_list_of_galleries(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What the app remembers of this computer's user stays as it is."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def server():
    """The running app, one for the tests of a file."""
    with serve() as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    """A Chromium, one for the tests of a file."""
    with open_browser() as running:
        yield running


@pytest.fixture
def opened(monkeypatch):
    """A page by its file's name, or with "frame" the first one in it, as a new visitor finds it."""
    monkeypatch.chdir(ROOT)

    def opened(name: str) -> AppTest:
        page = AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=60).run()
        assert not page.exception
        return page

    return opened


@pytest.fixture
def page(opened) -> AppTest:
    return opened("search")
