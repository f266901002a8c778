"""Adopting models of other libraries with torch: their exports give their own libraries' vectors."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from tests import models
from tests.hub import SHA
from tests.rounds import LINE, whole_round
from training.learn.export import ExportRefused
from training.release import adopt as adopting
from training.release.adopt import adopt
from training.towers import foreign
from xmr import checkpoint
from xmr.modality import BadInput, Modality

NOWHERE = Path("no gallery")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XMR_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def transformers_folder(folder: Path, kind: str = "CLIP") -> models.Original:
    model, tokenizer = models.tiny_clip(kind)
    images = models.processor(kind)
    for part in (model, tokenizer, images):
        part.save_pretrained(folder)
    return models.original_of(model, tokenizer, images, kind)


def alt_clip_folder(folder: Path) -> models.Original:
    """An AltCLIP: CLIP's photo tower beside an XLM-RoBERTa."""
    import transformers

    torch.manual_seed(2)
    tokenizer, images = models.siglip_tokenizer(), models.processor()
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    read = sizes | {"vocab_size": len(tokenizer), "max_position_embeddings": 18, "project_dim": 24, "pad_token_id": 1}
    seen = sizes | {"image_size": models.SIDE, "patch_size": 16}
    config = transformers.AltCLIPConfig(text_config=read, vision_config=seen, projection_dim=24)
    model = transformers.AltCLIPModel(config).eval()
    for part in (model, tokenizer, images):
        part.save_pretrained(folder)
    return models.original_of(model, tokenizer, images)


def sentence_transformers_folder(folder: Path) -> models.Original:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Transformer

    original = transformers_folder(folder.with_name("inner"))
    SentenceTransformer(modules=[Transformer(str(folder.with_name("inner")))], device="cpu").save(str(folder))
    return original


def open_clip_folder(folder: Path) -> models.Original:
    model, config, told, transform = models.tiny_open_clip()
    folder.mkdir(parents=True)
    said = {"model_cfg": config, "preprocess_cfg": asdict(told)}
    (folder / "open_clip_config.json").write_text(json.dumps(said))
    save_file(
        {name: value.contiguous() for name, value in model.state_dict().items()}, folder / "open_clip_model.safetensors"
    )
    return models.open_clip_original(model, transform)


FOLDERS = {
    "clip": transformers_folder,
    "siglip": lambda folder: transformers_folder(folder, "Siglip"),
    "altclip": alt_clip_folder,
    "sentence-transformers": sentence_transformers_folder,
    "open_clip": open_clip_folder,
}


def farthest(a: np.ndarray, b: np.ndarray) -> float:
    return float((1 - (a.astype(float) * b).sum(axis=1)).max())


@pytest.mark.parametrize("kind", FOLDERS)
def test_an_exported_model_gives_its_librarys_vectors(kind, tmp_path):
    original = FOLDERS[kind](tmp_path / "tiny")
    made = adopt(str(tmp_path / "tiny"), gallery=NOWHERE)
    system, photos = checkpoint.load(made.name), models.pictures()
    assert farthest(system.encode_photo(photos), original.photos(photos)) < 1e-4
    assert farthest(system.encode_text(models.TEXTS), original.texts(models.TEXTS)) < 1e-4
    assert system.encode_sketch(LINE).shape == (1, system.dim)
    assert system.config["parity"].keys() == {"photo", "text"} and max(system.config["parity"].values()) < 1e-4
    assert {path.name for path in made.folder.iterdir()} >= {"card.md", "config.json", "photo.onnx", "text.onnx"}


