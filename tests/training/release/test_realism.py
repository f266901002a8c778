"""realism: rendered pictures held against real ones, by a judge that here sees nothing but mean colours."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

torch = pytest.importorskip("torch")

from training.datasets import placed  # noqa: E402
from training.learn.baseline import cached_features  # noqa: E402
from training.release import realism  # noqa: E402
from xmr.gallery import Entry, Gallery  # noqa: E402
from xmr.modality import BadInput, Drawing, Item, Modality  # noqa: E402

COLOURS = {"apple": (200, 30, 30), "frog": (30, 200, 30), "shark": (30, 30, 200)}
REAL = 10  # photos a class


def mean_colour(photo: np.ndarray) -> np.ndarray:
    """(N, H, W, 3) uint8 -> (N, 3), apart from grey."""
    found = photo.reshape(len(photo), -1, 3).mean(axis=1)
    return found - found.mean(axis=1, keepdims=True) + 1e-3


@pytest.fixture
def sketchy(tmp_path: Path):
    """sketchy25 in small: each class has a colour of its own, and two of its photos were sketched."""
    rng = np.random.default_rng(0)
    root = tmp_path / "sketchy25"
    for name, colour in COLOURS.items():
        (root / "photo" / name).mkdir(parents=True)
        (root / "sketch" / name).mkdir(parents=True)
        for n in range(REAL):
            near = tuple(int(c + rng.integers(-20, 20)) for c in colour)
            Image.new("RGB", (32, 32), near).save(root / "photo" / name / f"{name}_{n}.jpg")
        for n in range(2):
            paper = Image.new("L", (64, 64), 255)
            ImageDraw.Draw(paper).line([(8, 8), (50, 20 + 10 * n)], fill=0, width=3)
            paper.save(root / "sketch" / name / f"{name}_{n}-1.png")
    with placed("sketchy25", root):
        yield root


@pytest.fixture
def photo_of(tmp_path: Path):
    """Makes a "rendered" photo of a class in a colour."""

    def make(name: str, colour, number: int) -> Item:
        path = tmp_path / f"{name}-{number}.png"
        Image.new("RGB", (16, 16), colour).save(path)
        return Item(path.stem, Modality.PHOTO, path, frozenset({f"class:{name}"}))

    return make


def drawing_of(name: str, number: int) -> Item:
    strokes = (np.array([(0.0, 0.0), (10.0, 3.0 + number)]),)
    facts = {"drawing": Drawing(strokes), "hand": ("careful", "doodle")[number % 2]}
    return Item(f"{name}-{number}-0", Modality.SKETCH, "", frozenset({f"class:{name}"}), facts=facts)


def test_a_class_is_judged_by_the_class_of_the_nearest_real_photo(sketchy, photo_of, tmp_path):
    judge = realism.Judge(cached_features(mean_colour, tmp_path / "colours.f32"))
    shots = [photo_of("apple", COLOURS["apple"], n) for n in range(3)]
    shots += [photo_of("frog", COLOURS["frog"], 0), photo_of("frog", COLOURS["shark"], 1)]
    entry = judge.photos(shots)
    assert entry["queries"] == 5 and entry["gallery"] == REAL * len(COLOURS) and entry["dropped"] == 0
    assert entry["metrics"]["p@1"] == pytest.approx(4 / 5)
    assert entry["chance"]["p@1"] == pytest.approx(1 / 3, abs=1e-4)
    assert entry["classes"]["apple"]["p@1"] == 1 and not entry["classes"]["apple"]["taken_for"]
    assert entry["classes"]["frog"] == entry["classes"]["frog"] | {"queries": 2, "p@1": 0.5, "taken_for": {"shark": 1}}


def test_the_ceiling_never_holds_a_photo_against_itself(sketchy, photo_of, tmp_path):
    def own(photo):  # every picture a direction of its own: only itself would be near
        return np.random.default_rng(len(photo)).normal(size=(len(photo), 4096))

    items = [photo_of(name, colour, 0) for name, colour in COLOURS.items()]
    report = realism.Judge(cached_features(own, tmp_path / "own.f32")).report([*items, drawing_of("apple", 0)], "test")
    assert report["protocols"]["photo_ceiling"]["queries"] == REAL * len(COLOURS)
    assert report["protocols"]["photo_ceiling"]["metrics"]["p@1"] < 0.8
    report = realism.Judge(cached_features(mean_colour, tmp_path / "other.f32")).report(
        [*items, drawing_of("apple", 0)], "test"
    )
    assert report["protocols"]["photo_ceiling"]["metrics"]["p@1"] == 1


def test_bars_say_what_was_found_and_hands_are_told_apart(sketchy, photo_of, tmp_path):
    items = [photo_of(name, COLOURS["apple"], n) for name in COLOURS for n in range(2)]
    items += [drawing_of("frog", n) for n in range(3)]
    report = realism.Judge(cached_features(mean_colour, tmp_path / "colours.f32")).report(items, "test")
    bars, protocols = report["bars"], report["protocols"]
    assert bars["photo/p@1"]["found"] == pytest.approx(1 / 3, abs=1e-4) and not bars["photo/p@1"]["reached"]
    assert bars["photo/classes_below"]["found"] == 2 and bars["photo/classes_below"]["reached"]
    assert protocols["drawing/careful"]["queries"] == 2 and protocols["drawing/doodle"]["queries"] == 1
    assert protocols["drawing"]["queries"] == 3
    json.dumps(report)


def test_classes_are_counted_where_there_are_most_photos_of_them(sketchy, photo_of, tmp_path):
    items = [photo_of(name, COLOURS["apple"], 0) for name in COLOURS] + [drawing_of("frog", 0)]
    with Gallery.create(tmp_path / "gallery") as gallery:
        gallery.add(
            Entry(f"{name}-{n}", photo_of(name, COLOURS[name if n else "apple"], n).content, {"category": name})
            for name in COLOURS
            for n in range(3)
        )
        gallery.add([Entry("both", photo_of("apple", (9, 9, 9), 9).content, {"category": "apple", "objects": [1, 2]})])
    shown = realism.of_gallery(tmp_path / "gallery")
    assert len(shown) == 3 * len(COLOURS)
    report = realism.Judge(cached_features(mean_colour, tmp_path / "colours.f32")).report(items, "test", shown)
    assert report["protocols"]["photo/gallery"]["classes"]["frog"]["p@1"] == pytest.approx(2 / 3, abs=1e-4)
    assert realism.below(report["protocols"]["photo"]) == 2 and report["bars"]["photo/classes_below"]["found"] == 0
    assert "0 of 3 classes" in realism.table(report["protocols"])


def test_real_features_are_computed_once(sketchy, tmp_path):
    calls = []

    def counting(photo):
        calls.append(len(photo))
        return mean_colour(photo)

    for _ in range(2):
        realism.Judge(cached_features(counting, tmp_path / "counted.f32")).gallery(Modality.PHOTO)
    assert sum(calls) == REAL * len(COLOURS)


def test_a_world_without_drawings_is_refused(sketchy, photo_of, tmp_path):
    with pytest.raises(BadInput, match="python -m training render"):
        realism.Judge(cached_features(mean_colour, tmp_path / "colours.f32")).report(
            [photo_of("apple", (1, 2, 3), 0)], "test"
        )


def test_fresh_photos_are_of_the_classes_asked_for_and_the_same_each_time(tmp_path):
    found = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (item,) = realism.fresh(["apple"], 1, 48, 0, 1, tmp_path / name)
        assert realism.class_of(item) == "apple"
        found.append(item.content.read_bytes())
    assert found[0] == found[1]
    with pytest.raises(BadInput, match="aple"):
        realism.fresh(["aple"], 1, 48, 0, 1, tmp_path)


def test_the_command_writes_its_figures_for_the_world_it_is_given(sketchy, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        realism, "pretrained_features", lambda cache: cached_features(mean_colour, cache / "colours.f32")
    )
    folder = tmp_path / "world"
    (folder / "test" / "photos").mkdir(parents=True)
    rows = []
    for n, name in enumerate(("apple", "shark")):
        Image.new("RGB", (16, 16), COLOURS[name]).save(folder / "test" / "photos" / f"{name}.webp")
        rows.append(
            {
                "id": name,
                "category": name,
                "instance": f"{name}-{n}",
                "captions": {},
                "sketches": [{"hand": "careful", "strokes": [[[0, 0], [9, 5]]]}],
            }
        )
    pair = {"objects": [{"category": "apple", "instance": "apple-8"}, {"category": "frog", "instance": "frog-9"}]}
    Image.new("RGB", (16, 16)).save(folder / "test" / "photos" / "pair.webp")
    rows.append(rows[0] | pair | {"id": "pair"})
    (folder / "test" / "facts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    parser = argparse.ArgumentParser()
    realism.add_arguments(parser)
    monkeypatch.chdir(tmp_path)  # where there is no gallery
    realism.run(parser.parse_args(["--world", str(folder), "--cache", str(tmp_path / "cache")]))
    report = json.loads((folder / "realism.json").read_text())
    assert report["protocols"]["photo"]["queries"] == 2  # a photo of several things is not asked about
    assert report["protocols"]["drawing"]["queries"] == 2
    assert report["protocols"]["photo"]["metrics"]["p@1"] == 1
    assert "0 of 2 classes below 5%" in capsys.readouterr().out
