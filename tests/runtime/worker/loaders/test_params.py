"""Which functions are given params."""

import pytest
from lading_runtime.worker.loaders.params import passing_params, takes_params


class Model:
    """Prediction functions of every signature."""

    def named(self, data, params=None):
        """Take params."""
        return data, params

    def by_keyword(self, data, *, params):
        """Take params by name only."""
        return data, params

    def without(self, data):
        """Take data alone."""
        return data

    def loose(self, data, **params):
        """Take anything by name, which is not meant."""
        return data, params


@pytest.mark.parametrize(
    ("name", "expected"),
    [("named", ("d", {"n": 1})), ("by_keyword", ("d", {"n": 1})), ("without", "d"), ("loose", ("d", {}))],
)
def test_params_go_where_a_parameter_has_their_name(name, expected):
    """A function gets params if it has a parameter ``params``; ``**params`` does not count."""
    assert passing_params(getattr(Model(), name))("d", {"n": 1}) == expected


def test_functions_without_a_signature_take_no_params():
    """A function of an extension module that does not tell its parameters gets data alone."""
    assert takes_params(dict.update) is False
