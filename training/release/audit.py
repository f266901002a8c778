"""`python -m training audit`: holds what README, cards and studies say against the files and, where it is, the data.

A line a check: passed; disclosed, where something is so that a reader must know, and the card says it; failed; or not
checkable here, with what is missing. The exit status is 1 if any failed. Without data it takes seconds; with it, as
long as it takes to hash all photos. --write measures what training had seen of the test items anew and writes it, with
the card.
"""

import argparse
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training import systems
from training.datasets import MissingData, catalogue
from training.datasets.overlaps import equal_contents, equal_sentences, photos_alike
from training.learn.recipe import load
from training.learn.run_record import FILE as RUN
from training.release import exposure
from training.release.card import card, write_card
from training.systems.runs import AVERAGE, of_command, plain, varied_recipe
from xmr import checkpoint
from xmr.modality import BadInput

PASSED, DISCLOSED, FAILED, UNCHECKED = "passed", "disclosed", "failed", "not checkable here"
FIGURES = re.compile(r"<!-- figures: .*? -->(.*?)<!-- end of figures -->", re.S)
NUMBER = re.compile(r"(?<![\w.@])\d[\d,]*(?:\.\d+)?(?![\w-])")
TYPED = re.compile(r"(?<![\w.=])0\.\d{2,}|\d(?:\.\d+)? ?(?:%|ms\b|MB\b)")  # figures that nobody may type
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Finding:
    """One check's outcome. `about`: what was checked; `why`: what was found, or what is missing."""

    about: str
    outcome: str
    why: str = ""

    def line(self) -> str:
        return f"{self.outcome:18s}  {self.about}{': ' if self.why else ''}{self.why}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("system", nargs="*", help="only these systems' checkpoints (default: all)")
    parser.add_argument("--root", type=Path, default=Path(), help="the repository (default: this folder)")
    parser.add_argument("--no-data", action="store_true", help="only what needs no data set: seconds")
    parser.add_argument("--write", action="store_true", help="first measure what training had seen, and write it")


def run(args: argparse.Namespace) -> int:
    """Print a line a check; 1 if any failed. Raises BadInput."""
    known = checkpoint.available(args.root / "checkpoints")
    names = args.system or known
    if unknown := [name for name in names if name not in known]:
        raise BadInput(f"There is no checkpoint {unknown[0]!r}. Choose among: {', '.join(known)}.")
    if args.write:
        for name in names:
            exposure.write(args.root / "checkpoints" / name)
            write_card(args.root / "checkpoints" / name)
    failed = 0
    for finding in audit(args.root, names, data=not args.no_data):
        print(finding.line(), flush=True)
        failed += finding.outcome == FAILED
    print(f"{failed} failed")
    return int(failed > 0)


def audit(root: Path, names: list[str], data: bool = True) -> Iterator[Finding]:
    """All checks of these systems' checkpoints, of the README, and, with `data`, of the data sets that are here."""
    folders = [root / "checkpoints" / name for name in names]
    for folder in folders:
        yield from check_hashes(folder)
        yield from check_card(folder)
        yield from check_history(folder)
        yield from check_earlier(folder)
        yield from check_study(folder)
        yield from check_exposure(folder, data)
    yield from check_readme(root)
    yield from check_items(root / "checkpoints")
    yield from check_machines(root)
    if data:
        for name in sorted(data_sets(folders)):
            yield from check_splits(name)


def check_hashes(folder: Path) -> Iterator[Finding]:
    """The files are those that config.json was signed for, the figures those of these weights, and the weights those of
    the recipe."""
    about = f"{folder.name}: weights, config and figures belong together"
    try:
        config = checkpoint.load(folder).config
    except BadInput as error:
        yield Finding(about, FAILED, str(error))
        return
    measured = _read(folder / "metrics.json").get("weights")
    same = measured == config["weights"]
    yield Finding(about, PASSED if same else FAILED, "" if same else f"metrics.json is of {str(measured)[:16]}")
    about, record = f"{folder.name}: trained by its recipe", folder / RUN
    if not record.is_file():
        yield Finding(about, UNCHECKED, f"published before {RUN} was kept with the weights; see its history below")
    elif hashlib.sha256(record.read_bytes()).hexdigest() != config.get("run"):
        yield Finding(about, FAILED, f"{RUN} is not the one that was signed")
    else:
        yield from _recipe(about, folder, config)


