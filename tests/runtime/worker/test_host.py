"""The model host as the server's master sees it: a process with a control socket."""

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from lading_runtime import wire

ECHO = """
import os, signal, sys, time

class Model:
    def predict(self, data, params=None):
        if data == "exit now":
            os._exit(7)
        if data == "exit":
            sys.exit(3)
        if data == "hold the GIL":
            "a" * 30 == __import__("re").match(r"(a+)+$", "a" * 64 + "b")
        if data == "pid":
            return os.getpid()
        if data == "parent":
            return os.getppid()
        if data == "descriptors":
            with os.scandir("/proc/self/fd") as entries:
                return [os.readlink(entry.path) for entry in entries]
        if data == "print":
            print("hello from the model")
        return {"data": data, "params": params}

def _load_pyfunc(path):
    return Model()
"""


def until(condition: Callable[[], bool], *, timeout_s: float = 60.0) -> bool:
    """Wait until *condition* is true; tell whether it became so in time."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.005)
    return False


def first_word(stream: socket.socket) -> str:
    """Return the kind of the first message on *stream*."""
    message = wire.receive(stream)
    assert message is not None
    return str(message.header["kind"])


def test_a_model_process_says_that_it_is_ready_and_answers(start_host, make_model):
    """A model process that is forked says ready, with facts about the model, and then predicts."""
    process = start_host(make_model(ECHO)).model_process()

    assert process.first["kind"] == "ready"
    assert process.first["model"]["loader"] == "python_function"
    assert process.first["model"]["is_shared"] is True
    assert process.predict([1, 2], params={"n": 1}) == {"data": [1, 2], "params": {"n": 1}}


def test_model_processes_are_forks_of_the_host(start_host, make_model):
    """The model is loaded once: every model process is a child of the process that loaded it."""
    host = start_host(make_model(ECHO))
    processes = [host.model_process(), host.model_process()]

    assert [process.predict("parent") for process in processes] == [host.process.pid] * 2
    assert [process.predict("pid") for process in processes] == [process.pid for process in processes]


def test_requests_for_a_process_may_come_before_the_model_is_loaded(start_host, make_model):
    """Whoever asks while the model is being loaded is answered when it is."""
    host = start_host(make_model("import time\ntime.sleep(0.3)\n" + ECHO))
    streams = [host.stream(), host.stream()]

    assert [first_word(stream) for stream in streams] == ["ready", "ready"]


def test_a_model_that_ends_its_process_ends_only_that(start_host, make_model):
    """After ``os._exit`` in a prediction, the other model processes and the host live on."""
    host = start_host(make_model(ECHO))
    crashing, other = host.model_process(), host.model_process()
    crashing.send("exit now")

    assert crashing.is_gone()
    assert other.predict(1)["data"] == 1
    assert host.model_process().predict(2)["data"] == 2


def test_a_model_process_can_be_killed_and_replaced(start_host, make_model):
    """A killed model process leaves no zombie, and a new one takes its place."""
    host = start_host(make_model(ECHO))
    process = host.model_process()
    os.kill(process.pid, signal.SIGKILL)

    assert process.is_gone()
    assert until(lambda: process.pid not in host.children())
    assert host.model_process().predict(1)["data"] == 1


def test_a_prediction_that_holds_the_interpreter_can_be_killed(start_host, make_model):
    """A model that hangs inside one C call ends when it is killed, while others predict."""
    host = start_host(make_model(ECHO))
    hanging, other = host.model_process(), host.model_process()
    hanging.send("hold the GIL")
    assert other.predict(1)["data"] == 1
    os.kill(hanging.pid, signal.SIGKILL)

    assert hanging.is_gone()


def test_model_processes_end_when_their_stream_does(start_host, make_model):
    """A model process whose server hangs up ends by itself, and is collected."""
    host = start_host(make_model(ECHO))
    process = host.model_process()
    process.stream.close()

    assert until(lambda: not host.children())


def test_a_process_ends_with_its_lifeline(start_host, make_model):
    """When the other end of its lifeline closes, a process is killed though it hangs; others live."""
    host = start_host(make_model(ECHO))
    hanging, other = host.model_process(), host.model_process()
    hanging.send("hold the GIL")
    hanging.lifeline.close()

    assert hanging.is_gone()
    assert other.predict(1)["data"] == 1


def test_a_lifeline_needs_no_host(start_host, make_model):
    """A process that hangs ends with its lifeline also when the host that forked it was killed."""
    host = start_host(make_model(ECHO))
    hanging = host.model_process()
    hanging.send("hold the GIL")
    host.process.kill()
    host.process.wait()
    is_held = hanging.is_alive()
    hanging.lifeline.close()

    assert is_held
    assert hanging.is_gone()


def test_a_process_whose_lifeline_has_gone_already_ends(start_host, make_model):
    """A worker that ends while its process is being forked leaves none behind."""
    host = start_host(make_model("import time\ntime.sleep(0.3)\n" + ECHO))
    stream, lifeline = host.sockets()
    lifeline.close()

    assert wire.receive(stream) is None
    assert until(lambda: not host.children())


@pytest.mark.parametrize("lifetime", [wire.Lifetime(max_requests=2), wire.Lifetime(max_rss_bytes=1 << 20)])
def test_the_last_answer_of_a_process_says_so(start_host, make_model, lifetime):
    """After so many requests the answer is the last one; a limit below the loaded model is ignored."""
    host = start_host(make_model(ECHO))
    process = host.model_process(lifetime=lifetime)
    answers = [process.ask(number)[0].header.get("is_last", False) for number in range(2)]

    assert answers == [False, lifetime.max_requests == 2]
    assert process.is_gone() if answers[1] else process.predict(3)["data"] == 3


def test_the_host_ends_with_its_control_socket_and_takes_its_processes_along(start_host, make_model):
    """When nobody has the other end of the control socket, host and model processes end."""
    host = start_host(make_model(ECHO))
    process = host.model_process()
    process.send("hold the GIL")

    assert host.end() == 0
    assert process.is_gone()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_termination_is_left_to_the_server(start_host, make_model, number):
    """SIGINT and SIGTERM, which reach the whole group, end neither the host nor a model process."""
    host = start_host(make_model(ECHO))
    process = host.model_process()
    for pid in (host.process.pid, process.pid):
        os.kill(pid, number)

    assert process.predict(1)["data"] == 1
    assert host.model_process().predict(2)["data"] == 2


def test_programs_that_a_model_starts_can_be_terminated(start_host, make_model):
    """What ends a subprocess of the model elsewhere ends it here: SIGTERM is not ignored in it."""
    loader = """
