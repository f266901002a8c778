"""Protocols: which items are held against which, by which labels, in which metrics.

PROTOCOLS has the project's own by name, `protocol` makes that of any data set in the catalogue, `find` gives either.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from training.datasets import catalogue, chairv2, flickr8k, folder, iaprtc12, labels_of, sketchy25, world
from training.datasets.concepts import tagged
from training.datasets.names import phrases
from xmr.modality import BadInput, Item, Modality

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
Kind = tuple[Modality, str | None]  # a modality, and the language for text
HITS = ("hit@1", "hit@5", "hit@10")
RANKED = (*HITS, "median_rank")
CAPTIONED = (*RANKED, "recall@1", "recall@5", "p@1", "p@5", "map")
CATEGORY = ("p@1", "p@10", "map")
UNSEEN = ("map", "map@200", "p@1", "p@100", "p@200")


@dataclass(frozen=True)
class Comparison:
    """Queries of one kind against a gallery of another: `key`/metric is what it is called in metrics.json."""

    key: str
    query: Kind
    gallery: Kind
    kind: str  # of the labels that make a match: class, instance, image or tag
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Protocol:
    """A named evaluation of the items of a split: each is searched among the others, or in the `gallery`'s items.

    The first comparison's sizes are what "queries" and "gallery" say in metrics.json.
    """

    name: str
    about: str
    items: Callable[[str], list[Item]]
    comparisons: tuple[Comparison, ...]
    gallery: Callable[[str], list[Item]] | None = None


def find(name: str) -> Protocol:
    """The protocol of that name: of PROTOCOLS, or `<data set>-test`; BadInput that lists the names.

    Raises MissingData where the data set of a `<data set>-test` is not on this machine.
    """
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    data = name.removesuffix("-test")
    if data == name or data not in catalogue.DATASETS:
        raise BadInput(f"There is no protocol {name!r}. Choose one of: {', '.join(PROTOCOLS)}, or <data set>-test with "
                       f"one of: {', '.join(catalogue.DATASETS)}.")  # fmt: skip
    return protocol(data)


def protocol(name: str, root: str | Path | None = None) -> Protocol:
    """`<name>-test` of a data set in the catalogue: every comparison that the test items' labels allow.

    Sketches find photos by class and by instance, captions and photos each other by image, and by tag where there are
    tags; a set of sketches or photos alone is held against itself by class. IAPR TC-12's 2,000 queries are searched, by
    tag, in the 18,000 photos that are none, as hashing papers do.
    """
    apart = name == "iaprtc12"

    def items(split: str) -> list[Item]:
        return catalogue.get(name).items(split, root)

    def gallery(split: str) -> list[Item]:
        return [item for part in iaprtc12.GALLERY if part != split for item in items(part)]

    about = f"{catalogue.get(name).about}; its test items."
    return Protocol(f"{name}-test", about, items, comparisons(items("test"), apart), gallery if apart else None)


def comparisons(items: list[Item], apart: bool = False) -> tuple[Comparison, ...]:
    """The comparisons that these items allow, by what modalities and labels they have. `apart`: they are searched in
    other photos, so that only classes and tags can meet."""
    kinds = {key: {kind for kind in ("class", "instance", "image", "tag") if any(labels_of(i, kind) for i in found)}
             - ({"instance", "image"} if apart else set()) for key, found in by_kind(items).items()}  # fmt: skip
    photo, sketch, found = (PHOTO, None), (SKETCH, None), []
    shared = kinds.get(photo, set()) & kinds.get(sketch, set())
    if "class" in shared:
        found.append(Comparison("sketch_to_photo/category", sketch, photo, "class", CATEGORY))
    if "instance" in shared:
        found.append(Comparison("sketch_to_photo/instance", sketch, photo, "instance", RANKED))
    for text in sorted((key for key in kinds if key[0] is TEXT), key=str):
        name = f"text_{text[1]}" if text[1] else "text"
        if photo in kinds and "image" in kinds[text]:
            found.append(Comparison(f"{name}_to_photo", text, photo, "image", RANKED))
            found.append(Comparison(f"photo_to_{name}", photo, text, "image", RANKED))
        if photo in kinds and "tag" in kinds[text]:
            found.append(Comparison(f"{name}_to_photo/tag", text, photo, "tag", CATEGORY))
            found.append(Comparison(f"photo_to_{name}/tag", photo, text, "tag", CATEGORY))
            if apart:
                found.append(Comparison(f"{name}_to_{name}/tag", text, text, "tag", CATEGORY))
    if apart and "tag" in kinds.get(photo, ()):
        found.append(Comparison("photo_to_photo/tag", photo, photo, "tag", CATEGORY))
    if not found:
        for key, name in ((sketch, "sketch"), (photo, "photo")):
            if "class" in kinds.get(key, ()):
                found.append(Comparison(f"{name}_to_{name}/category", key, key, "class", CATEGORY))
    return tuple(found)


def by_kind(items: Iterable[Item]) -> dict[Kind, list[Item]]:
    """The items by modality and language."""
    found: dict[Kind, list[Item]] = {}
    for item in items:
        found.setdefault((item.modality, item.language), []).append(item)
    return found


def _flickr(language: str) -> Protocol:
    def items(split: str) -> list[Item]:
        every = [i for i in flickr8k.items(split) if i.modality is PHOTO or i.language == language]
        told = {label for i in every if i.modality is TEXT for label in i.labels}
        return [i for i in every if i.labels & told]

    text, photo = (TEXT, language), (PHOTO, None)
    called = {"en": "English", "de": "German"}[language]
    return Protocol(
        f"flickr8k-test-{language}",
        f"Flickr8k's 1,000-photo test: the photos that have {called} captions, and all those captions.",
        items,
        (
            Comparison("text_to_photo", text, photo, "image", CAPTIONED),
            Comparison("photo_to_text", photo, text, "image", CAPTIONED),
        ),
    )


def _described(split: str) -> list[Item]:
    """Flickr8k's photos with the concepts that their captions name, and a description in each language."""
    return tagged(flickr8k.items(split))


