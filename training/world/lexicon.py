"""The nouns of the rendered world's classes in English and German, and their inflection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NUMBERS = {
    "en": {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"},
    "de": {2: "zwei", 3: "drei", 4: "vier", 5: "fünf", 6: "sechs"},
}

# One line per class: class | kind | its usual pose ("-": none, so captions only say that it is there)
#     | English nouns: an irregular plural follows "/"; adjectives are inserted at "~", or else in front
#     | German nouns as in a dictionary: article, nominative, genitive, plural ("-s" is an ending, "-" is none)
TABLE = """
airplane        | aircraft | standing | airplane, plane, aeroplane      | das Flugzeug -s -e, der Flieger -s -
alarm_clock     | thing    | standing | alarm clock                     | der Wecker -s -
ant             | animal   | -        | ant                             | die Ameise - -n
ape             | animal   | -        | ape, great ape                  | der Affe -n -n, der Menschenaffe -n -n
apple           | food     | lying    | apple                           | der Apfel -s Äpfel
armor           | thing    | standing | suit of ~armor, suit of ~armour | die Rüstung - -en, die Ritterrüstung - -en
axe             | thing    | lying    | axe, ax                         | die Axt - Äxte
banana          | food     | lying    | banana                          | die Banane - -n
bat             | bat      | -        | bat                             | die Fledermaus - Fledermäuse
bear            | animal   | -        | bear                            | der Bär -en -en
bee             | insect   | -        | bee                             | die Biene - -n
beetle          | insect   | -        | beetle                          | der Käfer -s -
bell            | thing    | -        | bell                            | die Glocke - -n
bench           | thing    | standing | bench                           | die Bank - Bänke, die Sitzbank - Sitzbänke
bicycle         | vehicle  | standing | bicycle, bike                   | das Fahrrad -s Fahrräder
blimp           | aircraft | aloft    | blimp, airship                  | das Luftschiff -s -e, der Zeppelin -s -e
bread           | food     | lying    | loaf of ~bread/loaves of ~bread | das Brot -es -e, der Brotlaib -s -e
butterfly       | insect   | -        | butterfly                       | der Schmetterling -s -e, der Falter -s -
cabin           | building | standing | cabin, hut                      | die Hütte - -n, das Häuschen -s -
camel           | animal   | -        | camel                           | das Kamel -s -e
candle          | thing    | standing | candle                          | die Kerze - -n
cannon          | thing    | standing | cannon                          | die Kanone - -n
car_(sedan)     | vehicle  | standing | car, sedan | das Auto -s -s, der Wagen -s -, die Limousine - -n
castle          | building | standing | castle                          | die Burg - -en, das Schloss -es Schlösser
cat             | animal   | -        | cat                             | die Katze - -n
chair           | thing    | standing | chair                           | der Stuhl -s Stühle
chicken         | bird     | -        | chicken                         | das Huhn -s Hühner
church          | building | standing | church                          | die Kirche - -n
couch           | thing    | standing | couch, sofa                     | das Sofa -s -s, die Couch - -s
cow             | animal   | -        | cow                             | die Kuh - Kühe
crab            | animal   | -        | crab                            | die Krabbe - -n, der Krebs -es -e
crocodilian     | animal   | -        | crocodile, alligator, crocodilian | das Krokodil -s -e, der Alligator -s -en
cup             | thing    | standing | cup, mug                        | die Tasse - -n, der Becher -s -
deer            | animal   | -        | deer/deer                       | das Reh -s -e, der Hirsch -es -e
dog             | animal   | -        | dog                             | der Hund -es -e
dolphin         | animal   | swimming | dolphin                         | der Delfin -s -e
door            | thing    | -        | door                            | die Tür - -en
duck            | bird     | -        | duck                            | die Ente - -n
elephant        | animal   | -        | elephant                        | der Elefant -en -en
eyeglasses      | thing    | lying    | pair of ~glasses, pair of ~eyeglasses, pair of ~spectacles | die Brille - -n
fan             | thing    | standing | fan, electric fan               | der Ventilator -s -en
fish            | animal   | swimming | fish/fish                       | der Fisch -es -e
flower          | plant    | standing | flower                          | die Blume - -n
frog            | animal   | -        | frog                            | der Frosch -es Frösche
geyser          | nature   | -        | geyser                          | der Geysir -s -e
giraffe         | animal   | -        | giraffe                         | die Giraffe - -n
guitar          | thing    | -        | guitar                          | die Gitarre - -n
hamburger       | food     | lying    | hamburger, burger               | der Hamburger -s -, der Burger -s -
hammer          | thing    | lying    | hammer                          | der Hammer -s Hämmer
harp            | thing    | standing | harp                            | die Harfe - -n
hat             | thing    | lying    | hat                             | der Hut -es Hüte
hedgehog        | animal   | -        | hedgehog                        | der Igel -s -
helicopter      | aircraft | standing | helicopter, chopper             | der Hubschrauber -s -, der Helikopter -s -
hermit_crab     | animal   | -        | hermit crab                     | der Einsiedlerkrebs -es -e
horse           | animal   | -        | horse                           | das Pferd -es -e
hot-air_balloon | aircraft | aloft    | hot-air balloon, hot air balloon | der Heißluftballon -s -s
hotdog          | food     | lying    | hot dog, hotdog                 | der Hotdog -s -s
hourglass       | thing    | standing | hourglass                       | die Sanduhr - -en
jack-o-lantern  | thing    | standing | jack-o'-lantern, Halloween pumpkin, carved pumpkin
                                       | der Halloween-Kürbis -ses -se, die Kürbislaterne - -n
