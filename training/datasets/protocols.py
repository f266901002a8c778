"""Evaluation protocols: the queries, the gallery, the labels that make a match, and the metrics.

PROTOCOLS has the project's own protocols by name; `protocol` makes one for any data set in the catalogue; `find` looks
up both, by one of `names`.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from training.datasets import (
    catalogue,
    chairv2,
    demo,
    flickr8k,
    folder,
    iaprtc12,
    labels_of,
    mixed,
    paper,
    sketchy,
    sketchy25,
    typing,
    world,
)
from training.datasets.concepts import tagged
from training.datasets.hands import halves
from training.datasets.names import phrases
from xmr.evaluation import SAYS_MORE, Comparison, Protocol, by_kind
from xmr.modality import BadInput, Item, Modality

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
HITS = ("hit@1", "hit@5", "hit@10")
RANKED = (*HITS, "median_rank")
CAPTIONED = (*RANKED, "recall@1", "recall@5", "p@1", "p@5", "map")
CATEGORY = ("p@1", "p@10", "map")
DOODLED = ("p@1", "any@10", "map")
UNSEEN = ("map", "map@200", "p@1", "p@100", "p@200")
FOLD = 1000  # photos in a fold of COCO's "1K" test
IN_FOLDS = "-1k"  # ends the name of a protocol that is the mean over such folds


def names() -> list[str]:
    """The names of all protocols: those of PROTOCOLS, and of each data set in the catalogue `<data set>-test` and
    `<data set>-test-1k`, which is the same in `folds`."""
    return [*PROTOCOLS, *(f"{data}-test{end}" for data in catalogue.DATASETS for end in ("", IN_FOLDS))]


def find(name: str) -> Protocol:
    """Look up a protocol by one of `names`.

    Raises:
        BadInput:    there is no such protocol; the message lists the names.
        MissingData: the data set of a `<data set>-test` is not on this machine.
    """
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    if name not in names():
        raise BadInput(
            f"There is no protocol {name!r}. Choose one of: {', '.join(PROTOCOLS)}, or <data set>-test with "
            f"one of: {', '.join(catalogue.DATASETS)}."
        )
    if name.endswith(IN_FOLDS):
        whole = find(name.removesuffix(IN_FOLDS))
        return replace(whole, name=name, about=f"{whole.about} The mean over folds of {FOLD:,} photos.")
    return protocol(name.removesuffix("-test"))


def of_data(name: str) -> list[str]:
    """The names of the protocols that measure a data set in the catalogue as papers do. Of COCO in Karpathy's split
    they report all 5,000 test photos ("5K"), and the mean over five folds ("1K")."""
    return [f"{name}-test", *([f"{name}-test{IN_FOLDS}"] if name == "coco-karpathy" else [])]


def folds(items: list[Item]) -> Iterator[list[Item]]:
    """Photos in groups of FOLD, in their order, each with the captions of its photos; photos that fill no fold are left
    out, unless there are none but these."""
    photos = [item for item in items if item.modality is PHOTO]
    for start in range(0, max(len(photos) // FOLD, 1) * FOLD, FOLD):
        labels = {label for photo in photos[start : start + FOLD] for label in labels_of(photo, "image")}
        yield [item for item in items if labels_of(item, "image") & labels]


def protocol(name: str, root: str | Path | None = None) -> Protocol:
    """The protocol `<name>-test` of a data set in the catalogue: all comparisons that the test items' labels allow.

    Sketches search photos by class and by instance. Captions and photos search each other by image, one by one and
    averaged, and by tag if there are tags. A data set with only sketches or only photos searches itself by class. IAPR
    TC-12's 2,000 queries search the other 18,000 photos by tag, as in hashing papers. Sketchy's classes that were held
    out are measured as in zero-shot papers.

    Args:
        name: of the data set.
        root: its folder; None for the default.
    """
    apart = name == "iaprtc12"

    def items(split: str) -> list[Item]:
        return catalogue.get(name).items(split, root)

    def gallery(split: str) -> list[Item]:
        return [item for part in iaprtc12.GALLERY if part != split for item in items(part)]

    about = f"{catalogue.get(name).about}; its test items."
    category = UNSEEN if name in sketchy.ZERO_SHOT else CATEGORY
    found = comparisons(items("test"), apart, category)
    return Protocol(f"{name}-test", about, items, found, gallery if apart else None)


def comparisons(items: list[Item], apart: bool = False, category: tuple[str, ...] = CATEGORY) -> tuple[Comparison, ...]:
    """The comparisons that these items' modalities and labels allow.

    Args:
        items:    queries.
        apart:    the queries search other items, so only classes and tags can match.
        category: the metrics of sketches that search photos by class.
    """
    kinds = {
        key: {kind for kind in ("class", "instance", "image", "tag") if any(labels_of(i, kind) for i in found)}
        - ({"instance", "image"} if apart else set())
        for key, found in by_kind(items).items()
    }
    photo, sketch, found = (PHOTO, None), (SKETCH, None), []
    shared = kinds.get(photo, set()) & kinds.get(sketch, set())
    if "class" in shared:
        found.append(Comparison("sketch_to_photo/category", sketch, photo, "class", category))
    if "instance" in shared:
        found.append(Comparison("sketch_to_photo/instance", sketch, photo, "instance", RANKED))
    for text in sorted((key for key in kinds if key[0] is TEXT), key=str):
        name = f"text_{text[1]}" if text[1] else "text"
        if photo in kinds and "image" in kinds[text]:
            found.append(Comparison(f"{name}_to_photo", text, photo, "image", RANKED))
            found.append(Comparison(f"photo_to_{name}", photo, text, "image", RANKED))
            found += averaged(name, text)
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


def averaged(name: str, text: tuple[Modality, str | None]) -> tuple[Comparison, Comparison]:
    """Photos and the means of their captions' vectors, both ways. name: of the captions in the metrics' keys."""
    photo = (PHOTO, None)
    return (
        Comparison(f"{name}_to_photo/averaged", text, photo, "image", RANKED, averaged=True),
        Comparison(f"photo_to_{name}/averaged", photo, text, "image", RANKED, averaged=True),
    )


def _flickr(language: str) -> Protocol:
    def items(split: str) -> list[Item]:
        every = [i for i in flickr8k.items(split) if i.modality is PHOTO or i.language == language]
        captioned = {label for i in every if i.modality is TEXT for label in i.labels}
        return [i for i in every if i.labels & captioned]

    text, photo = (TEXT, language), (PHOTO, None)
    called = {"en": "English", "de": "German"}[language]
    return Protocol(
        f"flickr8k-test-{language}",
        f"Flickr8k's 1,000-photo test: the photos that have {called} captions, and all those captions. "
        "averaged: a photo's captions count as one, the mean of their vectors.",
        items,
        (
            Comparison("text_to_photo", text, photo, "image", CAPTIONED),
            Comparison("photo_to_text", photo, text, "image", CAPTIONED),
            *averaged("text", text),
        ),
    )


def _described(split: str) -> list[Item]:
    """Flickr8k's photos tagged with the concepts in their captions, and a description in each language."""
    return tagged(flickr8k.items(split))


