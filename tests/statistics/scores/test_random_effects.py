"""Sums over levels against the matrices that they stand for, on unbalanced answers."""

import numpy as np
import pytest

from readerstudy.statistics.scores.effects import RandomEffects, factored, grams, random_effects

FACTORS = [("reader",), ("reader", "case"), ("reader", "case", "reader:case"), ("reader", "case", "reader x method")]


def made(names: tuple[str, ...]) -> RandomEffects:
    rng = np.random.default_rng(1)
    reader, case = rng.integers(4, size=50), rng.integers(9, size=50)
    half = rng.choice([-0.5, 0.5], size=50)
    known = {"reader": reader, "case": case, "reader:case": 100 * reader + case, "reader x method": reader}
    return random_effects({name: known[name] for name in names}, {"reader x method": half})


def matrix(effects: RandomEffects) -> np.ndarray:
    """Z, the small levels before those of the last factor."""
    n, small = len(effects.last_codes), len(effects.factor)
    z = np.zeros((n, small + effects.n_last))
    for column in range(effects.codes.shape[1]):
        z[np.arange(n), effects.codes[:, column]] += effects.values[:, column]
    z[np.arange(n), small + effects.last_codes] = effects.last_values
    return z


@pytest.mark.parametrize("names", FACTORS)
def test_products_with_the_levels_are_those_of_the_matrix(names: tuple[str, ...]) -> None:
    effects, rng = made(names), np.random.default_rng(2)
    z, small = matrix(effects), len(effects.factor)
    assert z.shape[1] == effects.n_levels.sum() and set(effects.names) == set(names)
    u, x = rng.normal(size=z.shape[1]), rng.normal(size=(50, 3))
    assert effects.of_answers(u[:small], u[small:]) == pytest.approx(z @ u)
    assert np.concatenate(effects.of_levels(x)) == pytest.approx(z.T @ x)
    assert np.concatenate(effects.of_levels(x[:, 0])) == pytest.approx(z.T @ x[:, 0])


@pytest.mark.parametrize("names", FACTORS)
def test_solutions_and_variances_are_those_of_the_matrix(names: tuple[str, ...]) -> None:
    effects, rng = made(names), np.random.default_rng(3)
    z, small, sd = matrix(effects), len(effects.factor), rng.uniform(0.2, 2, len(names))
    scaled = z * np.concatenate([sd[effects.factor], np.full(effects.n_last, sd[-1])])
    weights = rng.uniform(0.1, 1, 50)
    h = np.eye(z.shape[1]) + scaled.T @ (weights[:, None] * scaled)

    solver = factored(effects, grams(effects, weights), sd)
    assert solver.log_determinant == pytest.approx(np.linalg.slogdet(h)[1])
    for right in (rng.normal(size=len(h)), rng.normal(size=(len(h), 3))):
        found = np.concatenate(solver.solve(right[:small], right[small:]))
        assert found == pytest.approx(np.linalg.solve(h, right))
    inverse = np.linalg.inv(h)
    top, bottom, of_answers = solver.variances(sd)
    assert np.concatenate([top, bottom]) == pytest.approx(np.diag(inverse))
    assert of_answers == pytest.approx(np.diag(scaled @ inverse @ scaled.T))
    unweighted = np.eye(z.shape[1]) + scaled.T @ scaled
    assert factored(effects, grams(effects), sd).log_determinant == pytest.approx(np.linalg.slogdet(unweighted)[1])
