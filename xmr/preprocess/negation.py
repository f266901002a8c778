"""What a text says that the photos should not show: "without people", "kein Hund"."""

import re
from itertools import islice

MOST_UNWANTED = 16  # of a text; further negations stay in it
_SAY_NO = """
without nicht not no ohne keine keinen kein keinem keiner keines except instead neither anything everything isn't aren't
don't doesn't außer ausser weder statt
"""
NEGATING = _SAY_NO.split()

_NOT_EN = (
    r"(?:no|zero)(?!\s+(?:one|to|gravity|waste|\d+)\b)"
    r"|(?>not(?:\s+at\s+all)?(?:\s+be)?"
    r"(?:\s+(?:wearing|having|showing|containing|contain|include|have|show))?)(?!\s+(?:all|every|to)\b)"
    r"|with\s?out(?!\s+of\b)|w/o(?:ut)?|minus(?!\s+\d)"
    r"|(?:(?<=that\s)|(?<=who\s)|(?<=which\s))never|in\s+no\s+way|by\s+no\s+means"
    r"|(?>except(?:\s+for)?)|exclud(?:e|es|ing)|lack(?:s|ing)|but\s+not|neither|(?:hardly|barely|scarcely)\s+any"
    r"|(?:devoid|void|empty|free)\s+of|(?:any(?:thing|one|body)?|every(?:thing|one|body)?|all)(?:\s+colou?rs?)?\s+but"
    r"|(?:other|rather)\s+than|instead\s+of|(?:apart|aside)\s+from|with\s+the\s+exception\s+of"
    r"|nothing\s+with|(?:must|should)n['’]?t(?:\s+(?:be|have|contain|include|show|see))?"
    r"|(?:is|are|was|were|has|have|ai)['’]?n['’]?t(?!\s+(?:there|that|this|these|it|s?he|you|they|we|I)\b)"
    r"|(?>(?:do|does|did)(?:n['’]?t|\s+not)(?!\s+(?:you|they|we|I)\b)"  # these ask: "don't you have", "isn't that"
    r"(?:\s+(?:want|like|need|show|see|have|wear|include|contain))?(?:\s+to\s+see|\s+me)?)"
)
_NOT_DE = (
    r"kein(?:e[nmrs]?|s|erlei)?|ni(?:chts|x)\s+mit|ohne|kaum(?!\s+(?:zu|mehr|noch)\b)"
    r"|nicht?(?!\s+(?:alle[nmrs]?|jede[nmrs]?)\b)"
    r"|(?<=\bd[ae][rs]\s)nie(?:mals)?|(?<=\bdie\s)nie(?:mals)?|außer|ausser|alles\s+bis\s+auf|anderes?\s+als"
    r"|weder|(?<!findet\s)(?<!finden\s)(?:an)?statt|anstelle(?:\s+von)?|frei\s+von|mit\s+Ausnahme\s+von"
    r"|abgesehen\s+von|auf\s+keinen\s+Fall|keines(?:falls|wegs)"
)
# What follows a negation that takes nothing away: "not only", "not very big", "no doubt", "Ohne Titel".
_MEANT = (
    r"(?!\s+(?:only|just|more\s+than|less|longer|far|necessarily|always|very|so|too|quite|really|entirely|completely"
    r"|both|(?:a(?:ny)?\s+)?doubt|hurry|title|idea|sure|bad|problem|matter|wonder|nur|bloß|mehr|weit"
    r"|unbedingt|immer|sehr|ganz|zu|wirklich|völlig|besonders|(?:jeden\s+)?zweifel|titel|atem|betrieb|ahnung|frage|problem|ende|wunder|wahr"
    r"|schlecht)\b)"
)
_ARTICLE = r"(?:any|a|an|the|(?:irgend)?eine?[nmrs]?|irgendwelche[nmrs]?|der|die|das|den|dem|des)"
# What leads to a negation: "a cup [that is] not red", "a street [where there are almost] no cars".
_LEADING = (
    r"(?:that|which|who|der|die|das)(?:['’]?s|\s+(?:has|have))?|and|or|but|with|where|there|is|are|was|were|wearing"
    r"|(?:on|in|at)\s+which|almost|nearly|absolutely|definitely|just|please|pls|must|should|und|oder"
    r"|aber|bitte|nur|bloß|soll(?:te)?n?|darf|mit|wo|da|hier|dies|es|gibt"
    r"|ist|sind|trägt|(?:auf|in|an|bei)\s+(?:dem|der|denen)|fast(?=\s+kein)|ganz|gar|völlig|überhaupt"
)
_NEGATION = re.compile(
    rf"(?:,?\s*\b(?:{_LEADING})\s+){{0,5}}"
    rf"(?<![\w-])(?<!\w['’])(?<!\bnothing\s)(?<!\bnichts\s)(?<!\bnone\s)(?:{_NOT_EN}|{_NOT_DE})(?![\w'’-]){_MEANT}\s+"
    rf"(?P<article>{_ARTICLE}(?:\s+|$))?(?:(?:single|more|einzige[nmrs]?)\s+)?",
    re.IGNORECASE,
)
# "A beach with nobody on it", "ein Strand, auf dem niemand ist" have no people; "nobody smiles" does.
_NOBODY = {
    "no people": re.compile(
        r"\b(?:with|there(?:['’]s|\s+is))\s+(?:nobody|no[ -]one)\b"
        r"|\b(?:nobody|no[ -]one)(?=\s+(?:there|here|around|visible|in|on|at|near|under|inside)\b)",
        re.IGNORECASE,
    ),
    "keine Menschen": re.compile(
        r"\b(?:mit\s+niemand(?:em)?|es\s+ist\s+niemand)\b"
        r"|\bniemand(?=\s+(?:da|dort|hier|ist|zu\s+sehen|darauf|drauf|darin|drin|im|in|am|an|auf|bei)\b)",
        re.IGNORECASE,
    ),
}
_NOT_WITHOUT = re.compile(r"\b(?:not|never|nicht|nie)\s+(?:without|ohne)\s+", re.IGNORECASE)
# One word: "car -red", as to a search engine, "a not red car", "ein nicht rotes Auto", "a car-free street", "autofrei";
# but "Jacke und -hose" are two garments.
_UNWANTED = re.compile(
    r"(?<!\S)(?:!|(?<!\bund\s)(?<!\boder\s)[-–−])([^\W\d_]+)(?!\S)"
    r"|\b(?:non[- ]|nicht-)(?!(?:stop|stick|slip|fiction|profit)\b)([^\W\d_]+)"
    rf"|(?<=\ba\s)not{_MEANT}\s+([^\W\d_]+)(?=\s+[^\W\d_])"
    rf"|(?<=\bein\s)nicht{_MEANT}\s+([^\W\d_]+e[rs])(?=\s+\w)|(?<=\beine\s)nicht\s+([^\W\d_]+e)(?=\s+\w)"
    r"|(?<=\beine[nmr]\s)nicht\s+([^\W\d_]+en)(?=\s+\w)"
    r"|(?<![\w-])([^\W\d_]+)-free(?![\w-])|(?<![\w-])([^\W\d_]{3,}?)-?frei(?:e[nmrs]?)?(?![\w-])"
    r"|\b(menschen)leer(?:e[nmrs]?)?\b",
    re.IGNORECASE,
)
_LISTED = re.compile(rf"\s*(?:,|\b(?:and|or|nor|und|oder|noch)\b)\s*(?:{_ARTICLE}\s+)?", re.IGNORECASE)
_PLACE = r"in|on|at|under|over|near|behind|beside|im|auf|am|an|bei|unter|über|neben|hinter|vor"
_AT_PLACE = re.compile(  # "not in the water", "not standing in the water"
    rf"(?:(?:(?<=not\s)|(?<=n['’]t\s)|(?<=never\s))\w+ing\s+)?(?:{_PLACE})\s+(?=\w)", re.IGNORECASE
)
# What a negation ends with, and says nothing by itself: "no cars [at all]", "keine Autos [zu sehen]".
_CLOSED = (
    r"at\s+all|whatsoever|anywhere|here|hier|in\s+(?:sight|Sicht)|(?:in|on)\s+(?:it|them)|on\s*$"
    r"|(?<!zu\s)(?:sein|enthalten)(?=\W*$)|to\s+be\s+seen|zu\s+sehen"
    r"|any\s?more|weit\s+und\s+breit|mehr|darauf|drauf|darin|drin"
)
_ITEM = rf"(?!{_ARTICLE}\s)[^\W\d_]+(?:\s(?!\w+ing\b)[^\W\d_]+)?\s*"  # of a list: "no dogs, cats or birds"
_ENDS = re.compile(  # what is wanted goes on after these
    rf",(?!\s*(?:(?:{_ITEM},\s*){{0,8}}{_ITEM},?\s*)?\b(?:or|nor|oder|noch)\s)|[;.!?:()\[\]]|\b(?:{_CLOSED}|{_PLACE}"
    r"|but|with|is|are|was|were|has|have|who|which|while|and\s+\w+ing|please|thanks"
    r"|(?<!no\s)(?<!not\s)(?<!n't\s)(?<!never\s)(?<!any\s)(?<!without\s)"
    r"(?:stand|sit|walk|run|ride|jump|climb|play|hold|swim)s?"
    r"|aber|sondern|lieber|mit|ist|sind|waren|haben|wird|werden|sitzt|sitzen|steht|stehen|liegt|liegen|geht|gehen"
    r"|läuft|laufen|fährt|fahren|rennt|rennen|spielt|spielen|springt|trägt|sehen|bitte|danke)\b",
    re.IGNORECASE,
)
# "No shoes and a bag" asks for a bag; "without a hat and a bag" does not.
_ENDS_AND_ONE = re.compile(
    rf"{_ENDS.pattern}|\b(?:and\s+(?:an?|some|one|two)|und\s+(?:eine?[nmr]?|zwei))\s", re.IGNORECASE
)
# "A man with no shirt riding a bike" rides; but a ring on a finger is a thing.
_DOING = re.compile(
    r"(?:(?!(?:be|to|\w+ing)\b)[^\W\d_]+\s+){1,3}?"
    r"(?=playing\b|(?!(?:\w*thing|ring|string|wing|building)\b)\w+ing\s+"
    rf"(?:{_ARTICLE}|{_PLACE}|his|her|its|their|through|into|down|up|along|around|across|to|from|with|outside)\b)",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    rf"(?:\s*\b(?:{_CLOSED}|is\s*$|ist|sind|hat|haben|trägt|tragen)\b|,?\s*\b(?:but|sondern|lieber)\b)+", re.IGNORECASE
)
_EDGES = " ,;.!?:()[]/–—-\"„“”…'‚‘’"
_SIGN = re.compile(  # "a no parking sign" wants one, and so does "no parking"
    r"\b(?:signs?|says|saying|stating|schild(?:er|ern|s)?|aufschrift"
    r"|no\s+(?:parking|smoking|entry|trespassing)|kein\s+(?:zutritt|durchgang))\b",
    re.IGNORECASE,
)


