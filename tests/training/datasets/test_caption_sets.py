"""Flickr8k, Flickr30k, Multi30k, COCO and IAPR TC-12: on trees of a few photos in their official layouts."""

import gzip
import json
import os
from pathlib import Path

import pytest

from tests.training.datasets.test_sketch_sets import draw_at, every_split, ids
from training.datasets import MissingData, catalogue, flickr, iaprtc12, labels_of
from training.datasets.check import check
from training.datasets.protocols import protocol
from training.datasets.reading import Skips, read_json
from xmr.evaluation import relevance
from xmr.modality import BadInput, Modality

REAL = Path(os.environ.get("XMR_DATA", "../shared/data"))
real = pytest.mark.skipif(not (REAL / "flickr8k").is_dir(), reason=f"the real data is not in {REAL}")
PHOTO, TEXT = Modality.PHOTO, Modality.TEXT


def texts(items, language="en") -> list[str]:
    return [i.content for i in items if i.modality is TEXT and i.language == language]


def photos_at(folder: Path, *names: str) -> None:
    for name in names:
        draw_at(folder / name)


# ---------------------------------------------------------------- Flickr


def karpathy(path: Path, rows: dict[str, str], **more) -> None:
    """A file in Karpathy's form: rows are photo -> split."""
    images = [
        {
            "filename": name,
            "split": split,
            "imgid": n,
            "sentids": [5 * n + k for k in range(5)],
            "sentences": [
                {"raw": f"{name} caption {k}", "tokens": [], "imgid": n, "sentid": 5 * n + k} for k in range(5)
            ],
            **{key: value(name) for key, value in more.items()},
        }
        for n, (name, split) in enumerate(rows.items())
    ]
    path.write_text(json.dumps({"images": images, "dataset": path.stem}))


def test_karpathys_json_gives_five_captions_a_photo_and_his_split(tmp_path):
    rows = {"1.jpg": "train", "2.jpg": "train", "3.jpg": "val", "4.jpg": "test"}
    karpathy(tmp_path / "dataset_flickr30k.json", rows)
    photos_at(tmp_path / "flickr30k-images", *rows)
    found = every_split("flickr30k", tmp_path)
    assert {split: len(ids(items, PHOTO)) for split, items in found.items()} == {
        "train": 2,
        "val": 1,
        "test": 1,
        "extra": 0,
    }
    assert texts(found["test"]) == [f"4.jpg caption {k}" for k in range(5)]


def test_a_comma_table_may_hold_commas_and_quotes_and_begin_with_a_mark(tmp_path):
    rows = [
        "image,caption",
        "a b.jpg,A child , in pink , climbs .",
        '"""odd"".jpg",x',
        'c.jpg,"A man says ""hi"" , twice ."',
        "c.jpg,Ein Mädchen läuft",
        "lost.jpg,no photo of this",
    ]
    (tmp_path / "captions.txt").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(rows).encode())
    photos_at(tmp_path / "Images", "a b.jpg", "c.jpg")
    loaded = catalogue.load("flickr8k", "train", tmp_path)
    assert texts(loaded.items) == ["A child , in pink , climbs .", 'A man says "hi" , twice .', "Ein Mädchen läuft"]
    assert "photos that are missing" in loaded.skips.line() and "lost.jpg" in loaded.skips.line()


def test_a_line_that_is_not_utf8_or_holds_odd_characters_changes_no_other(tmp_path):
    rows = [
        "image,caption",
        "a.jpg,ein Mädchen",
        "a.jpg,one\u2028two \x0b three \x85 four",
        'a.jpg,"Hi" , he says',
        'a.jpg,"never closed',
    ]
    (tmp_path / "captions.txt").write_bytes("\n".join(rows).encode() + "\na.jpg,ein Hündchen\n".encode("cp1252"))
    draw_at(tmp_path / "images/a.jpg")
    items, skips = catalogue.load("flickr8k", "train", tmp_path)
    assert texts(items) == ["ein Mädchen", "one two three four", '"Hi" , he says', '"never closed', "ein Hündchen"]
    assert skips.line() == "1 files that are not UTF-8 in every line, read as cp1252 there (captions.txt:6)"


