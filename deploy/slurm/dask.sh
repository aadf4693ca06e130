#!/usr/bin/env bash
#SBATCH --job-name=readerstudy
#SBATCH --ntasks=4
#SBATCH --gpus-per-task=1
#SBATCH --cpus-per-task=4
#SBATCH --mem-per-cpu=4G
#SBATCH --time=04:00:00
#SBATCH --output=readerstudy-%j.log
# Renders a study's explanations with a Dask worker on each GPU; this script alone writes rows (docs/fleet.md).
#   sbatch deploy/slurm/dask.sh STUDY
# READERSTUDY_APP: the checkout, on a file system that all nodes see. READERSTUDY_ENVIRONMENT: its settings.
# READERSTUDY_SHARED: a folder that all nodes see, for the scheduler's address; the present one by default.
# DRY_RUN=1 prints the commands.
set -euo pipefail

study=${1:?the slug of a study}
shared=$(realpath "${READERSTUDY_SHARED:-.}")
file=$shared/scheduler-${SLURM_JOB_ID:?not in a job: start with sbatch}.json
cd "${READERSTUDY_APP:-/srv/readerstudy/app}"
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" # the program `dask` does not look in the present folder
run=${DRY_RUN:+echo}

at_end() {
    # shellcheck disable=SC2046 # one word for each process
    kill $(jobs -p) 2>/dev/null || true
    rm -f "$file"
}
trap at_end EXIT

# Workers get no settings of ours: they know neither the database nor the keys.
$run .venv/bin/dask scheduler --scheduler-file "$file" --no-dashboard &
scheduler=$!
$run srun .venv/bin/dask worker --scheduler-file "$file" --nthreads 1 --no-dashboard --death-timeout 120 &
if [ -n "$run" ]; then
    wait
    address=tcp://scheduler:8786
else
    until [ -s "$file" ]; do
        kill -0 "$scheduler" # it has not ended
        sleep 1
    done
    address=$(.venv/bin/python -c 'import json, sys; print(json.load(open(sys.argv[1]))["address"])' "$file")
fi

set -a
# shellcheck source=deploy/environment.example
. "${READERSTUDY_ENVIRONMENT:-/etc/readerstudy/environment}"
set +a
$run .venv/bin/python manage.py precompute --study "$study" --scheduler "$address"
