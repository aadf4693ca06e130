"""The package: what it needs, its version, and what it does where only it is installed (see also tests/browser)."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import explain
import readerstudy
from tests.installed import ROOT, Environment, build_wheel

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = {
    "web": "web.txt",
    "explain": "explain.txt",
    "postgres": "postgres.txt",
    "fleet": "fleet.txt",
    "dicomweb": "dicomweb.txt",
    "s3": "s3.txt",
}


def pins(file: str) -> dict[str, str]:
    """Name in its canonical form -> the version pinned."""
    lines = (ROOT / "requirements" / file).read_text(encoding="utf-8").splitlines()
    found = [re.fullmatch(r"([\w.-]+)(?:\[[\w,]+\])?==(\S+)", line) for line in lines]
    return {canonicalize_name(match[1]): match[2] for match in found if match}


@pytest.mark.parametrize("extra", EXTRAS)
def test_each_extra_names_what_its_tier_pins_and_admits_the_pinned_version(extra: str) -> None:
    wanted = [Requirement(text) for text in PROJECT["project"]["optional-dependencies"][extra]]
    pinned = pins(EXTRAS[extra])
    assert {canonicalize_name(requirement.name) for requirement in wanted} == set(pinned)
    assert [
        str(requirement)
        for requirement in wanted
        if pinned[canonicalize_name(requirement.name)] not in requirement.specifier
    ] == []


def test_every_pin_of_a_tier_is_that_of_the_constraints() -> None:
    """The constraints hold all of it, for a package whose extras are ranges (tests/browser/test_installed.py)."""
    everything = pins("constraints.txt")
    for file in (ROOT / "requirements").glob("*.txt"):
        assert {name: pin for name, pin in pins(file.name).items() if everything.get(name) != pin} == {}, file.name


def test_there_is_one_version() -> None:
    assert readerstudy.__version__ == explain.__version__
    assert "version" in PROJECT["project"]["dynamic"]
    assert f"\nversion: {explain.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\n## {explain.__version__} - " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_without_an_extra_it_says_what_to_install_and_explain_imports_alone(tmp_path: Path) -> None:
    bare = Environment(tmp_path)
    bare.pip_install(str(build_wheel(tmp_path)))
    assert "pip install 'readerstudy[web]'" in bare.run("readerstudy", "--help", status=1)
    code = "import explain, sys; assert 'site-packages' in explain.__file__; print(explain.__version__, *sys.modules)"
    version, *loaded = bare.run("python", "-c", code).split()
    assert version == explain.__version__
    assert not {"django", "torch"} & set(loaded)
