"""Quick, Draw!: its files, its names, its drawings by other hands, and its protocols."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training.datasets.test_sketch_sets import every_split
from training.datasets import catalogue, demo, hands, labels_of, picture, quickdraw
from training.datasets.check import check
from training.datasets.names import phrases
from training.datasets.protocols import find
from training.datasets.reading import Skips
from training.datasets.sketchy import UNSEEN, refuse_unseen
from xmr.evaluation import measure
from xmr.gallery import Entry, Gallery
from xmr.modality import BadInput, Drawing, Item, Modality
from xmr.preprocess.sketch import resample

PHOTO, SKETCH = Modality.PHOTO, Modality.SKETCH


def row(n: int, **changed) -> str:
    drawing = [[[0, 255], [0, n]], [[3, 4, 5], [6, 7, 8]]]
    return json.dumps({"word": "The Eiffel Tower", "key_id": str(5152802093400064 + n), "drawing": drawing} | changed)


def write(root: Path, *words: str, count: int = 40) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for number, word in enumerate(words):
        lines = (row(1000 * number + n, word=word) for n in range(count))
        (root / f"{word}.ndjson").write_text("\n".join(lines))
    return root


def test_every_drawing_is_read_from_its_line_when_it_is_wanted_recognised_or_not(tmp_path):
    lines = [row(n) for n in range(60)]
    lines[3:3] = [
        "{broken",
        row(99, recognized=False),
        row(97, recognized=True),
        row(98, drawing=[[[1]]]),
        row(96, drawing=[]),
        "[]",
        row(95, word=None),
    ]
    (tmp_path / "full_simplified_The Eiffel Tower.ndjson").write_text("\n".join(lines) + "\n")
    found = check("quickdraw", tmp_path)
    assert found.found == {"sketches": 62, "classes": 1} and not found.shared
    assert "5 broken rows (full_simplified_The Eiffel Tower.ndjson:4" in found.line()
    items = [item for some in every_split("quickdraw", tmp_path).values() for item in some]
    for item in items:
        drawing = picture(pickle.loads(pickle.dumps(item)))  # as it goes to a worker process
        assert drawing.strokes[0][1].tolist() == [255, int(item.id) - 5152802093400064]
        assert item.labels == {"class:the_eiffel_tower"}
    assert {item.id[-2:]: item.facts["recognized"] for item in items if item.facts["recognized"] is not None} == {
        str(5152802093400064 + 99)[-2:]: False,
        str(5152802093400064 + 97)[-2:]: True,
    }


def test_reading_stops_after_so_many_of_a_class(tmp_path):
    write(tmp_path, "cat", count=30)
    skips = Skips()
    assert sum(len(quickdraw.read(tmp_path, s, skips, per_class=7)) for s in ("train", "val", "test")) == 7


def test_timing_of_the_raw_form_is_passed_over(tmp_path):
    raw = [[[1.5, 2.5], [3, 4], [0, 16]]]
    (tmp_path / "cat.ndjson").write_text("\n".join(row(n, drawing=raw) for n in range(9)))
    item = catalogue.load("quickdraw", "train", tmp_path).items[0]
    assert picture(item).strokes[0].tolist() == [[1.5, 3], [2.5, 4]]


def test_the_table_of_names_leads_to_98_of_sketchys_classes():
    root = catalogue.get("quickdraw").place()
    if not (root.is_dir() and catalogue.get("sketchy25").place().is_dir()):
        pytest.skip(f"the real data is not in {root.parent}")
    classes = {
        f"class:{name}"
        for name in catalogue.get("sketchy25").place().joinpath("photo").iterdir()
        for name in [name.name]
    }
    words = [path.stem for path in root.glob("*.ndjson")]
    shared = [word for word in words if quickdraw.label_of(word) in classes]
    assert len(words) == 345 and len(shared) == len({quickdraw.label_of(word) for word in shared}) == 98
    assert set(quickdraw.SKETCHY) <= set(words)
    assert {f"class:{name}" for name in quickdraw.SKETCHY.values()} <= classes


def test_names_of_things_that_are_not_counted_take_no_article():
    assert phrases("pants")["en"] == ["pants", "a photo of pants", "a picture of pants", "a drawing of pants"]
    assert phrases("anvil")["en"][1] == "an anvil"


# ---------------------------------------------------------------- by other hands


def doodle() -> Drawing:
    turn = np.linspace(0, 2 * np.pi, 24)
    face = np.stack([100 + 80 * np.cos(turn), 100 + 80 * np.sin(turn)], 1)
    return Drawing((face, np.array([[70.0, 80.0], [80.0, 80.0]]), np.array([[60.0, 140.0], [140.0, 140.0]])))


def ink(drawing: Drawing) -> float:
    return sum(float(np.hypot(*np.diff(stroke, axis=0).T).sum()) for stroke in drawing.strokes)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 1.0])
def test_a_beginning_is_that_share_of_the_ink_in_the_order_of_the_pen(share):
    whole, part = doodle(), hands.beginning(doodle(), share)
    assert ink(part) == pytest.approx(share * ink(whole))
    assert len(part.strokes) == {0.1: 1, 0.5: 1, 0.9: 3, 1.0: 3}[share]
    for drawn, stroke in zip(part.strokes[:-1], whole.strokes, strict=False):
        assert np.array_equal(drawn, stroke)
    assert np.array_equal(part.strokes[0][:3], whole.strokes[0][:3])


def test_a_drawing_of_dots_alone_has_no_half():
    dots = Drawing((np.array([[1.0, 2.0]]), np.array([[5.0, 5.0]])))
    assert hands.beginning(dots, 0.5) is dots


@pytest.mark.parametrize("hand", [hands.unfinished, hands.careless])
def test_another_hand_draws_nearly_the_same_and_always_alike(hand):
    item = Item("7", SKETCH, "x", frozenset({"class:cat"}), facts={"drawing": doodle})
    first, again = (hands.drawn_by(hand, [item])[0] for _ in range(2))
    assert first.labels == item.labels and first.id == f"7#{hand.__name__}"
    one, two = picture(first), picture(pickle.loads(pickle.dumps(again)))
    assert all(np.array_equal(a, b) for a, b in zip(one.strokes, two.strokes, strict=True))
    points = np.concatenate([resample(stroke, np.array([len(stroke)]), 1.0)[0] for stroke in doodle().strokes])
    drawn = np.concatenate(one.strokes)
    away = np.hypot(*(drawn[:, None] - points[None]).transpose(2, 0, 1)).min(1)
    assert 0 < away.max() < 40  # moved, but not elsewhere: the drawing is 160 wide
    assert ink(one) < 1.25 * ink(doodle())


def test_unfinished_drawings_lack_ink_and_careless_ones_keep_their_longest_stroke():
    rng = np.random.default_rng(0)
    shares = [ink(hands.unfinished(doodle(), rng)) / ink(doodle()) for _ in range(60)]
    assert min(shares) < 0.45 and max(shares) < 1.0 and max(shares) > 0.7
    counts = [len(hands.careless(doodle(), rng).strokes) for _ in range(60)]
    assert set(counts) >= {2, 3} and min(counts) >= 1


# ---------------------------------------------------------------- protocols


@pytest.fixture
def shipped(tmp_path, monkeypatch) -> Path:
    """A gallery with a cat, a dog, and both; and doodles of them and of a sun."""
    folder = tmp_path / "gallery"
    with Gallery.create(folder) as gallery:
        both = {"category": "cat", "objects": [{"category": "cat"}, {"category": "dog"}]}
        photo = Image.new("RGB", (8, 8))
        gallery.add(
            [Entry("a", photo, {"category": "cat"}), Entry("b", photo, {"category": "dog"}), Entry("c", photo, both)]
        )
    monkeypatch.setattr(demo, "DEMO", folder)
    monkeypatch.setenv("XMR_DATA", str(tmp_path / "data"))
    return write(tmp_path / "data/quickdraw", "cat", "dog", "sun")


def test_a_photo_of_several_things_is_of_each_of_their_classes(shipped):
    assert [sorted(item.labels) for item in demo.items()] == [["class:cat"], ["class:dog"], ["class:cat", "class:dog"]]
    assert all(Path(item.content).is_file() for item in demo.items())


def test_doodles_of_what_the_gallery_has_are_held_against_it_whole_and_half(shipped):
    protocol = find("quickdraw-demo")
    items, gallery = protocol.items("test"), protocol.gallery("test")
    whole = [item for item in items if "style" not in item.facts]
    known = [item for item in catalogue.get("quickdraw").items("test") if item.labels != {"class:sun"}]
    assert whole == known and len(items) == 2 * len(whole) and len(gallery) == 3
    assert {label for item in items for label in labels_of(item, "class")} == {"class:cat", "class:dog"}
    half = next(item for item in items if item.id == f"{whole[0].id}#half")
    assert ink(picture(half)) == pytest.approx(ink(picture(whole[0])) / 2)
    # Whole ones point at the photo of their thing, halves at the photo of the other.
    at = {"class:cat": [1.0, 0.0], "class:dog": [0.0, 1.0]}

    def vectors(some: list[Item]) -> np.ndarray:
        found = [np.mean([at[label] for label in item.labels], axis=0) for item in some]
        return np.array([v[::-1] if "style" in item.facts else v for v, item in zip(found, some, strict=True)])

    entry = measure(protocol, items, vectors, gallery)
    assert entry["metrics"]["sketch_to_photo/category/p@1"] == 1.0
    assert entry["metrics"]["sketch_to_photo/half/p@1"] == 0.0
    assert entry["metrics"]["sketch_to_photo/half/any@10"] == 1.0  # there are but three photos
    assert entry["queries"] == len(whole) and entry["gallery"] == 3


def test_a_missing_gallery_is_missing_data(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "DEMO", tmp_path / "nowhere")
    with pytest.raises(BadInput, match="nowhere"):
        demo.items()


# ---------------------------------------------------------------- unseen classes


@pytest.mark.parametrize("name", ["sketchy-1", "sketchy-2"])
def test_no_doodle_of_an_unseen_class_passes_the_guard(tmp_path, name):
    unseen = {"sketchy-1": "teddy-bear", "sketchy-2": "mouse"}[name]
    write(tmp_path, unseen, "cat")
    items = catalogue.load("quickdraw", "train", tmp_path).items
    with pytest.raises(BadInput, match=f"class:{unseen.replace('-', '_')}, which {name} holds out"):
        refuse_unseen(items, name, tmp_path)
    refuse_unseen([item for item in items if item.labels == {"class:cat"}], name, tmp_path)
    refuse_unseen(items, "sketchy25", tmp_path)  # which holds out photos, not classes
    assert unseen.replace("-", "_") in UNSEEN[name]
