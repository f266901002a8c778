"""composer: learns, for the published tri, how the terms of a mixed query become one ranking of photos.

It is trained on rendered photos of things that no tower has seen, whose facts are exact, with the vectors of photos, of
words, and of doodles that the sketch tower was not trained on either, and so misreads as often as those to come. All
towers stay as they are published.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

from training.datasets import MissingData, catalogue, world
from training.datasets.mixed import Facts, coloured, placed, text
from training.datasets.names import phrases
from training.learn.evaluation import MIXED, evaluate_mixed
from training.learn.fit import Stage
from training.learn.recipe import load_recipe, train
from training.systems import PublishedSystem, further
from training.systems.further import encoded, form, loss_weights, score
from training.towers.composer import Composer, log_chance
from training.world.captions import COLOURS, MATERIALS, PLACES
from training.world.lexicon import LEXICON
from xmr import checkpoint, composer
from xmr.modality import Item, Modality

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
YAML = Path(__file__).with_suffix(".yaml")
THINGS = (
    "drawing",
    "drawing",
    "drawing",
    "photo",
    "name",
    "phrase",
)  # groups of which one term says which thing ..
ATTRIBUTES = ("colour", "colour", "place", "material", "phrase", "phrase")  # ... another what it is like ...
NAMING = ("drawing", "photo", "name", "phrase")  # say which thing
_LABELS = {f"class:{category}" for category in LEXICON}
UNWANTED = ("colour", "place", "name", "phrase", "drawing")  # ... and another what should not be there


@dataclass(frozen=True)
class Recipe(further.Recipe):
    """What composer.yaml sets; the comments there say what each setting changes."""

    rank: int
    hidden: int
    dropout: float
    noise: float
    floors: dict[str, float]
    named: dict[str, float]


@dataclass(frozen=True)
class Terms:
    """All that a query may be made of.

    Attributes:
        vectors: (T, dim) float32.
        kinds: (T,) int64, as xmr.composer.KINDS numbers them.
        met: (T, P) bool, which photos meet each.
        own: (T,) int64, the photo that a term is, or -1.
        groups: name -> the rows of the terms of one sort, such as "colour".
    """

    vectors: np.ndarray
    kinds: np.ndarray
    met: np.ndarray
    own: np.ndarray
    groups: dict[str, np.ndarray]


class Composed(nn.Module):
    """The composer, and the photos' vectors (P, dim) that it learns from."""

    def __init__(self, composer: Composer, photos: torch.Tensor, noise: float) -> None:
        super().__init__()
        self.composer, self.noise = composer, noise
        self.register_buffer("photos", photos, persistent=False)

    def forward(
        self,
        terms: torch.Tensor,
        kinds: torch.Tensor,
        met: torch.Tensor,
        weight: torch.Tensor,
        query: torch.Tensor,
        own: torch.Tensor,
        names: torch.Tensor,
        weights: dict[str, float],
    ) -> dict:
        """Losses by name, and their weighted sum as "loss".

        terms: (T, dim) of all queries, one after another. kinds: (T,). met: (T, P) bool, which photos meet each.
        weight: (T,) 1 or -1. query: (T,) int64, to which query each belongs. own: (T,) int64, the photo that a term is
        itself, which is no answer to it; -1 for none. names: (T,) bool, whether it names the thing.
        """
        apart = torch.where(weight > 0, query, -1 - torch.arange(len(query), device=query.device))
        readers, biases, floors = self.composer(terms, kinds, apart)  # what is unwanted names nothing for the others
        photos = F.normalize(self.photos + self.noise * torch.randn_like(self.photos) / self.photos.shape[1] ** 0.5)
        odds = readers @ photos.T + biases[:, None]  # (T, P)
        others = own[:, None] != torch.arange(len(photos), device=own.device)  # (T, P)
        wanted = (weight > 0)[:, None]
        chance = torch.where(wanted, log_chance(odds, floors), F.logsigmoid(-odds))
        found = torch.zeros(int(query.max()) + 1, len(photos), device=odds.device).index_add(0, query, chance)
        wrong = ((met != wanted) | ~others).float()
        right = torch.zeros_like(found).index_add(0, query, wrong) == 0  # (queries, P)
        asked = right.any(1)
        ranked = found[asked].log_softmax(1).masked_fill(~right[asked], -torch.inf)
        losses = {
            "ranking": -ranked.logsumexp(1).mean(),
            "terms": F.binary_cross_entropy_with_logits(odds[others], met[others].float()),
            "names": F.binary_cross_entropy_with_logits(self.composer.gates(terms, kinds)[:, 2], names.float()),
        }
        losses["loss"] = torch.stack([weights[name] * value for name, value in losses.items()]).sum()
        return losses


