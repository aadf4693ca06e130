#!/usr/bin/env bash
#SBATCH --job-name=readerstudy
#SBATCH --array=1-4
#SBATCH --gres=gpu:1
#SBATCH --cpus-per-task=4
#SBATCH --mem=16G
#SBATCH --time=04:00:00
#SBATCH --output=readerstudy-%A-%a.log
# Renders a study's explanations in parts, one task of the array each. Needs nothing but PostgreSQL (docs/fleet.md).
#   sbatch deploy/slurm/array.sh STUDY          as many parts as the array has tasks
#   sbatch --array=3 deploy/slurm/array.sh STUDY 4          the third of four parts again
# READERSTUDY_APP: the checkout, on a file system that all nodes see. READERSTUDY_ENVIRONMENT: its settings.
# DRY_RUN=1 prints the command.
set -euo pipefail

study=${1:?the slug of a study}
parts=${2:-${SLURM_ARRAY_TASK_COUNT:?not in a job array: start with sbatch}}
cd "${READERSTUDY_APP:-/srv/readerstudy/app}"
set -a
# shellcheck source=deploy/environment.example
. "${READERSTUDY_ENVIRONMENT:-/etc/readerstudy/environment}"
set +a

${DRY_RUN:+echo} .venv/bin/python manage.py precompute --study "$study" --shard "$SLURM_ARRAY_TASK_ID/$parts"
