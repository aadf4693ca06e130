"""Multi-reader multi-case (MRMC) analysis of reader studies: pure NumPy and SciPy, no Django, no files, no database.

Scores come in as methods x readers x cases (NaN = missing) or as a long table; small frozen results come out.
`mrmc_results` is what `analyze` calls; the rest is the statistics it stands on.
"""

from readerstudy.statistics.mrmc.auc import auc_covariance, empirical_auc, placement_values
from readerstudy.statistics.mrmc.contrasts import PlannedContrast, PlannedContrasts, contrasts
from readerstudy.statistics.mrmc.data import MRMCError, ReaderScores, reader_scores, scores_from_frame
from readerstudy.statistics.mrmc.decisions import Decisions, decisions
from readerstudy.statistics.mrmc.endpoints import ENDPOINTS, called
from readerstudy.statistics.mrmc.margins import margin_test
from readerstudy.statistics.mrmc.obuchowski_rockette import obuchowski_rockette
from readerstudy.statistics.mrmc.power import Pilot, cases_needed, power, power_table
from readerstudy.statistics.mrmc.roc import average_roc, roc_points
from readerstudy.statistics.mrmc.rows import QuestionResult
from readerstudy.statistics.mrmc.signed_rank import EXACT_BELOW, clustered_signed_rank, exact_p
from readerstudy.statistics.mrmc.simulate import RoeMetz, simulate_study
from readerstudy.statistics.mrmc.sizing import Layout, SizedPower, sized_power
from readerstudy.statistics.mrmc.summary import mrmc_results, mrmc_summary
from readerstudy.statistics.mrmc.ustat import ustat

__all__ = [
    "ENDPOINTS",
    "EXACT_BELOW",
    "Decisions",
    "Layout",
    "MRMCError",
    "Pilot",
    "PlannedContrast",
    "PlannedContrasts",
    "QuestionResult",
    "ReaderScores",
    "RoeMetz",
    "SizedPower",
    "auc_covariance",
    "average_roc",
    "called",
    "cases_needed",
    "clustered_signed_rank",
    "contrasts",
    "decisions",
    "empirical_auc",
    "exact_p",
    "margin_test",
    "mrmc_results",
    "mrmc_summary",
    "obuchowski_rockette",
    "placement_values",
    "power",
    "power_table",
    "reader_scores",
    "roc_points",
    "scores_from_frame",
    "simulate_study",
    "sized_power",
    "ustat",
]
