"""The towers: what is cut, folded, padded and distilled must not change what comes out."""

import os
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from timm.data import ImageNetInfo
from torch import nn

from training.towers.heads import Discriminant, Preserving, ProjectionHead, Recall
from training.towers.photo import PACKAGED, SHIPPED, Depthwise, PhotoTower, backbone, classifier, fold_norms
from training.towers.sketch import Mirrored, Resized, SketchTower
from training.towers.text import TextTower, bag_of_pieces, train_tokenizer
from training.vary import resized
from xmr.modality import BadInput
from xmr.preprocess import Tokenizer, photo_input

WEIGHTS = Path(os.environ.get("XMR_WEIGHTS", "../shared/weights")) / "mobilenetv2_100_imagenet.safetensors"
weights = pytest.mark.skipif(not WEIGHTS.is_file(), reason=f"MobileNetV2's weights are not at {WEIGHTS}")


def test_folding_norms_changes_no_answer():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Sequential(
        nn.Conv2d(4, 5, 1), nn.BatchNorm2d(5)), nn.BatchNorm2d(5)).eval()  # fmt: skip
    for norm in (m for m in net.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.running_mean.normal_(), norm.running_var.uniform_(0.5, 2), norm.weight.data.normal_(1)
    x = torch.randn(2, 3, 6, 6)
    before = net(x)
    fold_norms(net)
    assert sum(isinstance(m, nn.BatchNorm2d) for m in net.modules()) == 1  # the last one follows no convolution
    torch.testing.assert_close(net(x), before, rtol=1e-4, atol=1e-5)


@weights
def test_a_tower_cut_in_two_is_timms_network_wherever_it_is_cut():
    overlay = {"file": str(WEIGHTS), "mean": (0.5,) * 3, "std": (0.5,) * 3}
    whole = timm.create_model("mobilenetv2_100", pretrained=True, pad_type="same", pretrained_cfg_overlay=overlay)
    whole.eval()
    photo = torch.randint(0, 256, (2, 224, 224, 3), dtype=torch.uint8)
    wanted = whole.forward_head(whole.forward_features(photo.permute(0, 3, 1, 2) / 127.5 - 1), pre_logits=True)
    for cut in (3, 5):
        tower = PhotoTower(16, 8, cut).eval()
        torch.testing.assert_close(tower.upper(tower.maps(photo)), wanted, rtol=1e-3, atol=1e-3)
        assert not any(p.requires_grad for p in tower.stem.parameters())


@weights
def test_a_sketch_is_seen_as_a_grey_photo():
    sketch, photo = SketchTower(16, 8, 3).eval(), PhotoTower(16, 8, 3).eval()
    sketch.load_state_dict(photo.state_dict())
    ink = torch.randint(0, 256, (1, 224, 224), dtype=torch.uint8)
    torch.testing.assert_close(sketch(ink), photo(ink[..., None].expand(-1, -1, -1, 3)))
    assert sketch(ink).norm(dim=1).item() == pytest.approx(1)


@weights
def test_a_sketch_tower_that_begins_as_the_photo_tower_answers_alike_wherever_each_is_cut():
    sketch, photo = SketchTower(16, 8, 3).eval(), PhotoTower(16, 8, 5).eval()
    with torch.no_grad():
        for weight in [*photo.upper.parameters(), *photo.head.parameters()]:
            weight.add_(0.01 * torch.randn_like(weight))  # it was trained
    sketch.begin_as(photo)
    ink = torch.randint(0, 256, (1, 224, 224), dtype=torch.uint8)
    torch.testing.assert_close(sketch(ink), photo(ink[..., None].expand(-1, -1, -1, 3)))


def test_a_head_starts_as_its_linear_map():
    head = ProjectionHead(6, 4, 8)
    x = torch.randn(3, 6)
    wanted = nn.functional.normalize(head.linear(x), dim=1)
    torch.testing.assert_close(head(x), wanted)
    plain = ProjectionHead(6, 4, 0)
    plain.load_state_dict(head.linear.state_dict(prefix="linear."))
    torch.testing.assert_close(plain(x), wanted)


def test_preserved_features_count_by_the_square_of_their_share():
    head = Preserving(ProjectionHead(6, 4, 0), 6, 0.5)
    head.kept.centre.copy_(torch.randn(6))
    a, b = torch.randn(3, 6), torch.randn(3, 6)
    torch.testing.assert_close(head(a), head.head(a))  # in training the head is alone
    vectors = head.eval()(a)
    assert vectors.shape == (3, 10)
    learned, kept = (nn.functional.cosine_similarity(one(a), one(b)) for one in (head.head, head.kept))
    torch.testing.assert_close((vectors * head(b)).sum(1), (learned + 0.25 * kept) / 1.25)


def _text_tower(pieces: int = 50) -> TextTower:
    torch.manual_seed(0)
    tower = TextTower(pieces, 16, width=32, depth=2, heads=4, max_tokens=12, dropout=0.1).eval()
    for parameter in tower.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=0.2)  # the blocks start at zero, which would prove nothing
    return tower