import subprocess

class Model:
    def predict(self, data):
        program = subprocess.Popen(["sleep", "60"])
        program.terminate()
        return program.wait()

def _load_pyfunc(path):
    return Model()
"""
    assert start_host(make_model(loader)).model_process().predict(None) == -signal.SIGTERM


def test_a_model_process_has_only_its_own_sockets(start_host, make_model):
    """Its stream and its lifeline are open in a model process, but no control socket, and no other stream."""
    host = start_host(make_model(ECHO))
    first, second = host.model_process(), host.model_process()

    for process in (first, second):
        targets = process.predict("descriptors")
        assert len([target for target in targets if target.startswith("socket:")]) == 2
        assert not [target for target in targets if "memfd" in target]


def test_what_the_model_prints_appears_and_breaks_nothing(start_host, make_model):
    """A model may print: it goes to standard output after each prediction."""
    host = start_host(make_model(ECHO))
    process = host.model_process()

    assert process.predict("print")["data"] == "print"
    assert "hello from the model" in host.output()


def test_a_model_that_cannot_be_loaded_says_why_to_everyone(start_host, make_model):
    """Each who asks, at once or later, is told why there is no model; the host lives on."""
    host = start_host(make_model("def _load_pyfunc(path):\n    raise RuntimeError('no weights')\n"))
    failures = [host.model_process().first, host.model_process().first]

    assert [failure["kind"] for failure in failures] == ["failed", "failed"]
    error = failures[0]["error"]
    assert (error["source"], error["type"]) == ("load", "RuntimeError")
    assert error["message"] == "RuntimeError: no weights"
    assert "own_loader.py" in error["stack_trace"]
    assert "lading_runtime" not in error["stack_trace"]


def test_a_load_failure_is_printed_once_with_the_models_own_frames(start_host, make_model):
    """The log has the model's traceback and one line that says what happened."""
    host = start_host(make_model("def _load_pyfunc(path):\n    raise SystemExit('no licence')\n"))
    host.model_process()
    output = host.output()

    assert "model host: the model cannot be loaded: SystemExit: no licence" in output
    assert output.count("own_loader.py") == 1
    assert "lading_runtime" not in output


