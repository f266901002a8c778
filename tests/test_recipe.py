"""Recipes and what they draw: settings are checked by name, batches are matched by label."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from training.datasets.protocols import Comparison, Protocol
from training.evaluate import measure
from training.features import MapCache, pixels
from training.publish import platt
from training.recipes import BadRecipe, load, tri
from training.recipes.tri import Recipe, Tri
from training.sampling import Cycle, TextPool, Vocabulary, make_pool, merge
from training.towers.heads import ProjectionHead
from training.towers.photo import PhotoTower
from training.towers.text import TextTower, train_tokenizer
from training.vary import mixed, vary_sketches
from xmr.modality import Drawing, Item, Modality
from xmr.preprocess import Tokenizer

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
YAML = Path(__file__).parent.parent / "training" / "recipes" / "tri.yaml"


def test_the_recipe_loads_and_opens_with_its_command():
    recipe = load(Recipe, YAML)
    assert recipe.name == "tri" and recipe.stages[-1].steps > 0
    assert YAML.read_text().splitlines()[0] == "# python -m training fit tri"


def test_an_override_changes_one_setting():
    recipe = load(Recipe, YAML, ["stages.0.steps=3", "photo.hidden=7", "class_share=1"])
    assert (recipe.stages[0].steps, recipe.photo.hidden, recipe.class_share) == (3, 7, 1.0)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("photo.hiden=7", "Unknown setting 'photo.hiden'; did you mean 'hidden'"),
        ("stages.9.steps=3", "there is no '9' here"),
        ("photos.hidden=7", "did you mean 'photo'"),
        ("seed=many", "Expected int for 'seed', got 'many'"),
        ("seed", "Expected --set key=value"),
        ("stages.0.rates=[1]", "Expected settings under 'stages.0.rates"),
    ],
)
def test_a_wrong_override_names_what_is_wrong(override, message):
    with pytest.raises(BadRecipe, match=message.replace("[", r"\[")):
        load(Recipe, YAML, [override])


def test_a_cycle_shows_everything_once_a_pass_whatever_the_batches():
    cycle = Cycle(10, seed=1)
    passes = np.concatenate([cycle.take(start, 4) for start in range(0, 40, 4)]).reshape(4, 10)
    assert all(sorted(one) == list(range(10)) for one in passes)
    assert not (passes[0] == passes[1]).all()
    np.testing.assert_array_equal(Cycle(10, seed=1).take(17, 6), passes.ravel()[17:23])


class TinyTower(torch.nn.Module):
    """A photo tower of one convolution, so that maps can be cached without ImageNet's weights."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = torch.nn.Conv2d(3, 6, 56, stride=56)
        self.upper = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
        self.head = ProjectionHead(6, 8, 4)

    from_maps = PhotoTower.from_maps

    def maps(self, photo):
        x = photo.float() if photo.ndim == 4 else photo.float()[..., None].expand(-1, -1, -1, 3)
        return self.stem(x.permute(0, 3, 1, 2) / 255)

    def forward(self, photo):
        return self.head(self.upper(self.maps(photo)))


def _items(folder: Path) -> list[Item]:
    rng = np.random.default_rng(0)
    items = []
    for n in range(8):
        labels = frozenset({f"class:{('ant', 'dog')[n % 2]}", f"instance:{n}"})
        Image.new("RGB", (20, 20), tuple(rng.integers(0, 256, 3).tolist())).save(folder / f"{n}.png")
        items.append(Item(f"p{n}", PHOTO, folder / f"{n}.png", labels))
        if n < 4:
            stroke = Drawing((np.array([[0.0, 0], [10, 5 + n], [3, 9]]),))
            items.append(Item(f"s{n}", SKETCH, "", labels, facts={"drawing": stroke}))
        items += [Item(f"t{n}{la}", TEXT, f"{n} {la} caption", labels, la) for la in ("en", "de")]
    return items


@pytest.fixture
def vocabulary(tmp_path) -> Vocabulary:
    train_tokenizer([f"{n} {w} caption" for n in range(8) for w in ("en", "de")] * 4, 60, tmp_path / "t.json")
    return Vocabulary(Tokenizer(tmp_path / "t.json"), 16)


@pytest.fixture
def pool(tmp_path, vocabulary):
    torch.manual_seed(0)
    return make_pool("tiny", _items(tmp_path), TinyTower(), 2, vocabulary, tmp_path / "cache", own=0.5)


