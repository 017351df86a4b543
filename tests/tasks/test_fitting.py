from dataclasses import replace

import numpy as np
import pytest
import torch

from rnnkit.models.forecaster import InputSizes
from rnnkit.tasks.forecasting import fitting as fitting_module
from rnnkit.tasks.forecasting.fitting import fit_pipeline, new_network, output_weights
from rnnkit.tasks.forecasting.pipeline import network_outputs
from rnnkit.training import History

from .single import fit, make_series, options, plan


def bits(result):
    """All numbers of a fit, as they would be written."""
    pipeline = result.pipeline
    weights = [tensor for n in pipeline.networks for tensor in n.state_dict().values()]
    return [
        *(tensor.numpy().tobytes() for tensor in weights),
        pipeline.weights.tobytes(),
        repr([column.to_json() for column in pipeline.transform.columns]),
        repr(pipeline.features.to_json()),
        *(repr((h.train_loss, h.validation_loss, h.best_epoch)) for h in result.histories),
    ]


def test_two_runs_with_one_seed_give_equal_bits():
    changes = {"ensemble": 2, "epochs": 2, "dropout": 0.2, "recurrent_dropout": 0.2, "seed": 7}
    torch.manual_seed(1)
    first = bits(fit(make_series(), **changes))
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert bits(fit(make_series(), **changes)) == first
    assert torch.equal(torch.get_rng_state(), state)
    other = bits(fit(make_series(), **{**changes, "seed": 8}))
    tensors = 2 * 6  # of two networks: four of the layer, two of the map
    assert not any(a == b for a, b in zip(first[:tensors], other[:tensors], strict=True))


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_no_two_networks_begin_alike(cell):
    config, sizes = options(horizon=2, cell=cell, hidden_size=3), InputSizes(4)
    starts = [
        new_network(replace(config, seed=seed), sizes, 1, member)
        .encoder.weight_hh_l0.detach()
        .numpy()
        for seed in (0, 1, 2)
        for member in (0, 1, 2)
    ]
    assert len({start.tobytes() for start in starts}) == 9
    again = new_network(config, sizes, 1, 0).encoder.weight_hh_l0.detach().numpy()
    np.testing.assert_array_equal(again, starts[0])


def test_no_row_of_the_test_part_changes_what_is_fitted():
    series = make_series()
    changes = {"ensemble": 2, "test_size": 9, "epochs": 2}
    before = fit(series, **changes)
    assert before.split.known == 51
    changed = series.values.copy()
    changed[51:] *= np.random.default_rng(1).uniform(0.01, 100, size=(9, 2))
    after = fit(replace(series, values=changed), **changes)
    assert bits(after) == bits(before)
    changed = series.values.copy()
    changed[50] *= 1.5
    assert bits(fit(replace(series, values=changed), **changes)) != bits(before)


@pytest.mark.parametrize("changes", [{}, {"validation_size": 9}])
def test_output_weights_come_from_blocks_that_the_networks_have_not_learned_from(changes):
    series = make_series(120)
    result = fit(series, ensemble=3, epochs=5, learning_rate=0.05, **changes)
    pipeline, split = result.pipeline, result.split
    inputs = pipeline.inputs(series)
    outputs, targets = [], []
    for member, network in enumerate(pipeline.networks):
        origins = split.validation_origins(series, member)
        outputs.append(network_outputs(network, inputs, origins)[..., 0])
        targets.append(inputs.targets(origins)[0])
    for k in range(2):
        x = np.concatenate([o[..., k].ravel() for o in outputs])
        y = np.concatenate([t[..., k].ravel() for t in targets])
        slope = np.linalg.lstsq(x[:, None], y, rcond=None)[0][0]
        assert pipeline.weights[k] == pytest.approx(np.clip(slope, 0, 1), abs=1e-6)


