import dataclasses
import logging
import time

import pytest
import torch
from torch import nn

from rnnkit.errors import ConfigError, DataError, TrainingError
from rnnkit.training import Callback, Trainer, TrainingConfig, epoch_order, epochs
from rnnkit.training.sampling import epoch_seed

SHORT = TrainingConfig(epochs=4, batch_size=8, learning_rate=0.01)


def by_hand(tiny, config):
    """The training loop as a textbook has it."""
    model, data = tiny.net(), tiny.Waves()
    optimizer = torch.optim.AdamW(
        model.parameters(), config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    for epoch in range(1, config.epochs + 1):
        torch.manual_seed(epoch_seed("noise", config.seed, epoch))
        for index in epoch_order(len(data), config.seed, epoch).split(config.batch_size):
            optimizer.zero_grad()
            total, weight = tiny.squared(model, data.batch(index))
            (total / weight).backward()
            if config.clip_norm is not None:
                nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
            optimizer.step()
    return model


@pytest.mark.parametrize(
    "options", [{}, {"clip_norm": 0.05}, {"clip_norm": None, "weight_decay": 0.1, "seed": 5}]
)
def test_it_is_the_loop_of_the_textbooks_to_the_bit(tiny, options):
    config = dataclasses.replace(SHORT, **options)
    model = tiny.net()
    tiny.fit(model, config, validated=False)
    assert tiny.equal(model, by_hand(tiny, config))


@pytest.mark.parametrize("change", [{"clip_norm": 0.05}, {"weight_decay": 0.1}, {"seed": 1}])
def test_each_option_counts(tiny, change):
    one, other = tiny.net(), tiny.net()
    tiny.fit(one, SHORT)
    tiny.fit(other, dataclasses.replace(SHORT, **change))
    assert not tiny.equal(one, other)


def test_one_seed_gives_equal_bits_and_leaves_the_random_state_alone(tiny):
    models = [tiny.net(), tiny.net()]
    histories = []
    for state, model in enumerate(models):
        torch.manual_seed(state)
        before = torch.get_rng_state()
        histories.append(tiny.fit(model, SHORT))
        assert torch.equal(before, torch.get_rng_state())
    assert tiny.equal(*models)
    assert histories[0].train_loss == histories[1].train_loss
    assert histories[0].validation_loss == histories[1].validation_loss


@pytest.mark.parametrize("use", ["order", "noise"])
def test_order_and_noise_each_reach_the_weights(tiny, monkeypatch, use):
    usual, changed = tiny.net(), tiny.net()
    tiny.fit(usual, SHORT)
    if use == "order":
        monkeypatch.setattr(epochs, "epoch_order", lambda n, seed, epoch: torch.arange(n))
    else:
        monkeypatch.setattr(epochs, "epoch_seed", lambda *key: 1)
    tiny.fit(changed, SHORT)
    assert not tiny.equal(usual, changed)


def test_losses_are_exact_means_over_ragged_batches(tiny):
    still = dataclasses.replace(SHORT, epochs=1, learning_rate=1e-30)
    model = tiny.net(dropout=0.0)
    history = tiny.fit(model, still)
    for data, found in (
        (tiny.Waves(), history.train_loss),
        (tiny.Waves(11, seed=1), history.validation_loss),
    ):
        total, weight = tiny.squared(model, data.batch(torch.arange(len(data))))
        assert found == [pytest.approx((total / weight).item(), rel=1e-6)]


def test_dropout_is_off_in_validation_and_on_in_training(tiny):
    modes = []

    def loss(model, batch):
        modes.append((model.training, torch.is_grad_enabled()))
        return tiny.squared(model, batch)

    config = dataclasses.replace(SHORT, epochs=2)
    Trainer(config).fit(tiny.net(), loss, tiny.Waves(8), tiny.Waves(8))
    assert modes == [(True, True), (False, False)] * 2


class Watch(Callback):
    """Keeps a copy of the weights and the state of each epoch."""

    def __init__(self, stop_at=None):
        self.weights, self.states, self.stop_at = [], [], stop_at

    def on_start(self, model, history):
        self.epochs_before = len(history)

    def on_epoch_end(self, model, state):
        self.weights.append({name: w.clone() for name, w in model.state_dict().items()})
        self.states.append(state)
        return state.epoch == self.stop_at


def train(tiny, config, watch, *, validated=True):
    model = tiny.net()
    validation = tiny.Waves(11, seed=1) if validated else None
    history = Trainer(config, callbacks=[Callback(), watch]).fit(
        model, tiny.squared, tiny.Waves(), validation
    )
    return model, history


def test_the_model_ends_with_the_weights_of_the_best_epoch(tiny):
    watch = Watch()
    model, history = train(tiny, tiny.CASES["patience"], watch)
    best = history.best_epoch
    assert history.stopped == "patience"
    assert len(history) == best + 15 < 500
    assert min(history.validation_loss) == history.validation_loss[best - 1]
    assert all(torch.equal(watch.weights[best - 1][k], w) for k, w in model.state_dict().items())


def test_without_validation_the_last_epoch_stays(tiny):
    watch = Watch()
    model, history = train(tiny, SHORT, watch, validated=False)
    assert (history.stopped, history.best_epoch) == ("epochs", 4)
    assert all(torch.equal(watch.weights[-1][k], w) for k, w in model.state_dict().items())


def test_a_tie_in_validation_keeps_the_earlier_epoch(tiny):
    class Flat(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(()))

    def loss(model, batch):
        total = model.weight**2 if model.training else torch.tensor(7.0)
        return total, torch.tensor(1)

    model = Flat()
    config = dataclasses.replace(SHORT, epochs=50, patience=3)
    history = Trainer(config).fit(model, loss, tiny.Waves(8), tiny.Waves(8))
    assert (history.best_epoch, len(history)) == (1, 4)
    assert model.weight.item() == pytest.approx(0.99)


def test_callbacks_see_every_epoch_and_can_stop(tiny):
    watch = Watch(stop_at=3)
    _, history = train(tiny, SHORT, watch)
    assert (history.stopped, len(history), watch.epochs_before) == ("callback", 3, 0)
    assert [state.epoch for state in watch.states] == [1, 2, 3]
    state = watch.states[-1]
    assert (state.train_loss, state.validation_loss, state.seconds) == (
        history.train_loss[-1],
        history.validation_loss[-1],
        history.seconds[-1],
    )
    assert (state.best_epoch, state.best_loss) == (history.best_epoch, history.best_loss)


def test_cosine_reaches_the_steps(tiny):
    config = dataclasses.replace(SHORT, schedule="cosine")
    watch = Watch()
    model = tiny.net()
    _, history = train(tiny, config, watch)
    constant = tiny.fit(model, SHORT)
    assert history.learning_rate == pytest.approx([0.01, 0.00853553, 0.005, 0.00146447], rel=1e-5)
    assert history.train_loss[0] == constant.train_loss[0]
    assert history.train_loss[2] != constant.train_loss[2]


def test_time_limit_stops_after_the_epoch_that_passes_it(tiny):
    class SlowWaves(tiny.Waves):
        def batch(self, index):
            time.sleep(0.02)
            return super().batch(index)

    config = dataclasses.replace(SHORT, epochs=1000, time_limit=0.05)
    history = Trainer(config).fit(tiny.net(), tiny.squared, SlowWaves(8))
    assert history.stopped == "time limit"
    assert sum(history.seconds[:-1]) < 0.05 <= sum(history.seconds)


def poisoned(tiny, at_step, *, gradient=False, validation=False):
    """A loss that is infinite, or has a gradient that is no number, at one step."""
    steps = iter(range(1, 10**6))

    def loss(model, batch):
        total, weight = tiny.squared(model, batch)
        if model.training is validation or next(steps) != at_step:
            return total, weight
        return (total + (total - total.detach()).sqrt() if gradient else total * 1e39), weight

    return loss


@pytest.mark.parametrize(
    ("options", "clip_norm", "text"),
    [
        ({"at_step": 8}, 1.0, "the training loss is inf in epoch 2, step 3"),
        ({"at_step": 10}, None, "the training loss is inf in epoch 2, step 5"),
        ({"at_step": 8, "gradient": True}, 1.0, "the training gradient is nan in epoch 2, step 3"),
        ({"at_step": 8, "gradient": True}, None, "the training gradient is nan in epoch 2, step 3"),
        ({"at_step": 2, "validation": True}, 1.0, "the validation loss is inf in epoch 2, step 1"),
    ],
)
def test_numbers_that_are_not_finite_name_the_place_and_what_to_try(
    tiny, tmp_path, options, clip_norm, text
):
    config = dataclasses.replace(SHORT, clip_norm=clip_norm)
    path = tmp_path / "x.safetensors"
    with pytest.raises(TrainingError) as error:
        Trainer(config).fit(
            tiny.net(), poisoned(tiny, **options), tiny.Waves(), tiny.Waves(11), checkpoint=path
        )
    clip = "set clip_norm (now None)" if clip_norm is None else "lower clip_norm (now 1.0)"
    assert str(error.value) == (
        f"{text}: lower the learning rate (now 0.01), {clip}, or look at the data for extreme "
        "values"
    )
    model = tiny.net()
    history = Trainer(config).fit(
        model, tiny.squared, tiny.Waves(), tiny.Waves(11), checkpoint=path, resume=True
    )
    whole = tiny.net()
    Trainer(config).fit(whole, tiny.squared, tiny.Waves(), tiny.Waves(11))
    assert len(history) == 4
    assert tiny.equal(model, whole)


def test_a_bad_step_is_found_early_in_a_long_epoch(tiny):
    seen = []

    def loss(model, batch):
        seen.append(1)
        total, weight = tiny.squared(model, batch)
        return total * (1e39 if len(seen) == 3 else 1), weight

    config = dataclasses.replace(SHORT, batch_size=1)
    with pytest.raises(TrainingError, match="epoch 1, step 3"):
        Trainer(config).fit(tiny.net(), loss, tiny.Waves(500))
    assert len(seen) == epochs.STEPS_BETWEEN_CHECKS


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"patience": 3}, "patience looks at the validation loss, and there are no"),
        ({"schedule": "plateau"}, "schedule='plateau' looks at the validation loss, and there"),
    ],
)
def test_options_that_need_validation_data_say_so(tiny, options, text):
    with pytest.raises(ConfigError, match=text):
        tiny.fit(tiny.net(), dataclasses.replace(SHORT, **options), validated=False)


