"""Write the figures of README.md, between its two marks, from the files that evaluations and benchmarks wrote.

    python -m benchmarks.readme
"""

import json
from pathlib import Path

from benchmarks.report import RESULTS

ROOT = Path(__file__).resolve().parents[1]
START, END = "<!-- figures: written by python -m benchmarks.readme -->", "<!-- end of figures -->"

# What the table shows: protocol, metric, and what they are called.
ROWS = (
    ("world-test", "sketch_to_photo/category/p@1", "rendered world, new things: drawing → photo, P@1 by category"),
    ("world-test", "text_en_to_photo/category/p@1", "… English caption → photo, P@1 by category"),
    ("world-test", "text_de_to_photo/category/p@1", "… German caption → photo, P@1 by category"),
    ("world-test", "sketch_to_photo/instance/hit@10", "… drawing → that very thing, hit@10"),
    ("flickr8k-test-en", "text_to_photo/hit@10", "Flickr8k test: English caption → its photo, hit@10"),
    ("flickr8k-test-de", "text_to_photo/hit@10", "… German caption → its photo, hit@10"),
    ("flickr8k-test-en", "photo_to_text/hit@10", "… photo → one of its English captions, hit@10"),
    ("sketchy25-heldout", "sketch_to_photo/category/p@1", "Sketchy, unseen photos: sketch → photo, P@1 by category"),
    ("sketchy25-heldout", "sketch_to_photo/instance/hit@10", "… sketch → the photo it was drawn from, hit@10"),
    ("chairv2-test", "sketch_to_photo/instance/hit@10", "ChairV2 test: sketch → its chair, hit@10"),
)
# What the systems are held against each other by.
LEADERS = (
    ("sketchy-2-unseen", "sketch_to_photo/category/map", "Sketchy, 21 classes never seen: sketch → photo, mAP"),
    ("sketchy-2-unseen", "sketch_to_photo/category/p@1", "… P@1 by category"),
    ("sketchy25-heldout", "sketch_to_photo/category/p@1", "Sketchy, unseen photos of 125 classes, P@1 by category"),
    ("sketchy25-heldout", "sketch_to_photo/category/map", "… mAP"),
    ("world-test", "sketch_to_photo/category/p@1", "rendered world: drawing → photo, P@1 by category"),
    ("chairv2-test", "sketch_to_photo/instance/hit@10", "ChairV2: sketch → its chair, hit@10"),
    ("flickr8k-test-en", "text_to_photo/hit@10", "Flickr8k: English caption → its photo, hit@10"),
    ("flickr8k-test-en", "photo_to_text/hit@10", "… photo → one of its captions, hit@10"),
    ("flickr8k-tags", "text_en_to_photo/tag/map", "Flickr8k, 73 concepts: English description → photo, mAP"),
    ("flickr8k-tags", "text_de_to_photo/tag/map", "… German description → photo, mAP"),
)


def leaderboard() -> list[str]:
    """The lines of the table of all systems."""
    held = json.loads((ROOT / "checkpoints" / "leaderboard.json").read_text())
    names = sorted({name for entry in held.values() for name in entry["systems"]}, key=lambda n: (n != "tri", n))
    lines = [f"| what is asked | protocol | {' | '.join(f'`{name}`' for name in names)} | chance |",
             "| --- | --- |" + " --- |" * (len(names) + 1)]
    for protocol, metric, called in LEADERS:
        if protocol in held:
            found = {name: figures.get(metric) for name, figures in held[protocol]["systems"].items()}
            best = max(value for value in found.values() if value is not None)
            cells = [_cell(found.get(name), best) for name in names]
            lines.append(f"| {called} | `{protocol}` | {' | '.join(cells)} | {held[protocol]['chance'][metric]:.3f} |")
    return lines


def _cell(value: float | None, best: float) -> str:
    if value is None:
        return "–"
    return f"**{value:.3f}**" if value == best else f"{value:.3f}"


def figures() -> str:
    """The README's tables, as Markdown."""
    protocols = json.loads((ROOT / "checkpoints" / "tri" / "metrics.json").read_text())["protocols"]
    latency = json.loads((RESULTS / "latency.json").read_text())
    footprint, visit = (json.loads((RESULTS / f"{name}.json").read_text()) for name in ("footprint", "visit"))
    lines = ["| `tri`, on what it never saw | protocol | result | chance |", "| --- | --- | --- | --- |"]
    for name, metric, called in ROWS:
        entry = protocols[name]
        spread = f" ± {entry['spread'][metric]:.3f}" if metric in entry["spread"] else ""
        lines.append(f"| {called} | `{name}` | **{entry['metrics'][metric]:.3f}**{spread} "
                     f"| {entry['chance'][metric]:.3f} |")
    dropped = sum(protocols[name]["dropped"] for name in {row[0] for row in ROWS})
    lines += ["", f"± is the standard error over queries; {dropped} queries were dropped for having no match. Every "
              "figure of every protocol, with what chance would score: `checkpoints/tri/metrics.json`.", "",
              *leaderboard(), "", "A dash: the system can't be asked that, or was trained on what is asked for.", "",
              "| one warm query, encode and search | | the network alone |", "| --- | --- | --- |"]
    lines += [f"| {kind} | {times['query_ms']:.1f} ms | {times['network_alone_ms']:.1f} ms |"
              for kind, times in latency["systems"]["tri"].items()]
    lines += ["", f"Medians on {_cores(latency)}, {latency['photos']:,} photos. In the browser, on {_cores(visit)}, "
              f"the answer to a warm query in words is on the screen after {visit['words']['ms']} ms, that to a stroke "
              f"after {visit['stroke']['ms']} ms; a visit that used {len(visit['systems'])} systems left the server at "
              f"{visit['server_mb']} MB. The app's environment takes {footprint['environment_mb']} MB, and on "
              f"{_cores(footprint)} {footprint['install_s']:.0f} s to install; its server {footprint['server_mb']} MB "
              f"with `tri` loaded; a first stroke is drawn {footprint['first_stroke_s']:.1f} s after the server is up "
              "(`benchmarks/results/`)."]
    return "\n".join(lines)


def _cores(result: dict) -> str:
    """What a benchmark was measured on."""
    machine = result["machine"]
    return f"{machine['cores']} cores of an {machine['processor'].removesuffix(' Processor')}"


def written(text: str) -> str:
    """The README's text with today's figures between its marks."""
    head, _, rest = text.partition(START)
    _, _, tail = rest.partition(END)
    return f"{head}{START}\n{figures()}\n{END}{tail}"


def main() -> None:
    path = ROOT / "README.md"
    path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
