"""Phrases for a class, as people type them: from the lexicon for Sketchy's 125 classes, or else from its name."""

from training.world.lexicon import LEXICON, English, a_or_an

TEMPLATES = {
    "en": ("{name}", "{a}", "a photo of {a}", "a picture of {a}", "a drawing of {a}"),
    "de": ("{name}", "{nom}", "ein Foto von {dat}", "ein Bild von {dat}", "eine Zeichnung von {dat}"),
}
# Classes outside the lexicon that take no article: plurals, mass nouns and names.
NO_ARTICLE = (
    "animal_migration beard binoculars broccoli camouflage drums flip_flops grapes grass headphones lightning matches "
    "pants peas pliers rain rollerskates shorts stairs stitches the_eiffel_tower the_great_wall_of_china the_mona_lisa "
    "toothpaste underwear yoga"
)


def phrases(name: str, synonyms: bool = False) -> dict[str, list[str]]:
    """Five phrases for a class in each language, for its first noun or for all synonyms; German only from the lexicon.

    >>> phrases("okapi")["en"][:3]
    ['okapi', 'an okapi', 'a photo of an okapi']
    """
    if name not in LEXICON:
        noun = name.replace("_", " ")
        told = noun if name in NO_ARTICLE.split() else f"{a_or_an(noun.lower())} {noun}"
        return {"en": list(dict.fromkeys(t.format(name=noun, a=told) for t in TEMPLATES["en"]))}
    found = {}
    for language, templates in TEMPLATES.items():
        nouns = getattr(LEXICON[name], language)
        slots = [_slots(noun) for noun in (nouns if synonyms else nouns[:1])]
        found[language] = [template.format(**slot) for slot in slots for template in templates]
    return found


def display_name(name: str, language: str) -> str:
    """The name of a class of the lexicon to show to people: "car", "Auto"."""
    return _slots(getattr(LEXICON[name], language)[0])["name"]


def _slots(noun) -> dict[str, str]:
    if isinstance(noun, English):
        return {"name": noun.name, "a": noun.phrase()}
    return {"name": noun.nominative, "nom": noun.phrase("nom"), "dat": noun.phrase("dat")}