def test_photos_of_one_name_and_rows_of_one_photo_are_listed_and_links_are_followed(tmp_path):
    karpathy(tmp_path / "dataset_flickr30k.json", {"1.jpg": "train", "2.jpg": "test"})
    whole = json.loads((tmp_path / "dataset_flickr30k.json").read_text())
    whole["images"].append(whole["images"][0] | {"split": "test"})
    (tmp_path / "dataset_flickr30k.json").write_text(json.dumps(whole))
    photos_at(tmp_path / "elsewhere", "1.jpg", "2.jpg")
    root = tmp_path / "flickr30k"
    photos_at(root / "thumbnails", "1.jpg")
    (tmp_path / "dataset_flickr30k.json").rename(root / "dataset_flickr30k.json")
    (root / "images").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/round").symlink_to(tmp_path / "elsewhere")  # a circle
    found = every_split("flickr30k", root)
    assert [ids(found[split], PHOTO) for split in ("train", "test")] == [{"1.jpg"}, {"2.jpg"}]
    assert found["train"][0].content == root / "images/1.jpg"
    line = check("flickr30k", root).line()
    assert "1 ids that come twice (dataset_flickr30k.json: 1.jpg)" in line
    assert f"1 pictures whose name another one has (thumbnails/1.jpg, as {root}/images/1.jpg)" in line


def test_flickr30ks_row_without_its_separator_is_mended_and_told(tmp_path):
    rows = [
        "image_name| comment_number| comment",
        "2199200615.jpg| 0| A dog runs | fast .",
        "2199200615.jpg| 4   A dog runs across the grass .",
        "broken row",
        "2199200615.jpg| 0| twice",
    ]
    (tmp_path / "results.csv").write_text("\n".join(rows))
    skips = Skips()
    assert list(flickr.rows(tmp_path / "results.csv", skips)) == [
        ("2199200615.jpg", "0", "A dog runs | fast ."),
        ("2199200615.jpg", "4", "A dog runs across the grass ."),
        ("2199200615.jpg", "0", "twice"),
    ]
    assert skips.line() == ("1 rows with a separator missing, mended (results.csv:3); 1 broken rows (results.csv:4)")
    draw_at(tmp_path / "flickr30k_images/flickr30k_images/2199200615.jpg")
    assert "1 captions given twice (2199200615.jpg#0)" in check("flickr30k", tmp_path).line()


def test_the_authors_token_file_and_lists(tmp_path):
    rows = [f"{n}_x.jpg#{k}\tphoto {n} , caption {k}" for n in range(4) for k in range(5)]
    rows.append("2258277193_586949ec62.jpg.1#0\tin the real file too, without a photo")
    (tmp_path / "results_20130124.token").write_bytes("\n".join(rows).encode() + b"\n3_x.jpg#5\tcaf\xe9")
    photos_at(tmp_path / "flickr30k-images", *(f"{n}_x.jpg" for n in range(4)), "alone.jpg")
    for split, photos in {"train": "0_x.jpg\n1_x.jpg\n", "val": "2_x\n", "test": "3_x.jpg"}.items():
        (tmp_path / f"{split}.txt").write_text(photos)
    found = every_split("flickr30k", tmp_path)
    assert [len(ids(items, PHOTO)) for items in found.values()] == [2, 1, 1, 0]
    assert texts(found["test"]) == [*(f"photo 3 , caption {k}" for k in range(5)), "café"]
    line = check("flickr30k", tmp_path).line()
    for fact in ("1 photos without captions (alone.jpg)", "2258277193_586949ec62.jpg.1", "read as cp1252"):
        assert fact in line


def test_a_split_without_lists_is_by_hash_and_holds_every_photo_once(tmp_path):
    photos_at(tmp_path / "images", *(f"{n}.jpg" for n in range(300)))
    (tmp_path / "captions.txt").write_text("image_name,comment\n" + "\n".join(f"{n}.jpg,photo {n}" for n in range(300)))
    found = every_split("flickr30k", tmp_path)
    assert sum(len(ids(items, PHOTO)) for items in found.values()) == 300
    assert 1 <= len(ids(found["test"], PHOTO)) < 30 and 1 <= len(ids(found["val"], PHOTO)) < 30
    assert "so that a hash divides (dataset_flickr30k.json)" in check("flickr30k", tmp_path).line()


def test_flickr8ks_published_split_is_kept_here(tmp_path):
    kept = (flickr.SPLITS / "flickr8k.txt").read_text().split()
    names = dict(zip(kept[1::2], kept[::2], strict=True))
    assert [list(names.values()).count(split) for split in ("val", "test", "extra")] == [1000, 1000, 91]
    chosen = {split: next(n for n, s in names.items() if s == split) for split in ("val", "test", "extra")}
    photos_at(tmp_path / "Images", "new.jpg", *chosen.values())
    (tmp_path / "captions.txt").write_text("image,caption\nnew.jpg,a\n" + "".join(f"{n},b\n" for n in chosen.values()))
    found = every_split("flickr8k", tmp_path)
    assert {split: min(ids(items, PHOTO)) for split, items in found.items()} == chosen | {"train": "new.jpg"}


