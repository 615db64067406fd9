"""Whether Lading's answer to a request is MLflow's, or the one that a decision asks for instead."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.differential.bodies import CSV, Request
from tests.differential.cells import LLM_KEYS, NESTED, Cells, Spec, kind_of, split_of_csv
from tests.differential.echoes import keep_nulls, keep_texts
from tests.differential.parties import Parties, Said, Signature
from tests.differential.rules import request_tests, seeing, singles, value_tests

Case = Any
"""`replay.Case`."""

Answer = Any
"""`replay.Answer`."""

Complaints = list[str]

OWN_DECISIONS = Path(__file__).with_name("decisions.toml")


class Judge:
    """Asks both about a request and compares."""

    def __init__(self, replay: ModuleType, deviations: Path, parties: Parties) -> None:
        self._replay = replay
        self._parties = parties
        listed = replay.read_deviations(deviations)
        replay.VALUE_TESTS.update(value_tests(replay))
        replay.REQUEST_TESTS.update(request_tests())
        decided = replay.read_deviations(OWN_DECISIONS)
        self._rules = (*decided.rules, *listed.rules)
        self._foreign_frames = listed.foreign_frames

    def complaints(self, request: Request) -> Complaints:
        """Return what is wrong with Lading's answer; nothing where it is as it should be."""
        trial = Trial(self._replay, self._parties, request)
        complaints = trial.complaints(self._rules, self._foreign_frames)
        return [*complaints, f"MLflow: {trial.case.answer}", f"Lading: {trial.found}"] if complaints else []