def _described_others(split: str) -> list[Item]:
    """The gallery for a split: the photos of train, val and extra without the split itself."""
    parts = [part for part in ("train", "val", "extra") if part != split]
    return [item for part in parts for item in _described(part)]


def _with_names(items: list[Item]) -> list[Item]:
    """The items, and the phrases that people type for each of their classes, as text items."""
    found = []
    for label in sorted({label for item in items for label in labels_of(item, "class")}):
        for language, texts in phrases(label.removeprefix("class:")).items():
            labels = frozenset({label})
            found += [Item(f"{label}#{language}{n}", TEXT, t, labels, language) for n, t in enumerate(texts)]
    return items + found


def _typed_items(split: str) -> list[Item]:
    """What the demo gallery's classes are called, and captions of one photo of each, as people type them."""
    found, taken = [], set()
    captions = demo.captions()
    for photo in demo.items() if split == "val" else reversed(demo.items()):
        label, *others = sorted(photo.labels)
        if others or label in taken:
            continue
        taken.add(label)
        texts = phrases(label.removeprefix("class:"))
        for language in ("en", "de"):
            told = [(text, {}) for text in texts[language][:2]] + [(captions[photo.id][language], {SAYS_MORE: True})]
            found += [
                Item(f"{label}#{language}{n}", TEXT, text, frozenset({label}), language, facts)
                for n, (text, facts) in enumerate(told)
            ]
    return typing.typed(found, typing.KINDS, split)


