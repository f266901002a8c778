"""Tags for data sets that have captions but no labels: the concepts that a photo's captions mention.

The list was made by hand from the 400 most frequent words of Flickr8k's captions in each language: things, places and
actions, with their inflected forms. Colours, numbers and words that say little by themselves (large, front, wearing)
are left out. A word that ends in * stands for all words that begin so. A photo is tagged with a concept if at least two
of its captions, in either language, mention it, because what only one person saw is often not there.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache

from xmr.modality import Item, Modality

MIN_CAPTIONS = 2  # that must mention a concept
CONCEPTS = {  # name -> (English words, German words)
    "man": ("man men guy guys gentleman", "mann männer männern herr herren"),
    "woman": ("woman women lady ladies", "frau frauen dame damen"),
    "boy": ("boy boys", "junge jungen jungs bub buben"),
    "girl": ("girl girls", "mädchen"),
    "child": ("child children kid kids toddler toddlers", "kind kinder kindern kleinkind*"),
    "baby": ("baby babies infant", "baby babys säugling*"),
    "crowd": ("crowd crowds crowded audience spectators", "menge menschenmenge publikum zuschauer*"),
    "dog": ("dog dogs puppy puppies", "hund hunde hunden schäferhund* windhund* welpe welpen"),
    "horse": ("horse horses", "pferd*"),
    "bird": ("bird birds seagull* duck ducks", "vogel vögel* möwe* ente enten"),
    "football": ("soccer football rugby", "fußball* football* rugby*"),
    "basketball": ("basketball*", "basketball*"),
    "baseball": ("baseball*", "baseball*"),
    "tennis": ("tennis", "tennis*"),
    "hockey": ("hockey", "hockey* eishockey*"),
    "ball": ("ball balls", "ball bälle bällen tennisball"),
    "bicycle": ("bike bikes biker bikers bicycle* bicyclist* cyclist*", "fahrrad* fahrräder* rad radfahrer* bmx*"),
    "motorcycle": ("motorcycle* motorbike* motocross", "motorrad* motorräder* motocross*"),
    "car": ("car cars truck trucks", "auto autos wagen rennwagen lastwagen"),
    "boat": ("boat boats canoe* kayak* raft", "boot boote kanu* kajak* schlauchboot*"),
    "skateboard": ("skateboard* skater*", "skateboard* skater*"),
    "ski": ("ski skis skier skiers skiing snowboard*", "ski* snowboard*"),
    "surfing": ("surf surfs surfer surfers surfing surfboard*", "surf*"),
    "sled": ("sled sleds sledding", "schlitten*"),
    "frisbee": ("frisbee*", "frisbee*"),
    "toy": ("toy toys", "spielzeug* kuscheltier*"),
    "stick": ("stick sticks branch", "stock stöckchen ast"),
    "swing": ("swing swings swinging", "schaukel*"),
    "slide": ("slide slides", "rutsche rutschen wasserrutsche"),
    "trampoline": ("trampoline*", "trampolin*"),
    "playground": ("playground*", "spielplatz*"),
    "guitar": ("guitar guitars guitarist", "gitarre* gitarrist*"),
    "dancing": ("dance dances dancing dancer dancers", "tanz* tänzer*"),
    "climbing": ("climb climbs climbing climber climbers", "kletter* klettern bergsteiger*"),
    "swimming": ("swim swims swimming swimmer*", "schwimm*"),
    "jumping": ("jump jumps jumping leap leaps leaping", "spring springt springen sprung sprünge hüpf*"),
    "running": ("run runs running", "renn rennt rennen läuft laufen"),
    "eating": ("eat eats eating food meal", "ess isst essen mahlzeit*"),
    "water": ("water", "wasser gewässer*"),
    "beach": ("beach shore", "strand* ufer"),
    "sea": ("ocean sea wave waves", "meer* welle wellen ozean"),
    "pool": ("pool", "pool* schwimmbecken planschbecken"),
    "lake or river": ("lake river stream creek pond", "see fluss bach teich"),
    "fountain": ("fountain*", "brunnen springbrunnen fontäne*"),
    "snow": ("snow snowy", "schnee* verschneit*"),
    "ice": ("ice icy", "eis eisfläche"),
    "mountain": ("mountain mountains hill hills cliff", "berg berge bergen hügel* felswand klippe* gebirge"),
    "rock": ("rock rocks boulder boulders rocky", "fels felsen felsbrocken felsig* stein steine steinen"),
    "sand": ("sand sandy dune dunes", "sand sandig* düne dünen"),
    "grass": ("grass grassy lawn meadow field", "gras rasen wiese wiesen feld grasbewachsen*"),
    "forest": ("forest woods wooded", "wald wälder* waldweg"),
    "tree": ("tree trees", "baum bäume bäumen baumstamm*"),
    "street": ("street streets road sidewalk", "straße* strasse* gehweg* bürgersteig*"),
    "building": ("building buildings house houses", "gebäude* haus häuser*"),
    "fence": ("fence", "zaun zäune"),
    "wall": ("wall walls", "wand mauer mauern"),
    "stairs": ("stairs steps staircase railing", "treppe* stufen geländer"),
    "bench": ("bench benches", "bank parkbank bänke*"),
    "table": ("table tables", "tisch tische*"),
    "bed or couch": ("bed couch sofa", "bett couch sofa"),
    "park": ("park", "park"),
    "tent": ("tent tents camping", "zelt zelte* campen"),
    "fire": ("fire fireworks", "feuer* lagerfeuer"),
    "flower": ("flower flowers", "blume* blüten"),
    "helmet": ("helmet helmets", "helm helme*"),
    "hat": ("hat hats cap", "hut hüte* mütze* kappe*"),
    "sunglasses": ("sunglasses", "sonnenbrille*"),
    "dress": ("dress dresses", "kleid kleider*"),
    "uniform or costume": ("uniform uniforms costume costumes", "uniform* kostüm* verkleid*"),
    "backpack": ("backpack backpacks", "rucksack* rucksäcke*"),
    "camera": ("camera cameras", "kamera*"),
    "rope": ("rope ropes leash", "seil seile* leine"),
    "night": ("night dark", "nacht nachts dunkel dunklen dunkelheit"),
}
LANGUAGES = ("en", "de")


def tags(captions: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """The concepts that at least MIN_CAPTIONS of a photo's captions, {"en": [...], "de": [...]}, mention."""
    counts: dict[str, int] = {}
    for language, texts in captions.items():
        for text in texts:
            for name, pattern in _patterns(language).items():
                if pattern.search(text.lower()):
                    counts[name] = counts.get(name, 0) + 1
    return frozenset(name for name, count in counts.items() if count >= MIN_CAPTIONS)


def tagged(items: list[Item]) -> list[Item]:
    """Tagged photos, and one description of each photo per language: all its captions joined.

    Labels are the photo's own and the tags. Photos without a tag are left out, with their captions.
    """
    captions: dict[str, dict[str, list[str]]] = {}
    for item in items:
        if item.modality is Modality.TEXT:
            captions.setdefault(min(item.labels), {}).setdefault(item.language, []).append(item.content)
    found = []
    for item in items:
        texts_of = captions.get(min(item.labels), {})
        named = frozenset(f"tag:{name}" for name in tags(texts_of))
        if item.modality is Modality.PHOTO and named:
            labels = item.labels | named
            found.append(Item(item.id, Modality.PHOTO, item.content, labels))
            found += [
                Item(f"{item.id}#{language}", Modality.TEXT, " ".join(texts), labels, language)
                for language, texts in texts_of.items()
            ]
    return found


@cache
def _patterns(language: str) -> dict[str, re.Pattern]:
    at = LANGUAGES.index(language)
    return {
        name: re.compile(r"\b(?:" + "|".join(word.replace("*", r"\w*") for word in words[at].split()) + r")\b")
        for name, words in CONCEPTS.items()
    }