class Trial:
    """One request, and all that is asked about it."""

    def __init__(self, replay: ModuleType, parties: Parties, request: Request) -> None:
        self._replay = replay
        self._parties = parties
        self._signature = request.signature
        headers = {"Content-Type": request.content_type}
        names = "named" if any("name" in spec for spec in request.signature.inputs) else "unnamed"
        has_nested = any(spec["type"] in NESTED for spec in request.signature.inputs)
        model = f"{names} {'nested' if has_nested else 'plain'}"
        asked = replay.Case("", model, {}, "POST", "/invocations", headers, request.body, None, "")
        self.case = replace(asked, answer=self._answer(parties.mlflow, asked))
        self.found = self._answer(parties.lading, asked)

    def _answer(self, party: Callable[[Signature, dict[str, str], bytes], Said], case: Case) -> Answer:
        said = party(self._signature, case.headers, case.body)
        return self._replay.Answer(said.status, said.content_type, said.text)

    def lading(self, case: Case) -> Answer:
        """Return Lading's answer to another request."""
        return self._answer(self._parties.lading, case)

    def asked(self, case: Case) -> Case:
        """Return another request with MLflow's answer."""
        return replace(case, answer=self._answer(self._parties.mlflow, case))

    def complaints(self, rules: tuple[Any, ...], foreign_frames: tuple[str, ...]) -> Complaints:
        """Return what is wrong with Lading's answer."""
        # An echo raises nothing: what looks like a model's error is one of MLflow's own.
        unasked = replace(self.case, answer=self.found)
        given_away = self._replay.breaches(unasked, self.found, foreign_frames)
        if given_away:
            return list(given_away)
        known = [rule for rule in rules if rule.accept["check"] in ("refused", "decoded")]
        touching = [rule for rule in map(self._seen, known) if rule.touches(self.case)]
        is_bound = self.case.answer.status == 200 and any(rule.required for rule in touching)
        is_bound = is_bound and not self._is_empty(self.case.answer)
        problems: Complaints = [] if is_bound else self._differences(self.case)
        if not is_bound and not problems:
            return []
        for rule in touching:
            refusals = rule.refuses(self._kept(self.case), self.found, self.lading)
            if not refusals:
                return []
            problems += [f"by {rule.id}: {line}" for line in refusals]
        answers = [self.case.answer]
        for name, twin in self._twins():
            differences = self._differences(twin)
            if not differences:
                return []
            answers.append(twin.answer)
            problems += [f"asked {name}: {line}" for line in differences]
        return [] if self._has_two_faults(answers) else problems

    def _is_empty(self, answer: Answer) -> bool:
        """Tell whether the model got no rows, so that no value can have been refused."""
        said = answer.json.get("predictions", answer.json)
        data = said.get("data") if isinstance(said, dict) else None
        return isinstance(data, dict) and data.get("kind") == "DataFrame" and not data["rows"]

    def _seen(self, rule: Any) -> Any:
        """Return *rule* with an eye for the columns of this signature."""
        types = {spec.get("name", ""): kind_of(spec) for spec in self._signature.inputs}
        return seeing(self._replay, rule, self._signature, {self.case.model: types})

    def _differences(self, case: Case) -> Complaints:
        """Return how Lading's answer differs from MLflow's to *case*; nulls are kept, as MLflow 3.18 does."""
        differences: Complaints = self._replay.differences(case, self.found)
        if not differences or self.found.status != 200 or case.answer.status != 200:
            return differences
        return list(self._replay.differences(self._kept(case), self.found))

    def _kept(self, case: Case) -> Case:
        """Return *case* with the values in MLflow's answer that Lading does not change."""
        if self.found.status != 200 or case.answer.status != 200:
            return case
        expected, found = case.answer.json, self.found.json
        echoes = [(expected["predictions"], found["predictions"])] if "predictions" in expected else []
        for mine, theirs in echoes or [(expected, found)]:
            mine["data"] = keep_nulls(mine["data"] or {}, theirs["data"] or {}, self._columns_with_nulls())
        expected = keep_texts(expected, found, self._texts_of_bytes())
        return replace(case, answer=replace(case.answer, text=json.dumps(expected)))

    def _sent(self) -> Any:
        """Return the request's JSON; a CSV as a split data frame."""
        is_csv = self.case.header("Content-Type") == CSV
        return self._as_split(self.case).payload if is_csv else self.case.payload

    def _columns_with_nulls(self) -> set[str | int]:
        """Return the columns in which the request has a null or NaN, or which it leaves out in some rows."""
        counts: dict[str | int, int] = {}
        nulls: set[str | int] = set()
        # By identity: columns without names are often of one type.
        positions = {id(spec): position for position, spec in enumerate(self._signature.inputs)}

        def look(spec: Spec, cell: Any) -> Any:
            label = spec.get("name", positions[id(spec)])
            counts[label] = counts.get(label, 0) + 1
            # NaN is the one value that is not itself.
            if any(value is None or value != value for value in self._replay.every_value([cell])):  # noqa: PLR0124
                nulls.add(label)
            return cell

        sent = self._sent()
        Cells(self._signature, look).document(sent)
        rows = max([rows_of(sent), *counts.values()])
        return nulls | {label for label, count in counts.items() if count < rows}

    def _texts_of_bytes(self) -> set[str]:
        """Return the texts that the request sends for bytes in lists and objects, or as the input itself."""
        texts: set[str] = set()
        sent = self._sent()
        is_csv = self.case.header("Content-Type") == CSV
        is_bare = isinstance(sent, dict) and not LLM_KEYS.isdisjoint(sent)

        def look(spec: Spec, cell: Any) -> Any:
            for kind, single in singles(spec, cell):
                is_kept = is_bare or is_csv or spec["type"] in NESTED
                if kind == "binary" and is_kept and isinstance(single, str):
                    texts.add(single)
            return cell

        Cells(self._signature, look).document(sent)
        return texts

    # --- the same request, said so that MLflow does what was decided ---

    def _twins(self) -> Iterator[tuple[str, Case]]:
        """Yield the request said otherwise, if there is another way that was decided on."""
        ways: dict[str, Callable[[Case], Case]] = {
            "with booleans for their texts": partial(self._changed, change=boolean_of),
            "with times in UTC": partial(self._changed, change=self._time_of),
            "as a split data frame": self._csv_as_split,
            "as records": self._instances_as_records,
        }
        case = self.case
        names: list[str] = []
        for name, way in ways.items():
            changed = way(case)
            if changed is not case:
                case, names = changed, [*names, name]
        if names:
            yield " and ".join(names), self.asked(case)

    def _changed(self, case: Case, change: Callable[[Spec, Any], Any]) -> Case:
        payload = case.payload
        changed = Cells(self._signature, change).document(payload)
        return case if json.dumps(changed) == json.dumps(payload) else case.with_payload(changed)

    def _time_of(self, spec: Spec, cell: Any) -> Any:
        return self._replay.in_utc(cell) if spec["type"] == "datetime" else cell

    def _csv_as_split(self, case: Case) -> Case:
        kinds = {spec["type"] for spec in self._signature.inputs}
        if case.header("Content-Type") != CSV or kinds.isdisjoint({"tensor", "datetime", "binary"}):
            return case
        return self._as_split(case)

    def _as_split(self, case: Case) -> Case:
        """Return a CSV as a split data frame, without texts that MLflow would not understand in one."""
        split = case.with_payload({"dataframe_split": split_of_csv(case.body.decode())})
        return self._changed(self._changed(split, boolean_of), self._time_of)

    def _instances_as_records(self, case: Case) -> Case:
        kinds = {spec["type"] for spec in self._signature.inputs}
        payload = case.payload
        if kinds.isdisjoint(NESTED) or not isinstance(payload, dict) or "instances" not in payload:
            return case
        others = {key: value for key, value in payload.items() if key != "instances"}
        return case.with_payload({"dataframe_records": payload["instances"], **others})

    # --- requests with two faults, of which each names another ---

    def _has_two_faults(self, answers: list[Answer]) -> bool:
        """Tell whether both refuse, and there is a fault left when what one of them blames is mended.

        *answers* are MLflow's, to the request and to those that say the same.
        """
        if (self.case.answer.status, self.found.status) != (400, 400):
            return False
        mended = self._mended(self.found)
        if mended is not None and self.asked(mended).answer.status == 400:
            return True
        ways = [self._mended(answer) for answer in answers if answer.status == self.found.status]
        return any(self.lading(mended).status == 400 for mended in ways if mended is not None)

    def _mended(self, answer: Answer) -> Case | None:
        """Return the request with a good value in all cells of the columns that *answer* blames."""
        error = self._replay.error_of(answer)
        inputs = zip(self._signature.inputs, self._labels(), strict=True)
        specs = [spec for spec, label in inputs if error and blames(error["message"], spec, label)]
        is_csv = self.case.header("Content-Type") == CSV
        sent = self._as_split(self.case) if is_csv else self.case
        case = self._changed(sent, lambda spec, cell: good_value(spec) if spec in specs else cell)
        if error and "index" in error["message"]:
            case = without_index(case)
        if error and re.search(r"\b[Pp]aram", error["message"]) and isinstance(case.payload, dict):
            case = case.with_payload({**case.payload, "params": None})
        return None if case is sent else case

    def _labels(self) -> list[Any]:
        """Return what the request calls the first columns, and positions where it does not."""
        sent = self._sent()
        split = sent.get("dataframe_split") if isinstance(sent, dict) else None
        given = split.get("columns") if isinstance(split, dict) else None
        called = [*given] if isinstance(given, list) else []
        count = len(self._signature.inputs)
        return [*called, *range(len(called), count)][:count]


