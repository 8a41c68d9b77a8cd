import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, confusion_matrix, jaccard_score, precision_score, recall_score

from nuforge.metrics.classification import accuracy, confusion_counts, iou, mean_over_classes, precision, recall


@pytest.fixture
def rows():
    g = torch.Generator().manual_seed(1)
    n, events, classes = 4000, 7, 5
    label = torch.randint(classes, (n,), generator=g)
    guess = torch.randint(classes, (n,), generator=g)
    prediction = torch.where(torch.rand(n, generator=g) < 0.7, label, guess)
    return label, prediction, torch.randint(events, (n,), generator=g).sort().values, events, classes


def test_summed_counts_and_figures_agree_with_scikit_learn(rows):
    label, prediction, _, _, k = rows
    total = confusion_counts(*rows).sum(0)
    y, p = label.numpy(), prediction.numpy()
    np.testing.assert_array_equal(total, confusion_matrix(y, p, labels=range(k)))
    np.testing.assert_allclose(recall(total), recall_score(y, p, average=None))
    np.testing.assert_allclose(precision(total), precision_score(y, p, average=None))
    np.testing.assert_allclose(iou(total), jaccard_score(y, p, average=None))
    assert accuracy(total).item() == pytest.approx(accuracy_score(y, p))


def test_each_event_counts_its_own_rows_only(rows):
    label, prediction, batch, events, k = rows
    counts = confusion_counts(*rows)
    for i in range(events):
        mine = batch == i
        alone = confusion_counts(label[mine], prediction[mine], torch.zeros_like(batch[mine]), 1, k)
        torch.testing.assert_close(alone[0], counts[i])


def test_the_true_class_is_the_row_and_the_predicted_one_the_column():
    counts = confusion_counts(torch.tensor([0]), torch.tensor([2]), torch.tensor([0]), 1, 3)
    assert counts[0, 0, 2] == 1
    assert counts.sum() == 1


def test_unknown_labels_are_ignored():
    zero = torch.zeros(3, dtype=torch.int64)
    counts = confusion_counts(torch.tensor([-1, 0, 1]), torch.tensor([1, 0, 1]), zero, 1, 2)
    torch.testing.assert_close(counts[0], torch.eye(2, dtype=torch.float64))


def test_an_event_without_rows_counts_nothing():
    none = torch.zeros(0, dtype=torch.int64)
    assert confusion_counts(none, none, none, 3, 2).shape == (3, 2, 2)
    assert accuracy(confusion_counts(none, none, none, 3, 2).sum(0)).isnan()


def test_a_class_that_does_not_occur_is_nan_and_the_mean_skips_it():
    confusion = torch.tensor([[3.0, 1.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 0.0]])
    for figure in (recall, precision, iou):
        values = figure(confusion)
        assert values.isnan().tolist() == [False, False, True]
        assert mean_over_classes(values) == values[:2].mean()
    only_predicted = torch.tensor([[3.0, 1.0], [0.0, 0.0]])
    assert recall(only_predicted)[1].isnan()
    assert iou(only_predicted)[1] == 0


def test_figures_work_on_many_resamplings_at_once(rows):
    counts = confusion_counts(*rows)
    for figure in (recall, precision, iou):
        torch.testing.assert_close(figure(counts), torch.stack([figure(c) for c in counts]))
    torch.testing.assert_close(accuracy(counts.long()), accuracy(counts))


def test_a_class_out_of_range_is_refused():
    one = torch.tensor([0])
    with pytest.raises(ValueError, match="label has the value 5, expected 0 to 4"):
        confusion_counts(torch.tensor([5]), one, one, 1, 5)
    with pytest.raises(ValueError, match="prediction has the value -1"):
        confusion_counts(one, torch.tensor([-1]), one, 1, 5)
    with pytest.raises(ValueError, match="batch has the value 1"):
        confusion_counts(one, one, torch.tensor([1]), 1, 5)
