"""`python -m training render`: photos, facts, captions and drawings of the rendered world, in a folder.

An image is finished when its line stands in facts.jsonl, and lines are only ever appended: a run that was killed goes
on where it stopped. Everything follows from seeds, so two runs with the same settings write the same files.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from training.memory import keep_memory
from training.world.arrange import Tableau, all_seen, arrange, sample_tableau
from training.world.captions import MATERIALS, Facts, describe
from training.world.families import families
from training.world.group import Group
from training.world.relations import relate
from training.world.render import foot, photo_and_view, view_of
from training.world.scene import Scene, sample_scene, set_camera, thing
from training.world.sdf import Field
from training.world.sheet import write_sheets
from training.world.strokes import HANDS, sketch
from training.world.trace import Coarse, GBuffer, trace
from xmr.modality import BadInput

# Instances a class, unless --split says otherwise. Those of "drawings" are only drawn; training takes what there is.
SPLITS = {"train": 22, "val": 1, "test": 2, "gallery": 24, "drawings": 26}
VIEWS = {"train": 1, "val": 2, "test": 2, "gallery": 1, "drawings": 2}  # photos an instance
CROWDED = {"train": 0.22, "test": 0.22, "gallery": 0.22}  # share of photos of more than one thing
GALLERY_SIZE = 256
QUALITY = 86  # of the WebP files
ROUND = 12.0  # degrees that the second drawing's camera may have gone round the thing
ELSEWHERE, UNFINISHED = 0.12, 0.08  # share of second drawings from quite another side, and of those broken off
CLOSE = 0.9  # share of the frame that a thing takes up when it is drawn ...
FINE = 1.5  # ... and the side of that frame, of the photo's
TRIES = 6  # views of an instance, of which the first that shows enough of it is taken


@dataclass(frozen=True)
class Job:
    """One image to make."""

    split: str
    category: str
    number: int
    view: int
    seed: int
    size: int
    device: str = "cpu"

    @property
    def id(self) -> str:
        return f"{self.split}-{self.category}-{self.number:04d}-{self.view}"

    @property
    def instance(self) -> int:
        """The seed of the thing: every split has a range of its own."""
        return self._first + self.number

    @property
    def others(self) -> int:
        """The first seed of the other things in the picture, of the same range."""
        return self._first + 100_000 + 100 * (self.number * VIEWS[self.split] + self.view)

    @property
    def crowded(self) -> bool:
        """Whether it is to show several things."""
        rng = np.random.default_rng([14, self.instance, self.view, *self.category.encode()])
        return rng.uniform() < CROWDED.get(self.split, 0.0)

    @property
    def _first(self) -> int:
        return (self.seed * len(SPLITS) + list(SPLITS).index(self.split)) * 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--out", type=Path, default=Path("runs/world"), help="folder to write to, or to go on in")
    parser.add_argument("--size", type=int, default=192, help=f"photos' side in px (the gallery has {GALLERY_SIZE})")
    parser.add_argument("--split", default=",".join(f"{k}={n}" for k, n in SPLITS.items()),
                        help="instances a class in each split: train=40,gallery=18")
    parser.add_argument("--classes", nargs="+", help="only these classes (default: all)")
    parser.add_argument("--workers", type=int, default=2, help="processes, of one thread each")
    parser.add_argument("--device", default="cpu", help="what traces the rays: cpu, or cuda, for as many workers as "
                        "there are cores; a few pixels along edges differ")
    parser.add_argument("--seed", type=int, default=0, help="another seed is another world")
    parser.add_argument("--sheet", type=Path, help="only write contact sheets, of the gallery in --out if it is there: "
                        "a row a class to a picture (all.webp), or a sheet a class to a folder")


def run(args: argparse.Namespace) -> None:
    """Render what the options ask for; raises BadInput."""
    known = families()
    classes = args.classes or list(known)
    if strangers := [c for c in classes if c not in known]:
        raise BadInput(f"No class is called {', '.join(strangers)}. Choose among: {', '.join(known)}")
    if args.sheet:
        write_sheets([known[c] for c in classes], args.out / "gallery", args.sheet,
                     Job("gallery", classes[0], 0, 0, args.seed, args.size).instance)
        return
    if args.device != "cpu" and not torch.cuda.is_available():
        raise BadInput(f"PyTorch finds no GPU for --device {args.device}. Leave --device out.")
    jobs = list(_plan(_counts(args.split), classes, args.size, args.seed, args.device))
    done = _finished(args.out, jobs)
    todo = [job for job in jobs if job.id not in done]
    (args.out / "DONE").unlink(missing_ok=True)
    for split in {job.split for job in jobs}:
        (args.out / split / "photos").mkdir(parents=True, exist_ok=True)
    with tqdm(total=len(jobs), initial=len(jobs) - len(todo), unit="photo", smoothing=0.05) as bar:
        for split, row in _rows(todo, args.out, args.workers):
            with (args.out / split / "facts.jsonl").open("a", encoding="utf-8") as facts:
                facts.write(json.dumps(row, ensure_ascii=False) + "\n")
            bar.update()
    _sort(args.out, jobs)
    (args.out / "DONE").write_text(f"{len(jobs)} photos\n")


def _counts(text: str) -> dict[str, int]:
    try:
        counts = {name: int(n) for name, n in (pair.split("=") for pair in text.split(","))}
    except ValueError:
        raise BadInput(f"--split wants pairs like train=40,gallery=18, not {text!r}") from None
    if strangers := counts.keys() - SPLITS:
        raise BadInput(f"No split is called {', '.join(strangers)}. Choose among: {', '.join(SPLITS)}")
    return counts


def _plan(counts: dict[str, int], classes: list[str], size: int, seed: int, device: str) -> Iterator[Job]:
    for split, count in counts.items():
        for number in range(count):
            for category in classes:  # innermost, so that what there is so far holds all classes alike
                for view in range(VIEWS[split]):
                    side = GALLERY_SIZE if split == "gallery" else size
                    yield Job(split, category, number, view, seed, side, device)


def _finished(out: Path, jobs: list[Job]) -> set[str]:
    """Ids of the images that are there; cuts off a last line that a kill left unfinished."""
    wanted = {job.id: job.instance for job in jobs}
    done = set()
    for split in SPLITS:
        path = out / split / "facts.jsonl"
        if not path.is_file():
            continue
        text = path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        if whole != text:
            path.write_bytes(whole)
        for line in whole.splitlines():
            row = json.loads(line)
            if wanted.get(row["id"], row["seed"]) != row["seed"]:
                raise BadInput(f"{path} holds a world of another seed. Choose another --out, or delete {out}.")
            done.add(row["id"])
    return done


def _rows(jobs: list[Job], out: Path, workers: int) -> Iterator[tuple[str, dict]]:
    """Split and line of facts of each image, as they are finished; their photos are on disk by then."""
    if workers <= 1:
        for job in jobs:
            yield job.split, make(job, out)
        return
    with processes(workers) as pool:
        try:
            futures = {pool.submit(make, job, out): job.split for job in jobs}
            for future in as_completed(futures):
                yield futures.pop(future), future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def processes(workers: int) -> ProcessPoolExecutor:
    """Processes that render, of one thread each. Forked children of a process that has used torch can hang."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, context, initializer=alone)