def rows_of(sent: Any) -> int:
    """Return how many rows a split data frame has, the empty ones, too; 0 where it is none."""
    split = sent.get("dataframe_split") if isinstance(sent, dict) else None
    data = split.get("data") if isinstance(split, dict) else None
    return len(data) if isinstance(data, list) else 0


def boolean_of(spec: Spec, cell: Any) -> Any:
    """Return the boolean that a text says, for a column of booleans."""
    if kind_of(spec) in ("boolean", "bool") and isinstance(cell, str):
        return {"true": True, "false": False}.get(cell.lower(), cell)
    return cell


def without_index(case: Case) -> Case:
    """Return a request without the labels of its rows."""
    split = case.payload.get("dataframe_split") if isinstance(case.payload, dict) else None
    if not isinstance(split, dict) or "index" not in split:
        return case
    others = {key: value for key, value in split.items() if key != "index"}
    return case.with_payload({**case.payload, "dataframe_split": others})


GOOD_VALUES = {
    "boolean": True, "integer": 1, "long": 1, "float": 0.5, "double": 0.5, "string": "a", "binary": "YWJj",
    "datetime": "2024-01-02", "array": [], "sparkml_vector": [0.5], "map": {}, "any": 1, "bool": True,
    "str": "a",
}  # fmt: skip


def good_value(spec: Spec) -> Any:
    """Return a value of a type."""
    if spec["type"] == "object":
        return {name: good_value(inner) for name, inner in spec["properties"].items()}
    return GOOD_VALUES.get(kind_of(spec), 1)


def blames(message: str, spec: Spec, label: Any) -> bool:
    """Tell whether *message* names a column, by its label if it has no name."""
    if spec["type"] == "tensor" and "name" not in spec:
        return message.startswith("the tensor")
    name = re.escape(spec["name"]) if "name" in spec else f"column '?{re.escape(str(label))}"
    return re.search(rf"(?<!\w){name}(?!\w)", message) is not None
