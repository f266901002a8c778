"""`python -m training evaluate`: a checkpoint's protocols on their test items, through its exported encoders."""

import argparse
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from training.datasets.protocols import PROTOCOLS
from training.learn.evaluation import encoder_vectors, evaluate_on_test
from training.learn.run_record import trained_on
from training.options import add_folders, add_graphs_device, add_measured, add_system, use_graphs_device
from training.release.card import write_card
from xmr import checkpoint
from xmr.compose import stated_match
from xmr.files import write_json
from xmr.home import models
from xmr.modality import BadInput


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_system(parser)
    add_folders(parser, "--checkpoints")
    add_graphs_device(parser)
    add_measured(parser)
    parser.add_argument("--protocol", action="append", help="only this one; may be repeated")


def run(args: argparse.Namespace) -> None:
    """Run the command; raises BadInput."""
    use_graphs_device(args.device)
    evaluate(args.system, args.checkpoints, args.protocol, data=args.data, batch=args.batch_size)
    if not adopted(args.system, args.checkpoints):
        write_card(args.checkpoints / args.system)


def adopted(name: str, root: Path) -> bool:
    """Whether a system was adopted, rather than trained here."""
    return not (root / name).is_dir() and (models() / name).is_dir()


def evaluate(
    name: str,
    root: Path,
    wanted: list[str] | None = None,
    progress: Callable[[str], None] = print,
    data: str | None = None,
    batch: int = 32,
) -> dict:
    """Run the protocols that a checkpoint may claim (all, or those wanted), and write its metrics.json; and worst.json,
    the worst queries of each comparison.

    A system that was trained on data elsewhere is measured on that. Protocols whose data is not there are left as they
    were, unless the weights have changed since. An entry's "evaluations" says how many versions of the weights were
    held against its test items here, at least. A model that was adopted may claim all protocols, in the languages of
    its texts: what it was trained on, only its own card says. With an adapter for drawings that was fitted here, its
    config.json lists those that this leaves. data: as trained_on takes it. batch: items encoded at a time.

    Raises:
        BadInput: a protocol that its config.json doesn't list. The list is the recipe's `protocols`, which leaves out
            whatever tests what the system was trained on.
    """
    foreign = adopted(name, root)
    root = models() if foreign else root
    system = checkpoint.load(name, root)
    claimed = system.config.get("protocols", list(PROTOCOLS) if foreign else [])
    asked = list(wanted or claimed)
    refused = [one for one in asked if one not in claimed]
    if refused or not asked:
        way = (
            "Any other is none that is known here, or tests what its adapter for drawings was fitted on"
            if foreign
            else "If training saw nothing of its test items, add it to the recipe's `protocols` and publish again: "
            f"python -m training publish {name}"
        )
        raise BadInput(
            f"{root / name / 'config.json'} doesn't list {', '.join(refused) or 'any protocol'} among those that "
            f"{name} may claim ({', '.join(claimed) or 'none'}). {way}"
        )
    path = root / name / "metrics.json"
    held: Mapping = json.loads(path.read_text()) if path.is_file() else {}
    known = held["protocols"] if held.get("weights") == system.weights else {}
    protocols = {one: entry for one, entry in known.items() if one in claimed or foreign}
    report = {"system": system.name, "weights": system.weights, "protocols": protocols}
    write_json(path, report)
    path_of_worst = path.with_name("worst.json")
    listed: Mapping = json.loads(path_of_worst.read_text()) if path_of_worst.is_file() else {}
    of_these = listed["protocols"] if listed.get("weights") == system.weights else {}
    worst = {one: queries for one, queries in of_these.items() if one in protocols}
    vectors, stated = encoder_vectors(system, batch), partial(stated_match, system)
    for one in asked:
        queries: dict[str, list[dict]] = {}
        # A data set may have captions in a language that the system doesn't read; our own protocols name theirs.
        spoken = system.languages if foreign or one not in PROTOCOLS else None
        with trained_on(root / name, data):
            entry = evaluate_on_test(one, system.encoders, vectors, progress, spoken, stated, system, queries)
        if entry is None:
            continue
        before = held.get("protocols", {}).get(one)
        versions = before.get("evaluations", 1) + (held["weights"] != system.weights) if before else 1
        protocols[one] = entry | {"evaluations": versions}
        progress(f"{one}: {json.dumps(entry['metrics'])}")
        worst[one] = queries
        write_json(path, report)  # each at once: the next may fail
        write_json(path_of_worst, {"weights": system.weights, "protocols": worst})
    return report
