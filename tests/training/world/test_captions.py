"""Captions say exactly what the facts hold, in grammatical English and German."""

import random
import re

import pytest

from training.world.captions import (
    COLOURS,
    LIGHTS,
    MATERIALS,
    PLACES,
    POSES,
    STATES,
    VIEWS,
    Facts,
    describe,
)
from training.world.families import families
from training.world.lexicon import LEXICON, NUMBERS, English, German

# The first German noun of a class with an adjective, by hand: nominative, accusative, dative, genitive, dative of two.
DECLINED = {
    "bear": ("brauner Bär", "braunen Bären", "braunen Bären", "braunen Bären", "braunen Bären"),
    "lion": ("brauner Löwe", "braunen Löwen", "braunen Löwen", "braunen Löwen", "braunen Löwen"),
    "elephant": ("grauer Elefant", "grauen Elefanten", "grauen Elefanten", "grauen Elefanten", "grauen Elefanten"),
    "ape": ("brauner Affe", "braunen Affen", "braunen Affen", "braunen Affen", "braunen Affen"),
    "teddy_bear": ("rosa Teddybär", "rosa Teddybären", "rosa Teddybären", "rosa Teddybären", "rosa Teddybären"),
    "dog": ("weißer Hund", "weißen Hund", "weißen Hund", "weißen Hundes", "weißen Hunden"),
    "apple": ("roter Apfel", "roten Apfel", "roten Apfel", "roten Apfels", "roten Äpfeln"),
    "parrot": ("bunter Papagei", "bunten Papagei", "bunten Papagei", "bunten Papageis", "bunten Papageien"),
    "swan": ("weißer Schwan", "weißen Schwan", "weißen Schwan", "weißen Schwans", "weißen Schwänen"),
    "fan": ("grauer Ventilator", "grauen Ventilator", "grauen Ventilator", "grauen Ventilators", "grauen Ventilatoren"),
    "hot-air_balloon": ("lila Heißluftballon",) * 3 + ("lila Heißluftballons", "lila Heißluftballons"),
    "spoon": ("silberner Löffel", "silbernen Löffel", "silbernen Löffel", "silbernen Löffels", "silbernen Löffeln"),
    "crab": ("rote Krabbe", "rote Krabbe", "roten Krabbe", "roten Krabbe", "roten Krabben"),
    "cup": ("blaue Tasse", "blaue Tasse", "blauen Tasse", "blauen Tasse", "blauen Tassen"),
    "eyeglasses": ("orange Brille", "orange Brille", "orangen Brille", "orangen Brille", "orangen Brillen"),
    "scissors": ("schwarze Schere", "schwarze Schere", "schwarzen Schere", "schwarzen Schere", "schwarzen Scheren"),
    "mouse": ("graue Maus", "graue Maus", "grauen Maus", "grauen Maus", "grauen Mäusen"),
    "axe": ("rote Axt", "rote Axt", "roten Axt", "roten Axt", "roten Äxten"),
    "pizza": ("runde Pizza", "runde Pizza", "runden Pizza", "runden Pizza", "runden Pizzen"),
    "pineapple": ("gelbe Ananas", "gelbe Ananas", "gelben Ananas", "gelben Ananas", "gelben Ananas"),
    "car_(sedan)": ("rotes Auto", "rotes Auto", "roten Auto", "roten Autos", "roten Autos"),
    "rhinoceros": ("graues Nashorn", "graues Nashorn", "grauen Nashorn", "grauen Nashorns", "grauen Nashörnern"),
    "bicycle": ("beiges Fahrrad", "beiges Fahrrad", "beigen Fahrrad", "beigen Fahrrads", "beigen Fahrrädern"),
    "sword": ("goldenes Schwert", "goldenes Schwert", "goldenen Schwert", "goldenen Schwertes", "goldenen Schwertern"),
    "knife": ("türkises Messer", "türkises Messer", "türkisen Messer", "türkisen Messers", "türkisen Messern"),
    "squirrel": ("rotes Eichhörnchen",) * 2 + ("roten Eichhörnchen", "roten Eichhörnchens", "roten Eichhörnchen"),
    "couch": ("grünes Sofa", "grünes Sofa", "grünen Sofa", "grünen Sofas", "grünen Sofas"),
    "horse": ("braunes Pferd", "braunes Pferd", "braunen Pferd", "braunen Pferdes", "braunen Pferden"),
}
GIVEAWAYS = """
place    | studio        | studio backdrop background        | Studio Hintergrund
place    | table         | table                             | Tisch
place    | grass         | grass meadow                      | Wiese Gras
place    | beach         | beach sand                        | Strand Sand
place    | street        | street road                       | Straße
place    | snow          | snow snowy                        | Schnee verschneiten
place    | desert        | desert                            | Wüste
place    | water         | water                             | Wasser
place    | kitchen       | kitchen                           | Küche
place    | forest        | forest woods                      | Wald
place    | night         | dark                              | Dunkeln
light    | sun           | sunshine sunlight sunny bright    | Sonnenschein Sonnenlicht sonnigen hellem
light    | overcast      | cloudy overcast soft diffuse      | bewölktem bewölkten bedecktem weichem
light    | golden hour   | warm low                          | warmem warmen Sonne
light    | lamp          | lamp lamplight                    | Lampe Lampenlicht
view     | front         | front                             | vorn vorne Vorderansicht Frontansicht
view     | side          | side                              | Seitenansicht
view     | back          | behind back rear                  | hinten Rückansicht
view     | three-quarter | angle three-quarter               | schräg Dreiviertelansicht
view     | above         |                                   | oben
material | wood          | wood wooden                       | Holz hölzern hölzerne hölzerner hölzernen
material | metal         | metal                             | Metall
material | leather       | leather                           | Leder
material | glass         | glass                             | Glas gläserne gläserner gläsernes gläsernen
pose     | open          | open                              | offen offene offener offenes offenen
pose     | closed        | closed                            | geschlossen geschlossene geschlossener geschlossenes
pose     | sitting       | sits sitting                      | sitzt sitzen sitzende sitzender sitzendes
"""
ARTICLES = {  # by gender: nominative, accusative, dative, genitive
    "der": ("ein", "einen", "einem", "eines"),
    "die": ("eine", "eine", "einer", "einer"),
    "das": ("ein", "ein", "einem", "eines"),
}


