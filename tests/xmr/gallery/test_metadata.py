"""What photos' files, sidecars and tables say becomes facts and captions, and follows what is changed."""

from __future__ import annotations

import json
import os
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from tests import odd
from xmr.gallery import Gallery, index_folder
from xmr.gallery.metadata import Told, language_of, read_metadata, read_tables, told_in
from xmr.modality import Modality, Query, Term
from xmr.search import Searcher

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt>
<rdf:li xml:lang="x-default">a red photo</rdf:li><rdf:li xml:lang="de-DE">ein rotes Bild</rdf:li>
</rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"""


def camera_photo(path, colour="red", taken="2024:05:17 09:30:00", south=False, description="a red photo", **more):
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x010E] = "Canon\0", "Canon EOS R5", description
    exif.get_ifd(0x8769)[0x9003] = taken
    degrees = tuple(IFDRational(number, 100) for number in (4800, 3000, 1800))
    exif.get_ifd(0x8825).update({1: "S" if south else "N", 2: degrees, 3: "E", 4: degrees})
    Image.new("RGB", (64, 48), colour).save(path, exif=exif, **more)


@pytest.fixture
def told_of(tmp_path):
    def read(path, sidecars=(), row=None) -> Told:
        with open(path, "rb") as file:
            return read_metadata(file, sidecars, row)

    return read


CAMERA_FACTS = {  # of what camera_photo writes, with south=True
    "taken": "2024-05-17T09:30:00",
    "camera": "Canon EOS R5",
    "latitude": -48.505,
    "longitude": 48.505,
}


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_date_camera_place_and_description_come_from_exif(tmp_path, told_of, name):
    camera_photo(tmp_path / name, south=True)
    told = told_of(tmp_path / name)
    assert told.facts == CAMERA_FACTS
    assert told.captions == [("en", "a red photo")]


def as_heic(avif: bytes) -> bytes:
    """An AVIF that says that it is a HEIC, which has the same boxes: nothing that tests install writes HEIC."""
    return avif[:40].replace(b"avif", b"heic") + avif[40:]


def as_box(name: bytes, content: bytes) -> bytes:
    return (len(content) + 8).to_bytes(4, "big") + name + content


def as_cr3(main: bytes, inner: bytes, gps: bytes) -> bytes:
    """The boxes that a Canon's RAW file begins with."""
    tags = as_box(b"CMT1", main) + as_box(b"CMT2", inner) + as_box(b"CMT4", gps)
    return as_box(b"ftyp", b"crx \0\0\0\1crx isom") + as_box(b"moov", as_box(b"uuid", bytes(16) + tags))


def as_raf(jpeg: bytes) -> bytes:
    """A Fuji's RAW file without its photo: where its JPEG lies, and that."""
    at, size = (number.to_bytes(4, "big") for number in (100, len(jpeg)))
    return b"FUJIFILMCCD-RAW ".ljust(84, b"0") + at + size + bytes(8) + jpeg


def as_jxl(exif: bytes) -> bytes:
    """The boxes of a JPEG XL without its picture."""
    return b"\0\0\0\x0cJXL \r\n\x87\n" + as_box(b"jxlc", b"\xff\x0a") + as_box(b"Exif", exif)


@pytest.mark.parametrize("name", ["a.avif", "a.heic", "a.jxl", "other.jxl", "a.dng", "a.orf", "a.cr3", "a.raf"])
def test_other_kinds_of_file_have_the_same_exif(tmp_path, told_of, name):
    for kind in ("jpg", "avif"):
        camera_photo(tmp_path / f"photo.{kind}", south=True)
    jpeg, avif = (tmp_path / "photo.jpg").read_bytes(), (tmp_path / "photo.avif").read_bytes()
    exif = Image.open(tmp_path / "photo.jpg").getexif()
    tiff = exif.tobytes()[6:]  # big-endian
    parts = [Image.Exif() for _ in range(3)]
    for part, tags in zip(parts, (exif, exif.get_ifd(0x8769), exif.get_ifd(0x8825)), strict=True):
        part.update({tag: value for tag, value in tags.items() if tag not in (0x8769, 0x8825)})
    exif[50706] = b"\1\4\0\0"  # the version of a DNG
    content = {
        "a.avif": avif,
        "a.heic": as_heic(avif),
        "a.jxl": as_jxl(bytes(4) + tiff),
        "other.jxl": as_jxl(tiff),  # some writers forget where it begins
        "a.dng": exif.tobytes()[6:],
        "a.orf": b"MMOR" + tiff[4:],
        "a.cr3": as_cr3(*(part.tobytes()[6:] for part in parts)),
        "a.raf": as_raf(jpeg),
    }[name]
    (tmp_path / name).write_bytes(content)
    told = told_of(tmp_path / name)
    assert told.facts == CAMERA_FACTS
    assert told.captions == [("en", "a red photo")]


