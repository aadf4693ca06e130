"""The documentation is true: links lead somewhere, commands are ones the product knows, examples run.

Commands are taken from the text of README.md, docs/ and bench/, so one that is added there is checked without a word
here: its arguments are parsed, and it must be run by a test. Most are run below, in order, in one small installation
(JOURNEY). NOT_RUN names the others with the reason.
"""

import io
import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from django.core.management import call_command, get_commands, load_command_class
from safetensors.torch import save_file

from readerstudy.cases.models import Prediction
from readerstudy.demo.simulated import read_by_program
from readerstudy.studies.drafting import MethodRow, new_study, replace_methods
from readerstudy.studies.lifecycle import close_study, open_study
from readerstudy.studies.models import Study
from scripts import benchmarks, dev
from tests.builders import make_reader
from tests.cases.batches import gif, png
from tests.exchange.sheets import write as write_sheets
from tests.explanations.test_outside_package import files_of_the_package
from tests.small_hospital import write_zip

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "bench" / "README.md"]
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}

# In the order of a study. TorchXRayVision's weights cannot be downloaded in a test: DEMO_MODEL stands in for it.
JOURNEY = """\
migrate
migrate --check
collectstatic --noinput
load_cases cases.zip --batch ward-3 --dry-run
load_cases cases.zip --batch ward-3 --linking-table ward-3-links.csv
predict --batch ward-3 --model xrv-densenet121-all
select_examples --study pilot --batch ward-3 --per-pathology 4 --practice 2
precompute --study pilot
export_reads --study pilot --format long --output reads.csv
analyze --study pilot --output results/
analyze --study pilot --store
load_reads --study published --title 'Published reads' --record trial_record.json.gz read0-reader1.csv read1-reader1.csv
load_reads --study again reads.csv
clean_up
send_mails
""".splitlines()
OWN_CLASSIFIER = """\
predict --batch ward-3 --model wardnet.WardNet --weights wardnet.safetensors
precompute --study pilot --model wardnet.WardNet --weights wardnet.safetensors
""".splitlines()
NOT_RUN = {
    "createsuperuser": "asks for a password; tests/browser/test_end_to_end.py runs it with --noinput",
    "check --deploy": "tests/test_deployment.py runs it under production settings",
    "worker": "does not end; tests/jobs start workers, tests/browser/test_jobs.py has one do all kinds",
    "worker --queues gpu": "does not end; see worker",
    "worker --until-empty": "tests/jobs/test_worker.py runs it",
    "precompute --study pilot --scheduler tcp://host:8786": "tests/explanations/test_executors.py has a cluster",
    "evaluate --study pilot --scheduler tcp://host:8786": "tests/explanations/test_executors.py has a cluster",
    "evaluate --study pilot --metrics sparseness": "tests/explanations/test_outside_package.py runs it",
    "evaluate --study pilot": "minutes with the models; tests/studies/test_evaluate.py measures smaller ones",
    "runserver": "does not end; tests/browser serve pages, the end-to-end test with gunicorn",
    "load_cases xrv:NIH --imgpath images-nih --batch nih --keep-source-ids --only-present": "needs its table; "
    "tests/cases/test_xrv.py loads small folders in its layout",
}
DEMO_MODEL = ("xrv-densenet121-all", "demo")


# --- what the pages say -----------------------------------------------------------------------------------------------
def code_of(text: str) -> Iterator[str]:
    """Lines of code blocks (indented or fenced), and code within lines."""
    fenced = False
    for line in text.splitlines():
        if line.strip().startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            yield line.strip()
        else:
            yield from re.findall(r"`([^`]+)`", line)


def words_after(name: str, code: str) -> Iterator[list[str]]:
    """The words of each command that follows `name` in a line of code, up to a shell's punctuation or a comment."""
    for match in re.finditer(rf"(?<![\w.]){re.escape(name)} (?=[a-z])", code):
        rest = re.split(r" && | ; | \| |;$| \)|  +#", code[match.end() :])[0]
        words = shlex.split(rest, comments=True)
        if words and words[0] != "...":
            yield words


