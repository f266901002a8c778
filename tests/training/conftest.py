"""Tiny data sets and tiny networks, in place of the real ones, so that every system is trained whole in seconds."""

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
import transformers
from PIL import Image, ImageDraw
from safetensors.torch import save_file

from tests.training import tiny as write
from tests.training.settings import SEEN, UNSEEN
from training.systems import sketchy_gan
from training.towers import photo as photo_tower
from training.towers import regions
from training.towers.regions import RegionTower, faster_rcnn
from training.towers.sentence import SPECIAL
from xmr.modality import Item, Modality


@pytest.fixture(scope="session")
def _tiny_folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("tiny")
    write.write_data(root / "data")
    for split in ("train", "val", "test", "gallery"):
        write.write_world(root / "world", split, 6)
    return root


@pytest.fixture
def tiny_data(_tiny_folder, monkeypatch) -> Path:
    """Tiny copies of the real data sets and of the rendered world, where training looks for them."""
    monkeypatch.setenv("XMR_DATA", str(_tiny_folder / "data"))
    monkeypatch.setenv("XMR_WORLD", str(_tiny_folder / "world"))
    return _tiny_folder / "data"


@pytest.fixture
def tiny(monkeypatch) -> None:
    """In place of MobileNetV2 and timm's networks, a convolution of six features."""
    monkeypatch.setattr(photo_tower, "backbone", tiny_backbone)
    monkeypatch.setattr(sketchy_gan, "backbone", tiny_backbone)
    monkeypatch.setattr(regions, "backbone", tiny_backbone)


def tiny_backbone(cut: int = 0, name: str = "tiny") -> tuple[torch.nn.Module, torch.nn.Module, int]:
    """A network of six features, in the form of training.towers.photo.backbone; the same whenever it is made."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        upper = torch.nn.Sequential(torch.nn.Conv2d(6, 6, 1), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
        return torch.nn.Conv2d(3, 6, 16, stride=16), upper, 6


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory) -> Path:
    """A folder with a BERT of four layers and 8 features, which knows a few words of tiny's captions."""
    folder = tmp_path_factory.mktemp("hub") / "bert"
    folder.mkdir()
    words = [
        *SPECIAL,
        "[MASK]",
        *(word for text in (*write.ENGLISH, *write.GERMAN) for word in text.lower().split()),
        *write.COLOURS,
        "ein",
        "haus",
        "gross",
        "##es",
        *"0123456789",
        *(f"##{n}" for n in range(10)),
    ]
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(word for word in words if word != "{}")))
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    size = len(transformers.AutoTokenizer.from_pretrained(folder))
    config = transformers.BertConfig(
        vocab_size=size,
        hidden_size=8,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=96,
    )
    torch.manual_seed(0)
    transformers.BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture
def timm_weights(tmp_path, monkeypatch):
    """A function that writes random weights of one of timm's networks where training looks for them."""

    def write(name: str) -> None:
        save_file(timm.create_model(name).state_dict(), tmp_path / f"{name}.safetensors")
        monkeypatch.setenv("XMR_WEIGHTS", str(tmp_path))

    return write


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Five classes of Sketchy with 40 photos of one colour each, and a sketch of each of them."""
    rng = np.random.default_rng(0)
    for number, name in enumerate(SEEN + UNSEEN):
        for kind in ("photo", "sketch"):
            (tmp_path / "data" / kind / name).mkdir(parents=True)
        for n in range(40):
            colour = tuple(int(v) for v in np.clip(rng.normal(40 + 40 * number, 12, 3), 0, 255))
            Image.new("RGB", (30, 30), colour).save(tmp_path / "data" / "photo" / name / f"{name}{n}.jpg")
            page = Image.new("RGB", (60, 60), "white")
            ImageDraw.Draw(page).line([(5, 5 + 8 * number), (50, 10 + n)], fill="black", width=2)
            page.save(tmp_path / "data" / "sketch" / name / f"{name}{n}-1.png")
    return tmp_path / "data"


@pytest.fixture
def imagenet(tmp_path: Path, monkeypatch) -> None:
    """A photo each of five of ImageNet's classes, the first of them of a kind with an unseen one."""
    (tmp_path / "imagenet1000").mkdir()
    for n, name in enumerate(("ox", "red_fox", "tabby", "lion", "boxer")):
        photo = Image.new("RGB", (60, 60), "white")
        ImageDraw.Draw(photo).ellipse([10, 10, 40 + n, 50], fill="red")
        photo.save(tmp_path / "imagenet1000" / f"n0{n}_{name}.jpg")
    monkeypatch.setenv("XMR_DATA", str(tmp_path))


def region_backbone(cut: int, name: str = ""):
    pooled = torch.nn.Sequential(torch.nn.Conv2d(6, 8, 1), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    return torch.nn.Conv2d(3, 6, 16, stride=16), pooled, 8


@pytest.fixture
def tower(monkeypatch) -> RegionTower:
    monkeypatch.setattr(regions, "backbone", region_backbone)
    torch.manual_seed(0)
    return RegionTower(faster_rcnn(4, proposals=7, size=64), dim=5, hidden=4, dropout=0.0).eval()


@pytest.fixture
def photos(tmp_path) -> list[Item]:
    rng = np.random.default_rng(0)
    found = []
    for n in range(4):
        path = tmp_path / f"{n}.png"
        Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(path)
        found.append(Item(str(n), Modality.PHOTO, path, frozenset({f"image:{n}"})))
    return found
