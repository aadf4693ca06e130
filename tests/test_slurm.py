"""deploy/slurm/: SLURM is not here, so the scripts are read by shellcheck, and what they would run is asked for."""

import os
import shlex
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, get_commands, load_command_class

from readerstudy.common import arguments

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = sorted((ROOT / "deploy" / "slurm").glob("*.sh"))


def dry_run(tmp_path: Path, script: str, *words: str, **slurm: str) -> list[list[str]]:
    """The commands that the script would run for a job of SLURM."""
    (tmp_path / "environment").write_text("DATABASE_URL=postgres://readerstudy@database/readerstudy\n")
    own = {"DRY_RUN": "1", "READERSTUDY_APP": str(ROOT), "READERSTUDY_ENVIRONMENT": str(tmp_path / "environment")}
    done = subprocess.run(
        ["bash", ROOT / "deploy" / "slurm" / script, *words],
        env=os.environ | own | slurm, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [shlex.split(line) for line in done.stdout.splitlines()]


def parsed(words: list[str]) -> Namespace:
    """The arguments of `.venv/bin/python manage.py NAME ...`, as the command itself reads them."""
    assert words[:2] == [".venv/bin/python", "manage.py"]
    parser = load_command_class(get_commands()[words[2]], words[2]).create_parser("manage.py", words[2])
    return parser.parse_args(words[3:])


def test_shellcheck_finds_nothing() -> None:
    assert len(SCRIPTS) == 2
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run(
        [shellcheck, "--external-sources", *SCRIPTS], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_tasks_of_an_array_cover_a_study(tmp_path: Path) -> None:
    parts = []
    for task in ("1", "2"):
        slurm = {"SLURM_ARRAY_TASK_ID": task, "SLURM_ARRAY_TASK_COUNT": "2"}
        (command,) = dry_run(tmp_path, "array.sh", "pilot", **slurm)
        options = parsed(command)
        assert options.study == "pilot"
        parts.append(options.shard)
    assert parts == ["1/2", "2/2"]
    slurm = {"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "1"}
    assert parsed(dry_run(tmp_path, "array.sh", "pilot", "4", **slurm)[0]).shard == "3/4"


def test_one_job_starts_a_scheduler_workers_and_the_command(tmp_path: Path) -> None:
    *cluster, command = dry_run(tmp_path, "dask.sh", "pilot", SLURM_JOB_ID="7")
    scheduler, workers = sorted(cluster, key=lambda words: words[0] == "srun")
    file = f"{tmp_path}/scheduler-7.json"
    assert scheduler[:4] == [".venv/bin/dask", "scheduler", "--scheduler-file", file]
    assert workers[1:7] == [".venv/bin/dask", "worker", "--scheduler-file", file, "--nthreads", "1"]
    assert parsed(command).scheduler == "tcp://scheduler:8786"


def test_the_job_s_programs_find_the_package_that_units_are_made_of(tmp_path: Path) -> None:
    """A console script does not look in the present folder; the environment's file, which is sourced, tells."""
    file = tmp_path / "environment"
    file.write_text('echo "$PYTHONPATH"\n')
    own = {"DRY_RUN": "1", "READERSTUDY_APP": str(ROOT), "READERSTUDY_ENVIRONMENT": str(file), "SLURM_JOB_ID": "7"}
    done = subprocess.run(
        ["bash", ROOT / "deploy" / "slurm" / "dask.sh", "pilot"],
        env=os.environ | own | {"PYTHONPATH": "other"}, cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f"{ROOT}:other" in done.stdout.splitlines()


def test_an_array_needs_a_database_that_several_hosts_can_write_to(monkeypatch) -> None:
    monkeypatch.setattr(arguments, "connection", SimpleNamespace(vendor="sqlite"))
    assert arguments.shard("2/4") == (2, 4)
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "2")
    assert arguments.shard("1/1") == (1, 1)
    with pytest.raises(CommandError, match="Set DATABASE_URL to a PostgreSQL database"):
        arguments.shard("2/4")
    monkeypatch.setattr(arguments, "connection", SimpleNamespace(vendor="postgresql"))
    assert arguments.shard("2/4") == (2, 4)
