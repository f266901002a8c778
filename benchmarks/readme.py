"""Writes the figures of README.md and docs/large-galleries.md, between two marks each, from the results of evaluations
and benchmarks.

python -m benchmarks.readme
"""

import json
from collections.abc import Callable
from pathlib import Path

from benchmarks.report import RESULTS
from training.release.exposure import trained_by
from training.systems.runs import AVERAGE

ROOT = Path(__file__).resolve().parents[1]
START, END = "<!-- figures: written by python -m benchmarks.readme -->", "<!-- end of figures -->"

# The rows of the table of tri: protocol, metric, label.
ROWS = (
    ("world-test", "sketch_to_photo/category/p@1", "rendered world, new things: drawing → photo, P@1 by category"),
    ("world-test", "text_en_to_photo/category/p@1", "… English caption → photo, P@1 by category"),
    ("world-test", "text_de_to_photo/category/p@1", "… German caption → photo, P@1 by category"),
    ("world-test", "sketch_to_photo/instance/hit@10", "… drawing → the very thing drawn, hit@10"),
    ("flickr8k-test-en", "text_to_photo/hit@10", "Flickr8k test: English caption → its photo, hit@10"),
    ("flickr8k-test-de", "text_to_photo/hit@10", "… German caption → its photo, hit@10"),
    ("flickr8k-test-en", "photo_to_text/hit@10", "… photo → one of its English captions, hit@10"),
    ("quickdraw-demo", "sketch_to_photo/category/p@1", "Quick, Draw!: doodle → shipped photo, P@1 by category"),
    ("quickdraw-demo", "sketch_to_photo/category/any@10", "… a right photo among the first ten"),
    ("quickdraw-photos", "sketch_to_photo/category/p@1", "… doodle → real photo, P@1 by category"),
    ("sketchy25-heldout", "sketch_to_photo/category/p@1", "Sketchy, held-out photos: sketch → photo, P@1 by category"),
    ("sketchy25-heldout", "sketch_to_photo/instance/hit@10", "… sketch → the photo it was drawn from, hit@10"),
    ("chairv2-test", "sketch_to_photo/instance/hit@10", "ChairV2 test: sketch → its chair, hit@10"),
    ("typed-demo", "text_to_photo/clean/p@1", "name of a thing → shipped photo, P@1 by category"),
    ("typed-demo", "text_to_photo/dropped/p@1", "… with a letter missing"),
    ("world-mixed", "colour/both@1", "a person's sketch and a colour in words → first photo has both"),
    ("world-mixed", "phrase/both@1", "… a sketch, and its name with a colour in words"),
)
# The rows of the table of all systems.
LEADERS = (
    ("sketchy-2-unseen", "sketch_to_photo/category/map", "Sketchy, 21 classes not trained on: sketch → photo, mAP"),
    ("sketchy-2-unseen", "sketch_to_photo/category/p@1", "… P@1 by category"),
    (
        "sketchy25-heldout",
        "sketch_to_photo/category/p@1",
        "Sketchy, held-out photos of 125 classes: sketch → photo, P@1 by category",
    ),
    ("sketchy25-heldout", "sketch_to_photo/category/map", "… mAP"),
    ("world-test", "sketch_to_photo/category/p@1", "rendered world: drawing → photo, P@1 by category"),
    ("chairv2-test", "sketch_to_photo/instance/hit@10", "ChairV2: sketch → its chair, hit@10"),
    ("quickdraw-demo", "sketch_to_photo/category/p@1", "Quick, Draw!: doodle → shipped photo, P@1 by category"),
    ("flickr8k-test-en", "text_to_photo/hit@10", "Flickr8k: English caption → its photo, hit@10"),
    ("flickr8k-test-en", "photo_to_text/hit@10", "… photo → one of its captions, hit@10"),
    ("flickr8k-tags", "text_en_to_photo/tag/map", "Flickr8k, 73 concepts: English description → photo, mAP"),
    ("flickr8k-tags", "text_de_to_photo/tag/map", "… German description → photo, mAP"),
)