def multi30k_tree(root: Path) -> None:
    """Tasks 1 and 2 as the authors' repository has them, for photos 1 and 2 (train) and 3 (test)."""
    for task, names in (
        ("task1", ("train.txt", "test_2016_flickr.txt")),
        ("task2", ("train_images.txt", "test_2016_flickr_images.txt")),
    ):
        lists = root / task / "image_splits"
        lists.mkdir(parents=True)
        (lists / names[0]).write_text("1.jpg\n2.jpg#1\n")
        (lists / names[1].replace("flickr_images", "images")).write_text("3.jpg\n")
        (root / task / "raw").mkdir()
    for path, lines in {
        "task1/raw/train.de.gz": "Übersetzt 1\nÜbersetzt 2\n",
        "task1/raw/test_2016_flickr.de.gz": "3 ü\n",
        **{f"task2/raw/train.{k}.de.gz": f"eins {k}\nzwei {k}\n" for k in range(1, 6)},
        **{f"task2/raw/test_2016.{k}.de.gz": f"drei {k}\n" for k in range(1, 6)},
    }.items():
        (root / path).write_bytes(gzip.compress(lines.encode()))


def test_german_joins_by_photo_and_only_training_gets_translations(tmp_path):
    multi30k_tree(tmp_path / "multi30k")
    (tmp_path / "flickr30k").mkdir()
    karpathy(tmp_path / "flickr30k/dataset_flickr30k.json", {"1.jpg": "train", "2.jpg": "train", "3.jpg": "test"})
    photos_at(tmp_path / "flickr30k/images", "1.jpg", "2.jpg", "3.jpg")
    found = every_split("flickr30k", tmp_path / "flickr30k")
    of_two = [i for i in found["train"] if i.labels == {"image:2.jpg"}]
    assert texts(of_two, "de") == [*(f"zwei {k}" for k in range(1, 6)), "Übersetzt 2"]
    assert texts(found["test"], "de") == [f"drei {k}" for k in range(1, 6)]
    keys = [c.key for c in protocol("flickr30k", tmp_path / "flickr30k").comparisons if not c.averaged]
    assert keys == ["text_de_to_photo", "photo_to_text_de", "text_en_to_photo", "photo_to_text_en"]


def test_german_that_is_a_line_short_is_an_error(tmp_path):
    multi30k_tree(tmp_path / "multi30k")
    (tmp_path / "multi30k/task2/raw/train.3.de.gz").write_bytes(gzip.compress(b"nur eine\n"))
    with pytest.raises(BadInput, match="1 lines, but its list in image_splits has 2"):
        flickr.multi30k(tmp_path, "train", Skips())


def test_captions_without_photos_and_half_the_photos_are_errors(tmp_path):
    names = [f"{n}.jpg" for n in range(40)]
    karpathy(tmp_path / "dataset_flickr8k.json", dict.fromkeys(names, "train"))
    with pytest.raises(BadInput, match="captions of 40 photos, but no photo"):
        catalogue.load("flickr8k", "train", tmp_path)
    photos_at(tmp_path / "images", *names[:20])
    with pytest.raises(BadInput, match="lacks 20 photos .* half unpacked"):
        catalogue.load("flickr8k", "train", tmp_path)
    (tmp_path / "dataset_flickr8k.json").write_text('{"images": [{"filename": "1.j')
    with pytest.raises(BadInput, match="not whole JSON"):
        catalogue.load("flickr8k", "train", tmp_path)
    (tmp_path / "dataset_flickr8k.json").write_bytes(b'{"images": "caf\xe9"}')
    with pytest.raises(BadInput, match="not UTF-8.* dataset_flickr8k.json:1"):
        catalogue.load("flickr8k", "train", tmp_path)
    (tmp_path / "dataset_flickr8k.json").write_text('{"images": [{"filename": "1.jpg"}]}')
    with pytest.raises(BadInput, match="broken file of flickr8k .KeyError"):
        catalogue.load("flickr8k", "train", tmp_path)


