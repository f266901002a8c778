"""Adopting: models in the layouts of hubs become systems that give their own libraries' vectors."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from tests import models
from tests.browser import ROOT
from tests.rounds import LINE, whole_round
from xmr import adopt, checkpoint
from xmr.cli import main
from xmr.modality import BadInput, Modality

NOWHERE = Path("no gallery")


@pytest.fixture(scope="module")
def immich(tmp_path_factory) -> tuple[Path, models.Original]:
    folder = tmp_path_factory.mktemp("hub") / "tiny-immich"
    return folder, models.write_immich(folder)


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """An empty folder of adopted models."""
    monkeypatch.setenv("XMR_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def adopted(folder: Path, gallery: Path = NOWHERE, **options) -> adopt.Adopted:
    return adopt.adopt(adopt.look_up(str(folder), **options), gallery=gallery)


def change_json(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def farthest(a: np.ndarray, b: np.ndarray) -> float:
    """The largest distance by cosine of two lists of unit vectors."""
    return float((1 - (a.astype(float) * b).sum(axis=1)).max())


def check_same(name: str, original: models.Original) -> None:
    system, photos = checkpoint.load(name), models.pictures()
    assert len(photos) >= 50 and len(models.TEXTS) >= 50
    assert farthest(system.encode_photo(photos), wanted := original.photos(photos)) < 1e-4
    assert farthest(system.encode_text(models.TEXTS), original.texts(models.TEXTS)) < 1e-4
    others = [photo.resize((models.SIDE, models.SIDE), Image.Resampling.BILINEAR) for photo in photos]
    assert farthest(original.photos(others), wanted) > 1e-3  # these networks would show another preprocessing


def test_a_clip_of_transformers_js_gives_transformers_vectors(clip, home):
    folder, original = clip
    assert adopted(folder).folder == home / "tiny-clip"
    check_same("tiny-clip", original)


def test_a_siglip_of_transformers_js_gives_transformers_vectors(tmp_path, home):
    original = models.write_transformers_js(tmp_path / "tiny-siglip", "Siglip")
    adopted(tmp_path / "tiny-siglip")
    check_same("tiny-siglip", original)


@pytest.mark.parametrize("kind", ["siglip", "siglip2"])
def test_where_no_file_says_how_long_texts_are_it_is_as_transformers_takes_it(tmp_path, home, kind):
    original = models.write_transformers_js(tmp_path / "it", "Siglip", length=64)
    change_json(
        tmp_path / "it/config.json", model_type=kind, text_config={"model_type": f"{kind}_text_model", "vocab_size": 9}
    )
    change_json(tmp_path / "it/tokenizer_config.json", model_max_length=10**30)
    adopted(tmp_path / "it")
    assert checkpoint.describe("it")["encoders"]["text"]["max_tokens"] == 64
    assert farthest(checkpoint.load("it").encode_text(models.TEXTS), original.texts(models.TEXTS)) < 1e-4


def test_an_open_clip_of_immich_gives_open_clips_vectors_one_at_a_time(immich, home):
    folder, original = immich
    adopted(folder, name="one")
    assert checkpoint.describe("one")["encoders"]["photo"]["batch"] == 1
    check_same("one", original)


@pytest.mark.parametrize("resize", ["squash", "longest"])
def test_every_way_of_resizing_is_open_clips(tmp_path, home, immich, resize):
    shutil.copytree(immich[0], tmp_path / resize)
    change_json(tmp_path / resize / "visual" / "preprocess_cfg.json", resize_mode=resize)
    adopted(tmp_path / resize)
    model, _, _, transform = models.tiny_open_clip(resize)
    photos = models.pictures(20)
    found = checkpoint.load(resize).encode_photo(photos)
    assert farthest(found, models.open_clip_original(model, transform).photos(photos)) < 1e-4


@pytest.mark.parametrize("kind", ["CLIP", "SigLIP", "Immich", "quantized"])
def test_an_adopted_model_indexes_searches_draws_mixes_survives_a_restart_and_is_removed(
    kind, clip, immich, tmp_path, home, photo_folder, capsys
):
    if kind == "SigLIP":
        models.write_transformers_js(tmp_path / "it", "Siglip")
    else:
        shutil.copytree(immich[0] if kind == "Immich" else clip[0], tmp_path / "it")
    if kind == "quantized":
        quantize(tmp_path / "it")
        adopted(tmp_path / "it", name="it", variant="quantized")
    else:
        adopted(tmp_path / "it")
    whole_round("it", photo_folder)
    assert capsys.readouterr().out.count("\n") == 7


def quantize(folder: Path) -> None:
    """Add the variant that most hubs have: weights in 8 bits, what is computed in between quantized as it comes."""
    from onnxruntime.quantization import quantize_dynamic

    for tower in ("vision", "text"):
        path = folder / "onnx" / f"{tower}_model.onnx"
        quantize_dynamic(path, path.with_name(f"{tower}_model_quantized.onnx"))


def test_a_quantized_variant_gives_nearly_the_same_vectors(clip, tmp_path, home):
    shutil.copytree(clip[0], tmp_path / "it")
    quantize(tmp_path / "it")
    made = adopted(tmp_path / "it", variant="quantized")
    assert made.name == "it-quantized"
    assert (made.folder / "text.onnx").stat().st_size < (clip[0] / "onnx/text_model.onnx").stat().st_size / 2
    system, photos = checkpoint.load("it-quantized"), models.pictures(5)
    assert 1e-7 < farthest(system.encode_photo(photos), clip[1].photos(photos)) < 0.05
    assert 1e-7 < farthest(system.encode_text(models.TEXTS), clip[1].texts(models.TEXTS)) < 0.05


def test_an_adopted_graph_that_gives_no_numbers_says_to_adopt_another_variant(clip, home, monkeypatch):
    monkeypatch.setattr("xmr.encoder.run_wired", lambda *_: np.full((1, 24), np.nan, np.float32))
    with pytest.raises(BadInput, match="gives no finite numbers.*: adopt another variant of the model"):
        adopted(clip[0])
    assert not [*home.glob("*")]


def test_settings_that_cannot_be_used_are_told_as_those_of_the_model(clip, tmp_path, home):
    shutil.copytree(clip[0], tmp_path / "it")
    change_json(tmp_path / "it/preprocessor_config.json", image_mean=[float("inf")] * 3)
    with pytest.raises(BadInput, match="^it cannot be adopted: .*inf.* Choose another export of it.$"):
        adopted(tmp_path / "it")


@pytest.mark.parametrize("file", ["config.json", "text.onnx"])
def test_a_damaged_adopted_model_is_to_be_removed_and_adopted_again(clip, home, file):
    made = adopted(clip[0])
    (made.folder / file).write_bytes(b"{}")
    with pytest.raises(BadInput, match="--remove tiny-clip.* and adopt it again") as told:
        checkpoint.load("tiny-clip")
    assert "git" not in str(told.value)
    adopt.remove("tiny-clip")
    assert checkpoint.available(home) == []


def test_a_drawing_is_seen_by_the_photo_tower_as_its_lines_on_white_paper(clip, home):
    from xmr.preprocess import sketch_input

    adopted(clip[0])
    system = checkpoint.load("tiny-clip")
    paper = Image.fromarray(sketch_input(LINE, 224)).convert("RGB")
    assert farthest(system.encode_sketch(LINE), system.encode_photo(paper)) < 1e-6
    assert system.encoder(Modality.SKETCH).session is system.encoder(Modality.PHOTO).session  # in memory once


def test_the_card_and_the_config_say_the_source_the_licence_and_the_speed(clip, home):
    made = adopted(clip[0])
    config, card = checkpoint.describe("tiny-clip"), (made.folder / "card.md").read_text()
    assert config["card"]["licence"] == "mit" and config["card"]["source"] == str(clip[0])
    assert config["encoders"]["text"]["languages"] == ["en", "de"] and "Licence: mit" in card
    assert made.fitted.milliseconds.keys() == {"photo", "sketch", "text"}
    assert all(f"{kind} {value:.1f} ms" in card for kind, value in made.fitted.milliseconds.items())


def test_what_a_model_says_of_itself_is_one_plain_line_in_its_card(clip, tmp_path, home):
    folder = tmp_path / "*it* <b>"
    shutil.copytree(clip[0], folder)
    licence = "mit\\n\\n# Buy [this](https://example.org) <script> " + "x" * 200
    (folder / "README.md").write_text(f'---\nlicense: "{licence}"\n---\n')
    made = adopted(folder, name="it")
    config, card = checkpoint.describe("it"), (made.folder / "card.md").read_text()
    assert "\n" not in config["card"]["licence"] and len(config["card"]["licence"]) == 100
    assert "\n# Buy" not in card and "<script>" not in card and "https://" not in card
    assert r"\*it\* \<b\>" in config["about"] and r"\*it\* \<b\>" in config["card"]["built"]


def test_a_variant_is_adopted_on_request_under_a_name_of_its_own(clip, tmp_path, home):
    shutil.copytree(clip[0], tmp_path / "both")
    for tower in ("vision", "text"):
        shutil.copy(clip[0] / f"onnx/{tower}_model.onnx", tmp_path / f"both/onnx/{tower}_model_quantized.onnx")
    assert adopted(tmp_path / "both", variant="quantized").name == "both-quantized"
    with pytest.raises(BadInput, match=r"no variant q4. It has fp32, quantized: choose one with --variant"):
        adopt.look_up(str(tmp_path / "both"), variant="q4")


@pytest.mark.parametrize("kind", ["CLIP", "Siglip"])
def test_texts_are_filled_up_where_that_changes_their_vectors_and_only_there(tmp_path, home, kind):
    original = models.write_transformers_js(tmp_path / "it", kind, mask=False)
    change_json(tmp_path / "it" / "config.json", model_type="nobody says")
    adopted(tmp_path / "it")
    assert checkpoint.describe("it")["encoders"]["text"]["form"]["padded"] == (kind == "Siglip")
    assert farthest(checkpoint.load("it").encode_text(models.TEXTS), original.texts(models.TEXTS)) < 1e-4


def test_a_half_precision_graph_is_given_half_precision(clip, tmp_path, home):
    folder = tmp_path / "half"
    shutil.copytree(clip[0], folder)
    path = folder / "onnx" / "vision_model.onnx"
    model = onnx.load(path)
    for one, kind in ((model.graph.input[0], "in"), (model.graph.output[0], "out")):
        one.type.tensor_type.elem_type, named = onnx.TensorProto.FLOAT16, one.name
        for node in model.graph.node:
            for names in (node.input, node.output):
                for place, name in enumerate(names):
                    if name == named:
                        names[place] = f"{named}.wide"
        pair = [named, f"{named}.wide"] if kind == "in" else [f"{named}.wide", named]
        to = onnx.TensorProto.FLOAT if kind == "in" else onnx.TensorProto.FLOAT16
        model.graph.node.insert(
            0 if kind == "in" else len(model.graph.node), onnx.helper.make_node("Cast", pair[:1], pair[1:], to=to)
        )
    onnx.save(model, path)
    adopted(folder)
    photos = models.pictures(5)
    assert farthest(checkpoint.load("half").encode_photo(photos), clip[1].photos(photos)) < 1e-3


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (["pytorch_model.bin", "config.json"], "a pickle, which can run any program and is never loaded"),
        (["model.safetensors", "pytorch_model.bin"], "no ONNX graphs .* With PyTorch .* python -m training adopt"),
        (["onnx/model.onnx", "tokenizer.json"], "photos and texts in one ONNX graph"),
        (["onnx/vision_model.onnx", "onnx/text_model.onnx"], "no tokenizer.json"),
        (["notes.txt"], "holds no model that can be adopted"),
    ],
)
def test_what_cannot_be_adopted_says_the_way_round(tmp_path, home, files, why):
    for name in files:
        (tmp_path / "it" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "it" / name).write_bytes(b"")
    with pytest.raises(BadInput, match=why):
        adopt.look_up(str(tmp_path / "it"))
    assert not home.exists()


def test_a_name_that_is_taken_or_none_is_refused(clip, home):
    with pytest.raises(BadInput, match="There is a system tri already. .*: that one ships.$"):
        adopt.look_up(str(clip[0]), name="tri")
    adopted(clip[0], name="mine")
    with pytest.raises(BadInput, match="There is a system mine already. .* python -m xmr adopt --remove mine"):
        adopt.look_up(str(clip[0]), name="mine")
    for language in ("German", "d", "de-DE", "DE"):
        with pytest.raises(BadInput, match=f"'{language}' is no language's code"):
            adopt.look_up(str(clip[0]), languages=["en", language])
    with pytest.raises(BadInput, match="is no name"):
        adopt.look_up(str(clip[0]), name="../tri")
    with pytest.raises(BadInput, match="There is no folder"):
        adopt.look_up("no such model")
    with pytest.raises(BadInput, match="Those that ship are not removed"):
        adopt.remove("tri")


def changed(**more):
    """A JSON file's text with other values."""
    return lambda told: json.dumps(told | more)


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        ("preprocessor_config.json", lambda told: "{", "cannot be read as JSON"),
        (
            "preprocessor_config.json",
            lambda told: json.dumps(told | {"size": {"height": 48, "width": 64}}),
            "no square",
        ),
        ("preprocessor_config.json", lambda told: json.dumps(told | {"do_center_crop": False}), "pictures of any size"),
        (
            "preprocessor_config.json",
            lambda told: json.dumps(told | {"crop_size": 32, "size": {"shortest_edge": 32}}),
            "settings say 32",
        ),
        ("preprocessor_config.json", changed(do_center_crop=False), "^[^ ]*it takes pictures of any size"),
        (
            "preprocessor_config.json",
            changed(crop_size=10**9, size={"shortest_edge": 10**9}),
            "1000000000 px a side, but here from 16 to 1,024 are",
        ),
        ("preprocessor_config.json", changed(rescale_factor=0), "lacks or spoils float division by zero. Download"),
        ("preprocessor_config.json", changed(resample=float("inf")), "lacks or spoils cannot convert float infinity"),
        ("preprocessor_config.json", changed(resample=-1), "lacks or spoils -1"),
        ("config.json", changed(text_config=[1]), "What says how texts are prepared of .* lacks or spoils"),
        ("onnx/vision_model.onnx", lambda told: "no graph", "cannot be opened as an ONNX graph"),
        ("tokenizer.json", lambda told: "{}", "not a tokenizer"),
    ],
)
def test_a_model_whose_files_do_not_fit_is_refused_and_leaves_nothing(clip, tmp_path, home, name, change, why):
    shutil.copytree(clip[0], tmp_path / "it")
    file = tmp_path / "it" / name
    file.write_text(change(json.loads(file.read_text()) if name.endswith("config.json") else None))
    with pytest.raises(BadInput, match=why):
        adopted(tmp_path / "it")
    assert "it" not in checkpoint.available() and not [*home.glob("*")]


