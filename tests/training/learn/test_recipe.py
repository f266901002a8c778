"""Recipes: settings are checked by name, and what is wrong is named."""

import pytest

from training.learn.recipe import BadRecipe, load
from training.systems import flickr30k_clip, tri
from training.systems.tri import Recipe
from xmr.modality import BadInput

YAML = tri.YAML


def test_the_recipe_loads_and_opens_with_its_command():
    recipe = load(Recipe, YAML)
    assert recipe.name == "tri" and recipe.stages[-1].steps > 0
    assert YAML.read_text().splitlines()[0] == "# python -m training fit tri"


def test_an_override_changes_one_setting():
    recipe = load(Recipe, YAML, ["stages.0.steps=3", "photo.hidden=7", "class_share=1", "stages.0.weight_decay=1e-4"])
    assert (recipe.stages[0].steps, recipe.photo.hidden, recipe.class_share) == (3, 7, 1.0)
    assert recipe.stages[0].weight_decay == 0.0001  # which YAML takes for a text


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("photo.hiden=7", "Unknown setting 'photo.hiden'; did you mean 'hidden'"),
        ("stages.9.steps=3", "there is no '9' here"),
        ("photos.hidden=7", "did you mean 'photo'"),
        ("seed=many", "Expected int for 'seed', got 'many'"),
        ("seed", "Expected --set key=value"),
        ("seed=[1", "--set seed: expected a value as YAML has it, got '[1'"),
        ("seed=-1", "Expected 0 to 4294967295 for 'seed', got -1"),
        ("dim=0", "Expected 1 to 100000 for 'dim', got 0"),
        ("precision=half", "Expected one of 32-true, .* for 'precision', got 'half'"),
        ("stages=[]", "Expected at least one stage"),
        ("protocols=world-test", "Expected a list for 'protocols', got 'world-test'"),
        ("stages.0.every=0", "Expected 1 or more for 'every' of stage"),
        ("stages.0.rates=[1]", "Expected settings under 'stages.0.rates"),
    ],
)
def test_a_wrong_override_names_what_is_wrong(override, message):
    with pytest.raises(BadInput, match=message.replace("[", r"\[")):
        load(Recipe, YAML, [override])


def test_a_recipe_like_another_has_its_settings_but_for_those_that_it_names(tmp_path):
    (tmp_path / "first.yaml").write_text(YAML.read_text())
    (tmp_path / "second.yaml").write_text("like: first.yaml\nseed: 5\nstages.0.steps: 3\nphoto: {cut: 1, hidden: 2}\n")
    (tmp_path / "third.yaml").write_text("like: second.yaml\nphoto.dropout: 0.5\nstages.0.name: third\n")
    first, third = load(Recipe, YAML), load(Recipe, tmp_path / "third.yaml")
    assert (third.seed, third.stages[0].steps, third.stages[0].name) == (5, 3, "third")
    assert (third.photo.cut, third.photo.hidden, third.photo.dropout) == (1, 2, 0.5)
    assert third.stages[1:] == first.stages[1:] and third.text == first.text and third.about == first.about
    (tmp_path / "third.yaml").write_text("like: second.yaml\nstage.0.steps: 3\n")
    with pytest.raises(BadRecipe, match="did you mean 'stages'"):
        load(Recipe, tmp_path / "third.yaml")


@pytest.mark.parametrize(
    ("override", "told"), [("batch=0", "1 to 1000000 for 'batch', got 0"), ("dropout=7", "0 to 1 for 'dropout', got 7")]
)
def test_a_setting_that_no_training_can_have_is_told_before_one_begins(override, told):
    with pytest.raises(BadRecipe, match=told):
        load(flickr30k_clip.Recipe, flickr30k_clip.YAML, [override])
