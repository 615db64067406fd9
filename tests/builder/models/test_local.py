"""Models in folders of this machine."""

import pytest
from lading.errors import InvalidModel, ModelNotFound


def test_a_folder_is_used_where_it_is(tmp_path, fetched):
    """A local model is neither copied nor looked up anywhere."""
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "MLmodel").touch()

    for text in (str(tmp_path / "m"), f"file://{tmp_path}/m"):
        assert fetched(text, "http://localhost:1").folder == tmp_path / "m"
    assert fetched.left == []


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("m-0123456789", "did you mean models:/m-0123456789?"),
        ("0123456789abcdef0123456789abcdef", "did you mean runs:/0123456789abcdef0123456789abcdef/model?"),
        ("~nobody-has-this-name/m", "other forms are runs:/<run_id>/<path> and models:/<name>/<version>"),
        ("no/such/folder", "other forms are runs:/<run_id>/<path> and models:/<name>/<version>"),
    ],
)
def test_a_folder_that_is_not_there_hints_at_what_was_meant(fetched, text, hint):
    """A forgotten scheme is guessed from what the rest looks like."""
    with pytest.raises(ModelNotFound) as raised:
        fetched(text, "http://localhost:1")

    assert str(raised.value) == f"there is no folder {text!r}; {hint}"


def test_a_folder_without_a_model_hints_at_one_below(tmp_path, fetched):
    """A folder whose subfolder is a model says so."""
    (tmp_path / "run" / "model").mkdir(parents=True)
    (tmp_path / "run" / "model" / "MLmodel").touch()

    with pytest.raises(InvalidModel, match=r"has no MLmodel file; did you mean .*/run/model\?"):
        fetched(str(tmp_path / "run"), "http://localhost:1")
    with pytest.raises(InvalidModel, match=r"is a file; did you mean .*/run/model\?"):
        fetched(str(tmp_path / "run" / "model" / "MLmodel"), "http://localhost:1")
