"""The README says what the measurements say, names the modules there are, and its commands work as printed. No link of
the documentation is broken."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from PIL import Image, ImageDraw

from benchmarks.readme import PAGES, ROOT, written
from xmr.gallery import DEMO, Gallery

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
ENDLESS = ("xmr app", "xmr serve", "xmr adopt")  # these serve until they are stopped, or need a network


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_figures_are_those_of_the_files(page):
    text = page.read_text(encoding="utf-8")
    assert written(text, PAGES[page]) == text


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.S), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_every_file_and_heading_it_points_to_is_there(page):
    broken = []
    for link in re.findall(r"\]\(([^)]*(?:\([^)]*\)[^)]*)*)\)", page.read_text(encoding="utf-8")):
        file, _, anchor = link.partition("#")
        to = page.parent / file if file else page
        if not link.startswith("http") and (
            not to.exists() or (anchor and anchor not in anchors(to.read_text(encoding="utf-8")))
        ):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("file", ["README.md", "docs/architecture.svg"])
def test_the_architecture_names_every_module_of_the_library_and_every_floor_of_training(file):
    content = (ROOT / file).read_text(encoding="utf-8")
    if file == "README.md":
        content = content.partition("app.py, pages/")[2].partition("```")[0]
    words = set(re.findall(r"\w+", content))
    modules = {path.stem for folder in ("xmr", "xmr/gallery", "tools") for path in (ROOT / folder).glob("*.py")}
    folders = {
        path.name for folder in ("xmr", "training") for path in (ROOT / folder).iterdir() if any(path.glob("*.py"))
    }
    assert (modules | folders) - {"__init__", "__main__"} - words == set()


@pytest.mark.slow
def test_its_commands_run_as_they_are_printed(tmp_path):
    (block,) = re.findall(r"From the command line.*?```sh\n(.*?)```", README, re.S)
    commands = [line for line in block.splitlines() if not line.startswith(("pip install", *ENDLESS))]
    assert len(commands) == 9
    (tmp_path / "photos").mkdir()
    with Gallery.open(DEMO) as gallery:
        for item in gallery.sample(8):
            shutil.copy(item.content, tmp_path / "photos")
    Image.new("RGB", (90, 60), "blue").save(tmp_path / "holiday.jpg")
    (tmp_path / "photos" / "Italy").mkdir()
    taken = Image.Exif()
    taken[306] = "2023:07:14 12:00:00"  # DateTime
    Image.new("RGB", (90, 60), "green").save(tmp_path / "photos" / "Italy" / "1.jpg", exif=taken)
    drawing = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(drawing).ellipse((40, 40, 160, 160), outline=0, width=3)
    drawing.save(tmp_path / "drawing.png")
    for folder, name in (("photos", "Spain/2.jpg"), ("drawings", "Spain/1.png")):
        (tmp_path / folder / "Spain").mkdir(parents=True)
        drawing.save(tmp_path / folder / name)
    (tmp_path / "bin").mkdir()
    for name, module in (
        ("xmr", "xmr"),
        ("register-python-argcomplete", "argcomplete.scripts.register_python_argcomplete"),
    ):
        script = tmp_path / "bin" / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n')
        script.chmod(0o755)
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", "\n".join(commands)],
        cwd=tmp_path,
        env=os.environ
        | {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "10 photos indexed" in done.stdout and '"rank": 8' in done.stdout
    assert len(list((tmp_path / "found").iterdir())) == 10
