"""Checkpoints: what loads, and the message for everything that can be wrong with one."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import DIM, pictures, write_checkpoint
from xmr import checkpoint
from xmr.checkpoint import ROOT, CheckpointError, available, describe, load, sign
from xmr.cli import main
from xmr.compose import compose, encode_terms, probability
from xmr.modality import BadInput, Drawing, Modality, Query, Term
from xmr.system import System

GONE = object()
OTHERS = (  # what each part of a config is replaced by
    GONE,
    None,
    "",
    "other",
    "\ud800",
    "../../shared/minilm.json",
    -1,
    0,
    1,
    1e-320,
    1e308,
    10**400,
    float("nan"),
    float("inf"),
    True,
    [],
    {},
    [[]],
    {"photo": None},
)
CONTENTS = {
    Modality.PHOTO: next(pictures())[1],
    Modality.SKETCH: Drawing((np.array([[0, 0], [0, 9], [9, 9], [9, 0], [0, 0.0]]),)),
    Modality.TEXT: "a red photo",
}


@pytest.fixture
def folder(checkpoint_folder: Path, tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    return Path(shutil.copytree(checkpoint_folder, tmp_path / "tiny"))


def read(folder: Path) -> dict:
    return json.loads((folder / "config.json").read_text())


def write(folder: Path, config: Any) -> None:
    (folder / "config.json").write_text(json.dumps(config))


def write_signed(folder: Path, config: Any) -> Any:
    """Write a config that `sign` would refuse, with the checksum that fits it; gives what was written."""
    if isinstance(config, dict) and isinstance(config.get("checksum"), str):
        rest = {key: value for key, value in config.items() if key != "checksum"}
        said = json.dumps(rest, sort_keys=True, separators=(",", ":"))
        config = config | {"checksum": hashlib.sha256(said.encode()).hexdigest()}
    write(folder, config)
    return config


def places(tree: Any, place: tuple = ()) -> Iterator[tuple]:
    """Where everything in a JSON tree lies, itself included."""
    yield place
    if isinstance(tree, (dict, list)):
        for key in tree if isinstance(tree, dict) else range(len(tree)):
            yield from places(tree[key], (*place, key))


def mutants(config: dict) -> Iterator[tuple[str, Any]]:
    """The config with one of its parts replaced or removed, or one added, and what was done."""
    for place in places(config):
        for other in OTHERS:
            tree = {"": copy.deepcopy(config)}
            *above, last = ("", *place)
            parent = tree
            for key in above:
                parent = parent[key]
            if other is not GONE:
                parent[last] = other
            elif place:
                del parent[last]
            else:
                continue
            if json.dumps(tree[""]) != json.dumps(config):
                yield f"{place} -> {'gone' if other is GONE else other!r}", tree[""]
        tree = {"": copy.deepcopy(config)}
        for key in ("", *place):
            parent, tree = tree, tree[key]
        if isinstance(tree, dict):
            added = copy.deepcopy(config)
            inner = added
            for key in place:
                inner = inner[key]
            inner["unheard_of"] = 1
            yield f"{place} -> one more", added


def told(system: System) -> tuple:
    """All that a system says of itself."""
    prints = [system.fingerprint(modality) for modality in system.encoders]
    return system.name, system.space, system.dim, system.weights, system.calibration, system.config, prints


def test_a_checkpoint_loads_by_name_and_by_folder(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    for system in (load("tiny", root=folder.parent), load(folder), load("~/tiny")):
        assert (system.name, system.space, system.dim) == ("tiny", "cosine", DIM)
        assert set(system.encoders) == set(Modality)
        assert system.config["about"] == "for tests"


@pytest.mark.parametrize("bits", ["9" * 5_000, "1@" * 3_000 + "1", "65537", "\u0661\u0666", "16 "])
def test_a_length_of_code_that_no_system_has_is_refused_in_a_sentence(bits):
    with pytest.raises(BadInput, match="There is no checkpoint|has no codes of"):
        load(f"iaprtc12-hashing@{bits}")


def test_a_folder_may_be_called_like_a_length_of_code(folder):
    assert load(str(folder.rename(folder.with_name("tiny@2024")))).name == "tiny"


def test_available_names_the_folders_with_a_config(folder):
    (folder.parent / "notes").mkdir()
    assert available(folder.parent) == ["tiny"]
    assert available(folder.parent / "nowhere") == []


def test_the_weights_are_the_hash_of_the_list_of_hashes_that_sha256sum_prints(folder):
    names = ("photo.onnx", "sketch.onnx", "text.onnx", "tokenizer.json")
    listed = "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in sorted(names))
    assert load(folder).weights == hashlib.sha256(listed.encode()).hexdigest()


def test_calibration_may_be_missing(folder):
    config = read(folder)
    del config["calibration"]
    sign(folder, config)
    assert load(folder).calibration == {}


@pytest.mark.parametrize("use", [lambda folder: describe(folder.name, folder.parent), sign])
def test_what_is_said_of_a_checkpoint_that_is_not_there_is_not_that_it_is_damaged(folder, use):
    with pytest.raises(CheckpointError, match=r"There is no checkpoint 'gone' in .* \(there: tiny\)"):
        use(folder.with_name("gone"))


@pytest.mark.parametrize("name", ["big", "no\0name", "x" * 300, "../elsewhere"])
def test_a_missing_checkpoint_names_those_there_are(folder, name):
    with pytest.raises(CheckpointError, match=r"There is no checkpoint .* \(there: tiny\).*git checkout"):
        load(name, root=folder.parent)


@pytest.mark.parametrize("file", ["config.json", "photo.onnx", "tokenizer.json"])
def test_a_missing_file_is_named_with_the_remedy(folder, file):
    (folder / file).unlink()
    with pytest.raises(CheckpointError, match=f"is damaged: {file} is missing. Restore it with git checkout"):
        load("tiny", root=folder.parent)


@pytest.mark.parametrize("file", ["photo.onnx", "tokenizer.json"])
def test_a_damaged_file_is_found_by_its_hash(folder, file):
    content = bytearray((folder / file).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / file).write_bytes(content)
    with pytest.raises(CheckpointError, match="hash to .{8}, but config.json says .{8}. Restore .* sign it"):
        load(folder)


def test_two_words_that_change_places_in_the_tokenizer_are_found(folder):
    text = (folder / "tokenizer.json").read_text()
    swapped = text.replace('"red"', '"?"').replace('"blue"', '"red"').replace('"?"', '"blue"')
    assert swapped != text and len(swapped) == len(text)
    (folder / "tokenizer.json").write_text(swapped)
    with pytest.raises(CheckpointError, match="its graphs and tokenizers hash to"):
        load(folder)


def test_two_graphs_that_change_places_are_found(folder):
    photo, sketch = (folder / "photo.onnx").read_bytes(), (folder / "sketch.onnx").read_bytes()
    (folder / "photo.onnx").write_bytes(sketch)
    (folder / "sketch.onnx").write_bytes(photo)
    with pytest.raises(CheckpointError, match="its graphs and tokenizers hash to"):
        load(folder)


def test_a_file_that_changes_after_loading_is_refused_at_first_use(folder):
    system = load(folder)
    for file in ("photo.onnx", "tokenizer.json"):
        (folder / file).write_bytes((folder / file).read_bytes() + b" ")
    for modality in (Modality.PHOTO, Modality.TEXT):
        with pytest.raises(BadInput, match="was changed after the checkpoint was loaded"):
            system.encode(modality, [CONTENTS[modality]])


def test_a_changed_config_can_be_signed_with_the_command_that_its_error_prints(folder):
    write(folder, read(folder) | {"about": "changed"})
    with pytest.raises(CheckpointError, match="config.json is not as it was signed") as error:
        load(folder)
    *program, command, path = shlex.split(str(error.value).partition("sign it: ")[2])
    assert program == ["python", "-m", "xmr"] and main([command, path]) == 0
    assert load(folder).config["about"] == "changed"
    write(folder, read(folder) | {"dim": 0})
    assert main([command, path]) == 2


def test_signing_twice_changes_nothing_and_a_wrong_config_is_not_signed(folder):
    before = (folder / "config.json").read_bytes()
    sign(folder)
    assert (folder / "config.json").read_bytes() == before
    with pytest.raises(CheckpointError, match="config.json has 0 as 'dim'"):
        sign(folder, read(folder) | {"dim": 0})
    assert (folder / "config.json").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "photo.onnx",
        "sketch.onnx",
        "text.onnx",
        "tokenizer.json",
    ]


@pytest.mark.slow
def test_no_edit_of_the_shipped_config_goes_unnoticed(tmp_path):
    folder = tmp_path / "tri"
    shutil.copytree(ROOT / "tri", folder)
    tried = 0
    for what, config in mutants(read(folder)):
        tried += 1
        write(folder, config)
        for look in (load, lambda path: describe(path.name, path.parent)):
            with pytest.raises(CheckpointError) as error:
                look(folder)
                pytest.fail(what)
            assert one_sentence(error.value), what
    assert tried > 1000
    write(folder, read(ROOT / "tri"))  # written otherwise, but saying the same
    assert told(load(folder)) == told(load("tri"))


@pytest.mark.slow
def test_a_mutant_that_is_signed_is_refused_or_is_what_it_says_and_can_be_used(folder):
    shipped = read(ROOT / "tri")
    sign(folder, read(folder) | {key: shipped[key] for key in ("protocols", "parity", "card")})
    refused = used = 0
    for what, config in mutants(read(folder)):
        config = write_signed(folder, config)
        try:
            system = load(folder)
        except CheckpointError as error:
            assert one_sentence(error), what
            refused += 1
            continue
        used += 1
        assert system.config == config and system.dim == config["dim"] and system.space == config["space"], what
        terms = [Term(modality, CONTENTS[modality]) for modality in system.encoders]
        for query in (*(Query((term,)) for term in terms), Query(tuple(terms))):
            try:
                vector = compose(system, query)
                odds = probability(system, query, encode_terms(system, query), vector[None])
            except BadInput as error:
                assert one_sentence(error), what
                continue
            assert vector.shape == (system.dim,) and np.isfinite(vector).all(), what
            assert odds is None or 0 <= odds[0] <= 1, what
    assert refused > 1000 and used > 100


def one_sentence(error: BadInput) -> bool:
    """Whether an error is short enough to be read, and says what to do."""
    said = str(error)
    return "\n" not in said and len(said) < 800 and ("estore" in said or "Try" in said)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dim": "many"}, "has 'many' as 'dim': Input should be a valid integer"),
        ({"dim": 10**6}, "'dim': Input should be less than or equal to 65536"),
        ({"space": "manhattan"}, "'manhattan' as 'space': Input should be 'cosine', 'euclidean' or 'hamming'"),
        ({"encoders": {}}, "'encoders': it should hold a photo, sketch or text encoder"),
        ({"encoders": {"smell": {"file": "x.onnx"}}}, "has 'encoders.smell', which means nothing here"),
        ({"encoders": {"photo": {"file": "x.onnx"}}}, "lacks 'encoders.photo.size'"),
        ({"encoders": {"photo": {"file": "x.onnx", "size": 8}}}, "has 8 as 'encoders.photo.size'"),
        ({"calibration": {"text_to_photo": {"mean": 0, "std": 0, "slope": 1, "intercept": 0}}}, "text_to_photo.std"),
        ({"completeness": [0.5]}, "completeness should have .* numbers"),
        ({"name": "a b"}, "has 'a b' as 'name'"),
    ],
)
def test_a_wrong_config_is_refused_by_the_name_of_its_field(folder, changes, message):
    write_signed(folder, read(folder) | changes)
    with pytest.raises(CheckpointError, match=f"is damaged: config.json .*{message}.* Restore it with git checkout"):
        load(folder)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../photo.onnx",
        "../shared/../photo.onnx",
        "a/../photo.onnx",
        "./photo.onnx",
        "photo.onnx\n",
        "",
        "..",
        "../shared/",
        "C:\\photo.onnx",
        "~/photo.onnx",
        "photo.onnx\0",
        "https://host/photo.onnx",
        "../shared/.x",
    ],
)
def test_a_graph_outside_the_checkpoint_is_refused(folder, path):
    config = read(folder)
    config["encoders"]["photo"]["file"] = path
    write_signed(folder, config)
    with pytest.raises(CheckpointError, match="'encoders.photo.file': it should be a plain path inside"):
        load(folder)


@pytest.mark.parametrize("target", ["../outside.onnx", "photo.onnx"])  # photo.onnx would be a circle
def test_a_link_that_leads_out_or_in_a_circle_is_refused(folder, target):
    (folder / "photo.onnx").rename(folder.parent / "outside.onnx")
    (folder / "photo.onnx").symlink_to(target)
    with pytest.raises(CheckpointError, match="photo.onnx (is a link that leads out of it|cannot be read)"):
        load(folder)


def test_a_file_that_checkpoints_share_lies_beside_them(folder):
    shared = folder.parent / "shared"
    shared.mkdir()
    (folder / "photo.onnx").rename(shared / "photo.onnx")
    config = read(folder)
    config["encoders"]["photo"]["file"] = "../shared/photo.onnx"
    sign(folder, config)
    assert load(folder).encode(Modality.PHOTO, [CONTENTS[Modality.PHOTO]]).shape == (1, DIM)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[]",
        b"null",
        b"7",
        b'"tri"',
        b'{"dim": NaN}',
        b"1" * 5000,
        b" " * 2_000_000,
        b'{"name": "\xed\xa0\x80"}',
    ],
)
def test_a_config_that_is_no_config_at_all_is_refused(folder, content):
    (folder / "config.json").write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged: config.json") as error:
        load(folder)
    assert one_sentence(error.value)


def test_a_config_that_is_no_file_is_refused_at_once(folder):
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    with pytest.raises(CheckpointError, match="config.json is missing"):
        load(folder)


def test_a_fingerprint_stands_for_all_that_makes_the_vectors_of_its_modality_and_for_nothing_else(folder, tmp_path):
    before = {modality: load(folder).fingerprint(modality) for modality in Modality}
    assert len(set(before.values())) == 3

    def changed(**parts: dict) -> set[Modality]:
        """The modalities whose fingerprint is another once the config is changed and signed."""
        copied = Path(shutil.copytree(folder, tmp_path / str(len(list(tmp_path.iterdir())))))
        config = read(copied)
        for key, value in parts.items():
            config[key] = config[key] | value if isinstance(value, dict) else value
        sign(copied, config)
        after = load(copied)
        return {modality for modality in after.encoders if after.fingerprint(modality) != before[modality]}

    encoders = read(folder)["encoders"]

    def encoder(modality: str, **changes: Any) -> set[Modality]:
        return changed(encoders={modality: encoders[modality] | changes})

    assert changed() == changed(about="other", calibration={}) == changed(name="other") == set()
    assert changed(dim=20) == changed(space="euclidean") == set(Modality)
    assert encoder("photo", size=192) == {Modality.PHOTO}
    assert encoder("photo", batch=4) == encoder("text", languages=["fr"]) == set()
    assert encoder("text", max_tokens=4) == {Modality.TEXT}
    assert encoder("photo", file="sketch.onnx") == {Modality.PHOTO}
    shutil.copyfile(folder / "photo.onnx", folder / "renamed.onnx")
    assert encoder("photo", file="renamed.onnx") == set()  # the bytes count, not what the file is called
    assert encoder("sketch", trunk="photo.onnx") == {Modality.SKETCH}
    other = write_checkpoint(tmp_path / "other" / "tiny", tilt=0.01)
    shutil.copyfile(other / "sketch.onnx", folder / "sketch.onnx")
    assert changed() == {Modality.SKETCH}  # a new sketch tower leaves the gallery's vectors good
    text = (folder / "tokenizer.json").read_text()
    (folder / "tokenizer.json").write_text(text.replace('"red"', '"rot"'))
    assert changed() == {Modality.SKETCH, Modality.TEXT}


def test_a_system_has_no_fingerprint_of_what_it_cannot_take(folder):
    config = read(folder)
    del config["encoders"]["sketch"]
    sign(folder, config)
    with pytest.raises(BadInput, match="tiny cannot search by sketch"):
        load(folder).fingerprint(Modality.SKETCH)


@pytest.mark.parametrize("name", available())
def test_a_shipped_checkpoint_loads_and_its_figures_and_card_name_its_weights(name):
    system, folder = load(name), ROOT / name
    assert system.name == name
    assert json.loads((folder / "metrics.json").read_text())["weights"] == system.weights
    assert f"weights sha256 `{system.weights[:16]}`" in (folder / "card.md").read_text()


def test_loading_reads_no_file_as_a_whole(monkeypatch):
    def refuse(self: Path) -> bytes:
        raise AssertionError(f"{self} was read as a whole")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    graphs = {f"{name}.onnx" for name in ("photo", "sketch", "text", "composer")}
    assert checkpoint.load("tri").hashes.keys() == {*graphs, "tokenizer.json", "words.json"}
