"""The model's side is told what a signature demands, as the signature writes it."""

from lading_runtime.schema.description import describe_fields


def test_columns_are_described_with_their_types(make_signature):
    """A column has its name, its type down to the last member, and whether it is required."""
    members = {"p": {"type": "double"}, "q": {"type": "string", "required": False}}
    nested = {"type": "array", "items": {"type": "object", "properties": members}}

    fields = describe_fields(make_signature({"type": "long", "name": "n"}, {**nested, "name": "x"}))

    assert fields == [
        {"name": "n", "type": "long", "required": True},
        {
            "name": "x",
            "required": False,
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "p": {"type": "double", "required": True},
                    "q": {"type": "string", "required": False},
                },
            },
        },
    ]


def test_columns_without_names_have_none(make_signature):
    """Where the signature has no names, neither has its description."""
    fields = describe_fields(make_signature({"type": "long"}, {"type": "any"}))

    assert fields is not None
    assert [field["name"] for field in fields] == [None, None]


def test_tensors_are_described(make_signature):
    """A tensor has its dtype and its shape."""
    spec = {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 4]}}

    assert describe_fields(make_signature(spec)) == [{"name": None, "dtype": "float32", "shape": [-1, 4]}]


def test_what_takes_everything_is_not_described(make_signature):
    """Without inputs, or with a type hint, the model checks for itself."""
    assert describe_fields(make_signature(params=[])) is None
    assert describe_fields(make_signature({"type": "string"}, is_signature_from_type_hint=True)) is None
