"""scripts/install and scripts/release on a machine of stand-ins: what they would do to it, and what they refuse.

Each stand-in writes its command line to one log, and so does each message of the script: the log shows what came first.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PLAIN = ("sh", "awk", "cat", "chmod", "cksum", "cp", "dirname", "git", "grep", "head", "mkdir", "printf", "rm", "sed")
"""What the scripts use of any machine; all else is a stand-in or missing."""

LOCKED = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (unattended-upgr)"
PYTHON = """
case "$*" in
    -c*) ;;
    --version) echo Python 3.11.2 ;;
    -) echo sqlalchemy ;;
    "-m venv .venv") {venv} && mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
    *"--editable ."*) cp "$0" .venv/bin/newsletter ;;
    "-m pip"*) ;;
    *) exit 1 ;;
esac
"""


@dataclass
class Machine:
    """A folder with a copy of the project's scripts, and a path on which there are stand-ins alone."""

    root: Path

    def command(self, name: str, body: str = "") -> None:
        """A stand-in that logs how it was called, then does what `body` says."""
        log = f'echo "$ {name} $*" >>"{self.root}/log"'
        self._write(self.root / "bin" / name, f"#!/bin/sh\n{log}\n{body}\n")

    def python(self, *, venv: str = "true") -> None:
        """An interpreter of 3.11; it makes virtual environments if the command `venv` succeeds."""
        self._write(self.root / "bin" / "python3.11", "#!/bin/sh\n"
                    f'echo "$ python $*" >>"{self.root}/log"' + PYTHON.replace("{venv}", venv))

    def script(self, name: str, *, change: tuple[str, str] = ("", "")) -> None:
        """One of ours, with `change[0]` replaced."""
        text = (ROOT / "scripts" / name).read_text("utf-8")
        assert change[0] in text
        self._write(self.root / "project" / "scripts" / name, text.replace(*change))

    def run(self, *words: str) -> int:
        """The exit code."""
        bare = {"PATH": str(self.root / "bin"), "HOME": str(self.root), "GIT_CONFIG_GLOBAL": os.devnull}
        with (self.root / "log").open("a") as log:
            done = subprocess.run(
                words, cwd=self.root / "project", env=bare, stdout=log, stderr=log, input="an answer\n", text=True,
            )
        return done.returncode

    @property
    def log(self) -> str:
        return (self.root / "log").read_text("utf-8")

    def calls(self, name: str) -> list[str]:
        return re.findall(rf"(?m)^\$ {name} (.*)$", self.log)

    @staticmethod
    def _write(file: Path, text: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        file.chmod(0o755)


@pytest.fixture
def bare(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "project").mkdir()
    for name in PLAIN:
        found = shutil.which(name)
        assert found, name
        (tmp_path / "bin" / name).symlink_to(found)
    return machine


# --- scripts/install -----------------------------------------------------------------------------------------


@pytest.fixture
def debian(bare: Machine) -> Machine:
    """Debian with Python 3.11 and nothing else, root at the keyboard."""
    for name in ("pyproject.toml", "constraints.txt", "package.json", "package-lock.json"):
        shutil.copy(ROOT / name, bare.root / "project")
    bare.script("install", change=(":/usr/sbin:/sbin", ""))  # the real machine's relay is none of this one's
    bare.command("id", "echo 0")
    bare.command("apt-get")
    bare.command("debconf-set-selections", f'cat >>"{bare.root}/log"')
    bare.command("sleep")
    bare.python()
    return bare


def test_without_dev_root_installs_what_the_program_needs_and_nothing_else(debian: Machine) -> None:
    debian.command("npm")
    assert debian.run("scripts/install") == 0
    assert [debian.calls(name) for name in ("apt-get", "debconf-set-selections", "npm")] == [[], [], []]
    assert "chromium" not in debian.log


def test_without_dev_a_missing_venv_is_named_and_not_installed(debian: Machine) -> None:
    debian.python(venv="false")
    assert debian.run("scripts/install") == 1
    assert "install python3-venv (apt-get install python3-venv), then run this again" in debian.log
    assert debian.calls("apt-get") == []


def test_with_dev_a_missing_venv_is_installed(debian: Machine) -> None:
    debian.python(venv=f'test -e "{debian.root}/venv"')
    debian.command("apt-get", f'case "$*" in *python3-venv) : >"{debian.root}/venv" ;; esac')
    assert debian.run("scripts/install", "--dev") == 0
    assert debian.log.index("installing the Debian package python3-venv") < debian.log.index("$ apt-get")


def test_with_dev_the_packages_are_listed_before_anything_is_installed(debian: Machine) -> None:
    assert debian.run("scripts/install", "--dev") == 0
    listed = re.findall("installing Debian packages for the tests: (.*)", debian.log)
    installed = [call.partition("--no-install-recommends ")[2] for call in debian.calls("apt-get")]
    assert listed == [each for each in installed if each]
    assert {"chromium", "postfix", "strace"} < set(listed[0].split())
    assert debian.log.index(listed[0]) < debian.log.index("$ apt-get")


def test_what_is_there_is_not_installed_again(debian: Machine) -> None:
    for name in ("chromium", "strace", "postfix", "saslpasswd2", "spamassassin", "java", "npm"):
        debian.command(name, "mkdir -p node_modules")
    assert debian.run("scripts/install", "--dev") == 0
    assert debian.calls("apt-get") == []


def test_nothing_is_asked(debian: Machine) -> None:
    debian.command("apt-get", f'echo "$DEBIAN_FRONTEND: $(cat)" >>"{debian.root}/log"')
    assert debian.run("scripts/install", "--dev") == 0
    assert debian.log.count("noninteractive: \n") == len(debian.calls("apt-get")) > 1
    assert [call for call in debian.calls("apt-get") if " install " in call and " -y " not in call] == []


def test_a_mail_server_that_is_installed_for_tests_is_not_started(debian: Machine) -> None:
    assert debian.run("scripts/install", "--dev") == 0
    seeded = debian.log.index("postfix postfix/main_mailer_type select No configuration")
    assert seeded < debian.log.index("$ apt-get")


def test_a_mail_server_that_would_be_started_is_not_installed(debian: Machine) -> None:
    debian.command("debconf-set-selections", "exit 1")
    assert debian.run("scripts/install", "--dev") == 0
    assert [call for call in debian.calls("apt-get") if "postfix" in call] == []
    assert [call for call in debian.calls("apt-get") if "chromium" in call]


@pytest.mark.parametrize("busy", ["update", "install"])
def test_a_lock_is_waited_for(debian: Machine, busy: str) -> None:
    once = f'case "$*" in *{busy}*) test -e "$0.{busy}" || {{ : >"$0.{busy}"; echo "{LOCKED}" >&2; exit 100; }} ;; esac'
    debian.command("apt-get", once)
    assert debian.run("scripts/install", "--dev") == 0
    assert debian.calls("sleep") == ["5"]
    assert "waiting for another program that installs packages" in debian.log
    assert "could not be installed" not in debian.log


def test_debconfs_lock_is_waited_for(debian: Machine) -> None:
    locked = "debconf: DbDriver \\\"config\\\": /var/cache/debconf/config.dat is locked by another process"
    debian.command("debconf-set-selections", f'test -e "$0.1" || {{ : >"$0.1"; echo "{locked}" >&2; exit 1; }}')
    assert debian.run("scripts/install", "--dev") == 0
    assert debian.calls("sleep") == ["5"]
    assert [call for call in debian.calls("apt-get") if "postfix" in call]


def test_a_lock_that_is_never_let_go_is_given_up(debian: Machine) -> None:
    debian.command("apt-get", f'case "$*" in *update*) echo "{LOCKED}" >&2; exit 100 ;; esac')
    assert debian.run("scripts/install", "--dev") == 0
    assert len(debian.calls("sleep")) == 119
    assert LOCKED in debian.log


def test_another_failure_is_reported_at_once_and_the_other_packages_are_installed(debian: Machine) -> None:
    debian.command("apt-get", 'case "$*" in *chromium*) echo "E: Unable to locate chromium" >&2; exit 100 ;; esac')
    assert debian.run("scripts/install", "--dev") == 0
    assert debian.calls("sleep") == []
    assert "chromium could not be installed, see above" in debian.log
    assert "E: Unable to locate chromium" in debian.log
    assert [call for call in debian.calls("apt-get") if call.endswith("recommends strace")]


def test_who_is_not_root_reads_what_to_install(debian: Machine) -> None:
    debian.command("id", "echo 1000")
    assert debian.run("scripts/install", "--dev") == 0
    assert debian.calls("apt-get") == []
    need = "no strace, which tests of killed sends need (apt-get install --no-install-recommends strace)"
    assert need in debian.log


@pytest.mark.parametrize("options", [(), ("--dev",)])
def test_every_package_from_an_index_must_have_its_hash(debian: Machine, options: tuple[str, ...]) -> None:
    assert debian.run("scripts/install", *options) == 0
    installs = [call for call in debian.calls("python") if " install " in call]
    unhashed = [call for call in installs if "--require-hashes" not in call]
    assert len(installs) == 3
    assert unhashed == ["-m pip -q install --no-deps --no-build-isolation --editable ."]


def test_a_second_run_does_nothing(debian: Machine) -> None:
    debian.run("scripts/install")
    before = debian.calls("python")
    assert debian.run("scripts/install") == 0
    assert debian.calls("python") == before


# --- constraints.txt -----------------------------------------------------------------------------------------

PIN = re.compile(r"(?m)^([\w.-]+)==(\S+)(?: ; .*)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)")


def pins() -> dict[str, Version]:
    """The version of each package in constraints.txt, each of which has a hash at least."""
    text = (ROOT / "constraints.txt").read_text("utf-8")
    assert [line for line in PIN.sub("", text).splitlines() if not line.startswith("#")] == []
    return {canonicalize_name(name): Version(version) for name, version, _ in PIN.findall(text)}


def test_each_package_that_pyproject_asks_for_is_pinned_as_it_asks() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project = settings["project"]
    asked = [*settings["build-system"]["requires"], *project["dependencies"]]
    asked += [each for extra in project["optional-dependencies"].values() for each in extra]
    asked += [each for group in settings["dependency-groups"].values() for each in group]
    pinned = pins()
    unfit = [each for each in map(Requirement, asked)
             if (name := canonicalize_name(each.name)) not in pinned or pinned[name] not in each.specifier]
    assert unfit == [], "run scripts/pin"


@pytest.mark.parametrize(("spoilt", "code"), [(False, 0), (True, 1)])
def test_a_file_with_another_hash_than_the_constraints_say_is_refused(
    tmp_path: Path, wheel: Path, spoilt: bool, code: int,
) -> None:
    """scripts/install relies on it for packages that are named without a version, as pip does since 26."""
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (tmp_path / "pinned.txt").write_text(f"small==1 --hash=sha256:{'0' * 64 if spoilt else found}\n")
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--find-links", str(wheel.parent),
               "--target", str(tmp_path / "target"), "--require-hashes", "-c", str(tmp_path / "pinned.txt"), "small"]
    done = subprocess.run(install, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert (tmp_path / "target" / "small.py").exists() is not spoilt


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """The smallest that pip takes."""
    file = tmp_path / "small-1-py3-none-any.whl"
    with ZipFile(file, "w") as out:
        out.writestr("small.py", "")
        out.writestr("small-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: small\nVersion: 1\n")
        out.writestr("small-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        out.writestr("small-1.dist-info/RECORD", "")
    return file


# --- scripts/release -----------------------------------------------------------------------------------------


@pytest.fixture
def desk(bare: Machine) -> Machine:
    """A clean checkout of version 1.2.0, which the changelog has, with a remote."""
    project = bare.root / "project"
    bare.script("release")
    bare.command("../project/scripts/test")
    bare.command("../project/.venv/bin/python", 'case "$*" in *build*) mkdir dist && : >dist/newsletter.whl ;; esac')
    (project / "newsletter").mkdir()
    (project / "newsletter" / "__init__.py").write_text('__version__ = "1.2.0"\n')
    (project / "CHANGELOG.md").write_text("# Changes\n\n## 1.2.0 (2026-11-30)\n\n- More.\n")
    (project / ".gitignore").write_text(".venv/\ndist/\n")
    git(bare, "init", "-q")
    git(bare, "init", "-q", "--bare", "../remote")
    git(bare, "remote", "add", "origin", "../remote")
    git(bare, "config", "user.name", "A desk")
    git(bare, "config", "user.email", "desk@example.org")
    commit(bare)
    return bare


def git(machine: Machine, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=machine.root / "project", capture_output=True, text=True, check=True)
    return done.stdout


def commit(machine: Machine) -> None:
    git(machine, "add", "-A")
    git(machine, "commit", "-q", "-m", "A change")


def test_a_release_is_tested_built_checked_and_tagged_in_this_order(desk: Machine) -> None:
    assert desk.run("scripts/release") == 0, desk.log
    steps = [desk.log.index(step) for step in ("scripts/test", "-m build", "-m twine check --strict dist/", "git push")]
    assert steps == sorted(steps)
    assert git(desk, "tag", "--points-at", "HEAD") == "v1.2.0\n"


def test_a_release_publishes_nothing_by_itself(desk: Machine) -> None:
    desk.run("scripts/release")
    assert git(desk, "ls-remote", "origin") == ""
    assert [call for call in desk.calls("../project/.venv/bin/python") if "upload" in call] == []


def refused(desk: Machine) -> bool:
    """Whether a release fails before anything is built or tagged by it."""
    before = git(desk, "tag")
    code = desk.run("scripts/release")
    return code != 0 and git(desk, "tag") == before and not (desk.root / "project" / "dist").exists()


def test_no_release_from_a_dirty_tree(desk: Machine) -> None:
    (desk.root / "project" / "new.py").write_text("")
    assert refused(desk)
    assert "uncommitted changes" in desk.log


def test_no_release_of_a_version_that_the_changelog_has_not(desk: Machine) -> None:
    (desk.root / "project" / "CHANGELOG.md").write_text("## Unreleased\n\n## 1.2.0.1\n\n## 11.2.0\n\n### 1.2.0\n")
    commit(desk)
    assert refused(desk)
    assert 'CHANGELOG.md has no section "## 1.2.0"' in desk.log


def test_no_release_with_failing_tests(desk: Machine) -> None:
    desk.command("../project/scripts/test", "exit 1")
    commit(desk)
    assert refused(desk)
    assert "the tests failed" in desk.log


def test_no_release_of_a_version_that_has_a_tag(desk: Machine) -> None:
    git(desk, "tag", "v1.2.0")
    assert refused(desk)
    assert "the tag v1.2.0 exists already" in desk.log


# --- All scripts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "scripts").iterdir() if path.is_file()))
def test_a_script_can_be_run_and_says_on_top_what_it_does(script: str) -> None:
    path = ROOT / "scripts" / script
    first, second = path.read_text("utf-8").splitlines()[:2]
    assert os.access(path, os.X_OK)
    assert first in {"#!/bin/sh", "#!/usr/bin/env python3"}
    assert re.match(r'(# |""")[A-Z]', second)