def test_a_discriminant_counts_for_less_what_differs_within_a_class():
    rng = np.random.default_rng(0)
    classes = torch.arange(400) % 2
    across = torch.from_numpy(rng.normal(size=400)).float()  # says nothing of the class, and is much larger
    photos = torch.stack([across, 0.2 * (2.0 * classes - 1)], 1) + torch.tensor([3.0, 1.0])
    queries = photos[rng.permutation(400)] + torch.tensor([-2.0, 5.0])  # sketches lie elsewhere
    discriminant = Discriminant(2)
    torch.testing.assert_close(discriminant(queries), torch.nn.functional.normalize(queries))
    discriminant.settle(queries, photos, classes, shrinkage=0.01)
    within = np.cov((photos - photos.mean(0)).numpy()[:, 0])
    wanted = torch.tensor([[within + 0.005 * within, 0], [0, 0.005 * within]]).float().inverse()
    found = discriminant.linear.weight
    torch.testing.assert_close(found / found[1, 1], wanted / wanted[1, 1], atol=1e-3, rtol=0)
    asked = discriminant(torch.tensor([[2.0, 0.2], [-2.0, -0.2]]) + queries.mean(0))
    assert (asked @ (photos - photos.mean(0)).T)[0, classes == 1].min() > 0
    assert asked[1].allclose(-asked[0], atol=1e-5)


def test_a_mirrored_tower_takes_a_sketch_for_its_mirror_image():
    torch.manual_seed(0)
    tower = Mirrored(nn.Sequential(nn.Flatten(), nn.Linear(20, 3))).eval()
    sketches = torch.rand(4, 4, 5)
    with torch.inference_mode():
        found = tower(sketches)
        torch.testing.assert_close(tower(sketches.flip(2)), found)
        assert not tower.tower(sketches).allclose(tower.tower(sketches.flip(2)))
        torch.testing.assert_close(found.norm(dim=1), torch.ones(4))
        torch.testing.assert_close(tower(sketches[2:3]), found[2:3])


def test_a_resized_tower_gives_the_mean_of_what_it_sees_at_each_size():
    torch.manual_seed(0)
    seen = []

    class Ink(nn.Module):
        def forward(self, sketch):
            seen.append(sketch)
            return nn.functional.normalize(torch.stack([sketch.mean((1, 2)), sketch[:, 0, 0]], 1))

    sketches = (torch.rand(3, 20, 20) * 255).byte()
    found = Resized(Ink(), 20, (8, 13, 20))(sketches)
    shown = [resized(sketches, side) for side in (8, 13, 20)]  # as in training
    for one, wanted in zip(seen, shown, strict=True):
        torch.testing.assert_close(one, wanted, atol=1e-3, rtol=0)
    torch.testing.assert_close(found, nn.functional.normalize(sum(map(Ink(), shown))))


def test_what_is_recalled_is_what_a_softmax_expects_of_the_memory():
    memory, vector = torch.eye(3), torch.tensor([[0.8, 0.6, 0.0]])
    likely = torch.tensor([np.exp(8), np.exp(6), 1.0]).float()
    wanted = torch.nn.functional.normalize(vector + 0.5 * likely / likely.sum())
    torch.testing.assert_close(Recall(memory, torch.tensor(10.0), share=0.5)(vector), wanted)


def test_padding_changes_no_vector():
    tower = _text_tower()
    ids = torch.randint(2, 50, (3, 5))
    padded = nn.functional.pad(ids, (0, 6))
    torch.testing.assert_close(tower(padded), tower(ids))


def test_the_order_of_words_counts():
    tower = _text_tower()
    assert not torch.allclose(tower(torch.tensor([[5, 6, 7]])), tower(torch.tensor([[7, 6, 5]])), atol=1e-3)


def test_the_tokenizer_folds_case_and_knows_no_foreign_letters(tmp_path):
    texts = ["A brown dog runs over grass", "Ein brauner Hund läuft über Gras", "zwei Männer", "a red car"] * 5
    train_tokenizer(texts, 80, tmp_path / "t.json")
    table = Tokenizer(tmp_path / "t.json")
    assert (table.encode(["DOG über"], 16) == table.encode(["dog ÜBER"], 16)).all()
    assert table.known("hund") and not table.known("狗") and not table.known("🐕") and not table.known("!?")
    ids = table.encode(["a dog", "a brown dog runs over"], 16)
    assert ids[0, -1] == 0 and (ids[1] > 0).all()


