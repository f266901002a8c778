"""Concepts that captions name, as tags of their photo: multi-labels for data sets that have captions and no labels.

How the list was made: by hand, of the things, places and doings among the 400 most frequent words of Flickr8k's
captions in each language, each with its forms in both; colours, numbers and what says little by itself (large, front,
wearing) are left out. A word that ends in * stands for all that begin so. A photo has a concept as a tag if two of its
captions or more, of either language, name it: what one person alone saw is often not there.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache

from xmr.modality import Item, Modality

LEAST = 2  # captions that have to name a concept
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
}  # fmt: skip
LANGUAGES = ("en", "de")


def tags(captions: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """The concepts that at least LEAST of one photo's captions name, of any language: {"en": [...], "de": [...]}."""
    counts: dict[str, int] = {}
    for language, texts in captions.items():
        for text in texts:
            for name, pattern in _patterns(language).items():
                if pattern.search(text.lower()):
                    counts[name] = counts.get(name, 0) + 1
    return frozenset(name for name, count in counts.items() if count >= LEAST)


def tagged(items: list[Item]) -> list[Item]:
    """Photos that have tags, and for each language one description of each of them: its captions, one after another.

    Their labels are the photo's and the tags. A photo whose captions name no concept is left out, with its captions.
    """
    captions: dict[str, dict[str, list[str]]] = {}
    for item in items:
        if item.modality is Modality.TEXT:
            captions.setdefault(min(item.labels), {}).setdefault(item.language, []).append(item.content)
    found = []
    for item in items:
        told = captions.get(min(item.labels), {})
        named = frozenset(f"tag:{name}" for name in tags(told))
        if item.modality is Modality.PHOTO and named:
            labels = item.labels | named
            found.append(Item(item.id, Modality.PHOTO, item.content, labels))
            found += [
                Item(f"{item.id}#{language}", Modality.TEXT, " ".join(texts), labels, language)
                for language, texts in told.items()
            ]
    return found


@cache
def _patterns(language: str) -> dict[str, re.Pattern]:
    at = LANGUAGES.index(language)
    return {
        name: re.compile(r"\b(?:" + "|".join(word.replace("*", r"\w*") for word in words[at].split()) + r")\b")
        for name, words in CONCEPTS.items()
    }