def test_photos_that_one_split_lacks_are_not_held_against_the_next(tmp_path):
    names = [f"{n}.jpg" for n in range(100)]
    karpathy(tmp_path / "dataset_flickr8k.json", {n: "train" if int(n[:-4]) < 90 else "val" for n in names})
    photos_at(tmp_path / "images", *names[20:])
    found = check("flickr8k", tmp_path)
    assert found.counts["train"]["photos"] == 70 and found.counts["val"]["photos"] == 10
    assert "20 photos that are missing" in found.line()


def test_german_that_is_cut_off_is_an_error(tmp_path):
    multi30k_tree(tmp_path / "multi30k")
    photos_at(tmp_path / "images", "1.jpg", "2.jpg")
    (tmp_path / "captions.txt").write_text("image_name,comment\n1.jpg,one\n2.jpg,two")
    cut = (tmp_path / "multi30k/task2/raw/train.3.de.gz").read_bytes()[:-9]
    (tmp_path / "multi30k/task2/raw/train.3.de.gz").write_bytes(cut)
    with pytest.raises(BadInput, match="train.3.de.gz is cut off or damaged"):
        catalogue.load("flickr30k", "train", tmp_path)


@real
def test_a_query_of_the_real_flickr8k_test_has_exactly_its_five_captions():
    items = catalogue.load("flickr8k", "test", REAL / "flickr8k").items
    photos = [i for i in items if i.modality is PHOTO]
    captions = [i for i in items if i.language == "en"]
    assert len(photos) == 1000
    relevant = relevance(photos, captions, "image")
    assert (relevant.sum(axis=1) == 5).all() and (relevant.sum(axis=0) == 1).all()
    every_split("flickr8k", REAL / "flickr8k")


# ---------------------------------------------------------------- COCO


def coco_tree(root: Path, year: str, part: str, count: int, first: int = 1) -> None:
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    name = "{:012d}.jpg" if year == "2017" else f"COCO_{part}{year}_{{:012d}}.jpg"
    numbers = range(first, first + count)
    images = [{"id": n, "file_name": name.format(n), "height": 8, "width": 12} for n in numbers]
    captions = [
        {"id": 10 * n + k, "image_id": n, "caption": f"photo {n}\ncaption {k} "} for n in numbers for k in range(5)
    ]
    crowd = {"counts": [3, 4], "size": [8, 12]}
    objects = [
        {
            "id": n,
            "image_id": n,
            "category_id": 18 if n % 2 else 1,
            "iscrowd": n % 3 == 0,
            "segmentation": crowd if n % 3 == 0 else [[1, 2, 3, 4]],
        }
        for n in numbers
        if n % 7
    ]
    categories = [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}]
    for kind, rows in (("captions", captions), ("instances", objects)):
        whole = {"images": images, "annotations": rows, "categories": categories}
        (root / f"annotations/{kind}_{part}{year}.json").write_text(json.dumps(whole))
    photos_at(root / f"{part}{year}", *(image["file_name"] for image in images))


@pytest.mark.parametrize("year", ["2014", "2017"])
def test_coco_gives_captions_and_tags_crowds_among_them_and_its_val_is_test(tmp_path, year):
    coco_tree(tmp_path, year, "train", 60)
    coco_tree(tmp_path, year, "val", 8, first=101)
    found = every_split(f"coco{year}", tmp_path)
    assert len(ids(found["test"], PHOTO)) == 8 and len(ids(found["train"], PHOTO) | ids(found["val"], PHOTO)) == 60
    of_tags = {int(i.id[-16:-4]): labels_of(i, "tag") for s in found.values() for i in s if i.modality is PHOTO}
    assert of_tags[3] == {"tag:dog"} and of_tags[6] == {"tag:person"} and of_tags[7] == frozenset()
    assert texts(found["test"])[0] == "photo 101 caption 0"  # without the line break that stands in the file
    keys = {c.key for c in protocol(f"coco{year}", tmp_path).comparisons}
    assert {"text_en_to_photo", "photo_to_text_en", "text_en_to_photo/tag"} <= keys


def test_karpathys_coco_takes_each_photo_from_the_folder_that_it_names(tmp_path):
    coco_tree(tmp_path, "2014", "train", 3)
    coco_tree(tmp_path, "2014", "val", 4, first=10)
    rows = {
        **{f"COCO_train2014_{n:012d}.jpg": "train" for n in (1, 2, 3)},
        **{
            f"COCO_val2014_{n:012d}.jpg": s
            for n, s in zip(range(10, 14), ("restval", "val", "test", "test"), strict=True)
        },
    }
    karpathy(tmp_path / "dataset_coco.json", rows, filepath=lambda n: n.split("_")[1], cocoid=lambda n: int(n[-16:-4]))
    found = every_split("coco-karpathy", tmp_path)
    assert [len(ids(items, PHOTO)) for items in found.values()] == [4, 1, 2]
    folders = {i.content.parent.name for i in found["train"] if i.modality is PHOTO}
    assert folders == {"train2014", "val2014"} and len(texts(found["test"])) == 10
    assert any(labels_of(i, "tag") for i in found["train"])


