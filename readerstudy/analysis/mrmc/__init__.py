"""Multi-reader multi-case (MRMC) analysis of reader studies: pure NumPy and SciPy, no Django, no files, no database.

Scores come in as methods x readers x cases (NaN = missing) or as a long table; small frozen results come out.
`mrmc_results` is what `analyze` calls; the rest is the statistics it stands on.
"""

from readerstudy.analysis.mrmc.auc import auc_covariance, empirical_auc, placement_values
from readerstudy.analysis.mrmc.data import MRMCError, ReaderScores, reader_scores, scores_from_frame
from readerstudy.analysis.mrmc.margins import margin_test
from readerstudy.analysis.mrmc.obuchowski_rockette import obuchowski_rockette
from readerstudy.analysis.mrmc.power import Pilot, cases_needed, power, power_table
from readerstudy.analysis.mrmc.roc import average_roc, roc_points
from readerstudy.analysis.mrmc.signed_rank import EXACT_BELOW, clustered_signed_rank, exact_p
from readerstudy.analysis.mrmc.simulate import RoeMetz, simulate_study
from readerstudy.analysis.mrmc.summary import mrmc_results, mrmc_summary
from readerstudy.analysis.mrmc.ustat import ustat

__all__ = [
    "EXACT_BELOW",
    "MRMCError",
    "Pilot",
    "ReaderScores",
    "RoeMetz",
    "auc_covariance",
    "average_roc",
    "cases_needed",
    "clustered_signed_rank",
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
    "ustat",
]