def test_cached_maps_are_the_stems_of_each_variant(tmp_path):
    items = [item for item in _items(tmp_path) if item.modality is PHOTO]
    tower = TinyTower()
    cache = MapCache(tower, items, 2, tmp_path / "cache")
    for row in (0, 5):
        for variant in (0, 1):
            wanted = tower.maps(torch.from_numpy(pixels(items[row], variant)[None]))[0].detach().numpy()
            np.testing.assert_allclose(cache[np.array([row]), np.array([variant])][0], wanted, atol=2e-3)
    (file,) = (tmp_path / "cache").iterdir()
    before = file.stat().st_mtime_ns
    MapCache(tower, items, 2, tmp_path / "cache")
    assert file.stat().st_mtime_ns == before  # the second time, nothing is computed


def test_varied_sketches_are_other_drawings_with_about_as_much_ink():
    torch.manual_seed(0)
    page = torch.full((64, 60, 60), 255, dtype=torch.uint8)
    page[:, 25:35, 20:40] = 0
    varied = vary_sketches(page, 48)
    assert varied.shape == (64, 48, 48) and varied.min() > -0.01 and varied.max() < 255.01
    ink = (255 - varied).sum((1, 2)) / 255 / (200 * 0.8**2)
    assert 0.5 < ink.median() < 1.1  # it may be smaller, and lose a piece
    assert len({one.numpy().tobytes() for one in varied}) == 64


def test_a_mixed_sketch_matches_what_both_of_its_sketches_match():
    torch.manual_seed(0)
    sketches = torch.rand(4, 5, 5)
    mixture, other, share = mixed(sketches, 0.4)
    torch.testing.assert_close(mixture, share * sketches + (1 - share) * sketches[other])
    seen = []
    model = Tri.__new__(Tri)
    torch.nn.Module.__init__(model)
    model.class_share, model.log_scale = 0.5, {"photo_sketch": torch.zeros(())}
    photos = {"group": torch.tensor([7, 8]), "cls": torch.tensor([1, 1])}
    drawn = {"group": torch.tensor([7, 8]), "cls": torch.tensor([1, -1]), "other": torch.tensor([1, 0]), "share": 0.75}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tri, "contrastive", lambda a, b, positive, scale: seen.append(positive))
        model.pair_loss(torch.eye(2), photos, torch.eye(2), drawn, "photo_sketch")
        model.pair_loss(torch.eye(2), drawn, torch.eye(2), photos, "photo_sketch")
    alone = torch.tensor([[1.0, 0.0], [0.5, 0.5]])  # (photo, sketch): by thing and class, none; by class, by thing
    wanted = 0.75 * alone + 0.25 * alone[:, [1, 0]]
    torch.testing.assert_close(seen[0], wanted)
    torch.testing.assert_close(seen[1], wanted.T)


def test_a_sketch_of_nothing_photographed_meets_a_photo_of_its_class_or_none(tmp_path, vocabulary):
    items = [item for item in _items(tmp_path) if item.modality is PHOTO]
    stroke = Drawing((np.array([[0.0, 0], [10, 5]]),))
    items += [
        Item(name, SKETCH, "", frozenset({f"class:{name}", f"instance:{name} of nowhere"}), facts={"drawing": stroke})
        for name in ("dog", "emu")
    ]
    pool = make_pool("tiny", items, TinyTower(), 1, vocabulary, tmp_path / "cache")
    part = pool.draw(np.random.default_rng(0), 0, 2, every_name=True)
    assert len(part["sketch"]["cls"]) == 2
    assert part["photo"]["cls"].tolist() == [vocabulary.number(frozenset({"class:dog"}))]


def test_a_drawn_part_matches_sketches_photos_captions_and_names_by_label(pool):
    part = pool.draw(np.random.default_rng(0), 0, 4, every_name=True)
    assert set(part) == {"sketch", "photo", "text_de", "text_en", "names"}
    assert len(part["names"]["cls"]) == 2 and len(part["photo"]["group"].unique()) == len(part["photo"]["group"])
    assert set(part["sketch"]["cls"].tolist()) <= set(part["photo"]["cls"].tolist())
    assert part["text_en"]["group"].tolist() == part["photo"]["group"].tolist()
    again = pool.draw(np.random.default_rng(0), 0, 4, every_name=True)
    assert torch.equal(part["photo"]["input"], again["photo"]["input"])


def test_parts_of_one_contest_are_put_together(pool):
    a, b = (pool.draw(np.random.default_rng(n), n, 2 + n, every_name=False) for n in (0, 1))
    sizes = {key: len(a[key]["group"]) + len(b[key]["group"]) for key in a if key in b}
    together: dict = {}
    merge(together, a)
    merge(together, b)
    assert {key: len(together[key]["group"]) for key in sizes} == sizes
    assert all(len({len(v) for v in part.values()}) == 1 for part in together.values())