@pytest.mark.parametrize("taken", ["", "0000:00:00 00:00:00", "yesterday", "2024:13:40 00:00:00"])
def test_a_date_that_is_none_and_what_a_camera_writes_into_all_photos_are_passed_over(tmp_path, told_of, taken):
    camera_photo(tmp_path / "a.jpg", taken=taken, description="OLYMPUS DIGITAL CAMERA")
    told = told_of(tmp_path / "a.jpg")
    assert "taken" not in told.facts and told.captions == []


def test_xmp_and_iptc_give_captions_in_their_languages(tmp_path, told_of):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", xmp=XMP.encode())
    assert told_of(tmp_path / "a.jpg").captions == [("en", "a red photo"), ("de", "ein rotes Bild")]
    caption = "ein Schloß".encode()
    record = b"\x1c\x02\x78" + len(caption).to_bytes(2) + caption
    block = b"8BIM\x04\x04\0\0" + len(record).to_bytes(4) + record + b"\0" * (len(record) % 2)
    segment = b"Photoshop 3.0\0" + block
    Image.new("RGB", (8, 8)).save(tmp_path / "b.jpg")
    plain = (tmp_path / "b.jpg").read_bytes()
    (tmp_path / "b.jpg").write_bytes(plain[:2] + b"\xff\xed" + (len(segment) + 2).to_bytes(2) + segment + plain[2:])
    assert told_of(tmp_path / "b.jpg").captions == [("de", "ein Schloß")]