def random_facts(category: str, rng: random.Random) -> Facts:
    return Facts(
        category,
        rng.choice([None, *COLOURS]),
        rng.choice([None, *MATERIALS]),
        rng.choice(list(PLACES)),
        rng.choice(list(LIGHTS)),
        rng.choice([None, *VIEWS]),
        rng.choice([None, *POSES, *STATES]),
        rng.choice([1, 1, *NUMBERS["en"]]),
        rng.choice(["ground", "water", "air"]),
    )


def every_caption(facts: Facts, language: str, seeds: int = 60) -> set[str]:
    return {caption for seed in range(seeds) for caption in describe(facts, seed)[language]}


@pytest.mark.parametrize("category", DECLINED)
def test_german_nouns_decline_as_in_a_table_written_by_hand(category):
    noun = LEXICON[category].de[0]
    adjective = {"rosa": "rosa", "lila": "lila", "orange": "orange", "beiges": "beige"}.get(
        DECLINED[category][0].split()[0], re.sub(r"(er|es|e)$", "", DECLINED[category][0].split()[0])
    )
    one = [noun.phrase(case, [adjective]) for case in ("nom", "acc", "dat", "gen")]
    assert one == [f"{a} {d}" for a, d in zip(ARTICLES[noun.article], DECLINED[category], strict=False)]
    assert noun.phrase("dat", [adjective], count=2) == f"zwei {DECLINED[category][4]}"


def test_german_adjectives_follow_the_article():
    dog, cup, car = (LEXICON[c].de[0] for c in ("dog", "cup", "car_(sedan)"))
    assert [n.phrase("nom", ["rot"], article="der") for n in (dog, cup, car)] == [
        "der rote Hund",
        "die rote Tasse",
        "das rote Auto",
    ]
    assert [n.phrase("nom", ["rot"], article="") for n in (dog, cup, car)] == ["roter Hund", "rote Tasse", "rotes Auto"]
    assert dog.phrase("nom", ["rot"], count=3) == "drei rote Hunde"
    assert dog.phrase("nom", ["rot"], count=3, article="der") == "die drei roten Hunde"
    assert cup.phrase("dat", ["rot"], article="der") == "der roten Tasse"