def test_a_device_that_is_not_there_is_refused(tiny):
    count = torch.cuda.device_count()
    with pytest.raises(ConfigError, match=f"torch finds {count} CUDA devices here"):
        tiny.fit(tiny.net(), dataclasses.replace(SHORT, device=f"cuda:{count}"))


def test_resume_without_a_path_is_refused(tiny):
    with pytest.raises(ConfigError, match="resume asks for a checkpoint"):
        tiny.fit(tiny.net(), SHORT, resume=True)


@pytest.mark.parametrize("name", ["training", "validation"])
def test_empty_data_are_refused(tiny, name):
    sizes = {"training": 8, "validation": 8, name: 0}
    data = [tiny.Waves(n) for n in sizes.values()]
    with pytest.raises(DataError, match=f"the {name} data hold no sample"):
        Trainer(SHORT).fit(tiny.net(), tiny.squared, *data)


def test_data_without_weight_are_refused(tiny):
    def loss(model, batch):
        total, weight = tiny.squared(model, batch)
        return total, weight * model.training

    with pytest.raises(DataError, match="validation loss of epoch 1 has nothing to average"):
        Trainer(SHORT).fit(tiny.net(), loss, tiny.Waves(8), tiny.Waves(8))


def test_frozen_parameters_stay(tiny):
    model = tiny.net()
    model.head.requires_grad_(False)
    before = model.head.weight.clone()
    tiny.fit(model, dataclasses.replace(SHORT, weight_decay=0.5))
    assert torch.equal(before, model.head.weight)


def test_the_log_says_what_happened(tiny, caplog):
    with caplog.at_level(logging.INFO, logger="rnnkit.training"):
        Trainer(SHORT, title="member 2/5").fit(tiny.net(), tiny.squared, tiny.Waves(8))
    assert [record.getMessage() for record in caplog.records] == [
        "member 2/5: trained 4 epochs, best 4, stopped by epochs"
    ]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_device_trains_and_repeats(tiny):
    models = [tiny.net(), tiny.net()]
    for model in models:
        tiny.fit(model, dataclasses.replace(SHORT, device="cuda"))
    assert next(models[0].parameters()).is_cuda
    assert tiny.equal(*models)
