"""What the photos should not show is told apart from what they should, and read in no other text."""

import pytest
from hypothesis import given

from tests import odd
from xmr.preprocess.negation import MOST_UNWANTED, without_negations


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("no cars", "", ["cars"]),
        ("kein Hund", "", ["Hund"]),
        ("a street with no cars", "a street", ["cars"]),
        ("beach without any people", "beach", ["people"]),
        ("a beach with no people and no dogs", "a beach", ["people", "dogs"]),
        ("keine Hunde und keine Katzen", "", ["Hunde", "Katzen"]),
        ("a room without chairs or tables, with a sofa", "a room, with a sofa", ["chairs", "tables"]),
        ("neither dogs nor cats", "", ["dogs", "cats"]),
        ("weder Hund noch Katze", "", ["Hund", "Katze"]),
        ("not a dog but a cat", "a cat", ["dog"]),
        ("a red car, not blue, with a driver", "a red car, with a driver", ["blue"]),
        ("man without hat and with glasses", "man with glasses", ["hat"]),
        ("A man with no shirt is riding a bike .", "A man is riding a bike", ["shirt"]),
        ("ein Mann ohne Hut steht am Tor", "ein Mann steht am Tor", ["Hut"]),
        ("a cow with no rider and holding a rope", "a cow and holding a rope", ["rider"]),
        ("Straße ohne Autos und Menschen im Regen", "Straße im Regen", ["Autos", "Menschen"]),
        ("no dogs in the snow", "in the snow", ["dogs"]),
        ("everyone except for one woman, at work", "everyone, at work", ["one woman"]),
        ("car (no people)", "car", ["people"]),
        ("car: „no people“!", "car", ["people"]),
        ("NO DOGS", "", ["DOGS"]),
        ("no dogs, with a cat", "a cat", ["dogs"]),
        ("stop sign, no cars", "stop sign", ["cars"]),
        ("no cars at a stop sign", "at a stop sign", ["cars"]),
        ("Katze ohne Schildkröte", "Katze", ["Schildkröte"]),
        ("no king, no ring", "", ["king", "ring"]),
        ("no war", "", ["war"]),
        ("a cup that isn't red", "a cup", ["red"]),
        ("a cup that is not red, on a table", "a cup, on a table", ["red"]),
        ("cups which aren’t blue, on a table", "cups, on a table", ["blue"]),
        ("ein Auto, das nicht rot ist", "ein Auto", ["rot"]),
        ("Mann, der keinen Hut trägt, am Tor", "Mann, am Tor", ["Hut"]),
        ("I don't want to see dogs", "I", ["dogs"]),
        ("dont show me any dogs", "", ["dogs"]),
        ("anything but a dog", "", ["dog"]),
        ("other than cats", "", ["cats"]),
        ("a car instead of a bus", "a car", ["bus"]),
        ("Hund statt Katze", "Hund", ["Katze"]),
        ("cup w/o handle", "cup", ["handle"]),
        ("cup -red -blue", "cup", ["red", "blue"]),
        ("-Hund", "", ["Hund"]),
        ("a non-red car", "a car", ["red"]),
        ("non red car", "car", ["red"]),
        ("ein nicht-rotes Auto", "ein Auto", ["rotes"]),
        ("ein nicht rotes Auto", "ein Auto", ["rotes"]),
        ("eine nicht rote Tasse", "eine Tasse", ["rote"]),
        ("a people-free beach", "a beach", ["people"]),
        ("autofreie Straße", "Straße", ["auto"]),
        ("ein menschenleerer Strand", "ein Strand", ["menschen"]),
        ("nicht rot sondern blau", "blau", ["rot"]),
        ("ein Auto, nicht rot, sondern blau", "ein Auto, blau", ["rot"]),
        ("a car, not red but blue", "a car, blue", ["red"]),
        ("kein Hund, sondern eine Katze", "eine Katze", ["Hund"]),
        ("Katze anstelle von Hund", "Katze", ["Hund"]),
        ("beach minus people", "beach", ["people"]),
        ("a street devoid of cars", "a street", ["cars"]),
        ("any colour but red", "", ["red"]),
        ("dog not in the water", "dog", ["in the water"]),
        ("Hund nicht im Wasser, mit Ball", "Hund, mit Ball", ["im Wasser"]),
        ("no cars please", "please", ["cars"]),
        ("keine Hunde bitte", "bitte", ["Hunde"]),
        ("no no dogs", "", ["dogs"]),
        ("a street with hardly any cars", "a street", ["cars"]),
        ("a street where there are almost no cars", "a street", ["cars"]),
        ("a street with no cars at all", "a street", ["cars"]),
        ("a street with no cars in sight, at night", "a street, at night", ["cars"]),
        ("a man with no hat on", "a man", ["hat"]),
        ("a man wearing no hat", "a man", ["hat"]),
        ("a man who is not wearing a hat", "a man", ["hat"]),
        ("a man who does not wear a hat", "a man", ["hat"]),
        ("an apple that has no red in it", "an apple", ["red"]),
        ("the car is not red", "the car", ["red"]),
        ("das Auto ist nicht rot", "das Auto", ["rot"]),
        ("ein Auto nich rot", "ein Auto", ["rot"]),
        ("not a single car", "", ["car"]),
        ("kein einziges Auto", "", ["Auto"]),
        ("not at all red", "", ["red"]),
        ("gar nicht rot", "", ["rot"]),
        ("a dog that never swims", "a dog", ["swims"]),
        ("ein Hund, der nie schwimmt", "ein Hund", ["schwimmt"]),
        ("eine Straße mit fast keinen Autos", "eine Straße", ["Autos"]),
        ("eine Straße ganz ohne Autos", "eine Straße", ["Autos"]),
        ("eine Straße frei von Autos", "eine Straße", ["Autos"]),
        ("ein Strand, auf dem keine Menschen zu sehen sind", "ein Strand", ["Menschen"]),
        ("es gibt keine Hunde mehr", "", ["Hunde"]),
        ("animals apart from dogs", "animals", ["dogs"]),
        ("Tiere mit Ausnahme von Hunden", "Tiere", ["Hunden"]),
        ("no dogs, cats or big birds", "", ["dogs", "cats", "big birds"]),
        ("a park without dogs, cats, or birds", "a park", ["dogs", "cats", "birds"]),
        ("keine Hunde, Katzen oder Vögel im Park", "im Park", ["Hunde", "Katzen", "Vögel"]),
        ("no people, a dog running or jumping", "a dog running or jumping", ["people"]),
        ("no people, dogs running or jumping", "dogs running or jumping", ["people"]),
        ("no people, a red or blue car", "a red or blue car", ["people"]),
        ("weder ein Hund noch eine Katze", "", ["Hund", "Katze"]),
        ("a not red car", "a car", ["red"]),
        ("ein nicht roter Wagen", "ein Wagen", ["roter"]),
        ("mit einem nicht roten Hut", "einem Hut", ["roten"]),
        ("dogs !cats", "dogs", ["cats"]),
        ("dog w/out leash", "dog", ["leash"]),
        ("a man wearing no shirt climbs a rock", "a man climbs a rock", ["shirt"]),
        ("a girl with no shoes and a bag", "a girl and a bag", ["shoes"]),
        ("keine Hunde und eine Katze", "eine Katze", ["Hunde"]),
        ("a girl without a hat and a bag", "a girl", ["hat", "bag"]),
        ("no rides in the rain", "in the rain", ["rides"]),
        ("'no dogs'", "", ["dogs"]),
        ("by no means red", "", ["red"]),
        ("auf keinen Fall rot", "", ["rot"]),
        ("hier ist kein Hund weit und breit", "", ["Hund"]),
        ("a cup that isnt red", "a cup", ["red"]),
        ("a cup that is'nt red", "a cup", ["red"]),
        ("no one on the beach", "on the beach", ["people"]),
        ("a beach with nobody on it", "a beach", ["people"]),
        ("there's no one here", "", ["people"]),
        ("ein Strand, auf dem niemand ist", "ein Strand", ["Menschen"]),
        ("ein Zimmer mit niemandem", "ein Zimmer", ["Menschen"]),
        ("a beach with zero people", "a beach", ["people"]),
        ("a street with out any cars", "a street", ["cars"]),
        ("eine Straße mit kaum Autos", "eine Straße", ["Autos"]),
        ("a man with no shirt riding a bike", "a man riding a bike", ["shirt"]),
        ("boy without shoes or hat playing football", "boy playing football", ["shoes", "hat"]),
        ("no people riding a bike", "", ["people riding a bike"]),
        ("a hand with no gold ring on it, a cup", "a hand, a cup", ["gold ring"]),
        ("a man with no hat moves something to a bus", "a man", ["hat moves something to a bus"]),
        ("a penguin that's not standing in snow", "a penguin", ["standing in snow"]),
        ("people who aren't looking at the camera", "people", ["looking at the camera"]),
        ("a cup thats not red", "a cup", ["red"]),
        ("no more cars", "", ["cars"]),
        ("no cars anymore, a bus", "a bus", ["cars"]),
        ("a car that is just not red", "a car", ["red"]),
        ("ein Tier, nur kein Hund", "ein Tier", ["Hund"]),
        ("bloß keine Hunde", "", ["Hunde"]),
        ("statt Hund lieber Katze", "Katze", ["Hund"]),
        ("Katze die nich schwarz is", "Katze", ["schwarz"]),
        ("Strand ohne irgendwelche Menschen", "Strand", ["Menschen"]),
        ("keinerlei Hunde", "", ["Hunde"]),
        ("etwas anderes als Hunde", "etwas", ["Hunde"]),
        ("nothing with wheels", "", ["wheels"]),
        ("nichts mit Spinnen", "", ["Spinnen"]),
        ("cup –red", "cup", ["red"]),
        ("a beach, must not contain people", "a beach", ["people"]),
        ("a cup, it shouldn't be red", "a cup, it", ["red"]),
        ("a beach empty of people", "a beach", ["people"]),
        ("ein Auto, aber bitte kein rotes", "ein Auto", ["rotes"]),
        ("das Auto soll nicht rot sein!", "das Auto", ["rot"]),
        ("ein Mann ohne sein Rad", "ein Mann", ["sein Rad"]),
    ],
)
def test_a_negation_takes_away_what_it_names_and_leaves_the_rest(text, wanted, unwanted):
    assert without_negations(text) == (wanted, tuple(unwanted))