def test_sidecars_of_every_kind_are_read(tmp_path, told_of):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("a dog\n\nein Hund am Strand\n", encoding="utf-8-sig")
    (tmp_path / "a.xmp").write_text(XMP)
    geo, taken = {"latitude": 1.5, "longitude": -2}, {"timestamp": "1715938200"}
    takeout = {"description": "by the sea", "photoTakenTime": taken, "geoData": geo}
    (tmp_path / "a.json").write_text(json.dumps(takeout | {"facts": {"category": "dog", "rating": 5, "list": [1]}}))
    told = told_of(tmp_path / "a.png", [tmp_path / f"a.{kind}" for kind in ("txt", "json", "xmp")])
    assert told.captions == [
        ("en", "a dog"),
        ("de", "ein Hund am Strand"),
        ("en", "by the sea"),
        ("en", "a red photo"),
        ("de", "ein rotes Bild"),
    ]
    assert told.facts == {
        "category": "dog",
        "rating": 5,
        "taken": "2024-05-17T09:30:00",
        "latitude": 1.5,
        "longitude": -2.0,
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_sidecars_and_tables_may_be_written_by_windows(tmp_path, told_of, encoding):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("ein grüner Käfer", encoding=encoding)
    (tmp_path / "captions.csv").write_text("file;caption;Ort\r\na.png;Öl, auf Wasser;Köln\r\n", encoding=encoding)
    row = read_tables([tmp_path / "captions.csv"])[tmp_path / "a.png"]
    told = told_of(tmp_path / "a.png", [tmp_path / "a.txt"], row)
    assert told.captions == [("de", "Öl, auf Wasser"), ("de", "ein grüner Käfer")]
    assert told.facts == {"Ort": "Köln"}


def test_a_row_that_cannot_be_read_leaves_the_others_of_its_table(tmp_path):
    good = '{"file": "a.png", "caption": "a dog"}'
    for bad in (
        '{"file": "b.png", "photoTakenTime": {}}',
        '{"file": "b.png", "photoTakenTime": {"timestamp": 1e300}}',
        '{"file": "b.png", "geoData": {"latitude": [1]}}',
        '{"file": "b.png", "caption": "' + "x" * 1_000_000 + '"}',
        "[" * 1_000_000,
    ):
        for end in ("\n", "\r\n", "\r"):
            (tmp_path / "captions.jsonl").write_text(f"{bad}{end}{good}{end}", newline="")
            found = read_tables([tmp_path / "captions.jsonl"])
            assert (
                found[tmp_path / "a.png"].captions == [("en", "a dog")]
                and not found.get(tmp_path / "b.png", Told()).facts
            )
    head = "file,caption" + ",x" * 500
    (tmp_path / "captions.csv").write_text(f"{head}\nb.png,{'x' * 200_000}\na.png,a dog\n")
    assert read_tables([tmp_path / "captions.csv"]).keys() == {tmp_path / "a.png"}
    (tmp_path / "captions.csv").write_text(f"{head}{',x' * 40_000}\na.png,a dog\n")
    assert not read_tables([tmp_path / "captions.csv"])


def test_no_line_of_a_table_is_read_whole_however_long_it_is(tmp_path):
    """Of 200 MB, a line of JSON took 4 GB."""
    (tmp_path / "captions.jsonl").write_text(f"[{'[],' * 10_000_000}[]]\n")
    tracemalloc.start()
    try:
        assert not read_tables([tmp_path / "captions.jsonl"])
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe_as_a_sidecar_is_not_waited_for(tmp_path, told_of):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    os.mkfifo(tmp_path / "a.txt")
    os.symlink("/dev/zero", tmp_path / "a.xmp")
    assert told_of(tmp_path / "a.png", [tmp_path / "a.txt", tmp_path / "a.xmp"]) == Told()


@pytest.mark.parametrize(
    ("text", "language"),
    [("a dog", "en"), ("Der Hund", "de"), ("grüner Baum", "de"), ("red", "en"), ("the end is near", "en")],
)
def test_the_language_of_a_caption_is_guessed(text, language):
    assert language_of(text) == language


@odd.FIXED
@given(st.binary(max_size=300), odd.anything)
def test_no_file_and_no_json_can_make_reading_fail(tmp_path_factory, content, value):
    folder = tmp_path_factory.mktemp("odd")
    camera_photo(folder / "a.jpg")
    whole = (folder / "a.jpg").read_bytes()
    (folder / "a.jpg").write_bytes(whole[:40] + content + whole[40 + len(content) :])
    for suffix in (".txt", ".json", ".xmp"):
        (folder / f"a{suffix}").write_bytes(content)
    with open(folder / "a.jpg", "rb") as file:
        told = read_metadata(file, [folder / f"a{suffix}" for suffix in (".txt", ".json", ".xmp")])
    assert len(told.captions) <= 20 and json.dumps(told.facts)
    found = Told()
    for name in ("size", value):
        found.fact(name, value)
        found.caption(value, name)
    assert json.dumps([found.facts, found.captions])


def test_an_xmp_file_cannot_read_other_files(tmp_path, told_of):
    (tmp_path / "secret").write_text("secret")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    evil = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{tmp_path}/secret">]>' + XMP.replace("a red photo", "&e;")
    (tmp_path / "a.xmp").write_text(evil)
    assert told_of(tmp_path / "a.png", [tmp_path / "a.xmp"]).captions == []


def test_a_json_object_may_have_captions_by_language():
    given = {"captions": {"en": ["a cat", "a black cat"], "de": "Katze"}, "language": "en", "text": "Tier"}
    assert told_in(given).captions == [("en", "Tier"), ("en", "a cat"), ("en", "a black cat"), ("de", "Katze")]
    assert told_in([1]) == Told()


# ---------------------------------------------------------------- in a gallery


def test_own_photos_are_found_by_their_facts_and_captions_as_the_shipped_ones(tmp_path, system):
    for folder, colour, month in (("2023", "red", 1), ("2024/a", "green", 5), ("2024/b", "blue", 7)):
        (tmp_path / folder).mkdir(parents=True)
        taken = f"20{folder[2:4]}:{month:02}:10 12:00:00"
        camera_photo(tmp_path / folder / f"{colour}.jpg", colour, taken, description=f"a {colour} photo")
    (tmp_path / "2024" / "b" / "blue.jpg.txt").write_text("ein blaues Bild")
    table = "file,caption,language,rating\nred.jpg,rotes bild,de,4\nnone.jpg,nothing,en,1\n"
    (tmp_path / "2023" / "captions.csv").write_text(table)
    (tmp_path / "2024" / "a" / "captions.jsonl").write_text('no json\n{"file": "green.jpg", "facts": {"rating": 3}}\n')
    assert index_folder(tmp_path, [system]).indexed == 3
    with Gallery.open(tmp_path) as gallery:
        searcher = Searcher(system, gallery)

        def found(**where) -> set[str]:
            return {hit.path.name for hit in searcher.search(text="red", where=where)}

        assert found(taken="2024") == {"green.jpg", "blue.jpg"} and found(taken=("2023-01", "2024-05")) == {
            "red.jpg",
            "green.jpg",
        }
        assert found(taken=("2024-05-11", None)) == {"blue.jpg"} and found(taken=["2023-01", "2024-07-10"]) == {
            "red.jpg",
            "blue.jpg",
        }
        assert found(folder="2024/*") == found(folder="2024") == {"green.jpg", "blue.jpg"}
        assert found(folder="2024/a") == {"green.jpg"} and found(folder=["2023", "*/b/*"]) == {"red.jpg", "blue.jpg"}
        assert found(language="de") == {"red.jpg", "blue.jpg"} and found(language="en", folder="2023") == {"red.jpg"}
        assert found(rating={"from": 4, "to": None}) == {"red.jpg"} and found(rating=[3, None]) == {
            "green.jpg",
            "blue.jpg",
        }
        assert found(latitude={"from": 48, "to": 49}, camera="Canon EOS R5") == {"red.jpg", "green.jpg", "blue.jpg"}
        assert found(file="2023/red.jpg") == {"red.jpg"} and found(folder="20") == set()
        assert searcher.facets() == {
            "camera": {"Canon EOS R5": 3},
            "folder": {"2024": 2, "2023": 1},
            "language": {"en": 3, "de": 2},
            "rating": {3: 1, 4: 1},
            "taken": {"2024": 2, "2023": 1},
        }
        assert searcher.facets({"folder": "2023"})["language"] == {"de": 1, "en": 1}
        captions = searcher.captions(Query((Term(Modality.TEXT, "blaues"),)), language="de")
        assert captions[0].item.content == "ein blaues Bild"


def test_what_is_told_anew_is_read_without_encoding_the_photo_again(photo_folder, system):
    index_folder(photo_folder, [system])
    with Gallery.open(photo_folder) as gallery:
        ids = {item.facts["file"]: item.id for item in gallery}
        before = gallery.vectors(system, Modality.PHOTO)
        (photo_folder / "red-left.txt").write_text("a red photo")
        report = index_folder(photo_folder, [system])
        assert (report.indexed, report.kept) == (0, 6)
        assert gallery.captions(ids["red-left.png"]) == [("en", "a red photo")]
        np.testing.assert_array_equal(gallery.vectors(system, Modality.PHOTO)[1], before[1])
        assert len(gallery.vectors(system, Modality.TEXT)[0]) == 1
        (photo_folder / "red-left.txt").write_text("ein rotes Bild")
        os.utime(photo_folder / "red-left.txt", (5, 5))
        index_folder(photo_folder, [system])
        assert gallery.captions(ids["red-left.png"]) == [("de", "ein rotes Bild")] and len(gallery.texts()) == 1
        (photo_folder / "new").mkdir()
        for suffix in (".png", ".txt"):  # both are moved: nothing is read
            (photo_folder / f"red-left{suffix}").rename(photo_folder / "new" / f"car{suffix}")
        assert index_folder(photo_folder, [system]).moved == 1
        assert gallery.captions(ids["red-left.png"]) == [("de", "ein rotes Bild")]
        (photo_folder / "new" / "car.png").rename(photo_folder / "alone.png")  # what told of it stays behind
        assert index_folder(photo_folder, [system]).moved == 1
        assert gallery.get(ids["red-left.png"]).facts["file"] == "alone.png"
        assert gallery.captions(ids["red-left.png"]) == [] and gallery.texts() == []


def test_a_caption_of_unknown_words_keeps_no_other_from_being_encoded(photo_folder, system):
    (photo_folder / "red-left.txt").write_text("北京\na red photo")
    (photo_folder / "green-left.txt").write_text("a green photo")
    assert index_folder(photo_folder, [system]).indexed == 6
    with Gallery.open(photo_folder) as gallery:
        (unknown,) = gallery.find_texts(gallery.lacking(system, Modality.TEXT)).values()
        assert unknown.content == "北京"
        assert len(gallery.vectors(system, Modality.TEXT)[0]) == 2
