"""Captions of rendered photos: the facts about a picture -> five English and five German captions.

A caption says nothing that is not in the facts. The five get longer: the thing; the thing and its place; the thing and
the view; a sentence with the place; a sentence with everything. "Rank" is a caption's position among the five.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from string import Formatter
from typing import NamedTuple

from training.world.lexicon import LEXICON, NUMBERS


class Colour(NamedTuple):
    """Adjectives of a colour in each language."""

    en: tuple[str, ...]
    de: tuple[str, ...]


class Material(NamedTuple):
    """A material as an adjective and as an addition after the noun; a language may lack either."""

    en: str
    en_tail: str
    de: str | None
    de_tail: str


class Pose(NamedTuple):
    """English verb (one, many) and participle; German verb (one, many) and participle."""

    en: tuple[str, str]
    en_doing: str
    de: tuple[str, str]
    de_doing: str


class View(NamedTuple):
    """Adverbs and headings in each language; a heading contains the noun phrase."""

    en: tuple[str, ...]
    en_heading: tuple[str, ...]
    de: tuple[str, ...]
    de_heading: tuple[str, ...]


COLOURS = {
    "red": Colour(("red",), ("rot",)),
    "orange": Colour(("orange",), ("orange", "orangefarben")),
    "yellow": Colour(("yellow",), ("gelb",)),
    "green": Colour(("green",), ("grün",)),
    "blue": Colour(("blue",), ("blau",)),
    "turquoise": Colour(("turquoise",), ("türkis", "türkisfarben")),
    "purple": Colour(("purple", "violet"), ("lila", "violett")),
    "pink": Colour(("pink",), ("rosa", "rosafarben", "pink")),
    "brown": Colour(("brown",), ("braun",)),
    "black": Colour(("black",), ("schwarz",)),
    "white": Colour(("white",), ("weiß",)),
    "grey": Colour(("grey", "gray"), ("grau",)),
    "beige": Colour(("beige",), ("beige", "beigefarben")),
    "gold": Colour(("gold", "golden"), ("golden", "goldfarben")),
    "silver": Colour(("silver",), ("silbern", "silberfarben")),
    "multicoloured": Colour(("multicoloured", "colourful", "colorful"), ("bunt", "mehrfarbig")),
}

MATERIALS = {
    "wood": Material("wooden", "made of wood", "hölzern", "aus Holz"),
    "metal": Material("metal", "made of metal", None, "aus Metall"),
    "plastic": Material("plastic", "made of plastic", None, "aus Plastik"),
    "ceramic": Material("ceramic", "made of ceramic", None, "aus Keramik"),
    "glass": Material("glass", "made of glass", "gläsern", "aus Glas"),
    "fabric": Material("fabric", "made of fabric", None, "aus Stoff"),
    "stone": Material("stone", "made of stone", "steinern", "aus Stein"),
    "fur": Material("fur", "made of fur", None, "aus Fell"),
    "leather": Material("leather", "made of leather", None, "aus Leder"),
    "straw": Material("straw", "made of straw", None, "aus Stroh"),
    "felt": Material("felt", "made of felt", None, "aus Filz"),
    "plush": Material("plush", "made of plush", None, "aus Plüsch"),
    "brick": Material("brick", "made of brick", None, "aus Backstein"),
    "rubber": Material("rubber", "made of rubber", None, "aus Gummi"),
    "paper": Material("paper", "made of paper", None, "aus Papier"),
}
HAS_MATERIAL = {"thing", "toy", "building", "boat"}  # kinds whose material captions mention

POSES = {
    "standing": Pose(("stands", "stand"), "standing", ("steht", "stehen"), "stehend"),
    "sitting": Pose(("sits", "sit"), "sitting", ("sitzt", "sitzen"), "sitzend"),
    "lying": Pose(("lies", "lie"), "lying", ("liegt", "liegen"), "liegend"),
    "walking": Pose(("walks", "walk"), "walking", ("läuft", "laufen"), "laufend"),
    "running": Pose(("runs", "run"), "running", ("rennt", "rennen"), "rennend"),
    "flying": Pose(("flies", "fly"), "flying", ("fliegt", "fliegen"), "fliegend"),
    "hovering": Pose(("hovers", "hover"), "hovering", ("schwebt", "schweben"), "schwebend"),
    "swimming": Pose(("swims", "swim"), "swimming", ("schwimmt", "schwimmen"), "schwimmend"),
    "floating": Pose(("floats", "float"), "floating", ("schwimmt", "schwimmen"), "schwimmend"),
    "aloft": Pose(("floats", "float"), "floating", ("schwebt", "schweben"), "schwebend"),
    "parked": Pose(("is parked", "are parked"), "parked", ("parkt", "parken"), "geparkt"),
}
STATES = {"open": ("open", "offen"), "closed": ("closed", "geschlossen"), "tilted": ("tilted", "geneigt")}  # adjectives
FLYING_POSES = {"flying", "hovering", "aloft"}
WINGED = {"aircraft", "bird", "insect", "bat"}  # kinds that fly when they are in the air
BREATHING = {"animal", "bird", "insect", "bat"}

# The first English phrase is definite: "the cup in the kitchen is red".
PLACES = {
    "studio": (
        ("in the studio", "against a plain backdrop", "against a plain background"),
        ("im Studio", "vor einem schlichten Hintergrund", "vor schlichtem Hintergrund"),
    ),
    "table": (("on the table", "on a table"), ("auf dem Tisch", "auf einem Tisch")),
    "grass": (("on the grass", "in a meadow"), ("auf der Wiese", "auf einer Wiese", "auf dem Gras")),
    "beach": (("on the beach", "on a beach", "on the sand"), ("am Strand", "an einem Strand", "im Sand")),
    "street": (("on the street", "on a street", "on the road"), ("auf der Straße", "auf einer Straße")),
    "snow": (
        ("in the snow", "in the snow", "in a snowy landscape"),
        ("im Schnee", "im Schnee", "in einer verschneiten Landschaft"),
    ),
    "desert": (("in the desert", "in a desert"), ("in der Wüste", "in einer Wüste")),
    "water": (("in the water",), ("im Wasser",)),
    "kitchen": (("in the kitchen", "in a kitchen"), ("in der Küche", "in einer Küche")),
    "forest": (("in the forest", "in a forest", "in the woods"), ("im Wald", "in einem Wald")),
    "night": (("in the dark",), ("im Dunkeln",)),
    "sky": (("in the sky", "in the air"), ("am Himmel", "in der Luft")),
}
OVER = {  # phrases for a flying thing: over a place instead of on it
    "grass": (("over the grass", "over a meadow"), ("über der Wiese", "über einer Wiese")),
    "beach": (("over the beach", "above a beach"), ("über dem Strand",)),
    "street": (("over the street", "above the road"), ("über der Straße", "über einer Straße")),
    "snow": (("over the snow",), ("über dem Schnee",)),
    "desert": (("over the desert",), ("über der Wüste",)),
    "water": (("over the water", "above the water"), ("über dem Wasser",)),
}
ON_WATER = (("on the water",), ("auf dem Wasser",))
INDOORS = {"studio", "table", "kitchen"}

LIGHTS = {
    "sun": (
        ("in the sunshine", "in bright sunlight", "on a sunny day"),
        ("bei Sonnenschein", "im Sonnenlicht", "an einem sonnigen Tag"),
    ),
    "overcast": (
        ("on a cloudy day", "on an overcast day", "under an overcast sky"),
        ("an einem bewölkten Tag", "bei bewölktem Himmel", "unter bedecktem Himmel"),
    ),
    "golden hour": (
        ("at golden hour", "in the warm light of the low sun", "in warm light"),
        ("zur goldenen Stunde", "im warmen Licht der tief stehenden Sonne", "in warmem Licht"),
    ),
    "night": (("at night",), ("bei Nacht", "in der Nacht")),
    "lamp": (("in the light of a lamp", "in lamplight"), ("im Schein einer Lampe", "im Lampenlicht")),
}
LIGHTS_INDOORS = {
    "sun": (("in bright light",), ("in hellem Licht", "bei hellem Licht")),
    "overcast": (("in soft light", "in diffuse light"), ("in weichem Licht", "bei weichem Licht")),
    "golden hour": (("in warm light",), ("in warmem Licht", "bei warmem Licht")),
    "night": (("in dim light",), ("bei schwachem Licht", "im Halbdunkel")),
    "lamp": LIGHTS["lamp"],
}

VIEWS = {
    "front": View(
        ("from the front",),
        ("front view of {a}",),
        ("von vorn", "von vorne"),
        ("Vorderansicht {gen}", "Frontansicht {gen}"),
    ),
    "side": View(("from the side",), ("side view of {a}",), ("von der Seite",), ("Seitenansicht {gen}",)),
    "back": View(
        ("from behind", "from the back"),
        ("rear view of {a}", "back view of {a}"),
        ("von hinten",),
        ("Rückansicht {gen}",),
    ),
    "three-quarter": View(
        ("at an angle",), ("three-quarter view of {a}",), ("schräg von der Seite",), ("Dreiviertelansicht {gen}",)
    ),
    "above": View(("from above",), ("view of {a} from above",), ("von oben",), ("Blick von oben auf {acc}",)),
}

# The templates of the five captions. A template is used only if the facts fill all of its slots.
TEMPLATES = {
    "en": (
        ("{a}", "{a}", "{bare}"),
        ("{a} {place}", "{bare} {place}", "{a} {doing} {place}", "a photo of {a} {place}", "{a} {light}"),
        ("{a} {view}", "{a} seen {view}", "{heading}", "a photo of {a} {view}", "{bare} {view}", "a picture of {a}"),
        (
            "{a} {verb} {place}.",
            "{a} {verb} {place}.",
            "there {is} {a} {place}.",
            "the photo shows {a} {place}.",
            "{the} {verb} {there}.",
            "{plain} {there} {is} {colour}.",
        ),
        (
            "{a} {verb} {place} {light}.",
            "{light}, {a} {verb} {place}.",
            "the picture shows {a} {place} {light}.",
            "there {is} {a} {doing} {place} {light}.",
            "the picture shows {a} {place} {light}, seen {view}.",
        ),
    ),
    "de": (
        ("{nom}", "{nom}", "{bare}"),
        (
            "{nom} {place}",
            "{bare} {place}",
            "{nom}, {who} {place}{end} {verb}",
            "ein Foto von {dat} {place}",
            "{nom} {light}",
        ),
        (
            "{nom} {view}",
            "{nom}, {view} gesehen",
            "{heading}",
            "ein Foto {gen} {view}",
            "{bare} {view}",
            "ein Bild von {dat}",
        ),
        (
            "{nom} {verb} {place}{end}.",
            "{place} {verb} {nom}{end}.",
            "das Foto zeigt {acc} {place}.",
            "{place} sieht man {acc}.",
            "{the} {verb} {there}{end}.",
            "{plain} {there} {is} {colour}.",
        ),
        (
            "{nom} {verb} {light} {place}{end}.",
            "{light} {verb} {nom} {place}{end}.",
            "{place} {verb} {light} {nom}{end}.",
            "das Bild zeigt {acc} {place} {light}.",
            "man sieht {acc} {light} {place}, {view} aufgenommen.",
        ),
    ),
}


@dataclass(frozen=True)
class Facts:
    """The facts about a picture.

    `colour`, `material`, `pose` and `view` are None if there is nothing to say, or if the things in it differ.

    Attributes:
        category: a class of the lexicon.
        count:    number of things.
        stance:   "ground", "water" (floating on it), "air" (above the place, or in the sky) or "under" (under water).

    Raises:
        ValueError: an unknown word.
    """

    category: str
    colour: str | None
    material: str | None
    place: str
    light: str
    view: str | None
    pose: str | None
    count: int = 1
    stance: str = "ground"

    def __post_init__(self):
        for name, words in (
            ("category", LEXICON),
            ("colour", [None, *COLOURS]),
            ("material", [None, *MATERIALS]),
            ("place", PLACES),
            ("light", LIGHTS),
            ("view", [None, *VIEWS]),
            ("pose", [None, *POSES, *STATES]),
            ("count", [1, *NUMBERS["en"]]),
            ("stance", ["ground", "water", "air", "under"]),
        ):
            if (value := getattr(self, name)) not in words:
                raise ValueError(f"captions know no {name} {value!r}; they know {', '.join(map(str, words))}")


def describe(facts: Facts, seed: int) -> dict[str, list[str]]:
    """Five different captions in each language, "en" and "de", the shortest first; deterministic in the seed."""
    return {language: _captions(facts, language, random.Random(f"{seed} {language} {facts}")) for language in TEMPLATES}


def _captions(facts: Facts, language: str, rng: random.Random) -> list[str]:
    slots = _english_slots if language == "en" else _german_slots
    return [fill(templates, slots(facts, rank, rng), rng) for rank, templates in enumerate(TEMPLATES[language])]


def fill(templates: tuple[str, ...], slots: dict[str, str | None], rng: random.Random) -> str:
    """Choose one of the templates whose slots are all known, and fill it; sentences get a capital letter."""
    known = {name: text for name, text in slots.items() if text is not None}
    usable = [t for t in templates if all(name in known for _, name, _, _ in Formatter().parse(t) if name)]
    caption = rng.choice(usable).format(**known)
    return caption[0].upper() + caption[1:] if caption.endswith(".") else caption


def _mentions(facts: Facts, rank: int, rng: random.Random) -> tuple[str | None, str | None, str | None]:
    """The colour, material and pose or state to mention in the noun phrase of caption `rank`.

    The first caption names the colour and the last one everything; the others leave things out at random.
    """
    colour = facts.colour if rank in (0, 4) or rng.random() < 0.8 else None
    material = (
        facts.material if LEXICON[facts.category].kind in HAS_MATERIAL and (rank == 4 or rng.random() < 0.5) else None
    )
    if facts.pose in STATES:
        return colour, material, facts.pose if rank == 4 or rng.random() < 0.7 else None
    return colour, material, act(facts) if facts.pose and rank == 2 and rng.random() < 0.5 else None


def english_words(facts: Facts, rank: int, rng: random.Random) -> tuple[list[str], str]:
    """The adjectives before the noun of caption `rank`, and the addition after it."""
    colour, material, pose = _mentions(facts, rank, rng)
    adjectives, tail = [], ""
    if pose and pose != "lying":  # "a lying dog" sounds wrong
        adjectives.append(STATES[pose][0] if pose in STATES else POSES[pose].en_doing)
    if colour:
        adjectives.append(rng.choice(COLOURS[colour].en))
    if material and rng.random() < 0.7:
        adjectives.append(MATERIALS[material].en)
    elif material:
        tail = MATERIALS[material].en_tail
    return adjectives, tail


def german_words(facts: Facts, rank: int, rng: random.Random) -> tuple[list[str], str]:
    """The same as `english_words` in German; the adjectives have no endings yet."""
    colour, material, pose = _mentions(facts, rank, rng)
    adjectives, tail = [], ""
    if pose:
        adjectives.append(STATES[pose][1] if pose in STATES else POSES[pose].de_doing)
    if colour:
        adjectives.append(rng.choice(COLOURS[colour].de))
    if material and MATERIALS[material].de and rng.random() < 0.3:
        adjectives.append(MATERIALS[material].de)
    elif material:
        tail = MATERIALS[material].de_tail
    return adjectives, tail


def _english_slots(facts: Facts, rank: int, rng: random.Random) -> dict[str, str | None]:
    (adjectives, tail), count = english_words(facts, rank, rng), facts.count
    noun = rng.choice(LEXICON[facts.category].en)
    many, action, view = count > 1, POSES.get(act(facts)), VIEWS.get(facts.view)
    places = place_words(facts)[0]
    slots = {
        "a": noun.phrase(adjectives, tail, count),
        "the": noun.phrase(adjectives, tail, count, article="the"),
        "bare": noun.phrase(adjectives, tail, count, article=""),
        "plain": noun.phrase(count=count, article="the"),
        "is": "are" if many else "is",
        "verb": "can be seen",
        "doing": action and action.en_doing,
        "colour": facts.colour and rng.choice(COLOURS[facts.colour].en),
        "place": rng.choice(places),
        "there": places[0],
        "light": rng.choice(light_words(facts)[0]),
        "view": view and rng.choice(view.en),
    }
    if action:
        slots["verb"] = rng.choice((action.en[many], f"{slots['is']} {action.en_doing}"))
    return slots | {"heading": view and rng.choice(view.en_heading).format(**slots)}


def _german_slots(facts: Facts, rank: int, rng: random.Random) -> dict[str, str | None]:
    (adjectives, tail), count = german_words(facts, rank, rng), facts.count
    noun = rng.choice(LEXICON[facts.category].de)
    many, action, view = count > 1, POSES.get(act(facts)), VIEWS.get(facts.view)
    places = place_words(facts)[1]
    slots = {case: noun.phrase(case, adjectives, tail, count) for case in ("nom", "acc", "dat", "gen")}
    slots |= {
        "the": noun.phrase("nom", adjectives, tail, count, article="der"),
        "bare": noun.phrase("nom", adjectives, tail, count, article=""),
        "plain": noun.phrase("nom", count=count, article="der"),
        "who": "die" if many else noun.article,
        "is": "sind" if many else "ist",
        "verb": action.de[many] if action else ("sind" if many else "ist"),
        "end": "" if action else " zu sehen",  # "ist auf der Wiese zu sehen"
        "colour": facts.colour and rng.choice(COLOURS[facts.colour].de),
        "place": rng.choice(places),
        "there": places[0],
        "light": rng.choice(light_words(facts)[1]),
        "view": view and rng.choice(view.de),
    }
    if many:
        slots["gen"] = f"von {slots['dat']}"
    return slots | {"heading": view and rng.choice(view.de_heading).format(**slots)}


def _in_air(facts: Facts) -> bool:
    floats = facts.pose == "floating" and LEXICON[facts.category].kind == "aircraft"
    return facts.place == "sky" or facts.stance == "air" or facts.pose in FLYING_POSES or floats


def act(facts: Facts) -> str | None:
    """The pose, or else what such a thing usually does in such a place; None if that would be a guess."""
    kind, rest = LEXICON[facts.category].kind, LEXICON[facts.category].rest
    if facts.pose in ("swimming", "floating") and facts.place in INDOORS:  # nothing swims indoors
        return None
    if facts.pose and facts.pose not in STATES:
        return "aloft" if facts.pose == "floating" and _in_air(facts) else facts.pose
    if _in_air(facts):
        act = rest if rest == "aloft" else "flying" if kind in WINGED else None
        return None if facts.place in INDOORS else act
    if facts.place == "water" and facts.stance == "water":
        return "swimming" if kind in BREATHING and rest != "floating" else "floating"
    if facts.place == "water":
        return rest if rest in ("swimming", "floating") else None
    stays = rest == "standing" or (rest == "lying" and facts.place != "studio")  # a studio may hold a thing upright
    return rest if stays else None


def place_words(facts: Facts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The phrases for the place in English and in German."""
    if _in_air(facts) and facts.place in OVER:
        return OVER[facts.place]
    if facts.place == "water" and LEXICON[facts.category].kind != "animal" and act(facts) in ("swimming", "floating"):
        return ON_WATER
    if facts.place == "night" and facts.light == "lamp" and not _in_air(facts):
        return LIGHTS["lamp"]
    return PLACES[facts.place]


def light_words(facts: Facts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The phrases for the light in English and in German."""
    if facts.place == "night":  # a lamp is then the place: "in the light of a lamp at night"
        return LIGHTS["night"]
    en, de = (LIGHTS_INDOORS if facts.place in INDOORS else LIGHTS)[facts.light]
    if facts.place == "sky":  # not "in the sky under an overcast sky"
        en, de = (tuple(w for w in words if not w.lower().endswith(("sky", "himmel"))) for words in (en, de))
    return en, de