def alone() -> None:
    """Make this process one of as many as there are cores."""
    torch.set_num_threads(1)
    keep_memory()


def make(job: Job, out: Path) -> dict:
    """Render one image into the folder; returns its line of facts."""
    shot = _shoot(job)
    scene = shot.tableau.scene
    if shot.photo is None:
        return {"id": job.id, "split": job.split, "category": job.category, "seed": job.instance,
                "instance": f"{job.category}-{job.instance}", "sketches": _drawings(shot)}
    Image.fromarray(shot.photo).save(out / job.split / "photos" / f"{job.id}.webp", quality=QUALITY, method=4)
    row = {"id": job.id, "split": job.split} | _thing_facts(scene, shot.view)
    row |= {"place": scene.place, "light": scene.light, "stance": scene.stance, "seed": job.instance}
    if shot.tableau.others:
        row["objects"] = [_thing_facts(one, seen) for one, seen in
                          zip(shot.tableau.things, shot.field.seen(shot.view), strict=True)]  # fmt: skip
        row["box"] = row["objects"][0]["box"]
        row["relations"] = [[a, shot.tableau.relation, b] for a in shot.tableau.subjects for b in shot.tableau.objects]
    return row | {"captions": _captions(shot.tableau), "sketches": _drawings(shot)}


def _thing_facts(scene: Scene, view: GBuffer) -> dict:
    """What a line of facts says of one thing."""
    return {"category": scene.category, "instance": f"{scene.category}-{scene.instance}", "colour": scene.colour,
            "material": scene.material, "pose": scene.pose, "view": scene.view(),
            "box": [round(x, 4) for x in view.box()]}


def _captions(tableau: Tableau) -> dict[str, list[str]]:
    """Captions of all things in the picture."""
    main = _facts(tableau.scene)
    if not tableau.others:
        return describe(main, tableau.scene.seed)
    things = [_facts(replace(one, place=main.place, light=main.light, stance=main.stance)) for one in tableau.things]
    if tableau.relation is None:
        return describe(_several(things), tableau.scene.seed)
    groups = [_several([things[k] for k in who]) for who in (tableau.subjects,
              *([(k,) for k in tableau.objects] if tableau.relation == "between" else [tableau.objects]))]
    return relate(tableau.relation, groups, tableau.scene.seed)


def _several(things: list[Facts]) -> Facts:
    """What is true of each of some things of one kind, and how many there are."""
    first = things[0]
    shared = {name: getattr(first, name) if len({getattr(one, name) for one in things}) == 1 else None
              for name in ("colour", "material", "pose", "view")}  # fmt: skip
    return replace(first, count=len(things), **shared)