def test_log_lines_are_json_if_asked_for(start_host, make_model):
    """With LADING_LOG_FORMAT=json the failure is one JSON object on one line."""
    folder = make_model("def _load_pyfunc(path):\n    raise RuntimeError('no weights')\n")
    host = start_host(folder, LADING_LOG_FORMAT="json")
    host.model_process()

    (line,) = host.output().splitlines()
    assert '"message": "the model cannot be loaded: RuntimeError: no weights"' in line


def test_a_model_with_threads_is_loaded_by_each_process(start_host, make_model):
    """A thread that a model starts while it is loaded does not run in a fork, so each process loads."""
    loader = """
import queue, threading

class Model:
    def __init__(self):
        self.questions, self.answers = queue.Queue(), queue.Queue()
        threading.Thread(target=self.work, daemon=True).start()

    def work(self):
        while True:
            self.answers.put(self.questions.get() + 1)

    def predict(self, data):
        self.questions.put(data)
        return self.answers.get()

def _load_pyfunc(path):
    return Model()
"""
    host = start_host(make_model(loader))
    processes = [host.model_process(), host.model_process()]

    assert [process.first["model"]["is_shared"] for process in processes] == [False, False]
    assert [process.predict(1) for process in processes] == [2, 2]
    assert "is loaded by each model process" in host.output()


def test_a_model_that_only_a_process_of_its_own_can_load_may_fail_there(start_host, make_model):
    """Where each process loads the model, a failure is told by that process."""
    loader = """
import os, threading, time

def _load_pyfunc(path):
    mark = os.path.join(path, "loaded")
    if os.path.exists(mark):
        raise RuntimeError("only once")
    open(mark, "w").close()
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    return type("Model", (), {"predict": print})
"""
    process = start_host(make_model(loader)).model_process()

    assert process.first["kind"] == "failed"
    assert process.first["error"]["message"] == "RuntimeError: only once"


def test_module_names_of_the_model_do_not_clash_with_ours(start_host, make_model):
    """A model may ship modules that are named like ours, or like the standard library's."""
    names = ("wire", "worker", "runtime", "host", "frames", "encode", "payload", "errors", "model", "process")
    imports = "\n".join(f"import {name}" for name in (*names, "lading_runtime_model"))
    uses = f"[m.WHO for m in ({', '.join(names)})]"
    modules = dict.fromkeys((*names, "lading_runtime_model"), "WHO = 'the model'\n")
    loader = f"""
{imports}
class Model:
    def predict(self, data):
        return {uses}

def _load_pyfunc(path):
    return Model()
"""
    folder = make_model(loader, **modules, json="raise ImportError('shadowed')\n")

    assert start_host(folder).model_process().predict(None) == ["the model"] * len(names)


def test_nothing_of_the_server_is_importable_in_the_model_process(start_host, make_model):
    """Neither the folder that holds our package nor that of the bootstrap is on ``sys.path``."""
    loader = """
import sys

class Model:
    def predict(self, data):
        return sys.path

def _load_pyfunc(path):
    return Model()
"""
    folder = make_model(loader)
    path = start_host(folder).model_process().predict(None)
    package = Path(wire.__file__).parent

    assert path[0] == str(folder / "code")
    assert str(package / "worker") not in path
    assert [entry for entry in path if Path(entry).resolve() == package] == []


def test_a_broken_stream_ends_only_its_model_process(start_host, make_model):
    """Bytes that are no message end the model process that they were sent to, and nothing else."""
    host = start_host(make_model(ECHO))
    process = host.model_process()
    process.stream.sendall(b"\xff" * 64)

    assert process.is_gone()
    assert host.model_process().predict(1)["data"] == 1


def test_the_host_survives_who_asks_and_leaves(start_host, make_model):
    """A worker that asks for a model process and dies before it is there harms nobody."""
    host = start_host(make_model("import time\ntime.sleep(0.2)\n" + ECHO))
    host.stream().close()

    assert host.model_process().predict(1)["data"] == 1
    assert until(lambda: len(host.children()) == 1)


def test_streams_cross_as_descriptors(start_host, make_model):
    """The host answers on the very socket that was passed, whatever kind of stream it is."""
    host = start_host(make_model(ECHO))
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as ours,
        server.accept()[0] as theirs,
    ):
        wire.request_fork(host.control, 1, theirs)
        theirs.close()

        assert first_word(ours) == "ready"
