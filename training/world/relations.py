"""Captions of pictures that show several kinds of things and a spatial relation, in English and German.

As in captions.py, a caption says nothing that is not in the facts, and the five captions get longer.
"""

from __future__ import annotations

import random

from training.world.captions import POSES, Facts, act, english_words, fill, german_words, light_words, place_words
from training.world.lexicon import LEXICON

RELATIONS = {  # English and German prepositions; the German ones govern the dative of a place
    "beside": (("beside", "next to"), "neben"),
    "behind": (("behind",), "hinter"),
    "in front of": (("in front of",), "vor"),
    "on": (("on", "on top of"), "auf"),
    "between": (("between",), "zwischen"),
}
INVERSE = {"beside": "beside", "behind": "in front of", "in front of": "behind"}

TEMPLATES = {
    "en": (
        ("{a} {by} {b}", "{all}"),
        ("{a} {by} {b} {place}", "{all} {place}", "{a} {doing} {by} {b}", "{a} {by} {b} {light}"),
        ("a photo of {a} {by} {b}", "a picture of {all}", "a photo of {all} {place}"),
        (
            "{a} {verb} {by} {b}.",
            "there {is} {a} {by} {b} {place}.",
            "{by} {b} there {is} {a}.",
            "the photo shows {a} {by} {b}.",
            "{all} can be seen {place}.",
        ),
        (
            "{a} {verb} {by} {b} {place} {light}.",
            "{light}, {a} {verb} {by} {b} {place}.",
            "the picture shows {a} {by} {b} {place} {light}.",
            "there {is} {a} {doing} {by} {b} {place} {light}.",
        ),
    ),
    "de": (
        ("{nom} {by} {b}", "{all}"),
        ("{nom} {by} {b} {place}", "{all} {place}", "{nom}, {who} {by} {b}{end} {verb}", "{nom} {by} {b} {light}"),
        ("ein Foto von {dat} {by} {b}", "ein Bild von {all_dat}", "ein Foto von {all_dat} {place}"),
        (
            "{nom} {verb} {by} {b}{end}.",
            "{by} {b} {verb} {nom}{end}.",
            "das Foto zeigt {acc} {by} {b}.",
            "{place} sieht man {all_acc}.",
            "{place} {verb} {nom} {by} {b}{end}.",
        ),
        (
            "{nom} {verb} {light} {by} {b} {place}{end}.",
            "{light} {verb} {nom} {by} {b} {place}{end}.",
            "{place} {verb} {light} {nom} {by} {b}{end}.",
            "das Bild zeigt {acc} {by} {b} {place} {light}.",
        ),
    ),
}


def relate(relation: str, things: list[Facts], seed: int) -> dict[str, list[str]]:
    """Five different captions in each language, "en" and "de"; deterministic in the seed.

    Args:
        relation: of the first thing to the second, or "between" the second and the third.
        things:   facts of two or three things; place and light are the first one's.
        seed:     of the choices.
    """
    out = {}
    for language, ranks in TEMPLATES.items():
        rng = random.Random(f"{seed} {language} {relation} {things}")
        out[language] = [_say(language, templates, rank, relation, things, rng) for rank, templates in enumerate(ranks)]
    return out


def _say(
    language: str, templates: tuple[str, ...], rank: int, relation: str, things: list[Facts], rng: random.Random
) -> str:
    if relation in INVERSE and rng.random() < 0.35:  # a dog in front of a chair is a chair behind a dog
        relation, things = INVERSE[relation], things[::-1]
    first = things[0]
    many, action = first.count > 1, POSES.get(act(first))
    place, light = (rng.choice(words(first)[language == "de"]) for words in (place_words, light_words))
    slots = {"place": place, "light": light}
    if language == "en":
        names = [_english(one, rank, rng) for one in things]
        slots |= {
            "a": names[0],
            "b": _and(names[1:], "and"),
            "all": _and(names, "and"),
            "by": rng.choice(RELATIONS[relation][0]),
            "is": "are" if many else "is",
            "doing": action and action.en_doing,
            "verb": "are" if many else "is",
        }
        if action:
            slots["verb"] = rng.choice((action.en[many], f"{slots['is']} {action.en_doing}"))
        return fill(templates, slots, rng)
    names = [_german(one, rank, rng) for one in things]
    slots |= {case: names[0][case] for case in ("nom", "acc", "dat")}
    slots |= {
        "b": _and([name["dat"] for name in names[1:]], "und"),
        "by": RELATIONS[relation][1],
        "who": names[0]["who"],
        "all": _and([name["nom"] for name in names], "und"),
        "all_acc": _and([name["acc"] for name in names], "und"),
        "all_dat": _and([name["dat"] for name in names], "und"),
        "verb": action.de[many] if action else ("sind" if many else "ist"),
        "end": "" if action else " zu sehen",
    }
    return fill(templates, slots, rng)


def _english(facts: Facts, rank: int, rng: random.Random) -> str:
    adjectives, tail = english_words(facts, rank, rng) if _tells_attributes(rng) else ((), "")
    return rng.choice(LEXICON[facts.category].en).phrase(adjectives, tail, facts.count)


def _german(facts: Facts, rank: int, rng: random.Random) -> dict[str, str]:
    """The noun phrase in the cases nom, acc and dat, and "who", its relative pronoun."""
    adjectives, tail = german_words(facts, rank, rng) if _tells_attributes(rng) else ((), "")
    noun = rng.choice(LEXICON[facts.category].de)
    cases = {case: noun.phrase(case, adjectives, tail, facts.count) for case in ("nom", "acc", "dat")}
    return cases | {"who": "die" if facts.count > 1 else noun.article}


def _tells_attributes(rng: random.Random) -> bool:
    """Whether an object's attributes are mentioned: two full descriptions make a long sentence."""
    return rng.random() < 0.65


def _and(names: list[str], word: str) -> str:
    """Join names with commas and, before the last one, a word.

    >>> _and(["a dog", "a cat", "a chair"], "and")
    'a dog, a cat and a chair'
    """
    return f" {word} ".join(filter(None, (", ".join(names[:-1]), names[-1])))