# The rows of the table of systems as published and as they ship: system, protocol, metric, label; codes: one a length
# in bits.
BITS = (16, 32, 48, 64)
PUBLISHED = (
    ("sketchy-gan", "sketchy25-heldout", "sketch_to_photo/category/p@1", "P@1 by category"),
    ("zero-shot-dann", "sketchy-2-unseen", "sketch_to_photo/category/map", "mAP, classes not trained on"),
    ("coco-regions", "flickr8k-test-en", "text_to_photo/hit@10", "caption → its photo, hit@10"),
    ("iaprtc12-hashing", "flickr8k-tags", "text_en_to_photo/tag/map", "English description → photo, mAP"),
    ("flickr30k-clip", "flickr8k-test-en", "text_to_photo/hit@10", "caption → its photo, hit@10"),
)


# What the networks had seen of a protocol's test items before training, by its name's beginning: a footnote's sign.
NOTES = {"sketchy": "¹", "flickr8k": "²"}


# The variants of zero-shot-dann that tell what mixes sketches with photos, and how they are called.
DEVELOPMENT, MAP = "sketchy-2-development-unseen", "sketch_to_photo/category/map"
MIXING = {
    "strength-0": "neither",
    "strength-0.3": "gradient reversal, strength 0.3",
    "strength-1": "gradient reversal, strength 1",
    "mixed-0": "means subtracted",
    "mixed-1": "means subtracted, gradient reversal, strength 1",
    "mixed-10": "means subtracted, gradient reversal, strength 10",
}


def leaderboard() -> list[str]:
    """The table of all systems, as lines of Markdown."""
    paths = (ROOT / "checkpoints").glob("*/metrics.json")
    held = {path.parent.name: json.loads(path.read_text(encoding="utf-8"))["protocols"] for path in paths}
    names = sorted(held, key=lambda name: (name != "tri", name))
    lines = [
        f"| test | protocol | {' | '.join(f'`{name}`' for name in names)} | chance |",
        "| --- | --- |" + " --- |" * (len(names) + 1),
    ]
    for protocol, metric, called in LEADERS:
        entries = {name: held[name][protocol] for name in names if protocol in held[name]}
        entries = {name: entry for name, entry in entries.items() if metric in entry["metrics"]}
        if entries:
            best = max(entry["metrics"][metric] for entry in entries.values())
            cells = [_cell(entries[name]["metrics"][metric], best) if name in entries else "–" for name in names]
            chance = next(reversed(entries.values()))["chance"][metric]
            lines.append(f"| {called}{_note(protocol)} | `{protocol}` | {' | '.join(cells)} | {chance:.3f} |")
    return lines


def _cell(value: float, best: float) -> str:
    return f"**{value:.3f}**" if value == best else f"{value:.3f}"


def figures() -> str:
    """The README's tables and figures, as Markdown."""
    protocols = json.loads((ROOT / "checkpoints" / "tri" / "metrics.json").read_text())["protocols"]
    latency = json.loads((RESULTS / "latency.json").read_text())
    names = ("footprint", "visit", "codes")
    footprint, visit, codes = (json.loads((RESULTS / f"{name}.json").read_text()) for name in names)
    lines = [
        "### The default system",
        "",
        "| `tri`, on test items | protocol | result | chance |",
        "| --- | --- | --- | --- |",
    ]
    for name, metric, called in ROWS:
        entry = protocols[name]
        error = f" ± {entry['stderr'][metric]:.3f}" if metric in entry["stderr"] else ""
        result = f"**{entry['metrics'][metric]:.3f}**{error}"
        lines.append(f"| {called}{_note(name)} | `{name}` | {result} | {entry['chance'][metric]:.3f} |")
    dropped = sum(protocols[name]["dropped"] for name in {row[0] for row in ROWS})
    lines += [
        "",
        f"± is the standard error over queries; {dropped} queries had no match and were left out. All figures of all "
        "protocols: `checkpoints/tri/metrics.json`.",
        "",
        "### All systems",
        "",
        *leaderboard(),
        "",
        "A dash: not measured, because the system takes no such query, was trained on what the test asks for, or was "
        "not run on it.",
        "",
        seen(),
        "",
        *both_rows(),
        *parts(),
        "### Speed and size",
        "",
        "| one warm query of `tri` | encoding and searching | the network alone |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| {kind} | {times['query_ms']:.1f} ms | {times['network_alone_ms']:.1f} ms |"
        for kind, times in latency["systems"]["tri"].items()
    ]
    lines += [
        "",
        f"Medians on {_cores(latency)}, {latency['photos']:,} photos.",
        "",
        f"- In the browser, on {_cores(visit)}: the answer to a warm query in words is on the screen "
        f"{visit['words']['ms']} ms after Enter, or {visit['words_without_enter']['ms']} ms after the last letter; the "
        f"answer to a stroke after {visit['stroke']['ms']} ms.",
        f"- The app's environment takes {footprint['environment_mb']} MB, and {footprint['install_s']:.0f} s to "
        f"install on {_cores(footprint)}. A first stroke is drawn {footprint['first_stroke_s']:.1f} s after the "
        "server is up.",
        f"- The app's server takes {footprint['server_mb']} MB of memory with `tri` loaded, and {visit['server_mb']} "
        f"MB after a visit that used {len(visit['systems'])} systems.",
        f"- Among {codes['photos']:,} photos, on {_cores(codes)}, searching by the first bits of "
        f"`{codes['system']}`'s codes takes, in parts of the time by all of them: "
        + ", ".join(f"{one['times_whole']:.2f} by {bits}" for bits, one in codes["bits"].items())
        + ".",
        "",
    ]
    lines.append(machines())
    return "\n".join([*lines, "", *adopted(), "", *faults()])


