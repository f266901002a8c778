"""Runs and recipes: a folder for each variant and seed, and variants that change what they name and nothing else."""

import dataclasses
import json
from pathlib import Path

import pytest

from training import systems
from training.datasets.protocols import names
from training.learn.recipe import VariedRecipe, load
from training.learn.run_record import _flatten
from training.release import ablation
from training.systems import coco_regions, further, runs, zero_shot_dann
from xmr import checkpoint
from xmr.modality import BadInput

SYSTEMS = sorted(path.stem.replace("_", "-") for path in Path(systems.__file__).parent.glob("*.yaml"))
VARIED = [name for name in SYSTEMS if runs.varied_recipe(name)]


def flat(recipe) -> dict:
    return dict(_flatten(json.loads(json.dumps(dataclasses.asdict(recipe)))))


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_recipe_opens_with_its_command_and_says_how_it_is_evaluated(name):
    module = systems.module(name)
    recipe = load(module.Recipe, module.YAML)
    assert recipe.name == name and all(max(stage.steps, stage.epochs) >= stage.every > 0 for stage in recipe.stages)
    first = module.YAML.read_text().splitlines()[0]
    assert first.startswith("# python -m training ") and "python -m training fit " in first
    # detector has a measure of its own; what goes on from a published system has that one's
    assert recipe.protocols or name == "detector" or isinstance(recipe, further.Recipe)
    assert isinstance(recipe, VariedRecipe) == (name in VARIED)


@pytest.mark.parametrize("name", VARIED)
def test_a_variant_changes_the_settings_that_it_names_and_no_others(name):
    module, recipe = systems.module(name), runs.varied_recipe(name)
    base = flat(recipe)
    assert {recipe.ships, *recipe.average_of} <= {*recipe.variants, *([runs.AVERAGE] if recipe.average_of else [])}
    for variant, changed in recipe.variants.items():
        folder, overrides = runs.run_of(name, Path("runs"), variant, 3)
        assert folder == Path("runs") / name / f"{variant}-3"
        changed_recipe = load(module.Recipe, module.YAML, overrides)
        found = flat(changed_recipe)
        differ = {key for key in base.keys() | found.keys() if base.get(key) != found.get(key)} - {"seed"}
        assert set(changed_recipe.protocols) <= set(names()), variant
        assert all(any(f"{key}.".startswith(f"{setting}.") for setting in changed) for key in differ), variant
        for setting, value in changed.items():
            if not isinstance(value, dict | list):
                assert found[setting] == value, (variant, setting)


@pytest.mark.parametrize("name", VARIED)
def test_the_shipped_ablation_is_of_the_recipes_variants(name):
    recipe = runs.varied_recipe(name)
    report = json.loads((checkpoint.ROOT / name / "study.json").read_text())
    assert report["settings"] == json.loads(json.dumps(recipe.variants))
    assert (report["seeds"], report["average_of"]) == (list(recipe.seeds), list(recipe.average_of))
    assert {variant.split()[0] for variant in report["variants"]} <= {*recipe.variants, runs.AVERAGE}


def test_on_the_original_data_a_run_is_measured_by_the_protocol_of_the_split_that_it_trains_on(tmp_path):
    for variant, changed, split in (
        ("paper", (), "sketchy-2"),
        ("random-classes", (), "sketchy-1"),
        ("paper", ("data=sketchy-1",), "sketchy-1"),
    ):
        folder, overrides = runs.run_of(
            "zero-shot-dann", tmp_path, variant, data="/data/my sketchy: all", changed=changed
        )
        recipe = load(zero_shot_dann.Recipe, zero_shot_dann.YAML, overrides)
        assert (recipe.folder, recipe.protocols) == ("/data/my sketchy: all", (f"{split}-test",))
        assert folder == tmp_path / "zero-shot-dann" / f"{variant}-1"
    _, overrides = runs.run_of("coco-regions", tmp_path, data="/coco", changed=["data=coco-karpathy", "protocols=[a]"])
    recipe = load(coco_regions.Recipe, coco_regions.YAML, overrides)
    assert recipe.protocols == ("a",)  # what is set by hand counts
    assert recipe.score == tuple(f"coco-karpathy-test/{way}/hit@10" for way in ("text_en_to_photo", "photo_to_text_en"))


def test_a_variant_that_is_unknown_is_named(tmp_path):
    folder, overrides = runs.run_of("zero-shot-dann", tmp_path, "triplet", 2)
    assert folder == tmp_path / "zero-shot-dann" / "triplet-2"
    recipe = load(zero_shot_dann.Recipe, zero_shot_dann.YAML, overrides)
    assert (recipe.losses.domain, recipe.losses.triplet, recipe.seed) == (0, 1, 2)
    assert runs.run_of("tri", tmp_path) == (tmp_path / "tri", [])
    assert runs.run_of("tri", tmp_path, seed=4) == (tmp_path / "tri" / "4", ["seed=4"])
    with pytest.raises(BadInput, match="tri trains on several data sets. Leave --data out, and set XMR_DATA"):
        runs.run_of("tri", tmp_path, data="/data")
    with pytest.raises(BadInput, match="has no variants. Leave --variant out"):
        runs.run_of("tri", tmp_path, "best")
    with pytest.raises(BadInput, match="Choose one of: dann, triplet, whole-way, contrast, names"):
        runs.run_of("zero-shot-dann", tmp_path, "best")
    with pytest.raises(BadInput, match="no variant 'best'. Choose among: dann, .*, random-classes, .*, paper, average"):
        ablation.compare("zero-shot-dann", tmp_path, tmp_path, ["plus", "best"])