def _recipe(about: str, folder: Path, config: Mapping[str, Any]) -> Iterator[Finding]:
    """Whether the recipe of a run is what its command on the card gives by the YAML file of today, apart from what
    doesn't affect the weights."""
    name, overrides = of_command(config["card"]["command"])
    module, held = systems.module(name), plain(exposure.recipe_of(folder))  # with the defaults of newer settings
    today = plain(load(module.Recipe, module.YAML, overrides))
    bound = (today.keys() | held.keys()) - module.Recipe.unbound
    other = sorted(key for key in bound if today.get(key) != held.get(key))
    yield Finding(about, FAILED if other else PASSED, f"other settings: {', '.join(other)}" if other else "")


def check_card(folder: Path) -> Iterator[Finding]:
    """Every figure of the checkpoint on card.md is that of metrics.json, and the card, with the variants of its study,
    is what its files give."""
    about, path = f"{folder.name}: the card's figures are those of metrics.json", folder / "card.md"
    text, protocols = path.read_text(encoding="utf-8"), _read(folder / "metrics.json")["protocols"]
    wrong, shown, name = [], set(), ""
    for line in text.partition("\n## Variants\n")[0].splitlines():
        if line.startswith("### "):
            name = line[4:]
        row = re.fullmatch(r"\| (\S+) \| ([\d.]+)(?: ± ([\d.]+))? \| ([\d.]+) \|", line)
        if not row:
            continue
        key, shown = row[1], shown | {(name, row[1])}
        entry = protocols.get(name, {"metrics": {}, "stderr": {}, "chance": {}})
        held = [entry[kind].get(key) for kind in ("metrics", "stderr", "chance")]
        wrong += [f"{name} {key}"] if [_three(value) for value in held] != [row[2], row[3], row[4]] else []
    wanted = {(protocol, key) for protocol, entry in protocols.items() for key in entry["metrics"]}
    wrong += [f"{protocol} {key} is not there" for protocol, key in sorted(wanted - shown)]
    yield Finding(about, FAILED if wrong else PASSED, _some(wrong) or f"{len(shown)} figures")
    same = card(folder) == text
    why = "" if same else f"write it anew: python -m training card {folder.name}"
    yield Finding(f"{folder.name}: the card is what its files give", PASSED if same else FAILED, why)


def check_history(folder: Path) -> Iterator[Finding]:
    """history.json has the stages, the steps and the losses of the recipe."""
    about = f"{folder.name}: its history is that of its recipe"
    history, recipe = _read(folder / "history.json"), exposure.recipe_of(folder)
    wrong = []
    for stage in recipe.stages:
        entries = [entry for entry in history if entry["stage"] == stage.name]
        last = max((entry["step"] for entry in entries), default=0)
        if not entries or (stage.steps and last != stage.steps):
            wrong.append(f"stage {stage.name!r} has {last} steps, the recipe {stage.steps}")
        for loss in losses_on(recipe, stage):
            if entries and not any(f"train/{loss}" in entry for entry in entries):
                wrong.append(f"stage {stage.name!r} has no loss {loss!r}")
    yield Finding(about, FAILED if wrong else PASSED, _some(wrong))
    if not getattr(recipe, "reversal", None) or not recipe.losses.domain:
        return
    about, on = f"{folder.name}: its gradient reversal is on", (exposure.read(folder) or {}).get("reversal")
    if on is None:
        yield Finding(about, UNCHECKED, "neither its history nor exposure.json says for how many steps")
        return
    why = f"in {on['on']} of {on['steps']} steps, at {on['strongest']:.3f} at most"
    said = f"on in {on['on']:,} of {on['steps']:,} training steps" in (folder / "card.md").read_text(encoding="utf-8")
    whole = 2 * on["on"] >= on["steps"]
    yield Finding(about, PASSED if whole and said else DISCLOSED if said else FAILED, why)


