from types import SimpleNamespace

import numpy as np
import pytest

from rnnkit.report.training_plot import training_plot

BLUE, VERMILION, BLACK = "#0072b2", "#d55e00", "#222222"


def history(train, validation=(), best=1):
    return SimpleNamespace(
        train_loss=list(train), validation_loss=list(validation), best_epoch=best
    )


def test_each_network_is_drawn_and_the_epoch_kept_is_marked(drawn, texts, render):
    figure = training_plot(
        [history([3.0, 2.0, 1.0], [3.5, 2.5, 2.8], best=2), history([3.0, 1.0], [4.0, 3.0], best=2)]
    )
    (panel,) = figure.axes
    assert [y.tolist() for _, y in drawn(panel, VERMILION)] == [[3, 2, 1], [3, 1]]
    assert [y.tolist() for _, y in drawn(panel, BLUE)] == [[3.5, 2.5, 2.8], [4, 3]]
    assert [x.tolist() for x, _ in drawn(panel, BLUE)] == [[1, 2, 3], [1, 2]]
    assert [xy.tolist() for xy in drawn(panel, BLACK)] == [[[2], [2.5]], [[2], [3.0]]]
    assert panel.get_yscale() == "linear"
    assert texts(figure) == [
        "Training of 2 networks",
        "epoch",
        "loss",
        "training loss",
        "validation loss",
        "epoch whose weights were kept",
    ]
    render(figure)


def test_the_axis_is_logarithmic_only_where_it_helps(render):
    assert training_plot([history([100.0, 1.0])]).axes[0].get_yscale() == "log"
    assert training_plot([history([100.0, -1.0])]).axes[0].get_yscale() == "linear"
    assert training_plot([history([2.0, 1.0])]).axes[0].get_yscale() == "linear"
    infinite = training_plot([history([float("inf"), 1.0], [float("nan"), 0.5], best=2)])
    assert infinite.axes[0].get_yscale() == "linear"
    render(infinite)


def test_labels_of_a_logarithmic_axis_are_plain_numbers(render):
    figure = training_plot([history([30.0, 0.02])])
    render(figure)
    labels = [t.get_text() for t in figure.axes[0].get_yticklabels() if t.get_text()]
    assert {"0.1", "1", "10"} <= set(labels)


def test_without_validation_the_training_loss_is_marked(drawn, texts):
    figure = training_plot([history([3.0, 2.0], best=2)])
    assert drawn(figure.axes[0], BLUE) == []
    assert [xy.tolist() for xy in drawn(figure.axes[0], BLACK)] == [[[2], [2.0]]]
    assert figure.texts[0].get_text() == "Training of the network"
    assert "validation loss" not in texts(figure)


def test_one_epoch_is_a_dot_and_none_is_an_empty_panel(drawn, render):
    figure = training_plot([history([3.0], best=1)])
    assert [xy.tolist() for xy in drawn(figure.axes[0], VERMILION)] == [[[1], [3]], [[1], [3]]]
    np.testing.assert_equal(drawn(training_plot([]).axes[0], VERMILION), [])
    render(training_plot([]))


@pytest.mark.usefixtures("with_korean_font")
def test_the_words_are_korean_when_asked(texts):
    written = texts(training_plot([history([2.0, 1.0], [2.0, 1.0]), history([2.0])], "ko"))
    assert written == [
        "신경망 2개의 학습",
        "에폭",
        "손실",
        "학습 손실",
        "검증 손실",
        "가중치를 채택한 에폭",
    ]
