"""A folder of one's own pictures, in every form that it may take."""

import json
import struct

import pytest
from PIL import Image

from tests.training.datasets.test_sketch_sets import draw_at, every_split, ids
from training.datasets import MissingData, catalogue, pictures
from training.datasets.check import check
from training.datasets.reading import Skips
from xmr.modality import BadInput, Modality


def everything(root) -> tuple[dict, str]:
    """photo id -> (labels, {language: captions}) over all splits, and what was left out."""
    items = [item for split in every_split("pictures", root).values() for item in split]
    found = {i.id: (i.labels - {f"image:{i.id}"}, {}) for i in items if i.modality is Modality.PHOTO}
    for item in items:
        if item.modality is Modality.TEXT:
            found[item.id.rpartition("#")[0]][1].setdefault(item.language, []).append(item.content)
    return found, check("pictures", root).skips.line()


def test_class_folders_with_odd_names_are_classes(tmp_path):
    for name in (
        "my dogs/a (1).JPG",
        "my dogs/-b.png",
        "Bäume/ü #1.webp",
        "Bäume/deep/c.jpeg",
        "loose.gif",
        "images/d.bmp",
        ".hidden/e.jpg",
        "__MACOSX/f.jpg",
        "my dogs/._a (1).JPG",
    ):
        draw_at(tmp_path / name)
    found, skips = everything(tmp_path)
    assert {key: labels for key, (labels, _) in found.items()} == {
        "my dogs/a (1).JPG": {"class:my_dogs"},
        "my dogs/-b.png": {"class:my_dogs"},
        "Bäume/ü #1.webp": {"class:Bäume"},
        "Bäume/deep/c.jpeg": {"class:Bäume"},
        "loose.gif": set(),
        "images/d.bmp": set(),
    }
    assert skips == "nothing skipped"


def test_split_folders_are_the_split_and_their_folders_the_classes(tmp_path):
    for split in ("train", "valid", "test"):
        draw_at(tmp_path / f"{split}/cat/1.jpg")
    found = every_split("pictures", tmp_path)
    assert {split: ids(items, Modality.PHOTO) for split, items in found.items()} == {
        "train": {"train/cat/1.jpg"},
        "val": {"valid/cat/1.jpg"},
        "test": {"test/cat/1.jpg"},
    }
    assert "class:cat" in found["val"][0].labels


def test_a_csv_in_cp1252_with_semicolons_languages_and_broken_rows(tmp_path):
    rows = [
        "Filename;Caption;Caption_de;Category",
        "a.jpg;a tree;ein grüner Baum;tree",
        'images\\b.jpg;"one; two";;',
        "a.jpg;another tree;ein Baum;tree",
        "gone.jpg;x;y;z",
        "too;few",
        "c.jpg;;;house",
    ]
    (tmp_path / "captions.csv").write_bytes("\r\n".join(rows).encode("cp1252"))
    for name in ("a.jpg", "images/b.jpg", "c.jpg", "unnamed.jpg"):
        draw_at(tmp_path / name)
    found, skips = everything(tmp_path)
    assert found == {
        "a.jpg": ({"class:tree"}, {None: ["a tree", "another tree"], "de": ["ein grüner Baum", "ein Baum"]}),
        "images/b.jpg": (set(), {None: ["one; two"]}),
        "c.jpg": ({"class:house"}, {}),
    }
    for fact in (
        "read as cp1252",
        "1 broken rows (captions.csv:6)",
        "captions.csv row 4: gone.jpg",
        "1 pictures that the table doesn't name (unnamed.jpg)",
    ):
        assert fact in skips


