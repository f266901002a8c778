"""Sketchy, TU-Berlin, QMUL and PACS: on trees of a few pictures in their official layouts."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.datasets import catalogue, labels_of, picture, sketchy, strokes
from training.datasets.check import check
from training.datasets.protocols import protocol
from xmr.evaluation import relevance
from xmr.modality import BadInput, Drawing, Modality

REAL = Path(os.environ.get("XMR_DATA", "../shared/data"))
real = pytest.mark.skipif(not (REAL / "sketchy25").is_dir(), reason=f"the real data is not in {REAL}")
PHOTO, SKETCH = Modality.PHOTO, Modality.SKETCH


def draw_at(path: Path, colour: str = "red", **how) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 8), colour).save(path, **how)
    return path


def ids(items, modality) -> set[str]:
    return {item.id for item in items if item.modality is modality}


def every_split(name: str, root: Path) -> dict[str, list]:
    """The items by split, after seeing that no id and no instance is in two of them."""
    found = {split: catalogue.load(name, split, root).items for split in catalogue.get(name).splits}
    seen: dict[str, str] = {}
    for split, items in found.items():
        for key in {i.id for i in items} | {label for i in items for label in labels_of(i, "instance")}:
            assert seen.setdefault(key, split) == split, key
    return found


def sketchy_tree(root: Path, classes=("airplane", "cat", "hot-air_balloon", "scissors"), photos: int = 12) -> Path:
    base = root / "256x256"
    for number, name in enumerate(classes):
        for n in range(photos):
            stem = f"n0269{number}156_{n}"
            draw_at(base / f"photo/tx_000000000000/{name}/{stem}.jpg")
            draw_at(base / f"photo/tx_000100000000/{name}/{stem}.jpg", "blue")
            for k in (1, 2):
                draw_at(base / f"sketch/tx_000000000000/{name}/{stem}-{k}.png")
    return root


def test_sketchy_reads_the_unaltered_pictures_and_pairs_each_sketch_with_its_photo(tmp_path):
    found = every_split("sketchy", sketchy_tree(tmp_path))
    items = [item for split in found.values() for item in split]
    assert len(ids(items, PHOTO)) == 48 and len(ids(items, SKETCH)) == 96
    assert {Path(i.content).parent.parent.name for i in items} == {"tx_000000000000"}
    for split in found.values():
        photos = {i.labels for i in split if i.modality is PHOTO}
        assert all(i.labels in photos for i in split if i.modality is SKETCH)
    assert ids(found["test"], PHOTO) and ids(found["val"], PHOTO)


def test_sketchys_own_test_list_is_its_test(tmp_path):
    (sketchy_tree(tmp_path) / "info").mkdir()
    (tmp_path / "info/testset.txt").write_bytes(b"cat/n02691156_3.jpg\r\ncat/n02691156_4.jpg\r\n")
    found = every_split("sketchy", tmp_path)
    assert ids(found["test"], PHOTO) == {"cat/n02691156_3", "cat/n02691156_4"}
    assert len(ids(found["test"], SKETCH)) == 4


def test_extended_photos_join_and_their_repeated_names_are_told_apart_by_class(tmp_path):
    sketchy_tree(tmp_path)
    for name in ("cat", "airplane"):
        draw_at(tmp_path / f"EXTEND_image_sketchy/{name}/ext_1.jpg")
    draw_at(tmp_path / "EXTEND_image_sketchy/cat/n02691156_0.jpg")  # the official photo once more
    found = check("sketchy", tmp_path)
    assert found.found["photos"] == 50 and not found.shared
    assert "1 extended photos that repeat an official one (cat/n02691156_0.jpg)" in found.line()
    assert "50 photos of 73,002 expected" in found.line()


@pytest.mark.parametrize(("name", "unseen"), [("sketchy-1", {"airplane", "scissors"}), ("sketchy-2", {"scissors"})])
def test_zero_shot_splits_keep_every_unseen_class_out_of_training(tmp_path, name, unseen):
    found = every_split(name, sketchy_tree(tmp_path, photos=30))
    classes = {split: {label for i in items for label in labels_of(i, "class")} for split, items in found.items()}
    assert classes["test"] == {f"class:{c}" for c in unseen}
    assert not classes["test"] & (classes["train"] | classes["val"])
    assert len(ids(found["test"], PHOTO)) == 30 * len(unseen)
    assert protocol(name, tmp_path).items("test") == found["test"]


def test_the_development_split_tests_seen_classes_of_sketchy_2_and_leaves_out_its_unseen_ones(tmp_path):
    tree = sketchy_tree(tmp_path, ("apple", "cat", "scissors"), photos=30)
    found = every_split(sketchy.DEVELOPMENT, tree)
    classes = {split: {label for i in items for label in labels_of(i, "class")} for split, items in found.items()}
    assert classes == {"train": {"class:cat"}, "val": {"class:cat"}, "test": {"class:apple"}}
    assert len(ids(found["test"], PHOTO)) == 30 and len(ids(found["train"] + found["val"], PHOTO)) == 30


def test_the_first_zero_shot_systems_layout_is_two_folders_and_two_lists_of_classes(tmp_path):
    for name in ("ant", "cat", "hot air balloon", "tree"):
        for n in range(30):
            draw_at(tmp_path / f"photos/{name}/{name}{n}.jpg")
            draw_at(tmp_path / f"sketches/{name}/{name}{n}-1.png")
    with pytest.raises(BadInput, match="a list of classes, one a line, at .*train_labels.txt.*choose sketchy-1"):
        (tmp_path / "test_labels.txt").write_text("hot air balloon\n")
        catalogue.load("sketchy-listed", "train", tmp_path)
    (tmp_path / "train_labels.txt").write_text("cat\r\ntree\n\n")
    found = every_split("sketchy-listed", tmp_path)
    classes = {split: {label for i in items for label in labels_of(i, "class")} for split, items in found.items()}
    assert classes["train"] == {"class:cat", "class:tree"} and classes["val"] <= classes["train"]
    assert classes["test"] == {"class:hot_air_balloon"}
    assert len(ids(found["test"], PHOTO)) == len(ids(found["test"], SKETCH)) == 30
    assert "map@200" in protocol("sketchy-listed", tmp_path).comparisons[0].metrics
    assert "without a folder" not in check("sketchy-listed", tmp_path).line()
    with (tmp_path / "test_labels.txt").open("a") as file:
        file.write("\nhot air ballon\n")
    assert "1 listed classes without a folder (hot_air_ballon)" in check("sketchy-listed", tmp_path).line()
    sketchy.refuse_unseen(found["train"], "sketchy-listed", tmp_path)
    with pytest.raises(BadInput, match="class:hot_air_balloon, which sketchy-listed holds out"):
        sketchy.refuse_unseen(found["test"], "sketchy-listed", tmp_path)
    (tmp_path / "train_labels.txt").write_text("cat\nhot_air_balloon\n")  # as in that system's own lists
    with pytest.raises(
        BadInput, match="hot_air_balloon in train_labels.txt and in test_labels.txt.*Take it out of one"
    ):
        catalogue.load("sketchy-listed", "train", tmp_path)
    assert ids(catalogue.load("sketchy-2", "test", tmp_path).items, PHOTO) >= {"tree/tree0"}  # and in the usual splits


def test_what_lies_in_sketchys_folders_and_has_no_place_in_it_is_listed(tmp_path):
    draw_at(sketchy_tree(tmp_path) / "256x256/sketch/tx_000000000000/cat/n9_1-1.png")
    draw_at(tmp_path / "256x256/photo/tx_000000000000/stray.jpg")
    line = check("sketchy", tmp_path).line()
    assert "1 sketches without their photo (cat/n9_1-1.png)" in line
    assert "1 pictures outside a class folder (stray.jpg)" in line
    assert "1 published splits that are missing, so that a hash divides (info/testset.txt)" in line


def test_a_flat_tree_that_lost_a_sketched_photo_is_an_error(tmp_path):
    for n in range(8):
        draw_at(tmp_path / f"photo/cat/a{n}.jpg")
        draw_at(tmp_path / f"sketch/cat/a{n}-1.png")
    (tmp_path / "photo/cat/a3.jpg").unlink()
    with pytest.raises(BadInput, match="a3.jpg is not there"):
        catalogue.load("sketchy25", "train", tmp_path)


def test_a_flat_tree_that_lost_a_class_is_an_error_and_a_stray_file_is_no_class(tmp_path):
    for name in ("bee", "cat", "dog"):
        for n in range(8):
            draw_at(tmp_path / f"photo/{name}/{name}{n}.jpg")
            draw_at(tmp_path / f"sketch/{name}/{name}{n}-1.png")
    before = every_split("sketchy25", tmp_path)
    (tmp_path / "photo/.DS_Store").touch()
    assert every_split("sketchy25", tmp_path) == before
    (tmp_path / "photo/cat").rename(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="cat is in one alone .1 are.. .* half unpacked"):
        catalogue.load("sketchy25", "train", tmp_path)


def test_a_half_unpacked_sketchy_is_an_error_that_names_the_archive(tmp_path):
    draw_at(tmp_path / "256x256/photo/tx_000000000000/cat/a.jpg")
    (tmp_path / "256x256/sketch.zip").touch()
    with pytest.raises(BadInput, match="sketch folder .*sketch.zip: unpack it"):
        catalogue.load("sketchy", "train", tmp_path)


@real
def test_the_flat_tree_holds_out_the_photos_that_tri_holds_out():
    ours = {i.id for i in catalogue.load("sketchy25", "test", REAL / "sketchy25").items}
    assert {i.id.split("/")[1] for i in catalogue.load("sketchy", "test", REAL / "sketchy25").items} == ours
    counts = check("sketchy-2", REAL / "sketchy25").counts["test"]
    assert counts == {"photos": 21 * 25, "sketches": 21 * 25}


def test_tuberlin_classes_with_spaces_meet_the_extensions_photos(tmp_path):
    for n in range(1, 21):
        draw_at(tmp_path / f"png/person sitting/{n}.png")
    draw_at(tmp_path / "ImageResized/person sitting/a b (1).jpg")
    draw_at(tmp_path / "ImageResized/hot_air_balloon/image.1.JPEG")
    draw_at(tmp_path / "png/__MACOSX/._1.png")
    items = [item for split in every_split("tuberlin", tmp_path).values() for item in split]
    assert {min(i.labels) for i in items} == {"class:person_sitting", "class:hot_air_balloon"}
    assert len(ids(items, SKETCH)) == 20 and "photo/person_sitting/a_b_(1)" in ids(items, PHOTO)


def qmul_tree(root: Path) -> dict[str, np.ndarray]:
    coordinates = {}
    for n, photo in enumerate(["1135045020", "00140128_v1", "cm8706-rnrn", *(f"77{n}" for n in range(20))]):
        draw_at(root / f"photo/{photo}.png")
        for k in (1, 2):
            part = "test" if n % 5 == 0 else "train"
            points = [[0, 0, 0], [10, 0, 1], [5, 5, 0], [5, 9, 1]]
            coordinates[f"{part}/{photo}_{k}"] = np.array(points, float)
    return coordinates


def test_qmul_strokes_end_where_the_pen_is_lifted(tmp_path):
    (tmp_path / "ShoeV2_Coordinate").write_bytes(pickle.dumps(qmul_tree(tmp_path)))
    found = every_split("shoev2", tmp_path)
    assert [len(ids(items, PHOTO)) for items in found.values()][2] == 5
    assert sum(len(ids(items, SKETCH)) for items in found.values()) == 46
    sketch = next(i for i in found["test"] if i.modality is SKETCH)
    drawing = picture(sketch)
    assert isinstance(drawing, Drawing)
    assert [stroke.tolist() for stroke in drawing.strokes] == [[[0, 0], [10, 0]], [[5, 5], [5, 9]]]
    key = labels_of(sketch, "instance")
    assert len([i for i in found["test"] if i.modality is SKETCH and labels_of(i, "instance") == key]) == 2


def test_qmul_pictures_are_split_by_folder_or_by_list(tmp_path):
    for part, photo in (("train", "00140128_v1"), ("test", "9910-02-carbon")):
        draw_at(tmp_path / f"a/{part}B/{photo}.jpg")
        draw_at(tmp_path / f"a/{part}A/{photo}_1.png")
        draw_at(tmp_path / f"b/ChairV2_photo/{photo}.jpg")
        draw_at(tmp_path / f"b/ChairV2_sketch/{photo}_1.png")
        (tmp_path / f"b/photo_{part}.txt").write_text(f"{photo}.jpg\n")
    for form in ("a", "b"):
        assert ids(every_split("chairv2", tmp_path / form)["test"], SKETCH) == {"9910-02-carbon_1"}


def test_qmul_pictures_of_one_name_are_listed_and_strokes_that_are_none_are_told(tmp_path):
    coordinates = qmul_tree(tmp_path)
    coordinates["test/1135045020_1"] = np.zeros(3)
    (tmp_path / "ShoeV2_Coordinate").write_bytes(pickle.dumps(coordinates))
    draw_at(tmp_path / "photo_again/1135045020.png")
    items, skips = catalogue.load("shoev2", "test", tmp_path)
    assert "1 pictures whose name another one has (photo_again/1135045020.png, as photo/1135045020.png)" in skips.line()
    with pytest.raises(BadInput, match="Coordinate#test/1135045020_1 holds no strokes"):
        picture(next(i for i in items if i.id == "1135045020_1"))
    strokes._coordinates.cache_clear()
    (tmp_path / "ShoeV2_Coordinate").write_bytes(b"cut off")
    with pytest.raises(BadInput, match="not a file of strokes"):
        catalogue.load("shoev2", "test", tmp_path)


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.system, ("touch pwned",)

    qmul_tree(tmp_path)
    (tmp_path / "ShoeV2_Coordinate").write_bytes(pickle.dumps({"train/1135045020_1": Evil()}))
    with pytest.raises(BadInput, match="posix.system"):
        catalogue.load("shoev2", "train", tmp_path)


def test_pacs_domains_lists_and_its_faulty_picture(tmp_path):
    for domain, ending in (("photo", "jpg"), ("art_painting", "jpg"), ("cartoon", "jpg"), ("sketch", "png")):
        lines = {"train": [], "crossval": []}
        for n in range(20):
            draw_at(tmp_path / f"kfold/{domain}/dog/056_{n:04d}.{ending}")
            lines["crossval" if n < 3 else "train"].append(f"{domain}/dog/056_{n:04d}.{ending} 1")
        for part, rows in lines.items():
            (tmp_path / f"{domain}_{part}_kfold.txt").write_text("\n".join(rows))
    draw_at(tmp_path / "kfold/sketch/dog/n02103406_4068-1.png")
    (tmp_path / "photo_test_kfold.txt").write_text("photo/dog/056_0000.jpg 1")  # of the train and crossval lists again
    found = every_split("pacs", tmp_path)
    assert len(found["val"]) == 12 and found["test"]
    assert {i.facts["domain"] for i in found["train"] if i.modality is PHOTO} == {"photo", "art_painting", "cartoon"}
    assert sum(map(len, found.values())) == 80
    (tmp_path / "kfold/photo/dog/056_0007.jpg").unlink()
    line = check("pacs", tmp_path).line()
    assert "1 pictures known to be faulty" in line
    assert "1 pictures that a list names and that are missing (photo/dog/056_0007.jpg)" in line


def test_a_protocol_holds_sketches_against_photos_by_class_and_instance(tmp_path):
    made = protocol("sketchy", sketchy_tree(tmp_path))
    assert [c.key for c in made.comparisons] == ["sketch_to_photo/category", "sketch_to_photo/instance"]
    items = made.items("test")
    queries, gallery = ([i for i in items if i.modality is m] for m in (SKETCH, PHOTO))
    assert relevance(queries, gallery, "instance").sum(axis=1).tolist() == [1] * len(queries)
