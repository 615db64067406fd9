"""What an engine tells about a finished image."""

from lading.engines.inspection import built_layers

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")


def step(created_by: str, size: int) -> dict[str, object]:
    """One entry of a history."""
    return {"CreatedBy": created_by, "Size": size}


def test_steps_with_a_size_made_the_layers():
    """The history is newest first and has steps that made nothing; layers are oldest first."""
    history = [
        step("/bin/sh -c #(nop)  ENV A=b", 0),
        step("/bin/sh -c #(nop) COPY dir:x in /opt/env", 20),
        step("", 10),
    ]

    layers = built_layers([A, B], history)

    assert [(str(layer.digest), layer.size_bytes) for layer in layers] == [(A, 10), (B, 20)]
    assert [layer.created_by for layer in layers] == ["", "COPY dir:x in /opt/env"]


def test_a_layer_may_be_empty():
    """A copied empty folder made a layer without a size; settings did not."""
    history = [
        step("/bin/sh -c #(nop)  LABEL a=b", 0),
        step("COPY dir:x in /opt/ml/model", 0),
        step("RUN x", 20),
        step("", 10),
    ]

    assert [layer.size_bytes for layer in built_layers([A, B, C], history)] == [10, 20, 0]


def test_a_history_that_does_not_fit_says_nothing():
    """Layers whose steps cannot be told apart are known by their digests alone."""
    layers = built_layers([A, B], [step("RUN x", 20)])

    assert [(str(layer.digest), layer.created_by) for layer in layers] == [(A, ""), (B, "")]
