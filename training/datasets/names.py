"""What a person would type for a class: the lexicon's words for Sketchy's 125, the class's own name for any other."""

from training.world.lexicon import LEXICON, English, a_or_an

TEMPLATES = {
    "en": ("{name}", "{a}", "a photo of {a}", "a picture of {a}", "a drawing of {a}"),
    "de": ("{name}", "{nom}", "ein Foto von {dat}", "ein Bild von {dat}", "eine Zeichnung von {dat}"),
}


def phrases(name: str, synonyms: bool = False) -> dict[str, list[str]]:
    """Five phrases for a class, by language: of its best known noun, or of each noun; German only from the lexicon.

    >>> phrases("okapi")["en"][:3]
    ['okapi', 'an okapi', 'a photo of an okapi']
    """
    if name not in LEXICON:
        noun = name.replace("_", " ")
        return {"en": [t.format(name=noun, a=f"{a_or_an(noun.lower())} {noun}") for t in TEMPLATES["en"]]}
    found = {}
    for language, templates in TEMPLATES.items():
        nouns = getattr(LEXICON[name], language)
        slots = [_slots(noun) for noun in (nouns if synonyms else nouns[:1])]
        found[language] = [template.format(**slot) for slot in slots for template in templates]
    return found


def spoken(name: str, language: str) -> str:
    """The name of a class in the lexicon to show a person: "car", "Auto"."""
    return _slots(getattr(LEXICON[name], language)[0])["name"]


def _slots(noun) -> dict[str, str]:
    if isinstance(noun, English):
        return {"name": noun.name, "a": noun.phrase()}
    return {"name": noun.nominative, "nom": noun.phrase("nom"), "dat": noun.phrase("dat")}
