"""`python -m training render`: photos, facts, captions and drawings of the rendered world, in a folder.

An image is finished once its line is in facts.jsonl, and lines are only appended, so a killed run resumes where it
stopped. Everything is seeded: two runs with the same settings write the same files.
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

from training.world.arrange import Composition, all_visible, arrange, sample_composition
from training.world.captions import MATERIALS, Facts, describe
from training.world.families import families
from training.world.group import Group
from training.world.memory import keep_memory
from training.world.relations import relate
from training.world.render import foot, photo_and_view, view_of
from training.world.scene import Scene, sample_scene, set_camera, thing
from training.world.sdf import Field
from training.world.sheet import write_sheets
from training.world.strokes import DRAWING_STYLES, sketch
from training.world.trace import DistanceGrid, GBuffer, trace
from xmr.files import replacing
from xmr.modality import BadInput

# Instances per class, unless --split changes it. Those of "drawings" are only drawn, those of "photos" only
# photographed. "mixed" is what the composer learns from: things that no tower was trained on.
SPLITS = {"train": 22, "val": 1, "test": 2, "gallery": 24, "drawings": 26, "mixed": 12, "photos": 96}
VIEWS = {"train": 1, "val": 2, "test": 2, "gallery": 1, "drawings": 2, "mixed": 1, "photos": 1}  # photos per instance
SEVERAL_SHARE = dict.fromkeys(("train", "test", "gallery", "mixed", "photos"), 0.22)  # of photos with several things
GALLERY_SIZE = 256
QUALITY = 86  # of the WebP files
MAX_ASIDE = 12.0  # degrees by which the second drawing's camera is usually turned, at most
FAR_ASIDE_SHARE, UNFINISHED_SHARE = 0.12, 0.08  # of second drawings: from a very different side; not finished
DRAWING_FILL = 0.9  # share of the frame that a thing fills when it is drawn
DRAWING_SCALE = 1.5  # side of that frame, relative to the photo's
MAX_VIEWS = 6  # views to try until one shows enough of the instance


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
        """Unique name of the image, and of its files."""
        return f"{self.split}-{self.category}-{self.number:04d}-{self.view}"

    @property
    def instance(self) -> int:
        """The seed of the thing; every split has its own range of seeds."""
        return self._first + self.number

    @property
    def others(self) -> int:
        """The instance seed of the first other thing in the picture, from the same range."""
        return self._first + 100_000 + 100 * (self.number * VIEWS[self.split] + self.view)

    @property
    def several(self) -> bool:
        """Whether the photo should show several things."""
        rng = np.random.default_rng([14, self.instance, self.view, *self.category.encode()])
        return rng.uniform() < SEVERAL_SHARE.get(self.split, 0.0)

    @property
    def _first(self) -> int:
        return (self.seed * len(SPLITS) + list(SPLITS).index(self.split)) * 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--out", type=Path, default=Path("runs/world"), help="folder to write to, or to resume in")
    parser.add_argument("--size", type=int, default=192, help=f"photos' side in px (the gallery has {GALLERY_SIZE})")
    parser.add_argument(
        "--split",
        default=",".join(f"{k}={n}" for k, n in SPLITS.items()),
        help="instances per class in each split: train=40,gallery=18",
    )
    parser.add_argument("--classes", nargs="+", help="only these classes (default: all)")
    parser.add_argument("--workers", type=int, default=2, help="processes, of one thread each")
    parser.add_argument(
        "--device",
        default="cpu",
        help="what traces the rays: cpu, or cuda, for as many workers as "
        "there are cores; a few pixels along edges differ",
    )
    parser.add_argument("--seed", type=int, default=0, help="another seed gives another world")
    parser.add_argument(
        "--sheet",
        type=Path,
        help="only write contact sheets, from the gallery in --out if there is one: "
        "a row per class into a picture (all.webp), or a sheet per class into a folder",
    )


def run(args: argparse.Namespace) -> None:
    """Render what the options ask for; raises BadInput."""
    known = families()
    classes = args.classes or list(known)
    if unknown := [c for c in classes if c not in known]:
        raise BadInput(f"No class is called {', '.join(unknown)}. Choose among: {', '.join(known)}")
    if args.sheet:
        write_sheets(
            [known[c] for c in classes],
            args.out / "gallery",
            args.sheet,
            Job("gallery", classes[0], 0, 0, args.seed, args.size).instance,
        )
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
    if unknown := counts.keys() - SPLITS:
        raise BadInput(f"No split is called {', '.join(unknown)}. Choose among: {', '.join(SPLITS)}")
    return counts


def _plan(counts: dict[str, int], classes: list[str], size: int, seed: int, device: str) -> Iterator[Job]:
    for split, count in counts.items():
        for number in range(count):
            for category in classes:  # an inner loop, so that an unfinished run has all classes equally
                for view in range(VIEWS[split]):
                    side = GALLERY_SIZE if split == "gallery" else size
                    yield Job(split, category, number, view, seed, side, device)


def _finished(out: Path, jobs: list[Job]) -> set[str]:
    """Ids of the finished images. A last line that a killed run left incomplete is cut off."""
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
    """Render the jobs; yields (split, facts) of each image when it is finished and its photo is on disk."""
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
    """A pool of render processes with one thread each. They are spawned: forked children can hang after torch ran."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, context, initializer=use_one_thread)


