"""Boxes: of COCO's files, as shares of a photo's sides."""

import json

import pytest

from training.datasets import MissingData
from training.datasets.boxes import boxed, classes


def test_coco_boxes_are_shares_of_the_photo_and_crowds_have_none(tmp_path):
    (tmp_path / "annotations").mkdir()
    names = [f"{n}.jpg" for n in range(12)]
    rows = [{"id": n, "image_id": n, "category_id": 3, "bbox": [10, 20, 30, 40], "iscrowd": 0} for n in range(12)]
    rows.append({"id": 99, "image_id": 0, "category_id": 3, "bbox": [0, 0, 5, 5], "iscrowd": 1})
    (tmp_path / "annotations" / "instances_train2017.json").write_text(
        json.dumps(
            {
                "images": [{"id": n, "file_name": name, "width": 100, "height": 80} for n, name in enumerate(names)],
                "annotations": rows,
                "categories": [{"id": 3, "name": "cat"}],
            }
        )
    )
    train, val, test = (boxed(str(tmp_path), split) for split in ("train", "val", "test"))
    assert {item.id for item, _ in train}.isdisjoint(item.id for item, _ in test) and not val
    assert sorted(item.id for item, _ in train + test) == sorted(names)
    for item, things in train + test:
        assert things == [("cat", (0.1, 0.25, 0.4, 0.75))]
        assert item.content == tmp_path / "train2017" / item.id
    assert classes(train, test) == ["cat"]
    with pytest.raises(MissingData, match=r"instances_train\*\.json"):
        boxed(str(tmp_path / "annotations"), "train")