def manage_commands() -> dict[str, set[str]]:
    """`command arguments` -> pages it stands on. A name without arguments that needs some is a mention in prose."""
    found: dict[str, set[str]] = {}
    for page, text in TEXTS.items():
        for code in code_of(text):
            for start in ("manage.py", "manage"):
                for words in words_after(start, code):
                    if len(words) > 1 or not _needs_arguments(words[0]):
                        found.setdefault(shlex.join(words), set()).add(page)
    return found


def _needs_arguments(name: str) -> bool:
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    return any(action.required for action in parser._actions)


def test_every_manage_command_is_known_and_its_arguments_parse() -> None:
    found = manage_commands()
    assert len(found) >= 15
    for command in found:
        name, *arguments = shlex.split(command)
        app = get_commands()[name]
        load_command_class(app, name).create_parser("manage.py", name).parse_args(arguments)


def test_every_manage_command_is_run_by_a_test() -> None:
    known = {*JOURNEY, *OWN_CLASSIFIER, *NOT_RUN}
    assert set(manage_commands()) <= known, "add it to JOURNEY, or to NOT_RUN with the reason"
    assert known <= set(manage_commands()), "no page says this any more"


def test_every_make_command_is_one_of_the_script() -> None:
    """They cannot run inside the suite, which `make test` is. What they do is tested in test_dev_script.py."""
    found = {tuple(words) for text in TEXTS.values() for code in code_of(text) for words in words_after("make", code)}
    plain = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ARGS"))
    }  # no ARGS
    assert {words[0] for words in found} >= {"demo", "test", "bench"}
    for target, *arguments in found:
        shown = subprocess.run(
            ["make", "-n", target, *arguments], cwd=ROOT, env=plain, capture_output=True, text=True, check=True
        )
        words = shlex.split(shown.stdout)
        assert words[1:3] == ["scripts/dev.py", target] and target in dev.COMMANDS
        if target == "bench" and "another" not in words:  # "name another" stands for any
            benchmarks.choose_benchmarks(ROOT / "bench", words[3:])


@pytest.mark.parametrize("name", TEXTS)
def test_every_link_and_path_leads_somewhere(name: str) -> None:
    text = TEXTS[name]
    links = re.findall(r"\]\((?!https?:|mailto:)([^)#]+)(?:#[^)]*)?\)", text)
    lost = [link for link in links if not (ROOT / name).parent.joinpath(link).exists()]
    named = re.findall(r"`((?:[\w-]+/)+[\w.-]+\.(?:py|md|html|js|css|json|yaml|conf|service|example))`", text)
    lost += [path for path in named if not (ROOT / path).exists() and path not in files_of_the_package()]
    assert not lost


def test_the_architecture_draws_every_app_and_their_order() -> None:
    """As import-linter holds them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (rule["layers"] for rule in contracts if rule.get("containers") == ["readerstudy"])
    words = [word for layer in layers for word in layer.split(" | ")]
    apps = [word for word in words if (ROOT / "readerstudy" / word).is_dir() and word != "statistics"]
    text = (ROOT / "docs" / "architecture.md").read_text()
    assert f"Imports run one way: {' -> '.join(apps)}." in " ".join(text.split())
    drawn = text.split("## The house")[1].split("## ")[0]
    parts = [path.name for top in ("explain", "readerstudy") for path in (ROOT / top).iterdir() if path.is_dir()]
    assert [name for name in parts if name[0] not in "_." and f"      {name}/ " not in drawn] == []


def test_files_named_in_the_code_are_there() -> None:
    """In comments, docstrings and messages. A name without a folder is that of some file of the project."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    known = {"/".join(path.split("/")[start:]) for path in tracked for start in range(path.count("/") + 1)}
    code = [
        path for path in tracked
        if path.startswith(("explain/", "readerstudy/", "scripts/", "static/", "templates/", "deploy/", "bench/"))
        and path.endswith((".py", ".js", ".html", ".css", ".conf", ".example"))
    ]  # fmt: skip
    assert len(code) > 300
    lost = [
        f"{path}: {name}"
        for path in code
        for name in re.findall(r"(?<![\w/.{}*<>\\-])((?:[\w-]+/)*[\w-]+\.(?:py|md))\b", (ROOT / path).read_text())
        if name not in known
    ]
    assert not lost