def machines() -> str:
    """How far times of different benchmarks can be compared."""
    told = [json.loads(path.read_text(encoding="utf-8")).get("machine") for path in sorted(RESULTS.glob("*.json"))]
    if len({json.dumps(machine) for machine in told if machine}) > 1:
        return "The machines differ: a time on one says nothing about a time on another."
    return (
        "All these machines report the same processor and number of cores, but may not have been equally fast: compare "
        "times of one benchmark only. The files are in `benchmarks/results/`."
    )


def adopted() -> list[str]:
    """What adopting a model costs, as lines of Markdown."""
    told, visit = (json.loads((RESULTS / f"{name}.json").read_text()) for name in ("adopt", "visit_adopted"))
    before, its, beside = (visit[side] for side in ("tri_before", "adopted", "tri_beside_it"))
    return [
        "### Adopted models",
        "",
        f"A model of CLIP ViT-B/32's size, {told['graphs_mb']} MB of graphs in a folder:",
        "",
        f"- On {_cores(told)}, it was adopted in {told['adopt_s']:.0f} s. Encoding a query in words then takes "
        f"{told['text_ms']:.1f} ms, a photo {told['photo_ms']:.0f} ms (`python -m benchmarks.adopt`).",
        f"- The process takes {told['before_mb']} MB before, {told['with_text_mb']} MB with the text graph, "
        f"{told['with_photo_mb']} MB with both graphs, and {told['released_mb']} MB after they are released.",
        f"- In the browser, on {_cores(visit)}, its first answer is on the screen {its['chosen_to_answer_ms']:,} ms "
        f"after it is chosen; later ones {its['words']['ms']} ms after words and {its['stroke']['ms']} ms after a "
        f"stroke. For `tri` it is {before['words']['ms']} and {before['stroke']['ms']} ms without such a model in "
        f"memory, and {beside['words']['ms']} and {beside['stroke']['ms']} ms beside it (`python -m "
        "benchmarks.visit_adopted`).",
        "",
        *fitted(),
    ]


def _note(protocol: str) -> str:
    return next((sign for name, sign in NOTES.items() if protocol.startswith(name)), "")