def check_earlier(folder: Path) -> Iterator[Finding]:
    """What the weights that were trained further were trained by before: of each recipe in the record the last run has
    today's settings, and the history its steps."""
    record = _read(folder / RUN) if (folder / RUN).is_file() else {}
    if not (earlier := list(_before(record))):
        return
    history, wrong = _read(folder / "history.json"), []
    for name, held in earlier:
        module = systems.module(name)
        today = plain(load(module.Recipe, module.YAML))
        bound = (today.keys() & held.keys()) - module.Recipe.unbound
        with_defaults = plain(load(module.Recipe, module.YAML, [f"stages={json.dumps(held['stages'])}"]))
        known = held | {"stages": with_defaults["stages"]}
        if other := sorted(key for key in bound if today[key] != known[key]):
            wrong.append(f"{name} has other settings now: {', '.join(other)}")
        for stage in held["stages"]:
            last = max((entry["step"] for entry in history if entry["stage"] == stage["name"]), default=0)
            if stage["steps"] and last != stage["steps"]:
                wrong.append(f"{name}'s stage {stage['name']!r} has {last} steps, its record {stage['steps']}")
    about = f"{folder.name}: what it was trained by before is on record, and today's: "
    yield Finding(about + ", ".join(name for name, _ in earlier), FAILED if wrong else PASSED, _some(wrong))


def _before(record: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The name and the recipe of each training that a run's went on from, of several by one recipe the last."""
    seen = {record["recipe"]["name"]} if record else set()
    while record := record.get("before") or {}:
        if (name := record["recipe"]["name"]) not in seen:
            seen.add(name)
            yield name, record["recipe"]


def losses_on(recipe: Any, stage: Any) -> list[str]:
    """The losses whose weight in a stage is above 0, as far as a recipe lists them under `losses`."""
    weights = getattr(recipe, "losses", None)
    weights = vars(weights) if hasattr(weights, "__dict__") else weights or {}
    return [name for name, weight in weights.items() if weight]


def check_study(folder: Path) -> Iterator[Finding]:
    """study.json was made by the variants of today's recipe, from as many seeds as it says."""
    if not (folder / "study.json").is_file():
        return
    about, study = f"{folder.name}: the study is of the recipe's variants", _read(folder / "study.json")
    recipe = varied_recipe(study["system"])
    variants = json.loads(json.dumps(dict(recipe.variants)))
    measured = {name.split()[0] for name in study["variants"]} - {AVERAGE}
    wrong = [f"{name} is no variant" for name in sorted(measured - variants.keys())]
    for name in sorted(measured & variants.keys()):
        if study["settings"].get(name) != variants[name]:
            wrong.append(f"{name} has other settings")
    if study["ships"] not in {name.split()[0] for name in study["variants"]}:
        wrong.append(f"{study['ships']}, which ships, was not measured")
    yield Finding(about, FAILED if wrong else PASSED, _some(wrong))


def check_exposure(folder: Path, data: bool) -> Iterator[Finding]:
    """What training had seen of the test items is on the card, and, with the data, is what is found there now."""
    about = f"{folder.name}: what training had seen of the test items"
    held, weights = exposure.read(folder), _read(folder / "config.json")["weights"]
    if held is None or held["weights"] != weights:
        yield Finding(about, FAILED, f"not measured for these weights: python -m training audit {folder.name} --write")
        return
    text = (folder / "card.md").read_text(encoding="utf-8")
    missing = [line for line in exposure.sentences(held) if line not in text]
    same = {name: found["ids"] for name, found in held["protocols"].items() if "ids" in found}
    seen = [name for name, found in held["protocols"].items() if found.keys() & exposure.WAYS.keys()]
    if same:
        yield Finding(about, FAILED, f"training items are test items: {json.dumps(same)}")
    elif missing:
        yield Finding(about, FAILED, f"the card does not say: {missing[0]}")
    else:
        yield Finding(about, DISCLOSED if seen else PASSED, "; ".join(_told(held, name) for name in seen))
    about = f"{folder.name}: the same, measured again"
    if not data:
        yield Finding(about, UNCHECKED, "asked for without data")
        return
    found = exposure.measure(folder)
    if found["compared"] != held["compared"]:
        yield Finding(about, UNCHECKED, f"compared with {found['compared']} here, with {held['compared']} then")
    elif lost := sorted(held["protocols"].keys() - found["protocols"].keys()):
        yield Finding(about, UNCHECKED, f"the test items are not on this machine: {', '.join(lost)}")
    else:
        other = [name for name, entry in held["protocols"].items() if found["protocols"][name] != entry]
        yield Finding(about, FAILED if other else PASSED, f"other than written: {', '.join(other)}" if other else "")


def _told(held: Mapping[str, Any], name: str) -> str:
    counts = {way: held["protocols"][name][way] for way in exposure.WAYS if way in held["protocols"][name]}
    return f"{name} {json.dumps(counts)}"


def check_readme(root: Path) -> Iterator[Finding]:
    """Every figure of the README is in a file: those in its tables in the metrics of the protocol that they name, the
    others among the numbers of the benchmarks' results; and there is none outside the marks."""
    text = (root / "README.md").read_text(encoding="utf-8")
    marked = FIGURES.search(text)
    if marked is None:
        yield Finding("README: figures", FAILED, "its marks are not there")
        return
    protocols = {path.parent.name: _read(path)["protocols"] for path in sorted(root.glob("checkpoints/*/metrics.json"))}
    tables = re.findall(r"(?:^\|.*\|$\n?)+", marked[1], re.M)
    wrong, count = [], 0
    for table in tables:
        head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().splitlines()]
        if "protocol" in head:
            count += len(rows)
            wrong += [row[0] for row in rows if not _is_measured(head, row, protocols)]
    yield Finding(
        "README: the tables' figures are those of metrics.json",
        FAILED if wrong or not count else PASSED,
        _some(wrong) or f"{count} rows",
    )
    known = [number for path in root.glob("benchmarks/results/*.json") for number in _numbers(_read(path))]
    shares = [value for held in protocols.values() for entry in held.values() for value in entry["metrics"].values()]
    known += [value for value in shares if value <= 1]
    for name in ("exposure", "study"):
        known += [number for path in root.glob(f"checkpoints/*/{name}.json") for number in _numbers(_read(path))]
    rest = re.sub(r"`[^`]*`", "", marked[1])
    rest = re.sub(r"^\|.*\| protocol \|(?:.*\n)(?:\|.*\n?)*", "", rest, flags=re.M)
    unknown = [number for number in NUMBER.findall(rest) if not _is_one_of(number, known)]
    yield Finding(
        "README: the other figures are those of the benchmarks", FAILED if unknown else PASSED, _some(unknown)
    )
    typed = TYPED.findall(text.replace(marked[0], ""))
    yield Finding("README: no figure is typed by hand", FAILED if typed else PASSED, _some(typed))


