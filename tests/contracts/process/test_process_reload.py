"""SIGHUP takes a changed model folder into service, and no request notices but by its answer."""

import signal

import pytest

from tests.contracts.process.traffic import Traffic

MAX_LOADS = 100
"""More than there are: each waits for its turn where the model cannot be shared."""


def change(tmp_path, answer):
    """Have the model in the folder answer "which" with other words."""
    file = tmp_path / "model" / "code" / "obedient_model.py"
    text = file.read_text()
    file.write_text(text.replace('WHICH = "', f'WHICH = "{answer} after '))


@pytest.mark.parametrize(("workers", "loading"), [("1", ""), ("3", ""), ("3", "by each")])
def test_a_changed_model_is_served_without_a_failed_request(start, tmp_path, workers, loading):
    """Under load every answer is a 200, of the old model or of the new one; then it is the new one's.

    Whether all processes share the loaded model, or each has loaded its own.
    """
    for number in range(1, MAX_LOADS):
        (tmp_path / "model" / f"gate-{number}").touch()
    server = start(MLFLOW_MODELS_WORKERS=workers, LOADING=loading).until_ready()
    before = server.host()
    port = int(server.url.rpartition(":")[2])
    with Traffic(port, clients=4, choose=lambda _: "which") as traffic:
        for name in ("second", "third"):
            change(tmp_path, name)
            server.process.send_signal(signal.SIGHUP)
            server.eventually(lambda name=name: server.ask("which").json().startswith(name))
            server.eventually(
                lambda name=name: server.log.count("model reloaded") == ("second", "third").index(name) + 1
            )

    assert set(traffic.statuses) == {200}, [answer for answer in traffic.answers if answer.status != 200]
    assert server.ask("which").json() == "third after second after first"
    server.eventually(lambda: not server.is_alive(before))
    server.eventually(lambda: len(server.workers()) == int(workers))
    assert server.stop() == 0


def test_the_server_stays_ready_while_it_reloads(start, tmp_path):
    """Readiness is never denied, and workers that end are replaced by ones of the new model."""
    server = start().until_ready()
    change(tmp_path, "second")
    server.process.send_signal(signal.SIGHUP)

    statuses = [server.get("/ping").status_code]
    while "model reloaded" not in server.log:
        statuses.append(server.get("/ping").status_code)

    assert set(statuses) == {200}


def test_a_change_during_a_reload_is_taken_up_after_it(start, tmp_path):
    """Who asks for a reload while another one loads gets one that begins after that; it is not forgotten."""
    for number in (1, 2):  # the model host loads it, and then each process
        (tmp_path / "model" / f"gate-{number}").touch()
    server = start(LOADING="by each").until_ready()
    change(tmp_path, "second")
    server.process.send_signal(signal.SIGHUP)
    server.eventually((tmp_path / "model" / "load-3").exists)
    change(tmp_path, "third")
    server.process.send_signal(signal.SIGHUP)
    server.eventually(lambda: "the model is being reloaded" in server.log)
    for number in range(3, MAX_LOADS):
        (tmp_path / "model" / f"gate-{number}").touch()

    server.eventually(lambda: server.ask("which").json() == "third after second after first")
    server.eventually(lambda: server.log.count("model reloaded") == 2)


@pytest.mark.parametrize("breakage", ["raises", "ends", "is gone"])
def test_a_model_that_cannot_be_loaded_is_not_taken(start, tmp_path, breakage):
    """The reason is logged, the model that is served stays, and the next SIGHUP tries again."""
    server = start().until_ready()
    file = tmp_path / "model" / "MLmodel"
    text = file.read_text()
    broken = {
        "raises": text.replace("loader_module: obedient_model", "loader_module: no_such_module"),
        "ends": text.replace("loader_module: obedient_model", "loader_module: ending"),
    }
    (tmp_path / "model" / "code" / "ending.py").write_text("import os; os._exit(7)")
    file.write_text(broken[breakage]) if breakage in broken else file.unlink()
    server.process.send_signal(signal.SIGHUP)
    server.eventually(lambda: "model not reloaded" in server.log)
    meanwhile = server.ask("which").json()
    file.write_text(text)
    change(tmp_path, "mended")
    server.process.send_signal(signal.SIGHUP)

    assert meanwhile == "first"
    server.eventually(lambda: server.ask("which").json() == "mended after first")
