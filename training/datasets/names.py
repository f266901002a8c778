"""What the 125 Sketchy classes are called in English and German, and the phrases a person would type for one."""

# class: (English noun, its article or "" for a plural, German article in the nominative or "" for a plural,
#         German noun, and its dative where that differs). A class that is missing is called by its own name in English.
NAMES = {
    "airplane": ("airplane", "an", "ein", "Flugzeug"), "alarm_clock": ("alarm clock", "an", "ein", "Wecker"),
    "ant": ("ant", "an", "eine", "Ameise"), "ape": ("ape", "an", "ein", "Affe", "Affen"),
    "apple": ("apple", "an", "ein", "Apfel"), "armor": ("suit of armor", "a", "eine", "Rüstung"),
    "axe": ("axe", "an", "eine", "Axt"), "banana": ("banana", "a", "eine", "Banane"),
    "bat": ("bat", "a", "eine", "Fledermaus"), "bear": ("bear", "a", "ein", "Bär", "Bären"),
    "bee": ("bee", "a", "eine", "Biene"), "beetle": ("beetle", "a", "ein", "Käfer"),
    "bell": ("bell", "a", "eine", "Glocke"), "bench": ("bench", "a", "eine", "Bank"),
    "bicycle": ("bicycle", "a", "ein", "Fahrrad"), "blimp": ("blimp", "a", "ein", "Luftschiff"),
    "bread": ("loaf of bread", "a", "ein", "Brot"), "butterfly": ("butterfly", "a", "ein", "Schmetterling"),
    "cabin": ("cabin", "a", "eine", "Hütte"), "camel": ("camel", "a", "ein", "Kamel"),
    "candle": ("candle", "a", "eine", "Kerze"), "cannon": ("cannon", "a", "eine", "Kanone"),
    "car_(sedan)": ("car", "a", "ein", "Auto"), "castle": ("castle", "a", "eine", "Burg"),
    "cat": ("cat", "a", "eine", "Katze"), "chair": ("chair", "a", "ein", "Stuhl"),
    "chicken": ("chicken", "a", "ein", "Huhn"), "church": ("church", "a", "eine", "Kirche"),
    "couch": ("couch", "a", "ein", "Sofa"), "cow": ("cow", "a", "eine", "Kuh"),
    "crab": ("crab", "a", "eine", "Krabbe"), "crocodilian": ("crocodile", "a", "ein", "Krokodil"),
    "cup": ("cup", "a", "eine", "Tasse"), "deer": ("deer", "a", "ein", "Hirsch"),
    "dog": ("dog", "a", "ein", "Hund"), "dolphin": ("dolphin", "a", "ein", "Delfin"),
    "door": ("door", "a", "eine", "Tür"), "duck": ("duck", "a", "eine", "Ente"),
    "elephant": ("elephant", "an", "ein", "Elefant", "Elefanten"), "eyeglasses": ("glasses", "", "eine", "Brille"),
    "fan": ("fan", "a", "ein", "Ventilator"), "fish": ("fish", "a", "ein", "Fisch"),
    "flower": ("flower", "a", "eine", "Blume"), "frog": ("frog", "a", "ein", "Frosch"),
    "geyser": ("geyser", "a", "ein", "Geysir"), "giraffe": ("giraffe", "a", "eine", "Giraffe"),
    "guitar": ("guitar", "a", "eine", "Gitarre"), "hamburger": ("hamburger", "a", "ein", "Hamburger"),
    "hammer": ("hammer", "a", "ein", "Hammer"), "harp": ("harp", "a", "eine", "Harfe"),
    "hat": ("hat", "a", "ein", "Hut"), "hedgehog": ("hedgehog", "a", "ein", "Igel"),
    "helicopter": ("helicopter", "a", "ein", "Hubschrauber"),
    "hermit_crab": ("hermit crab", "a", "ein", "Einsiedlerkrebs"), "horse": ("horse", "a", "ein", "Pferd"),
    "hot-air_balloon": ("hot-air balloon", "a", "ein", "Heißluftballon"), "hotdog": ("hot dog", "a", "ein", "Hotdog"),
    "hourglass": ("hourglass", "an", "eine", "Sanduhr"),
    "jack-o-lantern": ("jack-o'-lantern", "a", "eine", "Kürbislaterne"),
    "jellyfish": ("jellyfish", "a", "eine", "Qualle"), "kangaroo": ("kangaroo", "a", "ein", "Känguru"),
    "knife": ("knife", "a", "ein", "Messer"), "lion": ("lion", "a", "ein", "Löwe", "Löwen"),
    "lizard": ("lizard", "a", "eine", "Eidechse"), "lobster": ("lobster", "a", "ein", "Hummer"),
    "motorcycle": ("motorcycle", "a", "ein", "Motorrad"), "mouse": ("mouse", "a", "eine", "Maus"),
    "mushroom": ("mushroom", "a", "ein", "Pilz"), "owl": ("owl", "an", "eine", "Eule"),
    "parrot": ("parrot", "a", "ein", "Papagei"), "pear": ("pear", "a", "eine", "Birne"),
    "penguin": ("penguin", "a", "ein", "Pinguin"), "piano": ("piano", "a", "ein", "Klavier"),
    "pickup_truck": ("pickup truck", "a", "ein", "Pick-up"), "pig": ("pig", "a", "ein", "Schwein"),
    "pineapple": ("pineapple", "a", "eine", "Ananas"), "pistol": ("pistol", "a", "eine", "Pistole"),
    "pizza": ("pizza", "a", "eine", "Pizza"), "pretzel": ("pretzel", "a", "eine", "Brezel"),
    "rabbit": ("rabbit", "a", "ein", "Hase", "Hasen"), "raccoon": ("raccoon", "a", "ein", "Waschbär", "Waschbären"),
    "racket": ("tennis racket", "a", "ein", "Tennisschläger"), "ray": ("ray", "a", "ein", "Rochen"),
    "rhinoceros": ("rhinoceros", "a", "ein", "Nashorn"), "rifle": ("rifle", "a", "ein", "Gewehr"),
    "rocket": ("rocket", "a", "eine", "Rakete"), "sailboat": ("sailboat", "a", "ein", "Segelboot"),
    "saw": ("saw", "a", "eine", "Säge"), "saxophone": ("saxophone", "a", "ein", "Saxophon"),
    "scissors": ("scissors", "", "eine", "Schere"), "scorpion": ("scorpion", "a", "ein", "Skorpion"),
    "sea_turtle": ("sea turtle", "a", "eine", "Meeresschildkröte"), "seagull": ("seagull", "a", "eine", "Möwe"),
    "seal": ("seal", "a", "ein", "Seehund"), "shark": ("shark", "a", "ein", "Hai"),
    "sheep": ("sheep", "a", "ein", "Schaf"), "shoe": ("shoe", "a", "ein", "Schuh"),
    "skyscraper": ("skyscraper", "a", "ein", "Wolkenkratzer"), "snail": ("snail", "a", "eine", "Schnecke"),
    "snake": ("snake", "a", "eine", "Schlange"), "songbird": ("songbird", "a", "ein", "Singvogel"),
    "spider": ("spider", "a", "eine", "Spinne"), "spoon": ("spoon", "a", "ein", "Löffel"),
    "squirrel": ("squirrel", "a", "ein", "Eichhörnchen"), "starfish": ("starfish", "a", "ein", "Seestern"),
    "strawberry": ("strawberry", "a", "eine", "Erdbeere"), "swan": ("swan", "a", "ein", "Schwan"),
    "sword": ("sword", "a", "ein", "Schwert"), "table": ("table", "a", "ein", "Tisch"),
    "tank": ("tank", "a", "ein", "Panzer"), "teapot": ("teapot", "a", "eine", "Teekanne"),
    "teddy_bear": ("teddy bear", "a", "ein", "Teddybär", "Teddybären"), "tiger": ("tiger", "a", "ein", "Tiger"),
    "tree": ("tree", "a", "ein", "Baum"), "trumpet": ("trumpet", "a", "eine", "Trompete"),
    "turtle": ("turtle", "a", "eine", "Schildkröte"), "umbrella": ("umbrella", "an", "ein", "Regenschirm"),
    "violin": ("violin", "a", "eine", "Geige"), "volcano": ("volcano", "a", "ein", "Vulkan"),
    "wading_bird": ("wading bird", "a", "ein", "Watvogel"), "wheelchair": ("wheelchair", "a", "ein", "Rollstuhl"),
    "windmill": ("windmill", "a", "eine", "Windmühle"), "window": ("window", "a", "ein", "Fenster"),
    "wine_bottle": ("wine bottle", "a", "eine", "Weinflasche"), "zebra": ("zebra", "a", "ein", "Zebra"),
}  # fmt: skip


def phrases(name: str) -> dict[str, list[str]]:
    """What a person may type for a class, by language; German only for the classes in NAMES."""
    if name not in NAMES:
        noun = name.replace("_", " ")
        article = "an" if noun[0].lower() in "aeiou" else "a"
        return {"en": _english(noun, article)}
    noun, article, german_article, german, *dative = NAMES[name]
    to_whom = "einer" if german_article == "eine" else "einem"
    nominative, dative = f"{german_article} {german}", f"{to_whom} {dative[0] if dative else german}"
    return {
        "en": _english(noun, article),
        "de": [german, nominative, f"ein Foto von {dative}", f"ein Bild von {dative}", f"eine Zeichnung von {dative}"],
    }


def _english(noun: str, article: str) -> list[str]:
    thing = f"{article} {noun}".strip()
    return [noun, thing, f"a photo of {thing}", f"a picture of {thing}", f"a drawing of {thing}"]