def test_each_network_is_trained_on_its_own_part_with_its_own_seed(monkeypatch, tmp_path):
    trainings = []

    class Recorder:
        def __init__(self, config, *, progress, title):
            self.config, self.title = config, title

        def fit(self, network, loss, train, validation, *, checkpoint, resume):
            parts = (len(train), len(validation))
            trainings.append((self.config, self.title, parts, checkpoint.name, resume))
            return History()

    monkeypatch.setattr(fitting_module, "Trainer", Recorder)
    changes = {"ensemble": 3, "time_limit": 60, "epochs": 4, "patience": 2, "seed": 5}
    series = make_series()
    result = fit_pipeline(
        plan(series, **changes), options(**changes), checkpoints=tmp_path, resume=True
    )
    configs, titles, parts, names, resumed = zip(*trainings, strict=True)
    assert len({c.seed for c in configs}) == 3
    assert {c.time_limit for c in configs} == {20.0}
    assert {(c.epochs, c.patience, c.clip_norm) for c in configs} == {(4, 2, 1.0)}
    assert tuple(map(str, titles)) == ("network 1/3", "network 2/3", "network 3/3")
    assert len(set(names)) == 3
    assert resumed == (True, True, True)
    assert parts == tuple(
        (
            len(result.split.train_origins(series, m)),
            len(result.split.validation_origins(series, m)),
        )
        for m in range(3)
    )


def test_a_network_alone_has_no_number(monkeypatch):
    titles = []
    real = fitting_module.Trainer
    monkeypatch.setattr(
        fitting_module,
        "Trainer",
        lambda config, *, progress, title: titles.append(title) or real(config, title=title),
    )
    fit(make_series(), ensemble=1)
    assert titles == [""]


def test_a_fit_goes_on_from_its_checkpoints(tmp_path):
    changes = {"ensemble": 2, "epochs": 2}
    found, config = plan(make_series(), **changes), options(**changes)
    first = fit_pipeline(found, config, checkpoints=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    resumed = fit_pipeline(found, config, checkpoints=tmp_path, resume=True)
    assert bits(resumed) == bits(first)
    assert resumed.histories[0].seconds == first.histories[0].seconds  # nothing was trained again


def random_outputs(seed, size=(2000, 3, 2)):
    return np.random.default_rng(seed).normal(size=size)


def test_an_output_weight_is_a_least_squares_slope_of_each_column():
    outputs = [random_outputs(0, (50, 3, 2)), random_outputs(1, (20, 3, 2))]
    targets = [
        o * [0.7, 0.2] + 0.3 * random_outputs(s, o.shape) for s, o in enumerate(outputs, start=2)
    ]
    weights = output_weights(list(zip(outputs, targets, strict=True)))
    assert weights.shape == (2,)
    for k in range(2):
        x = np.concatenate([o[..., k].ravel() for o in outputs])
        y = np.concatenate([t[..., k].ravel() for t in targets])
        slope = np.linalg.lstsq(x[:, None], y, rcond=None)[0][0]
        assert 0 < slope < 1
        assert weights[k] == pytest.approx(slope)


@pytest.mark.parametrize(
    ("of_target", "weight"),
    [(1.0, 1.0), (0.5, 1.0), (2.0, 0.5), (-1.0, 0.0), (-1e-3, 0.0), (0.0, 0.0)],
)
def test_output_weights_lie_from_zero_to_one(of_target, weight):
    targets = random_outputs(0)
    targets[..., 1] *= 1e6
    weights = output_weights([(of_target * targets, targets)])
    np.testing.assert_allclose(weights, weight, rtol=1e-12)


def test_noise_is_hardly_trusted():
    weights = output_weights([(random_outputs(0), random_outputs(1))])
    assert (weights < 0.05).all()
    assert (weights >= 0).all()


def test_a_silent_column_beside_a_good_one_gets_nothing():
    targets = random_outputs(0)
    weights = output_weights([(targets * [1.0, 0.0], targets)])
    assert weights.tolist() == [1.0, 0.0]