class Task:
    """The data, the model, and what a batch and a validation are."""

    def __init__(self, recipe: Recipe, cache: Path, folder: Path) -> None:
        self.recipe, self.cache = recipe, cache
        self.system = checkpoint.load(recipe.system, recipe.checkpoints)
        photos = [item for item in world.items("mixed") if item.modality is PHOTO]
        if not photos:
            raise MissingData("Expected photos of new things. Make them: python -m training render --split mixed=12")
        self.facts = Facts(photos)
        drawn = [item for item in catalogue.get("quickdraw").items("val") if item.labels & _LABELS]
        self.data = {"photos": photos, "drawings": drawn}
        vectors = encoded(self.system, photos, cache)
        self.terms = self._terms(photos, vectors, drawn)
        self.model = Composed(untrained(recipe, self.system.calibration), torch.from_numpy(vectors), recipe.noise)

    def _terms(self, photos: list[Item], photo_vectors: np.ndarray, drawn: list[Item]) -> Terms:
        facts, groups, asked = self.facts, {}, []  # asked: (item or vector, kind, met, own)
        by_class = {category: facts.shows(category=category) for category in LEXICON}

        def add(group: str, items: list[Item], vectors: np.ndarray, met: list[np.ndarray], own: list[int]) -> None:
            start = sum(len(part[0]) for part in asked)
            kind = composer.KINDS.index(items[0].modality)
            asked.append((vectors, np.full(len(items), kind), np.stack(met), np.array(own)))
            groups[group] = np.arange(start, start + len(items))

        met = [by_class[min(item.labels).removeprefix("class:")] for item in drawn]
        add("drawing", drawn, encoded(self.system, drawn, self.cache), met, [-1] * len(drawn))
        single = [row for row, photo in enumerate(photos) if "objects" not in photo.facts]
        met = [by_class[photos[row].facts["category"]] for row in single]
        add("photo", [photos[row] for row in single], photo_vectors[single], met, single)
        for group, told in words_for(facts).items():
            told = [(words, language, shown) for words, language, shown in told if shown.any()]
            items = [text(words, language) for words, language, _ in told]
            vectors = encoded(self.system, items, self.cache)
            add(group, items, vectors, [shown for *_, shown in told], [-1] * len(told))
        return Terms(*(np.concatenate([part[n] for part in asked]) for n in range(4)), groups)

    def begin(self, stage: Stage, step: int) -> None:
        pass

    def batch(self, stage: Stage, step: int, rng: np.random.Generator) -> dict:
        """The arguments of Composed.forward: queries of two terms or three, which some photo answers."""
        settings, terms = stage.settings, self.terms
        rows, signs, query = [], [], []
        while (count := query[-1] + 1 if query else 0) < settings["queries"]:
            photo = int(rng.integers(len(self.facts.photos)))
            chosen = [(str(rng.choice(THINGS)), 1), (str(rng.choice(ATTRIBUTES)), 1)]
            if rng.random() < settings["minus"]:
                chosen = chosen[: int(rng.integers(1, len(chosen) + 1))] + [(str(rng.choice(UNWANTED)), -1)]
            found = [self._term(group, photo, sign, rng) for group, sign in chosen]
            if None in found:
                continue
            rows += found
            signs += [sign for _, sign in chosen]
            query += [count] * len(chosen)
        return {
            "terms": torch.from_numpy(terms.vectors[rows]),
            "kinds": torch.from_numpy(terms.kinds[rows]),
            "met": torch.from_numpy(terms.met[rows]),
            "weight": torch.tensor(signs, dtype=torch.float32),
            "query": torch.tensor(query),
            "own": torch.from_numpy(terms.own[rows]),
            "names": torch.from_numpy(np.isin(rows, np.concatenate([terms.groups[group] for group in NAMING]))),
            "weights": loss_weights(settings),
        }

    def _term(self, group: str, photo: int, sign: int, rng: np.random.Generator) -> int | None:
        """A term of a group that the photo meets, or with a negative sign does not; but no photo as itself."""
        rows = self.terms.groups[group]
        fits = (self.terms.met[rows, photo] == (sign > 0)) & (self.terms.own[rows] != photo)
        return int(rng.choice(rows[fits])) if fits.any() else None

    @torch.inference_mode()
    def validate(self, stage: Stage) -> dict[str, float]:
        """world-mixed's figures on val, and "score": the mean of those in the recipe, by weight."""
        system = further.composed(self.system, self.model.composer)
        entry = evaluate_mixed(system, "val", lambda items: encoded(self.system, items, self.cache))
        return score({f"{MIXED}/{key}": value for key, value in entry["metrics"].items()}, self.recipe.score)