def without_negations(text: str) -> tuple[str, tuple[str, ...]]:
    """A text without the parts that say what is not wanted, and what these name.

    A negation reaches to the next comma, preposition or verb, or over a list that "or" closes; what "and" or "or" adds
    to it counts too, and what only leads to it or closes it goes with it. A minus in front of a word reaches over that
    word. What a sign says is no negation.

    >>> without_negations("a street without cars and people in the rain")
    ('a street in the rain', ('cars', 'people'))
    >>> without_negations("ein Strand, aber keine Menschen")
    ('ein Strand', ('Menschen',))
    >>> without_negations("cars -red that aren't blue")
    ('cars', ('red', 'blue'))
    """
    kept: list[str] = []
    text = _NOT_WITHOUT.sub("", text)
    for said, nobody in _NOBODY.items():
        text = nobody.sub(said, text)
    unwanted = [match[match.lastindex or 0] for match in islice(_UNWANTED.finditer(text), MOST_UNWANTED)]
    text = _UNWANTED.sub("", text, count=MOST_UNWANTED)
    at = 0
    while len(unwanted) < MOST_UNWANTED and (match := _NEGATION.search(text, at)):
        place = _AT_PLACE.match(text, match.end())
        ends = _ENDS if match["article"] else _ENDS_AND_ONE
        end = ends.search(text, place.end() if place else match.end())
        stop = end.start() if end else len(text)
        if text[: match.start()].strip(_EDGES) and (doing := _DOING.match(text, match.end())):
            stop = min(stop, doing.end())
        begin = max((end.end() for end in _ENDS.finditer(text, 0, match.start())), default=0)
        on_sign = _SIGN.search(text, begin, stop)
        following = _NEGATION.search(text, match.end(), stop)
        stop = following.start() if following else stop
        named = [one.strip(_EDGES) for one in _LISTED.split(text[match.end() : stop])]
        named = [one for one in named if one and not _NEGATION.fullmatch(f"{one} ")]
        if on_sign or not named:  # or nothing follows: it negates nothing
            again = following is not None and following.start() == match.end() and not on_sign  # "no no dogs"
            kept.append(text[at : match.start() if again else match.end()])
            at = match.end()
            continue
        kept.append(text[at : match.start()])
        unwanted += named
        closing = _CLOSING.match(text, stop)
        at = closing.end() if closing else stop
    if not unwanted:
        return text, ()
    kept.append(text[at:])
    wanted = re.sub(r"\s+", " ", " ".join(kept))
    wanted = re.sub(r"(?:[,;] ?)+(?=[,;])", "", wanted.replace(" ,", ",")).strip(_EDGES)
    return re.sub(r"^(?:but|and|with|aber|und|mit|sondern)\s+", "", wanted), tuple(unwanted)