def seen() -> str:
    """The footnotes: what the networks had seen of the test items."""
    tri, zero_shot = (_exposure(name)["protocols"] for name in ("tri", "zero-shot-dann"))
    held_out, unseen, english = tri["sketchy25-heldout"], zero_shot["sketchy-2-unseen"], tri["flickr8k-test-en"]
    equal = "; ".join(
        f"of the {tri[name]['captions']:,} {language} captions, "
        + (
            " and ".join(f"{count} in {data}'s" for data, count in tri[name].get("sentences", {}).items())
            or "none in any"
        )
        + " training captions"
        for name, language in (("flickr8k-test-en", "English"), ("flickr8k-test-de", "German"))
    )
    return (
        f"¹ {held_out.get('imagenet', 0)} of the {held_out['photos']} held-out photos, and {unseen.get('imagenet', 0)} "
        f"of the {unseen['photos']} photos of unseen classes, bear the id of an ImageNet-1k class. The networks were "
        "pretrained on ImageNet-1k. "
        f"² {english.get('flickr30k', 0)} of the {english['photos']:,} photos are in Flickr30k. Its English captions "
        "were training data of all-MiniLM-L6-v2, which taught `tri` and is part of the other text systems. Captions "
        f"that also occur, word for word, in training data: {equal}. Each card says what training had seen of that "
        "system's test items; `python -m training audit` checks it."
    )


def both_rows() -> list[str]:
    """The table of the systems as they were first published, and repaired, of those for which both were trained."""
    lines, notes = [], []
    for system, protocol, metric, called in PUBLISHED:
        folder = ROOT / "checkpoints" / system
        study, config, measured = (
            json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in ("study", "config", "metrics")
        )
        published, ships = study["rows"]["as-published"], study["rows"]["repaired"]
        sides = {called: (published, ships)}
        if published not in study["settings"]:  # one network for each length of codes, and one for all of them
            sides = {f"{called}, {n} bits": (f"{published}-{n} {n} bits", f"{ships} {n} bits") for n in BITS}
        for label, names in sides.items():
            entries = [study["variants"].get(name, {}).get(protocol) for name in names]
            if all(entries):
                stds = [f" ± {one['seed_std'][metric]:.3f}" if one["seeds"] > 1 else "" for one in entries]
                cells = [f"{one['metrics'][metric]:.3f}{std}" for one, std in zip(entries, stds, strict=True)]
                chance = entries[-1]["chance"][metric]
                lines.append(f"| `{system}` | {label} | {' | '.join(cells)} | {chance:.3f} |")
        brief = study["settings"].get(published, {}).get("stages", [{}])
        if steps := " and ".join(str(stage["steps"]) for stage in brief if stage.get("steps")):
            batch = study["settings"][published]["batch"]
            notes.append(f"As published, `{system}` was trained for only {steps} steps of {batch} pairs.")
        if ships == AVERAGE:
            count = len(study["average_of"]) * len(study["seeds"])
            notes.append(f"The repaired `{system}` is the average of the weights of {count} runs.")
        further = trained_by(config)
        if further != system:  # the study is of what its own recipe trained
            figure = measured["protocols"][protocol]["metrics"][metric]
            notes.append(f"`{system}` was then trained further (`fit {further}`), and ships with {figure:.3f}.")
    if not lines:
        return []
    return [
        "### As published, and repaired",
        "",
        "| trained here, in PyTorch | | as published | repaired | chance |",
        "| --- | --- | --- | --- | --- |",
        *lines,
        "",
        "± is the standard deviation over seeds; without it, one run. *As published* follows the original description, "
        "on the data available here; the recipes say which networks replace the original ones, and which of their "
        "layers stayed frozen. " + " ".join(["*Repaired* is the recipe of what ships.", *notes]),
        "",
    ]


def _exposure(name: str) -> dict:
    return json.loads((ROOT / "checkpoints" / name / "exposure.json").read_text(encoding="utf-8"))


def parts() -> list[str]:
    """What the parts that name two of the systems are worth in what ships, as far as it was measured."""
    lines, key = [], "sketch_to_photo/category/p@1"
    study = json.loads((ROOT / "checkpoints" / "sketchy-gan" / "study.json").read_text(encoding="utf-8"))["variants"]
    forms = {
        "`sketchy-gan`": ("gan", "without-discriminator"),
        "`sketchy-gan` as published": ("as-published", "as-published-without-discriminator"),
    }
    for called, names in forms.items():
        sides = [study.get(name, {}).get("sketchy25-heldout") for name in names]
        if all(sides):
            with_it, without = (f"{side['metrics'][key]:.3f} ± {side['seed_std'][key]:.3f}" for side in sides)
            lines.append(
                f"- {called}: P@1 {with_it} with its discriminator, {without} without (± over "
                f"{sides[0]['seeds']} seeds)."
            )
    lines += averaged()
    if on := _exposure("zero-shot-dann").get("reversal"):
        lines.append(
            f"- `zero-shot-dann`: its gradient reversal was on in {on['on']:,} of {on['steps']:,} training steps, at a "
            f"factor of at most {on['strongest']:.3f}. {mixed()}".rstrip()
        )
    return ["What single parts are worth:", "", *lines, "", *mixing(), ""] if lines else []