def use_one_thread() -> None:
    """Set up a worker process that runs beside one worker on every other core."""
    torch.set_num_threads(1)
    keep_memory()


def make(job: Job, out: Path) -> dict:
    """Render one image into the folder; returns its facts, a line of facts.jsonl."""
    shot = _render(job)
    scene = shot.content.scene
    if shot.photo is None:
        return {
            "id": job.id,
            "split": job.split,
            "category": job.category,
            "seed": job.instance,
            "instance": f"{job.category}-{job.instance}",
            "sketches": _drawings(shot),
        }
    Image.fromarray(shot.photo).save(out / job.split / "photos" / f"{job.id}.webp", quality=QUALITY, method=4)
    row = {"id": job.id, "split": job.split} | _thing_facts(scene, shot.view)
    row |= {"place": scene.place, "light": scene.light, "stance": scene.stance, "seed": job.instance}
    if shot.content.others:
        row["objects"] = [
            _thing_facts(one, seen) for one, seen in zip(shot.content.things, shot.field.seen(shot.view), strict=True)
        ]
        row["box"] = row["objects"][0]["box"]
        row["relations"] = [[a, shot.content.relation, b] for a in shot.content.subjects for b in shot.content.objects]
    drawings = [] if job.split == "photos" else _drawings(shot)
    return row | {"captions": _captions(shot.content), "sketches": drawings}


def _thing_facts(scene: Scene, view: GBuffer) -> dict:
    """The facts about one thing, in the form of facts.jsonl."""
    return {
        "category": scene.category,
        "instance": f"{scene.category}-{scene.instance}",
        "colour": scene.colour,
        "material": scene.material,
        "pose": scene.pose,
        "view": scene.view(),
        "box": [round(x, 4) for x in view.box()],
    }


def _captions(content: Composition) -> dict[str, list[str]]:
    """Captions of all things in the picture."""
    main = _caption_facts(content.scene)
    if not content.others:
        return describe(main, content.scene.seed)
    things = [
        _caption_facts(replace(one, place=main.place, light=main.light, stance=main.stance)) for one in content.things
    ]
    if content.relation is None:
        return describe(_shared_facts(things), content.scene.seed)
    groups = [
        _shared_facts([things[k] for k in who])
        for who in (
            content.subjects,
            *([(k,) for k in content.objects] if content.relation == "between" else [content.objects]),
        )
    ]
    return relate(content.relation, groups, content.scene.seed)


def _shared_facts(things: list[Facts]) -> Facts:
    """The facts that several things of one kind share, and their count."""
    first = things[0]
    shared = {
        name: getattr(first, name) if len({getattr(one, name) for one in things}) == 1 else None
        for name in ("colour", "material", "pose", "view")
    }
    return replace(first, count=len(things), **shared)


def _caption_facts(scene: Scene) -> Facts:
    """The facts about a thing that captions mention; the material is None if captions have no word for it."""
    return Facts(
        category=scene.category,
        colour=scene.colour,
        material=scene.material if scene.material in MATERIALS else None,
        place=scene.place,
        light=scene.light,
        view=scene.view(),
        pose=scene.pose,
        stance=scene.stance,
    )


@dataclass(frozen=True)
class RenderedView:
    """A rendered view.

    Attributes:
        content: what it shows.
        field:   the thing or things.
        coarse:  the field on a grid.
        ground:  height of the ground.
        photo:   (S, S, 3) uint8; None if the thing is only drawn.
        view:    the G-buffer at the photo's size.
    """

    content: Composition
    field: Field | Group
    coarse: DistanceGrid
    ground: float
    photo: np.ndarray | None
    view: GBuffer


