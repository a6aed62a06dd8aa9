"""What people install: the wheel holds all it needs, and runs where there is no checkout."""

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.metadata import Metadata

from newsletter import __version__

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist of this checkout and the wheel made from that sdist, as scripts/release makes them.

    No network is needed: the build tool is one of the development packages.
    """
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    return dist / f"newsletter_desk-{__version__}-py3-none-any.whl"


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment: the wheel is in it, the packages it needs are lent by the one that runs."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, with_pip=False)
    site = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(home)}))
    install = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "install", "-q", "--no-deps",
               "--no-index", "--disable-pip-version-check", str(wheel)]
    done = subprocess.run(install, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # A folder named in a .pth file is searched after the environment's own, and its .pth files are not read:
    # the packages are lent, the checkout is not.
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n" + sysconfig.get_path("platlib") + "\n")
    return home / "bin" / "python"


def run(python: Path, folder: Path, *words: str) -> str:
    """What a command prints, in an empty folder and with nothing of this checkout in the environment."""
    bare = {"PATH": os.defpath, "HOME": str(folder), "LANG": "C.UTF-8"}
    done = subprocess.run([python, *words], cwd=folder, env=bare, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_every_file_it_ships(wheel: Path) -> None:
    held = set(ZipFile(wheel).namelist())
    shipped = {f"newsletter/_shipped/{name}" for name in kept_by_git("templates", "sample")} | kept_by_git("newsletter")
    assert shipped
    assert shipped - held == set()


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    tops = {name.split("/")[0].partition("-")[0] for name in ZipFile(wheel).namelist()}
    assert tops == {"newsletter", "newsletter_desk"}


def test_the_sdist_holds_what_the_tests_need(dist: Path) -> None:
    with tarfile.open(dist / f"newsletter_desk-{__version__}.tar.gz") as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    apart = {".ci", ".github"}
    assert {name for name in kept_by_git(".") if Path(name).parts[0] not in apart} - held == set()


def test_the_metadata_is_valid_and_leads_to_the_source(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        metadata = Metadata.from_email(archive.read(f"newsletter_desk-{__version__}.dist-info/METADATA"), validate=True)
    assert (metadata.license_expression, metadata.license_files) == ("MIT", ["LICENSE"])
    assert {"Source", "Documentation", "Changelog", "Issues"} <= set(metadata.project_urls or {})
    versions = {f"Programming Language :: Python :: 3.{minor}" for minor in (11, 12, 13, 14)}
    assert versions <= set(metadata.classifiers or [])


def test_every_link_to_the_repository_is_to_the_one_that_the_metadata_names() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    source = pyproject["project"]["urls"]["Source"]
    written = [(file.name, each) for file in pages_at_the_door() for each in re.findall(OURS, file.read_text("utf-8"))]
    assert written
    assert [each for each in written if not each[1].startswith(source)] == []


OURS = r"https://github\.com/[\w-]*newsletter[\w-]*/[\w-]+"


def pages_at_the_door() -> Iterator[Path]:
    yield ROOT / "pyproject.toml"
    yield from ROOT.glob("*.md")
    yield from (ROOT / ".github").rglob("*.*")


def test_the_installed_program_says_its_version(python: Path, tmp_path: Path) -> None:
    assert run(python, tmp_path, str(python.parent / "newsletter"), "--version") == f"newsletter {__version__}\n"


def test_the_installed_program_is_not_the_checkout(python: Path, tmp_path: Path) -> None:
    found = run(python, tmp_path, "-c", "import newsletter; print(newsletter.__file__)")
    assert Path(found.strip()).is_relative_to(python.parent.parent)


def test_the_demo_runs_in_an_empty_folder(python: Path, tmp_path: Path) -> None:
    told = run(python, tmp_path, str(python.parent / "newsletter"), "demo")
    mails = [*tmp_path.rglob("*.eml")]
    assert mails
    assert [mail.name for mail in mails if mail.name not in told] == []


def kept_by_git(*folders: str) -> set[str]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", *folders],
        cwd=ROOT, capture_output=True, check=True,
    )
    return {name for name in listing.stdout.decode().split("\0") if name and (ROOT / name).exists()}
