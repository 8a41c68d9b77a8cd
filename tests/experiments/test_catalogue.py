"""The catalogue: names, arguments, discovery."""

import inspect

import pytest

from nuforge.errors import InputError
from nuforge.experiments import Published, catalogue, experiment
from nuforge.experiments.catalogue import Recipe, experiments, find
from nuforge.experiments.experiment import entry_of

RECIPES = list(experiments().values())


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
class TestEveryExperiment:
    def test_has_five_to_twelve_flat_arguments_each_with_default_and_meaning(self, recipe):
        parameters = inspect.signature(recipe.function, eval_str=True).parameters
        assert 5 <= len(parameters) <= 12
        assert all(f"{name}:" in inspect.getdoc(recipe.function) for name in parameters)
        assert recipe.arguments({}) == recipe.defaults()

    def test_quick_names_its_own_arguments(self, recipe):
        assert recipe.entry.quick
        assert recipe.arguments(recipe.entry.quick) == recipe.defaults(quick=True)

    def test_stands_in_the_catalogue_with_its_source(self, recipe):
        assert recipe.entry.system
        assert recipe.entry.reference
        assert all(figure.source for figure in recipe.entry.published)


def test_the_decorator_changes_nothing_but_the_metadata():
    def f(a: int = 1):
        return a

    figure = Published("recall", 0.9, "here")
    decorated = experiment(system="s", detector="d", task="t", reference="r", published=(figure,))(f)
    assert decorated is f
    assert decorated(3) == 3
    assert entry_of(f).published == (figure,)


def test_every_catalogued_name_is_found():
    for name, recipe in experiments().items():
        assert find(name).function is recipe.function


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match=r"there is .*lartpc-segmentation"):
        find("mystery")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"widht": 3}, "no argument \\['widht'\\]"),
        ({"width": 1.5}, "expected int"),
        ({"width": True}, "expected int"),
        ({"rate": "fast"}, "expected float"),
        ({"name": 3}, "expected str"),
    ],
)
def test_arguments_are_checked_against_the_signature(given, message):
    def f(width: int = 1, rate: float = 1.0, name: str = ""): ...

    recipe = Recipe("f", f)
    assert recipe.arguments({"rate": 2}) == {"width": 1, "rate": 2, "name": ""}
    with pytest.raises(InputError, match=message):
        recipe.arguments(given)


def test_samples_are_listed_with_their_arguments():
    names = {row["name"]: row["arguments"] for row in catalogue.sample_rows()}
    assert {"events", "seed", "shard_size"} <= set(names["lartpc-particle-bomb"])