def test_cocos_ids_that_come_twice_and_captions_of_no_photo_are_listed(tmp_path):
    coco_tree(tmp_path, "2017", "train", 3)
    path = tmp_path / "annotations/captions_train2017.json"
    whole = json.loads(path.read_text())
    whole["annotations"] += [
        {"id": 10, "image_id": 1, "caption": "again"},
        {"id": 99, "image_id": 7, "caption": "lost"},
    ]
    path.write_text(json.dumps(whole))
    found = check("coco2017", tmp_path)
    assert found.found == {"photos": 3, "captions_en": 15}
    assert "1 ids that come twice (captions_train2017.json: annotations 10)" in found.line()
    assert "1 captions without a photo (image 7)" in found.line()
    assert "again" not in texts(catalogue.load("coco2017", "train", tmp_path).items)


def test_of_large_json_only_what_is_used_is_kept(tmp_path):
    (tmp_path / "a.json").write_text('{"rows": [{"segmentation": [[1, 2]], "id": 3, "in": {"segmentation": 1}}]}')
    assert read_json(tmp_path / "a.json", without=("segmentation",)) == {"rows": [{"id": 3, "in": {}}]}


def test_coco_without_its_photos_or_captions_says_which_archive(tmp_path):
    with pytest.raises(MissingData, match="annotations_trainval2017.zip"):
        catalogue.load("coco2017", "train", tmp_path)
    coco_tree(tmp_path, "2017", "train", 3)
    (tmp_path / "train2017").rename(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="Unpack train2017.zip"):
        catalogue.load("coco2017", "train", tmp_path)
    (tmp_path / "elsewhere").rename(tmp_path / "train2017")
    (tmp_path / "annotations/instances_train2017.json").unlink()
    assert "1 annotation files that are missing" in catalogue.load("coco2017", "train", tmp_path).skips.line()


@real
def test_real_coco_has_its_eighty_photos_with_five_captions_and_tags():
    found = check("coco_mini", REAL / "coco_mini")
    assert found.found == {"photos": 80, "captions_en": 400} and not len(found.skips)
    items = [i for s in ("train", "val") for i in catalogue.load("coco_mini", s, REAL / "coco_mini").items]
    assert all(labels_of(i, "tag") for i in items)
    assert len({tag for i in items for tag in labels_of(i, "tag")}) > 40


# ---------------------------------------------------------------- IAPR TC-12


def iapr_tree(root: Path, count: int = 40) -> None:
    form = (
        "<DOC>\r\n<DOCNO>annotations/{0}/{1}.eng</DOCNO>\r\n<TITLE>Plaza & Café</TITLE>\r\n<DESCRIPTION>{2}"
        "</DESCRIPTION>\r\n<NOTES></NOTES>\r\n<LOCATION>Cusco, Peru</LOCATION>\r\n<IMAGE>images/{0}/{1}.jpg</IMAGE>"
        "\r\n</DOC>\r\n"
    )
    benchmark = root / "saiaprtc12ok/benchmark"
    for n in range(count):
        folder = f"{n // 10:02d}"
        for language, text in (("eng", f"a café \u2013 house {n} < 3 m & a tree;"), ("ger", f"ein großes Haus {n};")):
            path = root / f"annotations_complete_{language}/{folder}/{n}.{language}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(form.format(folder, n, text).encode("cp1252"))
        if n != 5:
            draw_at(root / f"images/{folder}/{n}.jpg")
        labels = benchmark / f"saiapr_tc-12/{folder}/labels.txt"
        labels.parent.mkdir(parents=True, exist_ok=True)
        with labels.open("a") as out:
            out.write(f"{n} 1 {120 if n % 2 else 7}\n{n} 2 7\n")
    labels.write_text(labels.read_text() + "33 1\n")
    (benchmark / "wlist.txt").write_text("7\tsky-blue\n120\tman-made-other\n")