def averaged() -> list[str]:
    """What it brings flickr30k-clip that a photo's captions count as one, as a list item."""
    path = ROOT / "checkpoints" / "flickr30k-clip" / "metrics.json"
    entry = json.loads(path.read_text(encoding="utf-8"))["protocols"]["flickr8k-test-en"]
    told = []
    for way, called in {"text_to_photo": "caption → photo", "photo_to_text": "photo → caption"}.items():
        one, mean = (
            f"{entry['metrics'][key]:.3f} ± {entry['stderr'][key]:.3f}"
            for key in (f"{way}/hit@10", f"{way}/averaged/hit@10")
        )
        told.append(f"{called} {mean} instead of {one}")
    return [
        "- `flickr30k-clip`, hit@10 with the vectors of a photo's five captions averaged, instead of one by one: "
        f"{'; '.join(told)}."
    ]


def _probe() -> dict:
    """The study of zero-shot-dann, with how often its probe tells sketches from photos."""
    return json.loads((ROOT / "checkpoints" / "zero-shot-dann" / "study.json").read_text(encoding="utf-8"))


def mixed() -> str:
    """How far zero-shot-dann mixes sketches with photos as it ships, as sentences."""
    study = _probe()
    before, ships = (
        study["probe"].get(name, {}).get("metrics", {}).get("accuracy") for name in ("average", study["ships"])
    )
    if before is None or ships is None:
        return ""
    return (
        "What mixes sketches with photos is subtracting the mean vector of each modality: a new linear classifier "
        f"then tells the two apart in {ships:.3f} of the cases, and in {before:.3f} before (0.5 is chance)."
    )


def mixing() -> list[str]:
    """The variants of zero-shot-dann that were trained to tell what mixes sketches with photos, as a table."""
    study = _probe()
    names = [name for name in MIXING if name in study["probe"]]
    if not names:
        return []
    seeds = {study["probe"][name]["seeds"] for name in names}
    rows = []
    for name in names:
        told, found = study["probe"][name], study["variants"][name][DEVELOPMENT]
        rows.append(f"| {MIXING[name]} | {_with_std(told, 'accuracy')} | {_with_std(found, MAP)} |")
    return [
        f"| `zero-shot-dann` on `{DEVELOPMENT}`, {' or '.join(map(str, sorted(seeds)))} seed{'s' * (max(seeds) > 1)} "
        "| sketches told from photos | mAP |",
        "| --- | --- | --- |",
        *rows,
    ]


def _with_std(entry: dict, key: str) -> str:
    """A figure of a study, with its standard deviation where it has several seeds."""
    return f"{entry['metrics'][key]:.3f}" + (f" ± {entry['seed_std'][key]:.3f}" if entry["seeds"] > 1 else "")


def fitted() -> list[str]:
    """What an adapter for drawings is worth to a network with real weights, as a table."""
    told = json.loads((RESULTS / "fit_sketch.json").read_text())
    key, sides = "sketch_to_photo/{}_adapter/p@1", ("without", "with")
    rows = []
    for name, entry in told["tests"].items():
        cells = [
            f"{entry['metrics'][key.format(side)]:.3f} ± {entry['stderr'][key.format(side)]:.3f}" for side in sides
        ]
        rows.append(f"| `{name}` | {' | '.join(cells)} | {entry['chance'][key.format('with')]:.3f} |")
    return [
        f"`--fit-sketch` on {told['network']}, pretrained on ImageNet, which has seen no drawings (`python -m "
        "benchmarks.fit_sketch`):",
        "",
        "| drawing → photo, P@1 | without the adapter | with it | chance |",
        "| --- | --- | --- | --- |",
        *rows,
    ]