def test_stopping_leaves_nothing(clip, home):
    stop = threading.Event()
    with pytest.raises(adopt.Stopped):
        adopt.adopt(adopt.look_up(str(clip[0])), lambda *_: stop.set(), stop, NOWHERE)
    assert not [*home.glob("*")]


def test_what_a_killed_process_was_making_is_not_there_and_is_cleared(clip, home):
    (home / ".making-it-999999999").mkdir(parents=True)
    (home / ".making-it-999999999" / "config.json").write_text("{}")
    assert "tri" in checkpoint.available() and not [name for name in checkpoint.available() if "it" in name.split("-")]
    adopted(clip[0])
    assert [path.name for path in home.iterdir()] == ["tiny-clip"]


def test_a_graph_that_nobody_uses_is_let_go_of_and_read_again(clip, home):
    adopted(clip[0])
    system = checkpoint.load("tiny-clip")
    before = system.encode_text(["a cat"])
    encoder = system.encoder(Modality.TEXT)
    assert encoder.loaded and not encoder.release(unused=60) and encoder.loaded
    assert encoder.release() and not encoder.loaded and not encoder.release()
    assert (system.encode_text(["a cat"]) == before).all() and encoder.loaded


def test_an_adopted_system_goes_to_another_process(clip, home):
    adopted(clip[0])
    system = checkpoint.load("tiny-clip")
    before, photo = system.encode_text(["a cat"]), models.pictures()[:1]
    again = pickle.loads(pickle.dumps(system))
    assert (again.encode_text(["a cat"]) == before).all() and again.release() and not again.loaded
    assert (again.encode_photo(photo) == system.encode_photo(photo)).all()


