"""Success moments of pooled values: what the one-shot U-statistic and its sizing stand on.

The product of two methods' values is a sum over two successes, each of one reader and one case (a share), or of one
reader, one positive and one negative case (an AUC). It splits by which of these the two share. For the AUC these are
the moments M1 (all shared), M2 (reader and positive), M3 (reader and negative), M4 (reader), M5 to M8 the same with
different readers.

References: Gallas 2006 (Academic Radiology 13, 353); Gallas, Bandos, Samuelson & Wagner 2009 (Commun. Stat. Theory 38,
2586); Obuchowski, Gallas & Hillis 2012 (Academic Radiology 19, 1508) for the BDG degrees of freedom; Gaylor & Hopper
1969 (Technometrics 11, 691) for their minimum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import product

import numpy as np

from readerstudy.statistics.mrmc.data import FloatArray, MRMCError, ReaderScores
from readerstudy.statistics.mrmc.endpoints import check_endpoint, successes
from readerstudy.statistics.undefined import undefined_is_nan

AUC_FACTORS = ("reader", "positive", "negative")
SHARE_FACTORS = ("reader", "case")


@dataclass(frozen=True)
class Moments:
    """Moments of every pair of methods; the first index runs over what is shared, all first, nothing last.

    unbiased: of successes that share exactly this much; biased: the rest may be shared too. coefficients: the share of
    pairs of successes that share exactly this much. values: (methods,) pooled. factors: what is sampled.
    """

    factors: tuple[str, ...]
    values: FloatArray
    unbiased: FloatArray  # (2 ** factors, methods, methods)
    biased: FloatArray
    coefficients: FloatArray

    def covariance(self, variance: str = "unbiased") -> FloatArray:
        """(methods, methods): sum of coefficient x moment, less the moment that shares nothing."""
        chosen = self.biased if variance == "mle" else self.unbiased
        found: FloatArray = (self.coefficients * chosen).sum(axis=0) - chosen[-1]
        return found

    def bdg_df(self, variance: float, contrast: FloatArray) -> float:
        """Satterthwaite degrees of freedom of a contrast from the mean squares of the factors, at least 2.

        A factor paired across methods enters once with the mean square of the contrast. An unpaired one (readers
        nested in methods, cases in methods) enters once per method with that method's own, which is
        Welch-Satterthwaite and what iMRMC's Java program does; its R package squares their sum and gives fewer.
        """
        used = np.flatnonzero(contrast)
        denominator, smallest = 0.0, np.inf
        for alone, shares in _by_factor(len(self.factors)):
            part = self.biased[alone] - self.biased[-1]
            linked = self.coefficients[shares].sum(axis=0)
            df = np.rint(1 / np.diag(linked)[used] - 1)
            smallest = min(smallest, df.min())
            with undefined_is_nan():  # a single reader or case has no degrees of freedom
                if len(used) == 1 or linked[used[0], used[1]] > 0:
                    denominator += (contrast @ part @ contrast / df.min()) ** 2 / df.min()
                else:
                    denominator += float(((np.diag(part)[used] / df) ** 2 / df).sum())
        ratio = variance**2 / denominator if denominator > 0 else smallest
        return float(max(ratio, smallest, 2.0))


def moments(data: ReaderScores, endpoint: str = "auc") -> Moments:
    """Moments of the AUC of scores, or of a share of right decisions. Raises MRMCError."""
    check_endpoint(data, endpoint)
    factors = AUC_FACTORS if endpoint == "auc" else SHARE_FACTORS
    sums, counts = _sums(data, endpoint)
    pairs = np.sqrt(np.diagonal(counts[-1]))  # of a reader and case(s), by method
    exact = reduce(np.kron, [np.array([[1.0, 0.0], [-1.0, 1.0]])] * len(factors))  # inclusion and exclusion
    exact_counts = np.einsum("kl,lab->kab", exact, counts)
    if exact_counts[-1].min() < 0.5:  # the last moment estimates the squared value: without it there is no variance
        a, b = (data.methods[index] for index in np.unravel_index(exact_counts[-1].argmin(), exact_counts[-1].shape))
        cases = "positive and negative cases" if endpoint == "auc" else "cases"
        raise MRMCError(
            f"The scores with method {a} {'' if a == b else f'and method {b} '}hold no two readers and {cases} that "
            "all differ: a variance needs at least two of each."
        )
    return Moments(
        factors,
        np.sqrt(np.diagonal(sums[-1])) / pairs,
        _divide(np.einsum("kl,lab->kab", exact, sums), exact_counts),
        _divide(sums, counts),
        exact_counts / np.outer(pairs, pairs),
    )


def _by_factor(factors: int) -> Iterator[tuple[int, list[int]]]:
    """For each factor: the moment that shares only it, and all that share it."""
    for factor in range(factors):
        bit = 1 << (factors - 1 - factor)
        yield (1 << factors) - 1 - bit, [index for index in range(1 << factors) if not index & bit]


def _sums(data: ReaderScores, endpoint: str) -> tuple[FloatArray, FloatArray]:
    """(2 ** factors, methods, methods) sums of products of successes, and of reads; the loop is over readers only."""
    readers = map(np.stack, _by_reader(data, endpoint))  # (2, methods, *cases) of each: successes, reads
    everyone = next(readers).copy()
    same = np.array([_products(block) for block in everyone])
    for one in readers:
        same += np.array([_products(block) for block in one])
        everyone += one
    success, read = np.concatenate([same, np.array([_products(block) for block in everyone])], axis=1)
    return success, read


def _by_reader(data: ReaderScores, endpoint: str) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Each reader's successes (methods, positives, negatives) or (methods, cases), and which of them were read."""
    if endpoint != "auc":
        right = successes(data, endpoint)
        for own in right.swapaxes(0, 1):
            yield np.nan_to_num(own), (~np.isnan(own)).astype(float)
        return
    positive = data.truth == 1
    for own in data.scores.swapaxes(0, 1):
        x, y = own[:, positive][:, :, None], own[:, ~positive][:, None, :]
        yield (x > y) + 0.5 * (x == y), (~np.isnan(x)).astype(float) * ~np.isnan(y)  # NaN compares false: 0


def _products(block: FloatArray) -> FloatArray:
    """(2 ** axes, t, t) products of blocks (t, *cases), summed over the axes that are not shared: all shared first."""
    found = []
    for differ in product((False, True), repeat=block.ndim - 1):
        kept = block.sum(axis=tuple(axis + 1 for axis, summed in enumerate(differ) if summed))
        flat = kept.reshape(len(block), -1)
        found.append(flat @ flat.T)
    return np.array(found)


def _divide(sums: FloatArray, counts: FloatArray) -> FloatArray:
    return np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0.5)