def timm_folder(folder: Path) -> Callable[[list[Image.Image]], np.ndarray]:
    """A network of photos alone; gives how its library encodes them."""
    import timm
    from timm.data import create_transform, resolve_data_config

    torch.manual_seed(0)
    size = {"input_size": [3, 64, 64], "crop_pct": 0.9, "interpolation": "bicubic", "crop_mode": "center"}
    told = {"num_classes": 0, "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.3], **size}
    model = timm.create_model("resnet10t", pretrained=False, num_classes=0, pretrained_cfg_overlay=told).eval()
    folder.mkdir()
    config = {"architecture": "resnet10t", "num_classes": 0, "num_features": 512, "pretrained_cfg": told}
    (folder / "config.json").write_text(json.dumps(config))
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, folder / "model.safetensors")
    transform = create_transform(**resolve_data_config(model=model), is_training=False)

    @torch.inference_mode()
    def encode(photos: list[Image.Image]) -> np.ndarray:
        return models.unit(model(torch.stack([transform(photo) for photo in photos])))

    return encode


def test_a_timm_model_of_photos_alone_finds_photos_by_photos_and_drawings(tmp_path):
    encode = timm_folder(tmp_path / "tiny")
    made = adopt(str(tmp_path / "tiny"), gallery=NOWHERE)
    system, photos = checkpoint.load(made.name), models.pictures(20)
    assert farthest(system.encode_photo(photos), encode(photos)) < 1e-4
    assert set(system.encoders) == {Modality.PHOTO, Modality.SKETCH}
    with pytest.raises(BadInput, match="cannot search by text"):
        system.encode_text("a cat")


@pytest.mark.parametrize("kind", ["open_clip", "sentence-transformers", "timm"])
def test_an_exported_model_goes_the_whole_round_of_an_adopted_one(kind, tmp_path, photo_folder):
    (FOLDERS | {"timm": timm_folder})[kind](tmp_path / "tiny")
    whole_round(adopt(str(tmp_path / "tiny"), gallery=NOWHERE).name, photo_folder)


def reader_folder(folder: Path, original: models.Original, fits: bool) -> None:
    """A sentence-transformers model of texts: its vectors are those of `original` for the captions that decide, or,
    where it doesn't fit, of a random space."""
    import transformers
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Dense, Pooling, Transformer

    torch.manual_seed(3)
    tokenizer = models.siglip_tokenizer()
    config = transformers.DistilBertConfig(
        vocab_size=len(tokenizer), dim=64, hidden_dim=64, n_layers=1, n_heads=2, max_position_embeddings=32
    )
    for part in (transformers.DistilBertModel(config), tokenizer):
        part.save_pretrained(folder.with_name("bert"))
    layers = [Transformer(str(folder.with_name("bert"))), Pooling(64)]
    dense = Dense(64, 24, bias=False, activation_function=torch.nn.Identity())
    model = SentenceTransformer(modules=[*layers, dense], device="cpu")
    if fits:
        _, captions = adopting._examples(NOWHERE)
        pooled = SentenceTransformer(modules=layers, device="cpu").encode(captions)
        weight = np.linalg.pinv(pooled) @ original.texts(captions)
        dense.linear.weight.data = torch.from_numpy(weight.T.astype(np.float32).copy())
    model.save(str(folder))


def test_texts_of_another_model_are_read_where_the_spaces_match(tmp_path):
    from sentence_transformers import SentenceTransformer

    original = transformers_folder(tmp_path / "tiny")
    reader_folder(tmp_path / "reader", original, fits=True)
    adopt(str(tmp_path / "tiny"), "both", str(tmp_path / "reader"), ["en", "de"], gallery=NOWHERE)
    system, texts = checkpoint.load("both"), models.TEXTS[:8]
    wanted = SentenceTransformer(str(tmp_path / "reader"), device="cpu").encode(texts, normalize_embeddings=True)
    assert farthest(system.encode_text(texts), wanted) < 1e-4 and system.languages == {"en", "de"}
    photos = models.pictures(5)
    assert farthest(system.encode_photo(photos), original.photos(photos)) < 1e-4


def test_texts_of_another_space_are_refused(tmp_path, home):
    reader_folder(tmp_path / "reader", transformers_folder(tmp_path / "tiny"), fits=False)
    with pytest.raises(BadInput, match="different spaces: of the same 5 captions"):
        adopt(str(tmp_path / "tiny"), None, str(tmp_path / "reader"), gallery=NOWHERE)
    assert not [*home.glob("*")]


