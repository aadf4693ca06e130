"""Balance, order and spacing hold for every study, reader and seed that hypothesis can think of."""

from collections import Counter, defaultdict
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from readerstudy.reading.allocation.randomise import MAX_RUN, PATIENT_GAP, Item, plan_reader, williams_rows


@st.composite
def studies(draw):
    """2 to 4 methods; 1 to 4 pathologies, each with its own numbers of true and false positives; shared patients."""
    items: list[Item] = []
    for pathology in range(draw(st.integers(1, 4))):
        for truth in (True, False):
            for _ in range(draw(st.integers(4, 15))):
                number = len(items) + 1
                patient = draw(st.integers(0, 60)) if draw(st.booleans()) else f"own {number}"
                items.append(Item(number + 1000, number, f"P{pathology}", truth, patient))
    return items, draw(st.integers(2, 4)), draw(st.integers(0, 10**6))


def plan(items, methods, seed, rotation=0, reader="R1", scheme="random", order="blocks"):
    return plan_reader(items, methods, seed=seed, rotation=rotation, reader=reader, scheme=scheme, order=order)


@settings(max_examples=40, deadline=None)
@given(studies(), st.sampled_from(["random", "published"]), st.sampled_from(["blocks", "mixed"]), st.integers(0, 5))
def test_every_read_balances_methods_over_pathology_and_truth(study, scheme, order, rotation):
    items, methods, seed = study
    drawn = plan(items, methods, seed, rotation, scheme=scheme, order=order)
    for row in drawn.methods.values():
        assert sorted(row) == list(range(methods))  # each example meets each method exactly once
    for read in range(methods):
        assert sorted(drawn.orders[read]) == sorted(item.id for item in items)
        counts = defaultdict(Counter)
        for item in items:
            for stratum in ((item.pathology, item.truth), item.pathology, "all"):
                counts[stratum][drawn.methods[item.id][read]] += 1
        for count in counts.values():
            shown = [count[method] for method in range(methods)]
            assert max(shown) - min(shown) <= 1


@settings(max_examples=40, deadline=None)
@given(studies(), st.sampled_from(["blocks", "mixed"]))
def test_runs_are_short_and_patients_apart(study, order):
    items, methods, seed = study
    by_id = {item.id: item for item in items}
    drawn = plan(items, methods, seed, order=order)
    for read, ids in enumerate(drawn.orders):
        shown = [drawn.methods[item_id][read] for item_id in ids]
        assert all(len(set(shown[i : i + MAX_RUN + 1])) > 1 for i in range(len(shown) - MAX_RUN))
        last: dict = {}
        for position, item_id in enumerate(ids):
            patient = by_id[item_id].patient
            assert position - last.get(patient, -PATIENT_GAP) >= drawn.patient_gap
            last[patient] = position
        if order == "blocks":
            names = [by_id[item_id].pathology for item_id in ids]
            assert sum(a != b for a, b in pairwise(names)) == len(set(names)) - 1


@settings(max_examples=30, deadline=None)
@given(studies())
def test_over_readers_each_example_meets_each_method_in_each_read_equally_often(study):
    items, methods, seed = study
    rotations = len(williams_rows(methods))
    plans = [plan(items, methods, seed, rotation, f"R{rotation + 1}") for rotation in range(rotations)]
    for item in items:
        for read in range(methods):
            count = Counter(drawn.methods[item.id][read] for drawn in plans)
            assert len(count) == methods
            assert len(set(count.values())) == 1


def spread(items=48, patients=None):
    return [Item(n, n, f"P{n % 3}", n % 2 == 0, (n % patients) if patients else n) for n in range(1, items + 1)]


def test_orders_differ_between_readers_and_reads_but_repeat_from_the_same_seed():
    drawn = [plan(spread(), 2, 7, reader=code) for code in ("R1", "R2", "R1")]
    assert drawn[0] == drawn[2]
    assert drawn[0].orders != drawn[1].orders
    assert drawn[0].orders[0] != drawn[0].orders[1]


def test_patients_with_two_examples_keep_ten_apart_where_that_is_possible():
    for order in ("blocks", "mixed"):
        assert plan(spread(60, patients=30), 2, 1, order=order).patient_gap == PATIENT_GAP


def test_published_shows_everyone_the_same_halves_and_order():
    items = [Item(n, n, "Mass" if n <= 40 else "Effusion", n % 2 == 0, n) for n in range(1, 81)]
    first, second = (plan(items, 2, 3, rotation, code, "published") for rotation, code in ((0, "R1"), (1, "R2")))
    assert first == second
    assert first.orders[0] == first.orders[1]
    half_1 = first.orders[0][:20]
    assert {first.methods[item_id] for item_id in half_1} == {(0, 1)}
    assert {first.methods[item_id] for item_id in first.orders[0][20:40]} == {(1, 0)}
    assert sum(item_id % 2 == 0 for item_id in half_1) == 10  # stratified by truth
    assert list(half_1) == sorted(half_1)


def test_williams_rows_balance_which_method_follows_which():
    for methods in (2, 3, 4):
        follows = Counter(pair for row in williams_rows(methods) for pair in pairwise(row))
        assert len(follows) == methods * (methods - 1)
        assert len(set(follows.values())) == 1
