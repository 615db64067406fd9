"""Which exit code stands for which error."""

import pytest
from lading import errors
from lading.cli.exit_codes import BUG, EPILOG, exit_code

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and kind is not errors.LadingError]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_has_a_code_that_help_explains(kind):
    """No error of ours ends like a bug, and each code stands in the help."""
    code = exit_code(kind("x"))

    assert code != BUG
    assert f" {code} " in EPILOG


def test_a_special_case_of_an_error_has_its_code():
    """An error without a code of its own gets that of what it is a case of."""

    class Special(errors.StoreError):
        pass

    assert exit_code(Special("x")) == exit_code(errors.StoreError("x"))
    assert exit_code(errors.LadingError("x")) == BUG