def _render(job: Job) -> RenderedView:
    """Render the first view that shows enough of the instance and of the other things, if any."""
    family = families()[job.category]
    for attempt in range(MAX_VIEWS if job.several else 0):
        seed = job.instance * 100 + job.view * MAX_VIEWS + attempt
        others = job.others + 10 * attempt
        content = sample_composition(family, job.instance, seed, others)
        arranged = content and arrange(content, job.device)
        if not arranged:
            continue
        group, scene = arranged
        coarse = DistanceGrid(group)
        camera = set_camera(scene, coarse, group.ground)
        if all_visible(group, trace(group, camera, job.size // 2, job.size // 2, coarse), camera):
            image, view = photo_and_view(group, coarse, group.ground, scene, job.size)
            others = tuple(replace(one, elevation=scene.elevation) for one in content.others)
            return RenderedView(replace(content, scene=scene, others=others), group, coarse, group.ground, image, view)
    for attempt in range(MAX_VIEWS):
        scene = sample_scene(family, job.instance, job.instance * 100 + job.view * MAX_VIEWS + attempt)
        field = thing(family, scene, job.device)
        coarse = DistanceGrid(field)
        ground = foot(field, coarse, scene)
        if job.split == "drawings":
            scene, image = replace(scene, fill=DRAWING_FILL, shift=(0.0, 0.0)), None
            view = view_of(field, coarse, ground, scene, job.size)
        else:
            image, view = photo_and_view(field, coarse, ground, scene, job.size)
        left, top, right, bottom = view.box()
        if len(view.hit) > 0.02 * job.size**2 and min(right - left, bottom - top) > 0.06:
            return RenderedView(Composition(scene, ()), field, coarse, ground, image, view)
    raise RuntimeError(f"{MAX_VIEWS} views of {job.id} show next to nothing of it: is its shape sound?")


def _drawings(shot: RenderedView) -> list[dict]:
    """Two drawings: a careful one, and one in another style whose camera may be turned aside or that may be unfinished.

    Both are drawn from a view of higher resolution than the photo, filled by the thing, so that details are visible.
    """
    size = round(DRAWING_SCALE * shot.view.depth.shape[0])
    scene = replace(shot.content.scene, fill=DRAWING_FILL, shift=(0.0, 0.0))
    view = view_of(shot.field, shot.coarse, shot.ground, scene, size)
    things = shot.field.first_part[:-1] if shot.content.others else (0,)
    rng = np.random.default_rng([11, scene.seed, *scene.category.encode()])
    style = str(rng.choice([style for style in DRAWING_STYLES if style != "careful"]))
    aside, share = float(rng.uniform(-MAX_ASIDE, MAX_ASIDE)), 1.0
    if not shot.content.others and rng.uniform() < FAR_ASIDE_SHARE:
        aside = float(rng.choice([-1, 1]) * rng.uniform(25, 70))
    elif rng.uniform() < 0.5:
        aside = 0.0
    if not shot.content.others and rng.uniform() < UNFINISHED_SHARE:
        share = float(rng.uniform(0.75, 0.95))
    second = view_of(shot.field, shot.coarse, shot.ground, scene.turned(aside), size) if aside else view
    return [_drawing("careful", view, rng, things, 0.0, 1.0), _drawing(style, second, rng, things, aside, share)]


def _drawing(
    style: str, view: GBuffer, rng: np.random.Generator, things: Sequence[int], aside: float, share: float
) -> dict:
    """One drawing in the form of facts.jsonl, with "aside" (camera turn, degrees) if not 0 and "share" (of the ink) if
    not 1."""
    drawing = {"hand": style, "strokes": [np.round(s, 1).tolist() for s in sketch(view, style, rng, things, share)]}
    unusual = {"aside": (round(aside, 1), 0.0), "share": (round(share, 2), 1.0)}
    return drawing | {name: value for name, (value, usual) in unusual.items() if value != usual}


def _sort(out: Path, jobs: list[Job]) -> None:
    """Sort the lines of facts.jsonl, which were appended as images finished, into the order of the jobs."""
    order = {job.id: i for i, job in enumerate(jobs)}
    for split in {job.split for job in jobs}:
        path = out / split / "facts.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        lines.sort(key=lambda line: order.get(json.loads(line)["id"], len(order)))
        with replacing(path) as part:
            part.write_text("".join(lines), encoding="utf-8")