def test_a_quote_that_is_not_closed_takes_no_row_with_it_unlisted(tmp_path):
    rows = [
        "file,caption",
        'a.jpg,"two\nlines"',
        'a.jpg,"never closed',
        "b.jpg,lost",
        'b.jpg,"closed" too early',
        "c.jpg,kept",
        "c.jpg,kept",
        'c.jpg,"open',
    ]
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        draw_at(tmp_path / name)
    found, skips = everything(tmp_path)
    assert found["a.jpg"][1] == {None: ["two lines"]} and found["c.jpg"][1] == {None: ["kept"]}
    assert "2 broken rows (t.csv:4-6, t.csv:9)" in skips and "1 captions given twice (t.csv row 3: c.jpg)" in skips
    (tmp_path / "t.csv").write_text('file,"caption\na.jpg,x\n')
    with pytest.raises(BadInput, match="broken file of pictures"):
        catalogue.load("pictures", "train", tmp_path)


def test_splits_of_another_name_and_texts_of_no_picture_are_listed(tmp_path):
    draw_at(tmp_path / "a.jpg")
    (tmp_path / "t.csv").write_text("file,caption,split\na.jpg,x,holdout\n")
    for name in ("b.txt", "README.txt", "a.de.txt"):
        (tmp_path / name).write_text("x")
    found, skips = everything(tmp_path)
    assert list(found) == ["a.jpg"]
    assert "1 rows of an unknown split, divided by hash (t.csv row 1: holdout)" in skips
    assert "2 text files beside no picture (README.txt, b.txt)" in skips


def test_a_name_that_two_pictures_bear_is_not_guessed(tmp_path):
    for name in ("x/a.jpg", "y/a.jpg", "y/b.jpg"):
        draw_at(tmp_path / name)
    (tmp_path / "t.csv").write_text("file,caption\na.jpg,whose?\ny/a.jpg,this one\nb.jpg,one\n")
    found, skips = everything(tmp_path)
    assert found["y/a.jpg"][1] == {None: ["this one"]} and found["y/b.jpg"][1] == {None: ["one"]}
    assert "1 rows whose photo's name several have (t.csv row 1: a.jpg)" in skips


def test_a_jsonl_with_lists_languages_tags_and_splits(tmp_path):
    rows = [
        {"image": "a.jpg", "captions": ["eins", "zwei"], "language": "de-AT", "split": "test"},
        {"image": "a.jpg", "text": "one", "lang": "en"},
        {"image": "b.jpg", "fr": "un", "labels": ["x", "y z"], "split": "train"},
    ]
    lines = [json.dumps(row) for row in rows]
    (tmp_path / "meta.jsonl").write_text("\ufeff" + "\n".join([*lines, '{"image": "b', "[1]"]), encoding="utf-8")
    draw_at(tmp_path / "a.jpg")
    draw_at(tmp_path / "b.jpg")
    found, skips = everything(tmp_path)
    assert found["a.jpg"][1] == {"de": ["eins", "zwei"], "en": ["one"]}
    assert found["b.jpg"] == ({"class:x", "class:y_z"}, {"fr": ["un"]})
    assert ids(every_split("pictures", tmp_path)["test"], Modality.PHOTO) == {"a.jpg"}
    assert skips == "2 broken rows (meta.jsonl:4, meta.jsonl:5)"


