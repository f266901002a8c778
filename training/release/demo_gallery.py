"""The demo gallery: the rendered world's gallery split as the app ships it, with every system's vectors of it."""

import argparse
import shutil
from pathlib import Path

from tqdm import tqdm

from training.datasets import MissingData, world
from training.datasets.names import display_name
from training.options import add_folders
from xmr import checkpoint
from xmr.gallery import Entry, Gallery, index_folder
from xmr.modality import Modality
from xmr.system import System

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
EXAMPLES = (
    "airplane",
    "bicycle",
    "car_(sedan)",
    "cat",
    "chair",
    "cup",
    "elephant",
    "guitar",
    "sailboat",
    "tree",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_folders(parser, "--checkpoints", "--galleries")


def run(args: argparse.Namespace) -> None:
    """Run the command; raises MissingData."""
    build(args.galleries / "demo", args.checkpoints)


def build(folder: Path, checkpoints: Path) -> None:
    """Rebuild the demo gallery from the rendered world's gallery split: photos, captions, example drawings, and the
    vectors of every published system; raises MissingData."""
    items = world.items("gallery")
    captions: dict[str, list[tuple[str, str]]] = {}
    for item in items:
        if item.modality is TEXT:
            captions.setdefault(item.id.partition("#")[0], []).append((item.language, item.content))
    photos = [item for item in items if item.modality is PHOTO]
    views = {item.id: item.facts["view"] for item in photos if "objects" not in item.facts}  # of one thing alone
    examples = {}
    for category in EXAMPLES:
        drawings = [
            item.facts["drawing"]
            for item in items
            if item.modality is SKETCH
            and item.facts["hand"] == "careful"
            and f"class:{category}" in item.labels
            and views.get(item.id.rpartition("-")[0]) in ("side", "three-quarter")
        ]
        if not drawings:
            raise MissingData(
                f"Expected a careful drawing of {category} from the side in the rendered gallery. Render "
                "all its classes: python -m training render"
            )
        examples[display_name(category, "en")] = drawings[0]
    shutil.rmtree(folder, ignore_errors=True)
    with Gallery.create(folder) as gallery:
        gallery.add(Entry(i.id, i.content, _shown(i.facts), captions[i.id]) for i in photos)
        gallery.put_examples(examples)
    for name in checkpoint.available(checkpoints):
        fill(checkpoint.load(name, checkpoints), folder)


def fill(system: System, folder: Path) -> None:
    """Add the vectors of a system that a gallery lacks."""
    with tqdm(desc=f"{system.name}'s vectors of {folder}", mininterval=5) as bar:
        index_folder(folder, [system], lambda now: (setattr(bar, "total", now.total), bar.update(now.done - bar.n)))


def _shown(facts: dict) -> dict:
    """The facts that the app shows and filters by; captions have a table of their own, and drawings aren't shown."""
    hidden = ("captions", "sketches", "id", "split", "seed", world.RENDERED)
    return {key: value for key, value in facts.items() if key not in hidden}