def faults() -> list[str]:
    """The results of fault injection, as lines of Markdown."""
    tried = json.loads((RESULTS / "faults.json").read_text())
    visits = json.loads((RESULTS / "visits.json").read_text())
    many = visits["crowd"]
    kills, crowd, hostile, idle = (tried["parts"][name] for name in ("kills", "crowd", "hostile", "idle"))
    return [
        "### Robustness",
        "",
        f"What was tried on {_cores(tried)} and survived (`python -m benchmarks.faults`, `python -m "
        "benchmarks.visits`):",
        "",
        f"- {kills['survived']} of {kills['tried']} kills at random moments of indexing;",
        f"- {crowd['survived']:,} of {crowd['tried']:,} operations by three writers and five readers of one gallery, "
        f"for {crowd['seconds']:.0f} s;",
        f"- {hostile['survived']} of {hostile['tried']} damaged or hostile databases, checkpoints, pictures, names and "
        "arguments.",
        "",
        f"{many['visitors']} visitors at once get {many['answers']} answers in {many['seconds']} s with "
        f"{many['errors']} errors, half of them within {many['p50_s']:.2f} s and 95 % within {many['p95_s']:.2f} s. "
        f"After {visits['visits']} more visits, with drawings and uploads, the server is {visits['grown_mb']} MB "
        f"larger than after the first, and no file is left. Indexing {idle['files']:,} files again when none has "
        f"changed takes {idle['seconds']:.1f} s.",
    ]


def _cores(result: dict) -> str:
    """The machine on which a benchmark was run."""
    machine = result["machine"]
    return f"{machine['cores']} cores of an {machine['processor'].removesuffix(' Processor')}"


def searches() -> str:
    """A table of what each kind of index takes, and the same on paper for more vectors than were measured."""
    told = json.loads((RESULTS / "search.json").read_text(encoding="utf-8"))
    lines = [
        f"Captions as queries, with one thread, on {_cores(told)}. For comparison: FAISS's own search on the same "
        "vectors, and the same search with a filter that leaves out the nearest photos.",
        "",
        "| photos | space | index | recall@10 | p50, first time | p50, again | FAISS alone | with the filter | built "
        "in | opened in | memory, opened | index on disk |",
        f"|{' --- |' * 12}",
    ]
    for count, kinds in told["photos"].items():
        for kind, one in kinds.items():
            found, opened = one["recall@10"], one["memory_mb"]["open"]
            lines.append(
                f"| {int(count):,} | {kind.split()[0]} | {kind.split()[1]} | {found['all']:.3f} "
                f"| {one['first_p50_ms']:.2f} ms | {one['search_p50_ms']:.2f} ms | {one['bare_faiss_p50_ms']:.2f} ms "
                f"(recall {found['bare']:.3f}) | {one['correlated_p50_ms']:.2f} ms (recall {found['correlated']:.3f}) "
                f"| {one['build_s']:.1f} s | {one['open_s']:.1f} s | {opened['own']} MB own, {opened['mapped']} mapped "
                f"| {one['index_mb']:,.0f} MB |"
            )
    if paper := told["on_paper"]:
        lines += ["", paper["about"], "", "| photos | index | vectors | index on disk | p50 | built in |"]
        lines.append(f"|{' --- |' * 6}")
        for count in filter(str.isdigit, paper):
            for kind, one in paper[count].items():
                vectors, kept = (one[name] / 1000 for name in ("vectors_mb", "index_mb"))
                lines.append(
                    f"| {int(count):,} | {kind} | {vectors:,.0f} GB | {kept:,.0f} GB | {one['search_p50_ms']:,.0f} ms "
                    f"| {one['build_s'] / 3600:,.1f} h |"
                )
    return "\n".join(lines)


def written(text: str, figures: Callable[[], str]) -> str:
    """A text with the current figures between its marks."""
    head, _, rest = text.partition(START)
    _, _, tail = rest.partition(END)
    return f"{head}{START}\n{figures()}\n{END}{tail}"


PAGES = {ROOT / "README.md": figures, ROOT / "docs" / "large-galleries.md": searches}


def main() -> None:
    for path, found in PAGES.items():
        path.write_text(written(path.read_text(encoding="utf-8"), found), encoding="utf-8")


if __name__ == "__main__":
    main()