def words_for(facts: Facts) -> dict[str, list[tuple[str, str, np.ndarray]]]:
    """What words may say of photos: name of a group -> texts, their languages and which photos meet them (P,)."""
    found: dict[str, list] = {"name": [], "colour": [], "place": [], "material": [], "phrase": []}
    for category in LEXICON:
        shown = facts.shows(category=category)
        for language, texts in phrases(category, synonyms=True).items():
            found["name"] += [(words, language, shown) for words in texts]
        for colour in facts.values(category, "colour"):
            both = facts.shows(category=category, colour=colour)
            found["phrase"] += [(coloured(category, colour, language), language, both) for language in ("en", "de")]
        for place in facts.values(category, "place"):
            both = facts.shows(category=category, place=place)
            for language, (_, named, *_) in phrases(category).items():
                found["phrase"].append((f"{named} {placed(place, language)}", language, both))
    for colour, words in COLOURS.items():
        shown = facts.shows(colour=colour)
        texts = {"en": [w for one in words.en for w in (one, f"something {one}", f"in {one}", f"{one} colour")]}
        texts["de"] = [w for one in words.de for w in (one, *_endings(one), f"etwas {one}es", f"in {one}")]
        found["colour"] += [(words, language, shown) for language, many in texts.items() for words in many]
    for place, both in PLACES.items():
        for language, many in zip(("en", "de"), both, strict=True):
            for words in many:
                bare = words.split(maxsplit=1)[-1]
                found["place"] += [(one, language, facts.shows(place=place)) for one in (words, bare)]
    for material, words in MATERIALS.items():
        told = [("en", words.en), ("en", words.en_tail), ("de", words.de), ("de", words.de_tail)]
        found["material"] += [(one, language, facts.shows(material=material)) for language, one in told if one]
    return found


def _endings(adjective: str) -> list[str]:
    """ "rot" -> "rote", "roter", "rotes", "roten"."""
    stem = adjective if not adjective.endswith("e") else adjective[:-1]
    return [f"{stem}{ending}" for ending in ("e", "er", "es", "en")]


def empty(recipe: Recipe) -> Composer:
    """A composer of the recipe's form."""
    floors, named = (tuple(of[kind] for kind in composer.KINDS) for of in (recipe.floors, recipe.named))
    return Composer(form().dim, recipe.rank, recipe.hidden, recipe.dropout, floors, named)


def untrained(recipe: Recipe, calibration) -> Composer:
    """A composer that takes each term by the calibrated curve of its kind."""
    made = empty(recipe)
    with torch.no_grad():
        for number, kind in enumerate(composer.KINDS):
            curve = calibration[f"{kind}_to_photo"]
            made.slope[number], made.intercept[number] = curve["slope"], curve["intercept"]
    return made


def run(folder: Path, cache: Path, overrides: Sequence[str] = ()) -> Task:
    """Train into `folder`, or go on there."""
    return train(Recipe, YAML, folder, overrides, lambda recipe: Task(recipe, cache, folder))


def published(folder: Path) -> PublishedSystem:
    """The system whose vectors it composes, with the composer; all its towers stay as they are published."""
    recipe = load_recipe(Recipe, folder)
    made = empty(recipe)
    trained = load_file(folder / "best.safetensors")
    made.load_state_dict({name.removeprefix("composer."): value for name, value in trained.items()})
    said = (
        f" Queries of several terms are ranked by a composer (`python -m training fit {recipe.name}`): it reads from "
        "each term's vector what the term asks of a photo, and those that most likely meet all terms come first."
    )
    return further.published(form(), {}, further.card_with(recipe, said), made)
