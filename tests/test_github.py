"""The forms and the workflow for GitHub. They cannot run here, so what can be known of them is read from the files."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
GITHUB = ROOT / ".github"
FORMS = sorted(path.name for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
PRIVATE = "https://github.com/newsletter-desk/newsletter-desk/security/advisories/new"


def read(name: str) -> Any:
    return YAML(typ="safe").load((GITHUB / name).read_text("utf-8"))


def form(name: str) -> Any:
    return read(f"ISSUE_TEMPLATE/{name}")


@pytest.mark.parametrize("name", FORMS)
def test_a_form_has_what_github_demands(name: str) -> None:
    fields = form(name)
    assert {"name", "description", "body"} <= fields.keys()
    asked = [part for part in fields["body"] if part["type"] != "markdown"]
    assert asked
    assert {part["type"] for part in asked} <= {"input", "textarea", "dropdown", "checkboxes"}
    assert len({part["id"] for part in asked}) == len(asked) == len({part["attributes"]["label"] for part in asked})
    assert [part["id"] for part in asked if part["type"] == "dropdown" and not part["attributes"]["options"]] == []


@pytest.mark.parametrize("name", ["bug.yml", "wrong-recipient.yml"])
def test_a_report_has_the_version_and_the_status_and_never_an_address(name: str) -> None:
    parts = {part["id"]: part for part in form(name)["body"] if "id" in part}
    assert parts["version"]["validations"]["required"]
    assert "newsletter status --json" in parts["status"]["attributes"]["description"]
    promise, = parts["private"]["attributes"]["options"]
    assert promise["required"]
    assert "no real addresses" in promise["label"]


def test_a_mail_to_the_wrong_person_can_be_reported_privately() -> None:
    assert PRIVATE in form("wrong-recipient.yml")["body"][0]["attributes"]["value"]
    assert PRIVATE in {link["url"] for link in form("config.yml")["contact_links"]}
    assert PRIVATE in (ROOT / "SECURITY.md").read_text("utf-8")


WORKFLOW = read("workflows/tests.yml")


def test_the_workflow_runs_the_projects_own_scripts_and_no_others() -> None:
    runs = [step["run"] for job in WORKFLOW["jobs"].values() for step in job["steps"] if "run" in step]
    scripts = [run for run in runs if not run.startswith("git config ")]
    assert scripts == ["scripts/test", "scripts/site"]
    assert [script for script in scripts if not (ROOT / script).is_file()] == []


def test_the_workflow_tests_every_python_that_the_package_claims() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    claimed = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    assert WORKFLOW["jobs"]["test"]["strategy"]["matrix"]["python"] == claimed


def test_the_workflow_may_only_read() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert [name for name, job in WORKFLOW["jobs"].items() if "permissions" in job] == []


def test_every_action_of_the_workflow_has_a_version() -> None:
    used = [step["uses"] for job in WORKFLOW["jobs"].values() for step in job["steps"] if "uses" in step]
    assert used
    assert [each for each in used if not re.fullmatch(r"actions/[\w-]+@(v\d+|[0-9a-f]{40})", each)] == []