def test_iapr_reads_both_languages_from_almost_xml_in_cp1252(tmp_path):
    iapr_tree(tmp_path)
    found = every_split("iaprtc12", tmp_path)
    items = [i for split in found.values() for i in split]
    assert len(ids(items, PHOTO)) == 39
    captions = {(i.id, i.content) for i in items if i.modality is TEXT}
    assert ("00/7.jpg#en0", "a café – house 7 < 3 m & a tree;") in captions
    assert ("00/7.jpg#de0", "ein großes Haus 7;") in captions
    photo = next(i for i in items if i.id == "00/7.jpg")
    assert labels_of(photo, "tag") == {"tag:sky-blue", "tag:man-made-other"} and photo.facts["title"] == "Plaza & Café"
    german = tmp_path / "annotations_complete_ger/00/7.ger"
    german.write_text(german.read_text(encoding="cp1252"), encoding="utf-8")  # as somebody may have mended it
    iaprtc12._annotations.cache_clear()
    assert "ein großes Haus 7;" in [
        text for s in iaprtc12.SIZES for text in texts(catalogue.load("iaprtc12", s, tmp_path).items, "de")
    ]
    second = tmp_path / "annotations_complete_eng/03/39b.eng"
    second.write_bytes((tmp_path / "annotations_complete_eng/03/39.eng").read_bytes())
    (tmp_path / "annotations_complete_ger/03/40.ger").write_bytes(b"<DOC> cut off")
    iaprtc12._annotations.cache_clear()
    line = check("iaprtc12", tmp_path).line()
    assert "images/00/5.jpg" in line and "1 broken rows (03/labels.txt:21)" in line
    assert "1 annotations of a photo that has one already (03/39b.eng)" in line
    assert "1 annotations that name no photo (03/40.ger)" in line


def test_iapr_queries_are_never_trained_on_and_searched_in_all_others(tmp_path):
    iapr_tree(tmp_path, 60)
    made = protocol("iaprtc12", tmp_path)
    queries, gallery = ids(made.items("test"), PHOTO), ids(made.gallery("test"), PHOTO)
    train = ids(catalogue.load("iaprtc12", "train", tmp_path).items, PHOTO)
    assert not queries & gallery and train < gallery and len(queries | gallery) == 59
    assert not ids(made.items("val"), PHOTO) & ids(made.gallery("val"), PHOTO)
    assert {c.key for c in made.comparisons} == {
        "text_de_to_photo/tag",
        "photo_to_text_de/tag",
        "text_de_to_text_de/tag",
        "photo_to_photo/tag",
        "text_en_to_photo/tag",
        "photo_to_text_en/tag",
        "text_en_to_text_en/tag",
    }


def test_iapr_whole_is_divided_as_published():
    from training.datasets.reading import held_out

    parts = list(held_out([f"images/{n}.jpg" for n in range(20_000)], "iaprtc12", **iaprtc12.SIZES).values())
    assert [parts.count(s) for s in ("train", "test")] == [10_000, 2_000]
    assert sum(parts.count(s) for s in iaprtc12.GALLERY) == 18_000


def capitals(root: Path, *suffixes: str) -> None:
    for path in list(root.rglob("*")):
        if path.suffix in suffixes:
            path.rename(path.with_suffix(path.suffix.upper()))


@pytest.mark.parametrize("name", ["flickr30k", "coco2014", "iaprtc12"])
def test_suffixes_that_were_unpacked_in_capitals_change_nothing(tmp_path, name):
    if name == "flickr30k":
        karpathy(tmp_path / "dataset_flickr30k.json", {"1.jpg": "train", "2.jpg": "test"})
        photos_at(tmp_path / "images", "1.jpg", "2.jpg")
    elif name == "coco2014":
        coco_tree(tmp_path, "2014", "train", 6)
        coco_tree(tmp_path, "2014", "val", 3, first=101)
    else:
        iapr_tree(tmp_path, 12)
    before, line = every_split(name, tmp_path), check(name, tmp_path).line()
    capitals(tmp_path, ".jpg", ".eng", ".ger")
    iaprtc12._annotations.cache_clear()
    assert every_split(name, tmp_path).keys() == before.keys() and check(name, tmp_path).line() == line
    for split, items in every_split(name, tmp_path).items():
        assert [(item.id, item.labels) for item in items] == [(item.id, item.labels) for item in before[split]]


def test_iaprs_language_that_was_not_unpacked_is_listed(tmp_path):
    iapr_tree(tmp_path, 12)
    (tmp_path / "annotations_complete_ger").rename(tmp_path / "elsewhere")
    assert "1 annotation files that are missing (annotations_complete_ger)" in check("iaprtc12", tmp_path).line()
