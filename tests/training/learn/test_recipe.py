"""Recipes: settings are checked by name, and what is wrong is named."""

import pytest

from training.learn.recipe import BadRecipe, load
from training.systems import tri
from training.systems.tri import Recipe

YAML = tri.YAML


def test_the_recipe_loads_and_opens_with_its_command():
    recipe = load(Recipe, YAML)
    assert recipe.name == "tri" and recipe.stages[-1].steps > 0
    assert YAML.read_text().splitlines()[0] == "# python -m training fit tri"


def test_an_override_changes_one_setting():
    recipe = load(Recipe, YAML, ["stages.0.steps=3", "photo.hidden=7", "class_share=1"])
    assert (recipe.stages[0].steps, recipe.photo.hidden, recipe.class_share) == (3, 7, 1.0)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("photo.hiden=7", "Unknown setting 'photo.hiden'; did you mean 'hidden'"),
        ("stages.9.steps=3", "there is no '9' here"),
        ("photos.hidden=7", "did you mean 'photo'"),
        ("seed=many", "Expected int for 'seed', got 'many'"),
        ("seed", "Expected --set key=value"),
        ("stages.0.rates=[1]", "Expected settings under 'stages.0.rates"),
    ],
)
def test_a_wrong_override_names_what_is_wrong(override, message):
    with pytest.raises(BadRecipe, match=message.replace("[", r"\[")):
        load(Recipe, YAML, [override])
