"""`lading serve`: how it ends."""

import socket


def test_a_server_that_cannot_start_is_an_error_of_ours(lading, tmp_path):
    """A port in use ends in one line and in the documented code, after the server's own log."""
    (tmp_path / "iris").mkdir()
    (tmp_path / "iris" / "MLmodel").write_text("flavors: {python_function: {loader_module: mine}}\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        done = lading("serve", "-m", "iris", "-p", port, "--env-manager", "local", "--progress", "none")

    assert done.returncode == 10
    assert done.stderr.splitlines()[-1].startswith("lading: the server ended with exit code ")
