"""The house, as far as import-linter does not see it: links between pages, and what is loaded in a web process."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.urls import get_resolver

ROOT = Path(__file__).resolve().parent.parent
LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract for contract in LINTER["contracts"]}
APPS = [
    name
    for layer in reversed(CONTRACTS["apps"]["layers"])
    for name in layer.split(" | ")
    if (ROOT / "readerstudy" / name).is_dir()
]  # lowest first
# {% url "x" %}, reverse("x"), redirect("x"); and an address that is written out where one is followed or made.
BY_NAME = re.compile(r"""(?:{% url |reverse\(|redirect\()["']([\w-]+)["']""")
BY_HAND = re.compile(r"""(?:\b(?:href|action|src)=["']|[rR]edirect\(f?["']|\bf["'])/\w[^"']*""")


def app_of_each_url_name() -> dict[str, str]:
    found = {}

    def collect(patterns):
        for pattern in patterns:
            if hasattr(pattern, "url_patterns"):
                collect(pattern.url_patterns)
            elif pattern.name and pattern.callback.__module__.startswith("readerstudy."):
                found[pattern.name] = pattern.callback.__module__.split(".")[1]

    collect(get_resolver().url_patterns)
    return found


@pytest.mark.parametrize("app", APPS)
def test_an_app_links_only_to_pages_of_lower_apps(app):
    """A page of a higher app is linked by what it is: see readerstudy.studies.navigation."""
    above, home_of = APPS[APPS.index(app) + 1 :], app_of_each_url_name()
    assert home_of["results"] == "analysis"
    files = [*(ROOT / "readerstudy" / app).rglob("*.py"), *(ROOT / "templates" / app).rglob("*.html")]
    wrong = [
        f"{file.relative_to(ROOT)} links to {name} of {home_of[name]}"
        for file in files
        for name in BY_NAME.findall(file.read_text())
        if home_of.get(name) in above
    ]
    assert not wrong


def test_addresses_are_made_from_their_names():
    """Written out, an address is missed when it changes, and above when it leads to a higher app. "/" is the site's."""
    files = [*(ROOT / "readerstudy").rglob("*.py"), *(ROOT / "templates").rglob("*.html")]
    found = {f"{file.relative_to(ROOT)}: {one}" for file in files for one in BY_HAND.findall(file.read_text())}
    assert found == set()


def test_every_app_but_explanations_is_kept_from_torch():
    named = CONTRACTS["torch-in-few-places"]["source_modules"]
    assert named == sorted(f"readerstudy.{app}" for app in APPS if app != "explanations")


def test_no_module_of_the_project_loads_torch_and_no_page_does():
    code = (
        "import django, pkgutil, sys; django.setup()\n"
        "import readerstudy\n"
        "names = [module.name for module in pkgutil.walk_packages(readerstudy.__path__, 'readerstudy.')]\n"
        "[__import__(name) for name in names]\n"
        "assert 'readerstudy.explanations.predicting' in sys.modules\n"
        "from django.test import Client\n"
        "from django.urls import get_resolver\n"
        "get_resolver().url_patterns\n"
        "response = Client(headers={'host': 'localhost'}).get('/accounts/login/')\n"
        "assert response.status_code == 200, response.status_code\n"
        "loaded = {'torch', 'torchvision', 'torchxrayvision'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    run_in_a_new_process(code)


def test_a_command_and_a_web_server_start_without_what_only_some_pages_need():
    run_in_a_new_process(
        "import django, sys; django.setup()\n"
        "loaded = {'pydicom', 'scipy', 'pandas', 'matplotlib'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
        "from django.urls import get_resolver\n"
        "get_resolver().url_patterns\n"
        "loaded = {'scipy.stats', 'scipy.optimize', 'pandas', 'statsmodels', 'matplotlib'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )


def run_in_a_new_process(code: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={
            "DJANGO_SETTINGS_MODULE": "readerstudy.settings",
            "DEBUG": "true",
            "PATH": "/usr/bin",
            "DATABASE_URL": "sqlite://:memory:",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


# --- Small code: a function fits on a screen, a file has one subject -------------------------------------------------
LONGEST_FUNCTION, LONGEST_FILE = 60, 350  # lines


def source_files(*suffixes: str) -> list[Path]:
    """Files of the packages, scripts and pages, not of tests or migrations."""
    return [
        path
        for folder in ("explain", "readerstudy", "scripts", "static", "templates")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in suffixes and "migrations" not in path.parts
    ]


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or 0) - min([node.lineno, *(one.lineno for one in node.decorator_list)]) + 1


def test_no_function_is_longer_than_a_screen():
    long = {
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in source_files(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and lines_of(node) > LONGEST_FUNCTION
    }
    assert long == set(), f"over {LONGEST_FUNCTION} lines"


def test_no_source_file_has_two_subjects():
    files = source_files(".py", ".js", ".css", ".html")
    long = {str(path.relative_to(ROOT)) for path in files if len(path.read_text("utf-8").splitlines()) > LONGEST_FILE}
    assert long == set(), f"over {LONGEST_FILE} lines"


def test_what_travels_in_the_statistics_has_a_type():
    """Only plans and results that are read from JSON, or written as JSON, are dictionaries of anything."""
    untyped = re.compile(r"(?:dict|Mapping)\[str, (?:Any|object)\]")
    folder = ROOT / "readerstudy" / "statistics"
    found = {file.relative_to(folder).as_posix() for file in folder.rglob("*.py") if untyped.search(file.read_text())}
    assert found == {"plan.py", "stored.py"}