def test_a_parquet_table_gives_the_same(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    import pyarrow

    table = pyarrow.table({"file_name": ["a.jpg", "b.jpg"], "text_en": [["one", "two"], None], "label": ["cat", None]})
    parquet.write_table(table, tmp_path / "data.parquet")
    draw_at(tmp_path / "a.jpg")
    draw_at(tmp_path / "b.jpg")
    assert everything(tmp_path)[0] == {"a.jpg": ({"class:cat"}, {"en": ["one", "two"]}), "b.jpg": (set(), {})}
    (tmp_path / "data.parquet").write_bytes(b"PAR1 cut off")
    with pytest.raises(BadInput, match="no Parquet file"):
        catalogue.load("pictures", "train", tmp_path)


def test_sidecars_hold_a_caption_a_line_by_language(tmp_path):
    for name in ("a.jpg", "a.b.jpg", "c [1].png"):
        draw_at(tmp_path / name)
    (tmp_path / "a.txt").write_bytes("\ufeffein Mädchen\n\nzwei  Hunde \n".encode("utf-16"))
    (tmp_path / "a.de.txt").write_text("deutsch")
    (tmp_path / "a.b.txt").write_text("another picture's")
    (tmp_path / "c [1].png.txt").write_text("with its ending")
    found, _ = everything(tmp_path)
    assert found["a.jpg"][1] == {None: ["ein Mädchen", "zwei Hunde"], "de": ["deutsch"]}
    assert found["a.b.jpg"][1] == {None: ["another picture's"]}
    assert found["c [1].png"][1] == {None: ["with its ending"]}


def iptc(caption: bytes) -> bytes:
    """A JPEG segment with one IPTC caption (2:120), as Photoshop writes it."""
    record = b"\x1c\x02\x78" + struct.pack(">H", len(caption)) + caption
    resource = b"8BIM\x04\x04\x00\x00" + struct.pack(">I", len(record)) + record + b"\0" * (len(record) % 2)
    body = b"Photoshop 3.0\0" + resource
    return b"\xff\xed" + struct.pack(">H", len(body) + 2) + body


XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description><dc:description><rdf:Alt>
<rdf:li xml:lang="x-default">Tom &amp; a dog</rdf:li><rdf:li xml:lang="en-US">Tom &amp; a dog</rdf:li>
<rdf:li xml:lang="de">Tom und ein Hündchen</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF>
</x:xmpmeta>"""


def test_captions_inside_pictures_are_read_from_xmp_iptc_and_exif(tmp_path):
    exif = Image.Exif()
    exif[pictures.DESCRIPTION] = "ein grünes Haus".encode()
    draw_at(tmp_path / "exif.jpg", exif=exif)
    comment = Image.Exif()
    comment[pictures.XP_COMMENT] = "Übung\0".encode("utf-16-le")
    draw_at(tmp_path / "windows.jpg", exif=comment)
    draw_at(tmp_path / "xmp.jpg", exif=exif, xmp=XMP.encode())
    data = draw_at(tmp_path / "iptc.jpg").read_bytes()
    (tmp_path / "iptc.jpg").write_bytes(data[:2] + iptc("caf\xe9 au lait".encode("latin-1")) + data[2:])
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    found, skips = everything(tmp_path)
    assert {name: captions for name, (_, captions) in found.items()} == {
        "exif.jpg": {None: ["ein grünes Haus"]},
        "windows.jpg": {None: ["Übung"]},
        "iptc.jpg": {None: ["café au lait"]},
        "xmp.jpg": {"en": ["Tom & a dog"], "de": ["Tom und ein Hündchen"]},
        "broken.jpg": {},
    }
    assert "1 pictures that cannot be opened (broken.jpg" in skips


def test_a_folder_that_cannot_be_used_says_why(tmp_path):
    with pytest.raises(MissingData, match="no folder"):
        catalogue.load("pictures", "train", tmp_path / "nowhere")
    with pytest.raises(BadInput, match="holds no picture"):
        catalogue.load("pictures", "train", tmp_path)
    draw_at(tmp_path / "a.jpg")
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(BadInput, match="columns x, y; one of file_name"):
        catalogue.load("pictures", "train", tmp_path)
    (tmp_path / "b.jsonl").write_text("")
    with pytest.raises(BadInput, match="2 tables"):
        catalogue.load("pictures", "train", tmp_path)


def test_losing_a_picture_moves_no_other_to_another_split(tmp_path):
    for n in range(60):
        draw_at(tmp_path / f"{n}.png")
    before = {split: {i.id for i in items} for split, items in every_split("pictures", tmp_path).items()}
    (tmp_path / "7.png").unlink()
    for split, items in every_split("pictures", tmp_path).items():
        assert {i.id for i in items} == before[split] - {"7.png"}
    assert all(len(found) > 1 for found in before.values())


def test_empty_captions_are_listed(tmp_path):
    draw_at(tmp_path / "a.jpg")
    skips = Skips()
    assert pictures.caption_items("a.jpg", {"en": [" ", "b"]}, frozenset(), skips)[0].id == "a.jpg#en1"
    assert skips.line() == "1 empty captions (a.jpg#en0)"
