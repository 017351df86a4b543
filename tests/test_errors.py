import inspect
import re

import pytest

from rnnkit import errors
from rnnkit.errors import RnnkitError, closest

BUILT_IN = {
    "DataError": ValueError,
    "ConfigError": ValueError,
    "ShapeError": ValueError,
    "ArtifactError": ValueError,
    "BackendError": RuntimeError,
    "TrainingError": RuntimeError,
    "MissingExtraError": ImportError,
}


@pytest.mark.parametrize(("name", "built_in"), BUILT_IN.items())
def test_an_error_is_also_the_built_in_one(name, built_in):
    error = getattr(errors, name)
    assert issubclass(error, RnnkitError)
    assert issubclass(error, built_in)
    with pytest.raises(built_in, match="what to do"):
        raise error("what to do")


def test_the_tree_drawn_in_the_module_is_the_tree():
    classes = {
        name: cls
        for name, cls in vars(errors).items()
        if inspect.isclass(cls) and issubclass(cls, Exception) and cls is not RnnkitError
    }
    assert classes.keys() == BUILT_IN.keys()
    drawn = re.findall(r"─ (\w+) +\((\w+)\)", errors.__doc__)
    assert dict(drawn) == {name: built_in.__name__ for name, built_in in BUILT_IN.items()}


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("Pasengers", ["Month", "Passengers"], "Passengers"),
        ("passengers", ["Month", "Passengers"], "Passengers"),
        ("MONTH", ["Month", "Passengers"], "Month"),
        ("hiden_size", ["layers", "hidden_size"], "hidden_size"),
        ("승객", ["월", "승객수"], "승객수"),
        ("zzz", ["Month"], None),
        ("Month", [], None),
        ("", ["Month"], None),
    ],
)
def test_the_closest_name_is_offered_or_none(name, known, hint):
    assert closest(name, known) == (f"; did you mean {hint!r}?" if hint else "")
    assert closest(name, iter(known)) == closest(name, known)