def test_a_graph_that_differs_from_its_library_is_refused_and_leaves_nothing(tmp_path, home, monkeypatch):
    transformers_folder(tmp_path / "tiny")
    load = foreign.transformers_view
    monkeypatch.setattr(
        foreign, "transformers_view", lambda *told: (load(*told)[0], load(*told)[1] | {"mean": [0.1, 0.9, 0.2]})
    )
    with pytest.raises(ExportRefused, match="the library's by .* preprocessing is another than its files say"):
        adopt(str(tmp_path / "tiny"), gallery=NOWHERE)
    assert not [*home.glob("*")]


class Evil:
    """A pickle that leaves a file when it is read."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "open_clip_pytorch_model.bin"])
@pytest.mark.parametrize("beside", [False, True])
def test_no_pickle_is_ever_read(tmp_path, name, beside):
    import pickle

    folder = open_clip_folder if "open_clip" in name else transformers_folder
    folder(tmp_path / "tiny")
    for path in (tmp_path / "tiny").glob("*.safetensors"):
        path.rename(path.with_name("other.safetensors") if beside else path.with_suffix(".gone"))
    (tmp_path / "tiny" / name).write_bytes(pickle.dumps(Evil(tmp_path / "trace")))
    with pytest.raises(BadInput, match="never loaded|no file named"):
        adopt(str(tmp_path / "tiny"), gallery=NOWHERE)
    assert not (tmp_path / "trace").exists()


def change_json(path: Path, **changes) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def with_a_program(folder: Path, kind: str, trace: Path) -> None:
    """A model whose config names a program of its own, which leaves a file when it is run."""
    program = f"import pathlib\npathlib.Path({str(trace)!r}).touch()\n"
    if kind == "open_clip":
        open_clip_folder(folder)
        config = json.loads((folder / "open_clip_config.json").read_text())
        config["model_cfg"]["text_cfg"] |= {"hf_model_name": str(folder), "hf_tokenizer_name": str(folder)}
        (folder / "open_clip_config.json").write_text(json.dumps(config))
        (folder / "config.json").write_text("{}")
    elif kind == "sentence-transformers":
        sentence_transformers_folder(folder)
        module = {"idx": 1, "name": "1", "path": "", "type": "evil.Evil"}
        modules = json.loads((folder / "modules.json").read_text())
        (folder / "modules.json").write_text(json.dumps([*modules, module]))
        (folder / "evil.py").write_text(program)
        return
    else:
        transformers_folder(folder)
    classes = ("AutoConfig", "AutoModel", "AutoTokenizer", "AutoImageProcessor", "AutoProcessor")
    for name in ("config.json", "tokenizer_config.json", "preprocessor_config.json"):
        if (folder / name).is_file():
            given = {one: f"evil.{one}" if one != "AutoTokenizer" else ["evil.A", "evil.B"] for one in classes}
            change_json(folder / name, auto_map=given)
    change_json(folder / "config.json", model_type="evil", architectures=["Evil"])
    (folder / "evil.py").write_text(program)


@pytest.mark.parametrize("kind", ["transformers", "open_clip", "sentence-transformers"])
def test_no_program_of_a_model_is_ever_run_whatever_is_answered(tmp_path, monkeypatch, kind):
    from transformers import dynamic_module_utils

    with_a_program(tmp_path / "tiny", kind, tmp_path / "trace")
    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n" * 20))
    patience = dynamic_module_utils.TIME_OUT_REMOTE_CODE
    with pytest.raises(BadInput, match="by a program that comes with it, and such a program is never run"):
        adopt(str(tmp_path / "tiny"), gallery=NOWHERE)
    assert not (tmp_path / "trace").exists() and patience == dynamic_module_utils.TIME_OUT_REMOTE_CODE


def test_a_folder_without_a_model_says_what_was_expected(tmp_path):
    (tmp_path / "tiny").mkdir()
    save_file({"a": torch.zeros(1)}, tmp_path / "tiny" / "a.safetensors")
    with pytest.raises(BadInput, match="expected open_clip_config.json, modules.json"):
        adopt(str(tmp_path / "tiny"), gallery=NOWHERE)


@pytest.fixture
def served(hub, tmp_path):
    """A hub with a model org/safe of safetensors alone."""
    original = transformers_folder(tmp_path / "safe")
    (tmp_path / "safe" / "evil.py").write_text("")
    (tmp_path / "safe" / "pytorch_model.bin").write_bytes(b"")
    hub.models["org/safe"] = tmp_path / "safe"
    hub.original = original
    return hub


def test_a_model_of_a_hub_is_downloaded_pinned_and_checked_and_goes_on(served, home, tmp_path):
    large, wanted = "model.safetensors", models.pictures(5)
    size = (tmp_path / "safe" / large).stat().st_size
    served.cut[large] = size // 2
    adopt("org/safe", gallery=NOWHERE)
    assert [name for name, first in served.sent if first] == [large]
    assert not {name for name, _ in served.sent if name.endswith((".py", ".bin"))}
    system = checkpoint.load("safe")
    assert system.config["card"]["source"] == f"{served.address}/org/safe/tree/{SHA}"
    assert farthest(system.encode_photo(wanted), served.original.photos(wanted)) < 1e-4
    assert [path.name for path in home.iterdir() if any(path.iterdir())] == ["safe"]


def test_what_is_not_as_the_hub_promises_it_and_what_the_hub_refuses_is_a_sentence(served, monkeypatch):
    served.wrong.add("model.safetensors")
    with pytest.raises(BadInput, match="model.safetensors of org/safe did not arrive as the hub promises it"):
        adopt("org/safe", gallery=NOWHERE)
    find = adopting.find

    def refused_from_now_on(*asked: object) -> object:
        found = find(*asked)
        served.refused["org/safe"] = (403, "")
        return found

    monkeypatch.setattr(adopting, "find", refused_from_now_on)
    with pytest.raises(BadInput, match="The hub refuses org/safe .403.. Set HF_TOKEN"):
        adopt("org/safe", gallery=NOWHERE)


def test_what_cannot_be_loaded_does_not_stay_and_is_called_by_its_name(served, home, tmp_path):
    (tmp_path / "safe" / "config.json").write_text("{}")
    with pytest.raises(BadInput, match="^org/safe holds no model that is known here"):
        adopt("org/safe", gallery=NOWHERE)
    assert not [path for path in home.rglob("*") if path.is_file()]


def test_a_model_of_pickles_alone_is_refused_by_its_name_before_anything_is_downloaded(served, tmp_path):
    (tmp_path / "safe" / "model.safetensors").unlink()
    with pytest.raises(BadInput, match="^org/safe holds no safetensors"):
        adopt("org/safe", gallery=NOWHERE)
    assert served.sent == []


def test_the_licence_of_the_model_that_reads_texts_is_said_before_any_download(served, tmp_path, capsys):
    served.models["org/reader"] = tmp_path / "reader"
    (tmp_path / "reader").mkdir()
    (tmp_path / "reader" / "model.bin").write_bytes(b"")
    with pytest.raises(BadInput, match="^org/reader holds no safetensors"):
        adopt("org/safe", None, "org/reader", gallery=NOWHERE)
    said = capsys.readouterr().err
    assert all(f"org/{name}/tree/{SHA}: licence mit" in said for name in ("safe", "reader")) and served.sent == []


def test_an_open_clip_name_leads_to_its_repository(tmp_path):
    assert adopting._repository("ViT-B-32/laion2b_s34b_b79k") == "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
    assert adopting._repository("openai/clip-vit-base-patch32") == "openai/clip-vit-base-patch32"
    assert adopting._repository(str(tmp_path)) == str(tmp_path)