def _is_measured(head: list[str], row: list[str], protocols: Mapping[str, Mapping]) -> bool:
    """Whether one metric of the row's protocol has all of the row's figures: of the systems in the head, or of the one
    that the first cell of the head names."""
    cells = dict(zip(head[2:], row[2:], strict=True))
    name = row[head.index("protocol")].strip("`")
    if "result" in head:
        cells = {re.search(r"`(.*?)`", head[0])[1]: cells["result"], "chance": cells["chance"]}
    figures = {system.strip("`"): re.findall(r"\d+\.\d{3}", cell) for system, cell in cells.items()}
    chance = figures.pop("chance")
    asked = {system: found for system, found in figures.items() if found}
    entries = {system: protocols.get(system, {}).get(name) for system in asked}
    if not asked or None in entries.values():
        return False
    metrics = set.intersection(*({*entry["metrics"]} for entry in entries.values()))
    return any(
        all(
            [_three(entries[system]["metrics"][key]), _three(entries[system]["stderr"].get(key))][: len(found)] == found
            and chance == [_three(entries[system]["chance"][key])]
            for system, found in asked.items()
        )
        for key in metrics
    )


def check_items(checkpoints: Path) -> Iterator[Finding]:
    """All systems were measured on the same items of a protocol: as many in the gallery and, where it is known, of the
    same hash."""
    entries: dict[str, dict[str, Mapping]] = {}
    for path in sorted(checkpoints.glob("*/metrics.json")):
        for name, entry in _read(path)["protocols"].items():
            entries.setdefault(name, {})[path.parent.name] = entry
    for path in sorted(checkpoints.glob("*/study.json")):
        study = _read(path)
        for variant, protocols in {"baseline": study["baseline"], **study["variants"]}.items():
            for name, entry in protocols.items():
                entries.setdefault(name, {})[f"{path.parent.name}'s study, {variant}"] = entry
    for name, found in entries.items():
        sizes: dict[int, list[str]] = {}
        for who, entry in found.items():
            sizes.setdefault(entry["gallery"], []).append(who)
        hashes = {entry["items"] for entry in found.values() if "items" in entry}
        wrong = len(sizes) > 1 or len(hashes) > 1
        why = "; ".join(f"{size:,} in the gallery: {', '.join(who)}" for size, who in sizes.items()) if wrong else ""
        if unhashed := [who for who, entry in found.items() if "items" not in entry]:
            why += f"{'; ' if why else ''}known by their number alone: {_some(unhashed)}"
        yield Finding(f"{name}: all were measured on the same items", FAILED if wrong else PASSED, why)


