"""Imports point down only, and nothing on the way from a query to its answer needs torch."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"torch", "torchvision", "timm", "transformers", "sentence_transformers", "lightning", "training"}
OURS = {"app", "pages", "training", "xmr", "benchmarks", "tests"}

# Which parts of xmr each part may import; an import for type checking alone counts too, except from gallery.
BELOW = {
    "modality": set(),
    "home": set(),
    "files": set(),
    "plain": {"modality"},
    "metrics": {"modality"},
    "where": {"modality"},
    "index": {"files", "index", "where", "modality"},
    "preprocess": {"preprocess", "modality"},
    "encoder": {"preprocess", "modality"},
    "composer": {"modality"},
    "calibration": set(),
    "system": {"composer", "encoder", "preprocess", "modality"},
    "evaluation": {"calibration", "metrics", "modality"},
    "compose": {"calibration", "composer", "system", "modality"},
    "checkpoint": {"files", "home", "system", "composer", "encoder", "modality"},
    "gallery": {"files", "gallery", "home", "system", "preprocess", "where", "modality"},
    "search": {
        "checkpoint",
        "compose",
        "engine",
        "gallery",
        "system",
        "index",
        "preprocess",
        "where",
        "modality",
    },
    "engine": {"gallery", "index", "system", "modality"},
    "cluster": {"checkpoint", "gallery", "system", "modality"},
    "duplicates": {"gallery", "modality", "preprocess", "system"},
    "adopt": {"adopt", "calibration", "checkpoint", "compose", "composer", "encoder", "gallery", "home", "modality"}
    | {"plain", "preprocess", "system"},
    "labelled": {"checkpoint", "compose", "evaluation", "files", "gallery", "home", "modality", "preprocess"}
    | {"system"},
    "serve": {"__version__", "checkpoint", "gallery", "modality", "preprocess", "search", "serve"},
    "remote": {"compose", "gallery", "modality", "preprocess", "search", "system", "where"},
    "__init__": {"checkpoint", "gallery", "modality", "search", "system"},
    "cli": {"__version__", "adopt", "checkpoint", "cluster", "duplicates", "engine", "files", "gallery", "home"}
    | {"index", "labelled", "modality", "preprocess", "search", "serve", "system", "where"},
    "__main__": {"cli"},
}


# The floors of training, from the top; each part imports only what stands on a later one.
FLOORS = ("__main__", "release", "systems", "learn", "datasets", "towers world", "options")
FLOOR = {part: number for number, parts in enumerate(FLOORS) for part in parts.split()}


def imports_of(path: Path, nested: bool = True) -> set[str]:
    """The full names that a file imports: all of them, or only those at its top."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree) if nested else tree.body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def files_of(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", files_of("xmr"), ids=lambda path: str(path.relative_to(ROOT)))
def test_xmr_imports_only_what_lies_below(path):
    part = path.relative_to(ROOT / "xmr").parts[0].removesuffix(".py")
    for name in imports_of(path):
        package, *rest = name.split(".")
        assert package not in HEAVY | {"streamlit"} | OURS - {"xmr"}, f"{path} imports {name}"
        if package == "xmr":
            assert rest[0] in BELOW[part], f"{path} imports {name}"


@pytest.mark.parametrize("path", [ROOT / "app.py", *files_of("pages")], ids=lambda path: path.name)
def test_pages_import_neither_training_nor_what_lies_inside_xmr(path):
    for name in imports_of(path) if path.exists() else ():
        assert name.split(".")[0] not in HEAVY | {"onnxruntime", "faiss", "sqlite3", "tokenizers"}, f"{path}: {name}"


@pytest.mark.parametrize("path", files_of("training"), ids=lambda path: str(path.relative_to(ROOT)))
def test_training_imports_no_page_no_faiss_at_the_top_and_only_what_lies_below(path):
    part = path.relative_to(ROOT / "training").parts[0].removesuffix(".py")
    for name in imports_of(path):
        package, *rest = name.split(".")
        assert package not in {"streamlit", "pages", "app", "benchmarks", "tests"}, f"{path}: {name}"
        if package == "training" and rest[0] != part:
            assert FLOOR[rest[0]] > FLOOR[part], f"{path} imports {name}, which lies no lower"
    assert not {name for name in imports_of(path, nested=False) if name.split(".")[0] == "faiss"}


def test_no_module_of_training_imports_itself_by_a_detour():
    below = {}
    for path in files_of("training"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        below[".".join(parts).removesuffix(".__init__")] = imports_of(path, nested=False)
    known = set(below)
    below = {
        name: {module for one in found for module in (one, one.rpartition(".")[0]) if module in known} - {name}
        for name, found in below.items()
    }
    order = graphlib.TopologicalSorter(below)
    assert len(list(order.static_order())) == len(known)  # else a CycleError, which names the circle


def test_the_words_for_classes_need_no_renderer():
    assert not modules_after("import training.datasets.names") & {"torch", "scipy"}


def modules_after(code: str, *arguments: str) -> set[str]:
    """The top-level modules loaded in a fresh process once it has run the code."""
    code += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def test_a_whole_search_imports_no_torch(checkpoint_folder, gallery_folder, tmp_path):
    from tests.conftest import pictures

    photo = tmp_path / "photo.png"
    next(pictures())[1].save(photo)
    loaded = modules_after(
        "import sys; from xmr.cli import main; assert main(sys.argv[1:]) == 0",
        "search",
        "--text",
        "a red photo",
        "--photo",
        str(photo),
        "--sketch",
        str(photo),
        "--gallery",
        str(gallery_folder),
        "--system",
        str(checkpoint_folder),
    )
    assert {"onnxruntime", "faiss", "tokenizers"} <= loaded  # so it did search
    assert not loaded & (HEAVY | {"streamlit"})


def test_importing_xmr_is_light_and_its_modules_wait_with_heavy_packages():
    assert not modules_after("import xmr") & {"numpy", "PIL"}
    loaded = modules_after("import xmr.search, xmr.checkpoint, xmr.metrics, xmr.cli")
    assert not loaded & (HEAVY | {"onnxruntime", "faiss", "tokenizers", "streamlit"})