def _facts(scene: Scene) -> Facts:
    """What captions may say of a thing; a material that they have no word for is left unsaid."""
    return Facts(category=scene.category, colour=scene.colour,
                 material=scene.material if scene.material in MATERIALS else None,
                 place=scene.place, light=scene.light, view=scene.view(), pose=scene.pose, stance=scene.stance)


@dataclass(frozen=True)
class Shot:
    """A picture that was taken: of what, standing how high, and the view of it at the same size. No photo: it is only
    to be drawn."""

    tableau: Tableau
    field: Field | Group
    coarse: Coarse
    ground: float
    photo: np.ndarray | None
    view: GBuffer


def _shoot(job: Job) -> Shot:
    """The first view of the instance, or of it and others, that shows enough of each: not a sheet of paper edge-on."""
    family = families()[job.category]
    for attempt in range(TRIES if job.crowded else 0):
        seed = job.instance * 100 + job.view * TRIES + attempt
        others = job.others + 10 * attempt
        tableau = sample_tableau(family, job.instance, seed, others)
        arranged = tableau and arrange(tableau, job.device)
        if not arranged:
            continue
        group, scene = arranged
        coarse = Coarse(group)
        camera = set_camera(scene, coarse, group.ground)
        if all_seen(group, trace(group, camera, job.size // 2, job.size // 2, coarse), camera):
            image, view = photo_and_view(group, coarse, group.ground, scene, job.size)
            others = tuple(replace(one, elevation=scene.elevation) for one in tableau.others)
            return Shot(replace(tableau, scene=scene, others=others), group, coarse, group.ground, image, view)
    for attempt in range(TRIES):
        scene = sample_scene(family, job.instance, job.instance * 100 + job.view * TRIES + attempt)
        field = thing(family, scene, job.device)
        coarse = Coarse(field)
        ground = foot(field, coarse, scene)
        if job.split == "drawings":
            scene, image = replace(scene, fill=CLOSE, shift=(0.0, 0.0)), None
            view = view_of(field, coarse, ground, scene, job.size)
        else:
            image, view = photo_and_view(field, coarse, ground, scene, job.size)
        left, top, right, bottom = view.box()
        if len(view.hit) > 0.02 * job.size**2 and min(right - left, bottom - top) > 0.06:
            return Shot(Tableau(scene, ()), field, coarse, ground, image, view)
    raise RuntimeError(f"{TRIES} views of {job.id} show next to nothing of it: is its shape sound?")


def _drawings(shot: Shot) -> list[dict]:
    """A careful drawing and one by another hand: the latter's camera may have gone some way round, or the pen been put
    down too early.

    Both are drawn from a finer view than the photo's, which the thing fills, so that its details are there.
    """
    size = round(FINE * shot.view.depth.shape[0])
    scene = replace(shot.tableau.scene, fill=CLOSE, shift=(0.0, 0.0))
    view = view_of(shot.field, shot.coarse, shot.ground, scene, size)
    things = shot.field.first_part[:-1] if shot.tableau.others else (0,)
    rng = np.random.default_rng([11, scene.seed, *scene.category.encode()])
    hand = str(rng.choice([hand for hand in HANDS if hand != "careful"]))
    aside, share = float(rng.uniform(-ROUND, ROUND)), 1.0
    if not shot.tableau.others and rng.uniform() < ELSEWHERE:
        aside = float(rng.choice([-1, 1]) * rng.uniform(25, 70))
    elif rng.uniform() < 0.5:
        aside = 0.0
    if not shot.tableau.others and rng.uniform() < UNFINISHED:
        share = float(rng.uniform(0.75, 0.95))
    second = view_of(shot.field, shot.coarse, shot.ground, scene.turned(aside), size) if aside else view
    return [_drawing("careful", view, rng, things, 0.0, 1.0), _drawing(hand, second, rng, things, aside, share)]


def _drawing(hand: str, view: GBuffer, rng: np.random.Generator, things: Sequence[int], aside: float,
             share: float) -> dict:
    """One drawing as facts.jsonl has it; "aside" (degrees round the thing) and "share" (of the ink) if not as usual."""
    drawing = {"hand": hand, "strokes": [np.round(s, 1).tolist() for s in sketch(view, hand, rng, things, share)]}
    unusual = {"aside": (round(aside, 1), 0.0), "share": (round(share, 2), 1.0)}
    return drawing | {name: value for name, (value, usual) in unusual.items() if value != usual}


def _sort(out: Path, jobs: list[Job]) -> None:
    """Bring the lines, which came as they were finished, into the order of the plan."""
    order = {job.id: i for i, job in enumerate(jobs)}
    for split in {job.split for job in jobs}:
        path = out / split / "facts.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        lines.sort(key=lambda line: order.get(json.loads(line)["id"], len(order)))
        new = path.with_suffix(".new")
        new.write_text("".join(lines), encoding="utf-8")
        new.replace(path)
