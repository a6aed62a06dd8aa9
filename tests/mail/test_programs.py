"""Nothing that a mail needs to be understood is dropped by Gmail, Outlook, Apple Mail, Yahoo or Samsung (caniemail)."""

import json
from collections.abc import Mapping

import pytest

from gallery.specimen import Specimen
from tests.mail.conftest import Node

Feature = tuple[str, str, str]
"""A feature's name, whether a program leaves it out ("dropped") or does a part of it ("partly"), and the program."""


@pytest.fixture(scope="module")
def features(node: Node, every_specimen: dict[str, Specimen]) -> set[Feature]:
    """Every feature of any specimen that some program does not have as it is meant."""
    mails = {name: each.html for name, each in every_specimen.items()}
    return {(feature, how, program) for feature, how, program in json.loads(node("caniemail.mjs", json.dumps(mails)))}


@pytest.fixture(scope="module")
def explained(known: Mapping[str, Mapping[str, Mapping[str, list[str]]]]) -> set[Feature]:
    """What known.toml has an explanation for."""
    return {
        (feature, how, program)
        for feature, entry in known["caniemail"].items()
        for how in ("dropped", "partly") for program in entry.get(how, [])
    }


def test_what_a_program_drops_is_explained(features: set[Feature], explained: set[Feature]) -> None:
    assert sorted(features - explained) == []


def test_every_explanation_is_for_something_that_is_there(features: set[Feature], explained: set[Feature]) -> None:
    assert sorted(explained - features) == []


def test_a_feature_that_programs_drop_is_seen(node: Node) -> None:
    told = json.loads(node("caniemail.mjs", json.dumps({"a": '<p style="display:grid">a</p>'})))
    assert ["display:grid", "dropped", "outlook"] in told
