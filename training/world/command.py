"""`python -m training render`: photos, facts, captions and drawings of the rendered world, in a folder.

An image is finished when its line stands in facts.jsonl, and lines are only ever appended: a run that was killed goes
on where it stopped. Everything follows from seeds, so two runs with the same settings write the same files.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from tqdm import tqdm

from training.world.captions import MATERIALS, POSES, Facts, describe
from training.world.families import Family, families
from training.world.render import photo, photo_and_view, view_of
from training.world.scene import Scene, sample_scene, thing
from training.world.sdf import Field
from training.world.strokes import HANDS, sketch
from training.world.trace import GBuffer
from xmr.modality import BadInput

SPLITS = {"train": 40, "val": 4, "test": 8, "gallery": 10}  # instances a class, unless --split says otherwise
VIEWS = {"train": 1, "val": 2, "test": 2, "gallery": 1}  # photos an instance
GALLERY_SIZE = 256
QUALITY = 86  # of the WebP files
ROUND = 12.0  # degrees that the second drawing's camera may have gone round the thing
CLOSE = 0.75  # share of the frame that a thing has to take up to be drawn from its photo's view
TRIES = 6  # views of an instance, of which the first that shows enough of it is taken
SHEET = 8  # instances a class on a contact sheet


@dataclass(frozen=True)
class Job:
    """One image to make."""

    split: str
    category: str
    number: int
    view: int
    seed: int
    size: int

    @property
    def id(self) -> str:
        return f"{self.split}-{self.category}-{self.number:04d}-{self.view}"

    @property
    def instance(self) -> int:
        """The seed of the thing: every split has a range of its own."""
        return (self.seed * len(SPLITS) + list(SPLITS).index(self.split)) * 1_000_000 + self.number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--out", type=Path, default=Path("runs/world"), help="folder to write to, or to go on in")
    parser.add_argument("--size", type=int, default=192, help=f"photos' side in px (the gallery has {GALLERY_SIZE})")
    parser.add_argument("--split", default=",".join(f"{k}={n}" for k, n in SPLITS.items()),
                        help="instances a class in each split: train=40,gallery=18")
    parser.add_argument("--classes", nargs="+", help="only these classes (default: all)")
    parser.add_argument("--workers", type=int, default=2, help="processes, of one thread each")
    parser.add_argument("--seed", type=int, default=0, help="another seed is another world")
    parser.add_argument("--sheet", type=Path, help="only write a contact sheet, a row a class, to this file")


def run(args: argparse.Namespace) -> None:
    """Render what the options ask for; raises BadInput."""
    known = families()
    classes = args.classes or list(known)
    if strangers := [c for c in classes if c not in known]:
        raise BadInput(f"No class is called {', '.join(strangers)}. Choose among: {', '.join(known)}")
    if args.sheet:
        _contact_sheet([known[c] for c in classes], args.size, args.seed, args.sheet)
        return
    jobs = list(_plan(_counts(args.split), classes, args.size, args.seed))
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


def _plan(counts: dict[str, int], classes: list[str], size: int, seed: int) -> Iterator[Job]:
    for split, count in counts.items():
        for number in range(count):
            for category in classes:  # innermost, so that what there is so far holds all classes alike
                for view in range(VIEWS[split]):
                    yield Job(split, category, number, view, seed, GALLERY_SIZE if split == "gallery" else size)


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
    # Forked children of a process that has used torch can hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            futures = {pool.submit(make, job, out): job.split for job in jobs}
            for future in as_completed(futures):
                yield futures.pop(future), future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def make(job: Job, out: Path) -> dict:
    """Render one image into the folder; returns its line of facts."""
    family = families()[job.category]
    scene, field, image, view = _shoot(family, job)
    Image.fromarray(image).save(out / job.split / "photos" / f"{job.id}.webp", quality=QUALITY, method=4)
    return {"id": job.id, "split": job.split, "category": job.category, "instance": f"{job.category}-{job.instance}",
            "colour": scene.colour, "material": scene.material, "place": scene.place, "light": scene.light,
            "view": scene.view(), "pose": scene.pose, "stance": scene.stance,
            "box": [round(x, 4) for x in view.box()], "seed": job.instance,
            "captions": describe(_facts(scene), scene.seed), "sketches": _drawings(field, scene, view)}


def _facts(scene: Scene) -> Facts:
    """What captions may say of a scene; a material or pose that they have no word for is left unsaid."""
    return Facts(category=scene.category, colour=scene.colour,
                 material=scene.material if scene.material in MATERIALS else None,
                 place=scene.place, light=scene.light, view=scene.view(),
                 pose=scene.pose if scene.pose in POSES else None, stance=scene.stance)


def _shoot(family: Family, job: Job) -> tuple[Scene, Field, np.ndarray, GBuffer]:
    """The first view of the instance that shows enough of it: not a sheet of paper edge-on."""
    for attempt in range(TRIES):
        scene = sample_scene(family, job.instance, job.instance * 100 + job.view * TRIES + attempt)
        field = thing(family, scene)
        image, view = photo_and_view(field, scene, job.size)
        left, top, right, bottom = view.box()
        if len(view.hit) > 0.02 * job.size**2 and min(right - left, bottom - top) > 0.06:
            return scene, field, image, view
    raise RuntimeError(f"{TRIES} views of {job.id} show next to nothing of it: is its shape sound?")


def _drawings(field: Field, scene: Scene, view: GBuffer) -> list[dict]:
    """A careful drawing and one by another hand; the latter's camera may stand a little to the side.

    A thing that is small in its photo is drawn from a view of its own that it fills, so that its details are there.
    """
    size = view.depth.shape[0]
    if scene.fill < CLOSE:
        scene = replace(scene, fill=CLOSE, shift=(0.0, 0.0))
        view = view_of(field, scene, size)
    rng = np.random.default_rng([11, scene.seed, *scene.category.encode()])
    other = str(rng.choice([hand for hand in HANDS if hand != "careful"]))
    aside = rng.uniform(-ROUND, ROUND)
    second = view_of(field, scene.turned(aside), size) if rng.uniform() < 0.5 else view
    return [{"hand": hand, "strokes": [np.round(stroke, 1).tolist() for stroke in sketch(seen, hand, rng)]}
            for hand, seen in (("careful", view), (other, second))]


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


def _contact_sheet(rows: list[Family], size: int, seed: int, file: Path) -> None:
    sheet = Image.new("RGB", (size * SHEET, size * len(rows)))
    draw = ImageDraw.Draw(sheet)
    for y, family in enumerate(tqdm(rows, unit="class")):
        for x in range(SHEET):
            instance = Job("gallery", family.name, x, 0, seed, size).instance
            scene = sample_scene(family, instance, instance * 100)
            sheet.paste(Image.fromarray(photo(thing(family, scene), scene, size)), (x * size, y * size))
        draw.text((4, y * size + 2), family.name, fill="white", stroke_fill="black", stroke_width=1)
    file.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(file)