def check_machines(root: Path) -> Iterator[Finding]:
    """The benchmarks that the README cites were taken on one machine, or the README names each."""
    text, about = (root / "README.md").read_text(encoding="utf-8"), "README: the benchmarks' machines"
    found: dict[str, list[str]] = {}
    for path in sorted(root.glob("benchmarks/results/*.json")):
        if processor := _read(path).get("machine", {}).get("processor"):
            found.setdefault(processor.removesuffix(" Processor"), []).append(path.stem)
    why = "; ".join(f"{processor}: {', '.join(names)}" for processor, names in found.items())
    unnamed = [processor for processor in found if not re.search(rf"\ban? {re.escape(processor)}", text)]
    yield Finding(about, PASSED if len(found) == 1 else FAILED if unnamed else DISCLOSED, why)


def data_sets(folders: list[Path]) -> set[str]:
    """The data sets with several splits that these checkpoints were trained on."""
    found: set[str] = set()
    for folder in folders:
        data = getattr(exposure.recipe_of(folder), "data", "")
        named = [*_read(folder / "config.json")["card"]["data"], *([data] if data in catalogue.DATASETS else [])]
        found |= {name for name in named if name in catalogue.DATASETS and "test" in catalogue.get(name).splits}
    return found


def check_splits(name: str) -> Iterator[Finding]:
    """No id and no content is in two splits of a data set; how many photos are alike and sentences equal is counted."""
    about, parts = f"{name}: no item is in two splits", {}
    try:
        for split in SPLITS:
            parts[split] = catalogue.get(name).items(split)
    except MissingData as error:
        yield Finding(about, UNCHECKED, str(error))
        return
    wrong, seen = [], []
    for number, split in enumerate(SPLITS):
        for other in SPLITS[:number]:
            a, b = parts[split], parts[other]
            ids = {(item.modality, item.id) for item in b}
            wrong += [f"{item.id} ({split}, {other})" for item in a if (item.modality, item.id) in ids]
            same = {
                "equal contents": equal_contents(a, b),
                "equal sentences": equal_sentences(a, b),
                "photos alike": photos_alike(a, b),
            }
            seen += [f"{kind} in {split} and {other}: {len(found):,}" for kind, found in same.items() if found]
    yield Finding(about, FAILED if wrong else PASSED, _some(wrong) or "; ".join(seen))


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _three(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"


def _some(found: list[str]) -> str:
    return "; ".join(found[:5]) + (f"; and {len(found) - 5:,} more" if len(found) > 5 else "")


def _numbers(value: Any) -> Iterator[float]:
    """All numbers in a file's content, and how long its lists are."""
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _numbers(part)
    elif isinstance(value, list):
        yield len(value)
        for part in value:
            yield from _numbers(part)


def _is_one_of(number: str, known: list[float]) -> bool:
    plain = number.replace(",", "")
    places = len(plain.partition(".")[2])
    return any(f"{value:.{places}f}" == plain for value in known)
