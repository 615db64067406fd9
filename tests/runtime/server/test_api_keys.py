"""Keys of clients: which words are some, and how requests bring them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.server.api_keys import ApiKeys, presented_key

KEYS = st.binary(max_size=40)


@given(st.lists(KEYS, max_size=4), KEYS)
def test_a_key_opens_exactly_if_it_is_one_of_them(keys, presented):
    """There is no other way in than to bring one of the keys."""
    assert (presented in ApiKeys(keys)) == (presented in keys)


def test_keys_are_not_kept():
    """What is in memory, or in a dump of it, opens nothing."""
    assert b"some-secret-key" not in repr(vars(ApiKeys([b"some-secret-key"]))).encode()


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ([], None),
        ([(b"x-api-key", b"k")], b"k"),
        ([(b"authorization", b"Bearer k")], b"k"),
        ([(b"authorization", b"bearer  k ")], b"k"),
        ([(b"authorization", b"Bearer")], b""),
        ([(b"authorization", b"Basic k")], None),
        ([(b"authorization", b"Basic k"), (b"x-api-key", b"other")], b"other"),
    ],
)
def test_keys_come_as_bearer_tokens_or_in_a_header_of_their_own(headers, key):
    """Either header brings a key; credentials of another scheme are not ours to read."""
    assert presented_key(headers) == key


def test_files_are_read_line_by_line(tmp_path):
    """Comments, empty lines and the line ends of any system are no part of a key."""
    path = tmp_path / "keys"
    path.write_bytes(b"# team a\r\nfirst-key-0123456789\r\n\r\n  second-key-0123456789  \n")

    keys = ApiKeys.read(path)

    assert b"first-key-0123456789" in keys
    assert b"second-key-0123456789" in keys
    assert b"# team a" not in keys
    assert b"" not in keys