jellyfish       | animal   | floating | jellyfish/jellyfish             | die Qualle - -n
kangaroo        | animal   | -        | kangaroo                        | das Känguru -s -s
knife           | thing    | lying    | knife/knives                    | das Messer -s -
lion            | animal   | -        | lion                            | der Löwe -n -n
lizard          | animal   | -        | lizard                          | die Eidechse - -n
lobster         | animal   | -        | lobster                         | der Hummer -s -
motorcycle      | vehicle  | standing | motorcycle, motorbike           | das Motorrad -s Motorräder
mouse           | animal   | -        | mouse/mice                      | die Maus - Mäuse
mushroom        | plant    | standing | mushroom                        | der Pilz -es -e
owl             | bird     | -        | owl                             | die Eule - -n
parrot          | bird     | -        | parrot                          | der Papagei -s -en
pear            | food     | lying    | pear                            | die Birne - -n
penguin         | bird     | -        | penguin                         | der Pinguin -s -e
piano           | thing    | standing | piano                           | das Klavier -s -e
pickup_truck    | vehicle  | standing | pickup truck, pickup            | der Pick-up -s -s, der Pickup -s -s
pig             | animal   | -        | pig                             | das Schwein -s -e
pineapple       | food     | -        | pineapple                       | die Ananas - -
pistol          | thing    | lying    | pistol, handgun                 | die Pistole - -n
pizza           | food     | lying    | pizza                           | die Pizza - Pizzen
pretzel         | food     | lying    | pretzel                         | die Brezel - -n
rabbit          | animal   | -        | rabbit, bunny                   | das Kaninchen -s -, der Hase -n -n
raccoon         | animal   | -        | raccoon                         | der Waschbär -en -en
racket          | thing    | lying    | racket, tennis racket           | der Schläger -s -, der Tennisschläger -s -
ray             | animal   | swimming | ray, stingray                   | der Rochen -s -
rhinoceros      | animal   | -        | rhinoceros, rhino | das Nashorn -s Nashörner, das Rhinozeros -ses -se
rifle           | thing    | lying    | rifle                           | das Gewehr -s -e
rocket          | aircraft | standing | rocket                          | die Rakete - -n
sailboat        | boat     | floating | sailboat, sailing boat          | das Segelboot -es -e
saw             | thing    | lying    | saw, handsaw                    | die Säge - -n, die Handsäge - -n
saxophone       | thing    | -        | saxophone                       | das Saxofon -s -e, das Saxophon -s -e
scissors        | thing    | lying    | pair of ~scissors               | die Schere - -n
scorpion        | animal   | -        | scorpion                        | der Skorpion -s -e
sea_turtle      | animal   | swimming | sea turtle                      | die Meeresschildkröte - -n
seagull         | bird     | -        | seagull, gull                   | die Möwe - -n
seal            | animal   | -        | seal                            | die Robbe - -n, der Seehund -s -e
shark           | animal   | swimming | shark                           | der Hai -s -e, der Haifisch -s -e
sheep           | animal   | -        | sheep/sheep                     | das Schaf -s -e
shoe            | thing    | standing | shoe                            | der Schuh -s -e
skyscraper      | building | standing | skyscraper | der Wolkenkratzer -s -, das Hochhaus -es Hochhäuser
snail           | animal   | -        | snail                           | die Schnecke - -n
snake           | animal   | -        | snake                           | die Schlange - -n
songbird        | bird     | -        | songbird, bird                  | der Singvogel -s Singvögel, der Vogel -s Vögel
spider          | animal   | -        | spider                          | die Spinne - -n
spoon           | thing    | lying    | spoon                           | der Löffel -s -
squirrel        | animal   | -        | squirrel                        | das Eichhörnchen -s -
starfish        | animal   | lying    | starfish/starfish               | der Seestern -s -e
strawberry      | food     | lying    | strawberry                      | die Erdbeere - -n
swan            | bird     | -        | swan                            | der Schwan -s Schwäne
sword           | thing    | lying    | sword                           | das Schwert -es -er
table           | thing    | standing | table                           | der Tisch -es -e
tank            | vehicle  | standing | tank                            | der Panzer -s -
teapot          | thing    | standing | teapot                          | die Teekanne - -n
teddy_bear      | toy      | -        | teddy bear, teddy               | der Teddybär -en -en, der Teddy -s -s
tiger           | animal   | -        | tiger                           | der Tiger -s -
tree            | plant    | standing | tree                            | der Baum -es Bäume
trumpet         | thing    | -        | trumpet                         | die Trompete - -n
turtle          | animal   | -        | turtle, tortoise                | die Schildkröte - -n
umbrella        | thing    | -        | umbrella                        | der Regenschirm -s -e, der Schirm -s -e
violin          | thing    | -        | violin, fiddle                  | die Geige - -n, die Violine - -n
volcano         | nature   | -        | volcano/volcanoes               | der Vulkan -s -e
wading_bird     | bird     | -        | wading bird, wader | der Watvogel -s Watvögel, der Stelzvogel -s Stelzvögel
wheelchair      | vehicle  | standing | wheelchair                      | der Rollstuhl -s Rollstühle
windmill        | building | standing | windmill                        | die Windmühle - -n
window          | thing    | -        | window                          | das Fenster -s -
wine_bottle     | thing    | standing | wine bottle                     | die Weinflasche - -n
zebra           | animal   | -        | zebra                           | das Zebra -s -s
"""

# The columns are masculine, feminine, neuter and plural.
GENDERS = {"der": 0, "die": 1, "das": 2}
ARTICLES = {
    "ein": {"nom": "ein eine ein", "acc": "einen eine ein", "dat": "einem einer einem", "gen": "eines einer eines"},
    "der": {"nom": "der die das die", "acc": "den die das die", "dat": "dem der dem den", "gen": "des der des der"},
}
ENDINGS = {  # adjective endings after each article; "" means no article, or only a number
    "ein": {"nom": "er e es", "acc": "en e es", "dat": "en en en", "gen": "en en en"},
    "der": {"nom": "e e e en", "acc": "en e e en", "dat": "en en en en", "gen": "en en en en"},
    "": {"nom": "er e es e", "acc": "en e es e", "dat": "em er em en", "gen": "en er en er"},
}
UNINFLECTED = {"rosa", "lila"}  # "ein rosa Auto"


@dataclass(frozen=True)
class English:
    """An English noun; "~" in its forms marks where adjectives are inserted."""

    singular: str
    plural: str

    @property
    def name(self) -> str:
        """The noun without its measure: "scissors" of "pair of scissors"."""
        return self.singular.rpartition("~")[2]

    def phrase(self, adjectives: Sequence[str] = (), tail: str = "", count: int = 1, article: str = "a") -> str:
        """The noun phrase with the article "a", "the" or "" (none); a count above 1 is a word.

        Args:
            adjectives: before the noun.
            tail:       text after the noun.
            count:      1 to 6.
            article:    not used for "a" with a count above 1.

        >>> English("pair of ~glasses", "pairs of ~glasses").phrase(["red"], "made of metal")
        'a pair of red glasses made of metal'
        """
        noun = self.singular if count == 1 else self.plural
        noun = noun if "~" in noun else "~" + noun
        words = noun.replace("~", "".join(f"{a} " for a in adjectives))
        if count > 1:
            words = f"{NUMBERS['en'][count]} {words}"
        if article == "a":
            article = "" if count > 1 else a_or_an(words)
        return " ".join(filter(None, (article, words, tail)))


@dataclass(frozen=True)
class German:
    """A German noun with its dictionary forms: article, nominative, genitive, plural."""

    article: str
    nominative: str
    genitive: str
    plural: str

    def form(self, case: str, count: int = 1) -> str:
        """The noun alone in the case "nom", "acc", "dat" or "gen".

        >>> German("der", "Löwe", "Löwen", "Löwen").form("acc")
        'Löwen'
        """
        if count > 1:
            return self.plural + ("n" if case == "dat" and self.plural[-1] not in "ns" else "")
        weak = self.article == "der" and self.genitive.endswith("n")  # n-declension: den, dem, des Löwen
        return self.genitive if case == "gen" or (weak and case != "nom") else self.nominative

    def phrase(
        self, case: str, adjectives: Sequence[str] = (), tail: str = "", count: int = 1, article: str = "ein"
    ) -> str:
        """The noun phrase in a case, with the article "ein", "der" or "" (none); a count above 1 is a word.

        >>> German("der", "Bär", "Bären", "Bären").phrase("dat", ["braun"])
        'einem braunen Bären'
        """
        column = 3 if count > 1 else GENDERS[self.article]
        article = "" if article == "ein" and count > 1 else article
        ending = ENDINGS[article][case].split()[column]
        words = [ARTICLES[article][case].split()[column] if article else "", NUMBERS["de"].get(count, "")]
        words += [a if a in UNINFLECTED else a.removesuffix("e") + ending for a in adjectives]
        return " ".join(filter(None, (*words, self.form(case, count), tail)))


@dataclass(frozen=True)
class Entry:
    """A class in the lexicon: its kind, its usual pose or None, and its nouns, the most common first."""

    kind: str
    rest: str | None
    en: tuple[English, ...]
    de: tuple[German, ...]


def a_or_an(words: str) -> str:
    """The indefinite article before these words.

    >>> [a_or_an(w) for w in ("orange car", "hourglass", "unicycle")]
    ['an', 'an', 'a']
    """
    silent_h, like_you = ("hour", "honest"), ("uni", "eu", "use", "one")
    return "an" if words.startswith(silent_h) or (words[0] in "aeiou" and not words.startswith(like_you)) else "a"


def _english(text: str) -> English:
    singular, _, plural = text.partition("/")
    if not plural:
        measure, of, stuff = singular.partition(" of ~")
        if of:
            plural = f"{measure}s{of}{stuff}"
        elif singular.endswith(("s", "x", "z", "ch", "sh")):
            plural = singular + "es"
        elif singular.endswith("y") and singular[-2] not in "aeiou":
            plural = singular[:-1] + "ies"
        else:
            plural = singular + "s"
    return English(singular, plural)


def _german(text: str) -> German:
    article, noun, *forms = text.split()
    genitive, plural = (noun + f[1:] if f.startswith("-") else f for f in forms)
    return German(article, noun, genitive, plural)


def _read(table: str) -> dict[str, Entry]:
    lexicon: dict[str, Entry] = {}
    for line in table.strip().replace("\n ", " ").splitlines():
        name, kind, rest, en, de = (cell.strip() for cell in line.split("|"))
        lexicon[name] = Entry(
            kind,
            None if rest == "-" else rest,
            tuple(_english(noun.strip()) for noun in en.split(",")),
            tuple(_german(noun) for noun in de.split(",")),
        )
    return lexicon


LEXICON = _read(TABLE)