def _described_others(split: str) -> list[Item]:
    """What the photos of a split are searched in: all others, but no test photos while weights are still chosen."""
    kept = [part for part in ("train", "val", "test", "extra") if part != split and (part != "test" or split == "test")]
    return [item for part in kept for item in _described(part)]


def _with_names(items: list[Item]) -> list[Item]:
    """The items and, as texts, what a person would type for each of their classes."""
    found = []
    for label in sorted({label for item in items for label in labels_of(item, "class")}):
        for language, texts in phrases(label.removeprefix("class:")).items():
            labels = frozenset({label})
            found += [Item(f"{label}#{language}{n}", TEXT, t, labels, language) for n, t in enumerate(texts)]
    return items + found


def _unseen(name: str, about: str) -> Protocol:
    def items(split: str) -> list[Item]:
        return catalogue.get(name).items(split, folder("sketchy25"))

    return Protocol(
        f"{name}-unseen",
        f"{about}: all of sketchy25's sketches of them against all its photos of them. p@K is of K answers, of which "
        "a class's 25 photos are the most that can match; map@200 is over the 25 that there are to find.",
        items,
        (
            Comparison("sketch_to_photo/category", (SKETCH, None), (PHOTO, None), "class", UNSEEN),
            Comparison("sketch_to_photo/instance", (SKETCH, None), (PHOTO, None), "instance", HITS),
        ),
    )


SKETCH_COMPARISONS = (
    Comparison("sketch_to_photo/category", (SKETCH, None), (PHOTO, None), "class", CATEGORY),
    Comparison("sketch_to_photo/instance", (SKETCH, None), (PHOTO, None), "instance", RANKED),
)
TEXT_COMPARISONS = tuple(
    Comparison(f"text_{language}_to_photo/category", (TEXT, language), (PHOTO, None), "class", CATEGORY)
    for language in ("en", "de")
)

TAG_COMPARISONS = tuple(
    Comparison(f"{key}/tag", query, gallery, "tag", CATEGORY)
    for language in ("en", "de")
    for key, query, gallery in (
        (f"text_{language}_to_photo", (TEXT, language), (PHOTO, None)),
        (f"photo_to_text_{language}", (PHOTO, None), (TEXT, language)),
    )
)

PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "world-test",
            "Rendered photos of one thing, drawings and captions of instances never trained on; text queries are whole "
            "captions.",
            lambda split: world.items(split, things="one"),
            (
                *SKETCH_COMPARISONS,
                *TEXT_COMPARISONS,
                *(
                    Comparison(f"text_{language}_to_photo/image", (TEXT, language), (PHOTO, None), "image", HITS)
                    for language in ("en", "de")
                ),
                Comparison("photo_to_photo/category", (PHOTO, None), (PHOTO, None), "class", CATEGORY),
            ),
        ),
        Protocol(
            "world-scenes",
            "Rendered photos of two to four things: counts, and how things stand to one another. A drawing or a whole "
            "caption finds the very picture.",
            lambda split: world.items(split, things="several"),
            (
                Comparison("sketch_to_photo/image", (SKETCH, None), (PHOTO, None), "image", HITS),
                *(
                    Comparison(f"text_{language}_to_photo/image", (TEXT, language), (PHOTO, None), "image", HITS)
                    for language in ("en", "de")
                ),
            ),
        ),
        _flickr("en"),
        _flickr("de"),
        Protocol(
            "flickr8k-tags",
            "Flickr8k's test photos and their descriptions (all captions of a language, one after another) against all "
            "its other photos, those trained on too, as hashing papers do; a match shares a concept that captions "
            "name.",
            _described,
            TAG_COMPARISONS,
            _described_others,
        ),
        Protocol(
            "world-tags",
            "Rendered photos of one to four things and their descriptions (all captions of a language, one after "
            "another); a match shows one of the same things, or the same place.",
            world.described,
            TAG_COMPARISONS,
        ),
        Protocol(
            "sketchy25-heldout",
            "Photos of all 125 Sketchy classes held out by photo id, with all sketches of them; text queries are class "
            "names in five phrasings.",
            lambda split: _with_names(sketchy25.items(split)),
            (*SKETCH_COMPARISONS, *TEXT_COMPARISONS),
        ),
        Protocol(
            "chairv2-test",
            "QMUL ChairV2: human sketches against the photos of the same part; instance.",
            chairv2.items,
            SKETCH_COMPARISONS[1:],
        ),
        _unseen("sketchy-1", "Sketchy's 25 random unseen classes"),
        _unseen("sketchy-2", "Sketchy's 21 unseen classes from outside ImageNet"),
    )
}