@pytest.mark.parametrize(
    "noun, adjectives, count, phrase",
    [
        (English("car", "cars"), ["orange"], 1, "an orange car"),
        (English("hourglass", "hourglasses"), [], 1, "an hourglass"),
        (English("hourglass", "hourglasses"), ["blue"], 1, "a blue hourglass"),
        (English("unicycle", "unicycles"), [], 1, "a unicycle"),
        (LEXICON["umbrella"].en[0], [], 1, "an umbrella"),
        (LEXICON["scissors"].en[0], ["orange"], 1, "a pair of orange scissors"),
        (LEXICON["eyeglasses"].en[0], ["red"], 2, "two pairs of red glasses"),
        (LEXICON["bread"].en[0], ["brown"], 3, "three loaves of brown bread"),
        (LEXICON["armor"].en[0], [], 1, "a suit of armor"),
        (LEXICON["knife"].en[0], [], 2, "two knives"),
        (LEXICON["mouse"].en[0], ["grey"], 4, "four grey mice"),
        (LEXICON["sheep"].en[0], [], 2, "two sheep"),
        (LEXICON["butterfly"].en[0], [], 2, "two butterflies"),
        (LEXICON["bench"].en[0], [], 2, "two benches"),
    ],
)
def test_english_phrases(noun, adjectives, count, phrase):
    assert noun.phrase(adjectives, count=count) == phrase


def test_every_class_has_nouns_in_both_languages():
    assert len(LEXICON) == 125
    for category, entry in LEXICON.items():
        assert entry.en and entry.de, category
        assert entry.rest is None or entry.rest in POSES, category
        for noun in entry.de:
            assert noun.article in ("der", "die", "das"), noun
            assert noun.nominative[0].isupper() and noun.plural[0].isupper(), noun
            assert noun.article != "die" or noun.genitive == noun.nominative, noun
            assert noun.article == "die" or noun.genitive[-1] in "sn", noun


@pytest.mark.parametrize("category", LEXICON)
def test_five_different_captions_from_any_facts(category):
    rng = random.Random(category)
    for seed in range(50):
        facts = random_facts(category, rng)
        for captions in describe(facts, seed).values():
            assert len(captions) == len({c.lower() for c in captions}) == 5, (facts, captions)
            for caption in captions:
                assert not re.search(r"  |None|[{}~]| [.,]|\.\.", caption), caption
                assert not caption.endswith(".") or caption[0].isupper(), caption
                assert max(map(caption.split().count, ("seen", "gesehen", "sieht"))) < 2, caption


def test_the_same_seed_gives_the_same_captions():
    facts = Facts("horse", "brown", None, "beach", "golden hour", "side", "standing")
    assert describe(facts, 3) == describe(facts, 3)
    assert describe(facts, 3) != describe(facts, 4)


def test_the_first_caption_is_the_thing_and_its_colour():
    facts = Facts("car_(sedan)", "red", None, "street", "sun", "front", "parked")
    first = {language: {describe(facts, seed)[language][0] for seed in range(99)} for language in ("en", "de")}
    assert first["en"] == {"a red car", "red car", "a red sedan", "red sedan"}
    assert first["de"] == {
        "ein rotes Auto",
        "rotes Auto",
        "ein roter Wagen",
        "roter Wagen",
        "eine rote Limousine",
        "rote Limousine",
    }


def test_the_last_caption_holds_attribute_place_and_light():
    facts = Facts("chair", "red", "wood", "kitchen", "lamp", "front", None)
    for seed in range(60):
        en, de = (describe(facts, seed)[language][-1] for language in ("en", "de"))
        assert re.search("red .*kitchen.*lamp|lamp.*red.*kitchen", en) and "wood" in en, en
        assert re.search("rote", de) and "Küche" in de and re.search("Lampe", de) and re.search("Holz|hölz", de), de


