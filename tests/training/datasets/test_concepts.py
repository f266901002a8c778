"""Concepts as tags: what two captions of a photo name, in whichever language."""

from training.datasets.concepts import CONCEPTS, tagged, tags
from xmr.modality import Item, Modality


def test_a_concept_counts_when_two_captions_name_it_in_any_language():
    assert tags({"en": ["A dog runs.", "An animal on the beach"], "de": ["Ein Hund am Strand"]}) == {"dog", "beach"}
    assert tags({"en": ["A dog runs."], "de": ["Ein Tier läuft."]}) == {"running"}


def test_a_word_counts_whole_or_from_its_beginning_where_the_list_says_so():
    assert tags({"en": ["a skateboarder", "skateboarding"], "de": []}) == {"skateboard"}
    assert tags({"en": ["a hotdog", "a hotdog"], "de": ["der Hundertste", "der Hundertste"]}) == frozenset()


def test_a_concept_named_twice_in_one_caption_counts_once():
    assert tags({"en": ["a man and another man"], "de": []}) == frozenset()


def test_every_concept_has_words_in_both_languages():
    assert len(CONCEPTS) >= 64 and all(len(words) == 2 and all(words) for words in CONCEPTS.values())


def test_a_photo_has_a_description_a_language_and_one_without_a_concept_is_left_out():
    items = []
    for name, en, de in (("a", ["A dog.", "Two dogs."], ["Ein Hund."]), ("b", ["Something.", "Blue."], ["Etwas."])):
        labels = frozenset({f"image:{name}"})
        items.append(Item(name, Modality.PHOTO, f"{name}.jpg", labels))
        for language, texts in (("en", en), ("de", de)):
            items += [Item(f"{name}#{language}{n}", Modality.TEXT, t, labels, language) for n, t in enumerate(texts)]
    found = tagged(items)
    assert [(item.id, item.content) for item in found] == [
        ("a", "a.jpg"),
        ("a#en", "A dog. Two dogs."),
        ("a#de", "Ein Hund."),
    ]
    assert all(item.labels == {"image:a", "tag:dog"} for item in found)
