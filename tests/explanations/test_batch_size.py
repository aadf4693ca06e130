import pytest

from readerstudy.explanations.batch_size import BatchSize


def run(batch: BatchSize, seconds_per_case: dict[int, float], batches: int = 12) -> list[int]:
    """The sizes used, when a batch takes what its size says."""
    sizes = []
    for _ in range(batches):
        sizes.append(batch.size)
        batch.took(batch.size, seconds_per_case[batch.size] * batch.size, "kinds")
    return sizes


def test_it_doubles_while_a_case_gets_faster_and_goes_back_when_it_does_not():
    sizes = run(BatchSize(8, 512), {8: 1.0, 16: 0.7, 32: 0.5, 64: 0.49})
    assert sizes == [8, 8, 16, 32, 64] + [32] * 7


def test_it_stays_at_the_largest_size():
    assert run(BatchSize(4, 16), {4: 1.0, 8: 0.5, 16: 0.2})[-1] == 16


def test_it_stays_within_memory():
    batch = BatchSize(8, 512)
    run(batch, {8: 1.0, 16: 0.5, 32: 0.2}, batches=3)
    batch.ran_out(32)
    assert run(batch, {16: 0.001}) == [16] * 12
    batch.ran_out(16)
    batch.ran_out(32)  # read ahead while 32 was the size
    assert batch.size == 8
    batch.ran_out(1)
    assert batch.size == 1


def test_the_last_few_and_other_kinds_say_nothing():
    batch = BatchSize(8, 512)
    batch.took(8, 8.0, "warming up")
    batch.took(3, 0.1, "warming up")
    batch.took(8, 0.1, "other kinds, warming up")
    assert batch.size == 8


def test_what_was_computed_again_says_nothing():
    batch = BatchSize(8, 512)
    batch.took(8, 8.0, "kinds")
    batch.repeats()
    batch.took(8, 24.0, "kinds")
    assert batch.size == 8
    batch.took(8, 8.0, "kinds")
    assert batch.size == 16


@pytest.mark.parametrize("device", ["cpu", "cuda:1"])
def test_a_size_given_is_kept(device):
    assert run(BatchSize.of_device(device, 5), {5: 1.0}) == [5] * 12
    assert BatchSize.of_device(device).size > 1