# --- the commands, run ------------------------------------------------------------------------------------------------
@pytest.fixture
def ward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings) -> Path:
    """A folder with cases.zip, in which commands are run."""
    write_zip(tmp_path / "cases.zip")
    settings.STATIC_ROOT = tmp_path / "static"
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command: str) -> str:
    name, *arguments = shlex.split(command.replace(*DEMO_MODEL))
    said = io.StringIO()
    call_command(name, *arguments, stdout=said)
    return said.getvalue()


@pytest.mark.torch
@pytest.mark.django_db
def test_the_commands_of_a_study_run_in_their_order(ward: Path) -> None:
    write_sheets(ward)
    for command in JOURNEY:
        if command.startswith("select_examples"):
            Study.objects.filter(pk=new_study("Pilot").pk).update(render_parameters={"steps": 4})  # quicker
        if command.startswith("export_reads"):
            read_by_programs(Study.objects.get(slug="pilot"))
        run(command)
    assert len((ward / "ward-3-links.csv").read_text().splitlines()) == 1 + 10
    assert (ward / "results" / "report.html").stat().st_size > 100_000
    assert (ward / "reads.csv").read_text().count("\n") == 1 + 2 * 2 * (2 * 8) + 2 * 2 * 2
    assert {study.slug for study in Study.objects.filter(state="closed")} == {"pilot", "published", "again"}


def read_by_programs(study: Study) -> None:
    """Two readers read everything; then the study is closed."""
    study.washout_days = 0
    study.save()
    for code in ("R1", "R2"):
        make_reader(study, code)
    study = open_study(study, None)
    for reader in study.readers.all():
        started = study.opened_at
        for read in reader.reads.order_by("number"):
            started = read_by_program(reader, read, started, 1)
    close_study(study, None)


@pytest.mark.torch
@pytest.mark.django_db
def test_the_classifier_of_the_page_can_be_predicted_with_and_explained(ward: Path, monkeypatch) -> None:
    code, _ = python_of(
        "docs/add-a-classifier.md"
    )  # the other is a package's: tests/explanations/test_outside_package.py
    (ward / "wardnet.py").write_text(code)
    monkeypatch.syspath_prepend(ward)
    import wardnet  # type: ignore[import-not-found]

    torch.manual_seed(0)
    save_file(wardnet.WardNet().state_dict(), ward / "wardnet.safetensors")
    run("load_cases cases.zip --batch ward-3 --linking-table ward-3-links.csv")
    assert "Predicted 10 cases" in run(OWN_CLASSIFIER[0])
    study = new_study("Pilot")  # without Latent Shift, which needs the weights of an autoencoder too
    gradients = ("input_gradient", "guided_backprop", "integrated_gradients")
    replace_methods(study, [MethodRow("A", "Method A", gradients), MethodRow("B", "Method B")])
    study.examples.create(prediction=Prediction.objects.filter(pathology="Effusion")[0], number=1)
    assert "Rendered 3 explanations" in run(OWN_CLASSIFIER[1])


# --- the examples of the pages ----------------------------------------------------------------------------------------
def python_of(page: str) -> list[str]:
    blocks = re.findall(r"^( *)```python\n(.*?)^ *```", TEXTS[page], re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", code, flags=re.MULTILINE) for indent, code in blocks]


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["docs/manifest.md", "docs/add-a-method.md"])
def test_the_manifest_of_the_page_loads(name: str, tmp_path: Path, monkeypatch) -> None:
    (table,) = re.findall(r"(?:^    image,.*\n)(?:^    .*\n)+", TEXTS[name], re.MULTILINE)
    rows = [line.strip() for line in table.strip().splitlines()]
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n")
    for seed, path in enumerate(dict.fromkeys(re.findall(r"[\w/]+\.(?:png|gif|dcm)", table))):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(_file(path, seed))
    monkeypatch.chdir(tmp_path)
    images = len({row.split(",")[0] for row in rows[1:]})
    assert f"{images} cases can be loaded" in run("load_cases manifest.csv --batch ward-3 --dry-run")


def _file(name: str, seed: int) -> bytes:
    from tests.cases.batches import mask_png
    from tests.explain.image_files import dicom, greys

    if name.endswith("gif"):
        return gif()
    if name.endswith("dcm"):
        return dicom(greys(seed=seed), 8)
    return mask_png() if name.startswith("masks") else png(seed)