@pytest.mark.parametrize(
    "text",
    [
        "not", "no", "No.", "nicht", "ohne", "with a hat", "and a dog", "mit Hut!", "it rains.  really?", "no, a dog",
        "Dr. No", "a dog with no", "a dog without a", "no the", "no-one", "a non-stop flight", "a no-fly zone",
        "nothing", "nobody", "a knot", "notes", "Keinohrhase", "kind of dog", "don't", "can't stop",
        "a no parking sign", "no parking signs", "NO ENTRY SIGN", "a sign without text", "Schild ohne Schrift",
        "nobody smiles", "zero gravity", "a dog with out of focus background", "kaum zu sehen",
        "not only a dog", "nicht nur ein Hund",
        "no more than two dogs", "not far from the sea", "nicht weit vom Strand", "no 5 bus", "bus no. 5",
        "einen Hund nicht, aber eine Katze", "", "-5 degrees", "a man - red hat", "--red", "nothing but dogs",
        "nothing except dogs", "nichts außer Hunden", "none but cups", "no parking", "NO ENTRY", "kein Zutritt",
        "not necessarily red", "nicht unbedingt rot", "ein freier Platz", "im Freien", "free cups", "Nichtraucher",
        "a non-stick pan", "a dog that cannot swim", "ein Haus, das rot ist",
        "a not very big dog", "ein nicht sehr großer Hund", "not too big", "nicht ganz rot", "not at all",
        "not all dogs", "nicht alle Hunde", "to be or not to be", "no doubt a dog", "Ohne Titel",
        "ein Rennen findet statt in der Stadt", "der Junge ist nicht zu sehen", "ein nicht ganz runder Ball", "red!",
        "forget-me-not", "dog or cat but not both", "no to dogs", "the dogs' not",
        "a never ending road", "a tattoo that says 'no regrets'", "ein Hemd, Aufschrift „keine Hunde“",
        "aren't there any cats?", "isn't that a lovely dog", "don't you have any dogs", "Jacke und -hose",
        "no idea, a dog", "not sure which dog", "not bad", "without a doubt a cat", "no doubt about it",
        "keine Ahnung, ein Vogel", "ein Pferd, nicht wahr?", "ohne Ende Schnee", "ohne Frage ein Hund",
        "minus 5 degrees", "Hunde außer Atem", "🚗", "нет собак", "没有狗",
    ],
)  # fmt: skip
def test_what_names_nothing_to_take_away_stays_letter_for_letter(text):
    assert without_negations(text) == (text, ())


def test_not_without_is_with():
    for text, wanted in {"not without a dog": "a dog", "ein Bild nicht ohne Hund": "ein Bild Hund"}.items():
        assert without_negations(text) == (wanted, ())


@odd.FIXED
@given(odd.typed)
def test_what_is_left_of_a_text_without_its_negations_has_none(text):
    wanted, unwanted = without_negations(text)
    if len(unwanted) < MOST_UNWANTED:
        assert without_negations(wanted) == (wanted, ())
    assert all(named.strip() for named in unwanted)
    letters = [letter for letter in "".join((wanted, *unwanted)) if letter.isalnum()]
    assert not set(letters) - set(text) - set("people" if "no-one" in text else "")  # which that is


def test_a_text_has_so_many_negations_and_no_more():
    wanted, unwanted = without_negations("no dog " * 280)
    assert unwanted == ("dog",) * MOST_UNWANTED and "no dog" in wanted