def _paper_items(split: str) -> list[Item]:
    return paper.items([item for item in sketchy25.items(split) if item.modality is SKETCH])


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


def _doodles(name: str, about: str, gallery: Callable[[str], list[Item]]) -> Protocol:
    def items(split: str) -> list[Item]:
        known = {label for photo in gallery(split) for label in photo.labels}
        drawn = [item for item in catalogue.get("quickdraw").items(split) if item.labels & known]
        return drawn + halves(drawn)

    return Protocol(
        name,
        f"Quick, Draw!'s doodles of the classes that the gallery has, whether the game guessed them or not, against "
        f"{about}. any@10: the class is among the first ten answers; half: of the same doodles, the first half of the "
        "ink.",
        items,
        tuple(
            Comparison(f"sketch_to_photo/{key}", (SKETCH, style), (PHOTO, None), "class", DOODLED)
            for key, style in (("category", None), ("half", "half"))
        ),
        gallery,
    )


def _photos(items: list[Item]) -> list[Item]:
    return [item for item in items if item.modality is PHOTO]


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
            "QMUL ChairV2: human sketches of chairs against the photos of the test part; right is only the very chair "
            "of the sketch.",
            chairv2.items,
            SKETCH_COMPARISONS[1:],
        ),
        _doodles("quickdraw-demo", "the photos of the demo gallery", lambda split: demo.items()),
        _doodles(
            "quickdraw-photos",
            "sketchy25's real photos that are held out",
            lambda split: _photos(sketchy25.items(split)),
        ),
        Protocol(
            "out-of-gallery",
            "Doodles of all that Quick, Draw! names, and those names as texts, against the demo gallery, which has a "
            "part of these things. auroc: how well the best score tells what it has from what it has not.",
            lambda split: _with_names(catalogue.get("quickdraw").items(split)),
            (
                Comparison("sketch", (SKETCH, None), (PHOTO, None), "class", ("auroc",)),
                Comparison("text", (TEXT, "en"), (PHOTO, None), "class", ("auroc",)),
            ),
            lambda split: demo.items(),
        ),
        Protocol(
            "paper-demo",
            "sketchy25's held-out human sketches as people bring them (photographed paper, scans, ruled pages, boards, "
            "faint and thick pens: a metric a style) against the photos of the demo gallery. clean: the same sketches "
            "as they were drawn; any@10: the class is among the first ten.",
            _paper_items,
            tuple(
                Comparison(f"sketch_to_photo/{style}", (SKETCH, style), (PHOTO, None), "class", ("p@1", "any@10"))
                for style in ("clean", *paper.STYLES)
            ),
            lambda split: demo.items(),
        ),
        Protocol("world-mixed", mixed.ABOUT, mixed.items, (), lambda split: demo.items()),
        Protocol(
            "typed-demo",
            "Names and captions of what the demo gallery shows, English and German, as people type them: one letter "
            "dropped, doubled, swapped with its neighbour or hit beside, two slips in a long word, in capitals, with "
            "marks, with umlauts written out or without their dots, without articles, in another order (a metric a "
            "kind); read as the app reads them. clean: as they are.",
            _typed_items,
            tuple(
                Comparison(f"text_to_photo/{style}", (TEXT, style), (PHOTO, None), "class", ("p@1", "any@10"))
                for style in ("clean", *typing.KINDS)
            ),
            lambda split: demo.items(),
        ),
        _unseen("sketchy-1", "Sketchy's 25 random unseen classes"),
        _unseen("sketchy-2", "Sketchy's 21 unseen classes from outside ImageNet"),
        _unseen(sketchy.DEVELOPMENT, "20 of Sketchy's classes that sketchy-2 has seen"),
    )
}