@pytest.mark.parametrize("language", ["en", "de"])
def test_only_known_facts_are_said(language):
    says = {}  # word -> the fact and the value it speaks of
    for line in GIVEAWAYS.strip().splitlines():
        fact, value, en, de = (cell.strip() for cell in line.split("|"))
        says |= {word: (fact, value) for word in (en if language == "en" else de).split()}
    for value, (en, de) in COLOURS.items():
        bent = [word.removesuffix("e") + ending for word in de for ending in ("", "e", "er", "es", "en", "em")]
        says |= {word: ("colour", value) for word in (en if language == "en" else bent)}

    rng = random.Random(0)
    for seed in range(3000):
        facts = random_facts(rng.choice(sorted(set(LEXICON) - {"table"})), rng)
        for caption in describe(facts, seed)[language]:
            for word in re.findall(r"[\w-]+", re.sub("golden hour|goldenen Stunde", "", caption)):
                fact, value = says.get(word, ("category", facts.category))
                assert getattr(facts, fact) == value, (word, caption, facts)


def test_things_rest_with_the_right_verb():
    def sentences(category, place="table", pose=None, stance="ground"):
        facts = Facts(category, None, None, place, "sun", "front", pose, stance=stance)
        return every_caption(facts, "de")

    assert "Eine Tasse steht auf dem Tisch." in sentences("cup")
    assert "Eine Banane liegt auf dem Tisch." in sentences("banana")
    assert "Auf dem Tisch liegt ein Hut." in sentences("hat")
    assert "Auf der Wiese sitzt ein Hund." in sentences("dog", "grass", "sitting")
    assert "Ein Hund ist auf der Wiese zu sehen." in sentences("dog", "grass")
    assert "Ein Segelboot schwimmt auf dem Wasser." in sentences("sailboat", "water", stance="water")
    assert "Ein Hai schwimmt im Wasser." in sentences("shark", "water")
    assert "Ein Heißluftballon schwebt am Himmel." in sentences("hot-air_balloon", "sky")
    assert "Ein Flugzeug fliegt über der Wüste." in sentences("airplane", "desert", stance="air")
    assert "Ein Flugzeug steht auf einer Wiese." in sentences("airplane", "grass")
    assert "Auf der Straße parkt ein Auto." in sentences("car_(sedan)", "street", "parked")


def test_plural_captions_agree():
    facts = Facts("apple", "red", None, "table", "sun", "above", None, count=3)
    en, de = every_caption(facts, "en"), every_caption(facts, "de")
    assert {"three red apples", "three red apples lying on a table", "There are three red apples on the table."} <= en
    assert {"drei rote Äpfel", "Auf dem Tisch liegen drei rote Äpfel.", "Blick von oben auf drei rote Äpfel"} <= de
    assert "ein Foto von drei roten Äpfeln auf dem Tisch" in de
    assert "Die drei Äpfel auf dem Tisch sind rot." in de


def test_doors_and_umbrellas_are_said_to_be_open_or_closed():
    door = Facts("door", "red", None, "street", "sun", "front", "open")
    assert {"an open red door", "There is an open red door on the street."} <= every_caption(door, "en")
    assert {"eine offene rote Tür", "Das Foto zeigt eine offene rote Tür auf der Straße."} <= every_caption(door, "de")
    umbrella = Facts("umbrella", "blue", None, "beach", "sun", "front", "tilted")
    assert "a tilted blue umbrella" in every_caption(umbrella, "en")
    assert "Ein geneigter blauer Regenschirm ist am Strand zu sehen." in every_caption(umbrella, "de")


def test_unknown_facts_are_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="no colour 'mauve'; they know .*red"):
        Facts("cup", "mauve", None, "table", "sun", "front", None)


def test_every_word_of_the_families_has_a_caption():
    """A family that names a colour, material, pose or place has words for it."""
    poses = POSES | STATES
    for name, family in families().items():
        assert name in LEXICON
        for fact, known in (("colours", COLOURS), ("materials", MATERIALS), ("poses", poses), ("places", PLACES)):
            missing = {value for value in getattr(family, fact) if value is not None} - set(known)
            assert not missing, f"{name}: captions have no words for the {fact} {missing}"


def test_weak_nouns_are_the_masculine_ones_with_a_genitive_in_n():
    assert German("der", "Hase", "Hasen", "Hasen").form("dat") == "Hasen"
    assert German("der", "Alligator", "Alligators", "Alligatoren").form("acc") == "Alligator"