def test_sentence_pairs_are_of_one_image_and_a_translation_has_its_originals_teacher(vocabulary):
    items = [
        Item("a", TEXT, "1 en caption", frozenset({"image:pair"}), "en"),
        Item("b", TEXT, "1 de caption", frozenset({"image:pair"}), "de"),
    ]
    taught = np.eye(4, dtype=np.float16)[0]
    drawn = TextPool(vocabulary, items, {"1 en caption": taught}).draw(np.random.default_rng(0), 0, 1)
    assert drawn["a_teacher"].tolist() == drawn["b_teacher"].tolist() == [taught.tolist()]
    assert not torch.equal(drawn["a"], drawn["b"])


def test_the_model_learns_a_tiny_pool(pool, vocabulary):
    """A whole batch through the real forward: the losses go down together."""
    torch.manual_seed(0)
    model = Tri.__new__(Tri)
    torch.nn.Module.__init__(model)
    model.photo, model.sketch = TinyTower(), TinyTower()
    model.text = TextTower(60, 8, width=16, depth=1, heads=2, max_tokens=16, dropout=0.0)
    model.to_teacher, model.class_share = torch.nn.Linear(16, 4), 0.0  # with two kinds of match no loss reaches 0
    pairs = ("photo_text", "photo_sketch", "sketch_text", "text_text")
    model.log_scale = torch.nn.ParameterDict({p: torch.nn.Parameter(torch.tensor(2.0)) for p in pairs})
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    weights = {**dict.fromkeys(tri.LOSSES, 1.0), "distil": 0.0}
    losses = []
    for _ in range(200):
        batch = {"tiny": pool.draw(np.random.default_rng(1), 0, 4, every_name=True)}
        losses.append(model(batch, None, weights))
        optimizer.zero_grad()
        losses[-1]["loss"].backward()
        optimizer.step()
    assert set(losses[0]) == {"photo_text", "photo_sketch", "sketch_text", "sketch_names", "loss"}
    assert losses[-1]["photo_text"] < 0.7 * losses[0]["photo_text"] and losses[-1]["loss"] < losses[0]["loss"]


def test_texts_of_all_lengths_come_back_in_their_order():
    torch.manual_seed(0)
    model = Tri.__new__(Tri)
    torch.nn.Module.__init__(model)
    model.text = TextTower(60, 8, width=16, depth=1, heads=2, max_tokens=16, dropout=0.0).eval()
    inputs = [torch.randint(2, 60, (3, 9)), torch.randint(2, 60, (4, 2))]
    wanted = torch.cat([model.text(ids) for ids in inputs])
    torch.testing.assert_close(model.embed_texts(inputs), wanted)


def test_a_protocol_counts_matches_by_label_and_says_what_chance_is():
    rng = np.random.default_rng(0)
    items = [Item(f"p{n}", PHOTO, "", frozenset({f"class:{n % 3}", f"image:{n}"})) for n in range(9)]
    items += [Item(f"s{n}", SKETCH, "", frozenset({f"class:{n % 4}"})) for n in range(8)]  # class 3 has no photo
    emb = {item.id: rng.normal(size=4) for item in items}
    comparison = Comparison("sketch_to_photo/category", (SKETCH, None), (PHOTO, None), "class", ("p@1",))
    protocol = Protocol("x", "about", lambda split: items, (comparison,))
    entry = measure(protocol, items, lambda some: np.stack([emb[i.id] for i in some]))
    hits = []
    for query in items[9:]:
        if "class:3" not in query.labels:
            best = max(items[:9], key=lambda photo: emb[query.id] @ emb[photo.id])
            hits.append(bool(best.labels & query.labels))
    assert entry["metrics"]["sketch_to_photo/category/p@1"] == pytest.approx(np.mean(hits), abs=1e-4)
    assert entry["chance"]["sketch_to_photo/category/p@1"] == pytest.approx(1 / 3, abs=1e-4)
    assert (entry["queries"], entry["gallery"], entry["dropped"], entry["seeds"]) == (8, 9, 2, 1)


def test_platts_curve_is_the_one_that_made_the_matches():
    rng = np.random.default_rng(0)
    scores = rng.uniform(-1, 1, 60000)
    matches = rng.random(60000) < 1 / (1 + np.exp(-(6 * scores - 2)))
    slope, intercept = platt(scores, matches, np.ones(60000))
    assert slope == pytest.approx(6, rel=0.05) and intercept == pytest.approx(-2, rel=0.05)