def test_the_bag_of_pieces_imitates_a_teacher_that_is_one():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    meaning = rng.normal(size=(50, 40)).astype(np.float32)
    ids = [rng.integers(2, 50, rng.integers(2, 9)) for _ in range(600)]
    targets = np.stack([meaning[row].mean(0) for row in ids])
    targets /= np.linalg.norm(targets, axis=1, keepdims=True)
    tower = TextTower(50, 16, width=32, depth=1, heads=4, max_tokens=12, dropout=0.0).eval()
    to_teacher = nn.Linear(32, 40)
    bag_of_pieces(tower, to_teacher, ids, targets)
    with torch.no_grad():
        guesses = np.stack([to_teacher(tower.features(torch.from_numpy(row)[None]))[0].numpy() for row in ids])
    cosine = (guesses * targets).sum(1) / np.linalg.norm(guesses, axis=1)
    assert cosine.mean() > 0.9, cosine.mean()


def test_a_network_of_timm_is_read_from_a_folder_and_sees_pixels_as_it_was_trained(tmp_path, monkeypatch):
    torch.manual_seed(0)
    wanted = timm.create_model("resnet10t", num_classes=0).eval()
    whole = timm.create_model("resnet10t")
    whole.load_state_dict(wanted.state_dict(), strict=False)
    save_file(whole.state_dict(), tmp_path / "resnet10t.safetensors")
    monkeypatch.setenv("XMR_WEIGHTS", str(tmp_path))
    stem, upper, features = backbone(0, "resnet10t")
    pixels = torch.rand(1, 3, 64, 64)
    mean, std = (torch.tensor(wanted.pretrained_cfg[key])[:, None, None] for key in ("mean", "std"))
    with torch.inference_mode():
        torch.testing.assert_close(upper(stem(pixels * 2 - 1)), wanted((pixels - mean) / std), atol=1e-5, rtol=1e-5)
    assert features == wanted.num_features
    with pytest.raises(BadInput, match="set photo_cut and sketch_cut to 0"):
        backbone(2, "resnet10t")


def test_a_network_that_timm_lacks_is_named():
    with pytest.raises(BadInput, match="timm has no model 'resnet1'"):
        backbone(0, "resnet1")


@pytest.mark.parametrize("name", [pytest.param(SHIPPED, marks=weights), *PACKAGED])
def test_a_cut_network_recognises_photos_as_the_whole_one_does(name):
    folder = Path(os.environ.get("XMR_DATA", "../shared/data")) / "imagenet1000"
    if not folder.is_dir():
        pytest.skip(f"ImageNet's photos are not at {folder}")
    (stem, upper, _), last, known = backbone(5, name), classifier(name), ImageNetInfo()
    photos = sorted(folder.rglob("*.jpg"))[::50]
    pixels = torch.from_numpy(np.stack([photo_input(Image.open(path).convert("RGB"), 224) for path in photos]))
    with torch.inference_mode():
        found = last(upper(stem(pixels.permute(0, 3, 1, 2).float() / 127.5 - 1))).argmax(1).tolist()
    told = [known.index_to_label_name(one) for one in found]
    right = sum(name == path.name.partition("_")[0] for name, path in zip(told, photos, strict=True))
    assert right >= 0.6 * len(photos)


@pytest.mark.parametrize(("kernel", "stride"), [(5, 1), (3, 2)])
def test_a_depthwise_convolutions_gradients_are_those_of_the_convolution(kernel, stride):
    torch.manual_seed(0)
    conv = nn.Conv2d(8, 8, kernel, stride, kernel // 2, groups=8)
    x, found = torch.randn(4, 8, 12, 12), []
    for module, half in ((conv, False), (Depthwise(conv), False), (Depthwise(conv), True)):
        conv.zero_grad()
        seen = x.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            answer = module(seen)
        answer.float().square().sum().backward()
        found.append([answer.float().detach(), seen.grad, conv.weight.grad, conv.bias.grad])
        assert answer.dtype is (torch.bfloat16 if half else torch.float32)
    for exact, same, near in zip(*found, strict=True):
        torch.testing.assert_close(same, exact)
        torch.testing.assert_close(near, exact, atol=0.02 * float(exact.abs().max()), rtol=0.02)
    conv.weight.requires_grad_(False)
    seen = x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        Depthwise(conv)(seen).float().square().sum().backward()
    torch.testing.assert_close(seen.grad, found[2][1])  # also where the layer itself is frozen
