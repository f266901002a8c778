"""`python -m training leaderboard`: every system on every protocol, in one file, checkpoints/leaderboard.json.

    {protocol: {"about", "queries", "gallery", "dropped", "chance": {metric: …}, "systems": {name: {metric: …}}}}
"""

import json
from pathlib import Path

from xmr import checkpoint


def join(root: Path) -> dict[str, dict]:
    """What the checkpoints' metrics.json say, by protocol; systems and protocols in the order of their names."""
    found: dict[str, dict] = {}
    for name in checkpoint.available(root):
        path = root / name / "metrics.json"
        report = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"protocols": {}}
        for protocol, entry in report["protocols"].items():
            told = {key: entry[key] for key in ("about", "queries", "gallery", "dropped")}
            held = found.setdefault(protocol, told | {"chance": {}, "systems": {}})
            held["chance"] |= entry["chance"]
            held["systems"][name] = entry["metrics"]
    return dict(sorted(found.items()))


def write(root: Path) -> Path:
    """Write the file and give its path."""
    path = root / "leaderboard.json"
    path.write_text(json.dumps(join(root), indent=1) + "\n", encoding="utf-8")
    return path