MEMORY = """
import numpy as np
from PIL import Image
from pages import memory
from xmr import Drawing, checkpoint
from xmr.encoder import release_unused, resident
memory.share_arena()
system, photo = checkpoint.load("tiny-clip"), Image.new("RGB", (60, 60), "red")
assert system.megabytes == 0
system.encode_text(["a cat"])  # so that ONNX Runtime is there
text, before = system.megabytes, resident()
system.encode_photo([photo])
grown = system.megabytes - text
assert 50 < grown < 170 and abs(resident() - before - grown) < 20, (grown, before, resident())
system.encode_sketch(Drawing((np.array([[0.0, 0.0], [90.0, 40.0], [30.0, 90.0]]),)))
assert system.megabytes == text + grown  # one graph sees both
assert release_unused(60) == 0 and system.megabytes == text + grown
assert release_unused(0) == 3 and system.megabytes == 0 and not system.loaded
memory.give_back()
assert resident() < before + 15, (before, resident())
system.encode_photo([photo])
assert system.megabytes > 50
"""


@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="memory is not measured on this system")
def test_the_memory_of_a_model_is_measured_and_goes_back_when_it_was_let_go_of(clip, home):
    adopted(clip[0])
    wide = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 48 * 48, 2000), torch.nn.Linear(2000, 24))
    pixels = {"pixel_values": torch.rand(2, 3, 48, 48)}
    models.to_onnx(wide, pixels, home / "tiny-clip" / "photo.onnx", "image_embeds")  # 55 MB
    checkpoint.sign(home / "tiny-clip")
    done = subprocess.run([sys.executable, "-c", MEMORY], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_command_says_the_licence_first_and_the_next_step_last(clip, home, monkeypatch, capsys):
    monkeypatch.setattr("xmr.adopt.DEMO", NOWHERE)
    monkeypatch.setattr("xmr.adopt.adopt.__defaults__", (*adopt.adopt.__defaults__[:2], NOWHERE))
    assert main(["adopt", str(clip[0]), "--name", "mine", "--language", "en"]) == 0
    told = capsys.readouterr()
    assert "licence mit" in told.err and "python -m xmr index FOLDER --system mine" in told.out
    assert checkpoint.load("mine").languages == {"en"}
