import json

from rnnkit.training import History


def history(losses):
    made = History()
    for loss in losses:
        made.add(train_loss=1 / 3, validation_loss=loss, learning_rate=1e-3, seconds=0.1)
    return made


def test_of_epochs_that_tie_the_earliest_is_the_best():
    made = history([3.0, 2.0, 2.0, 2.5])
    assert (made.best_epoch, made.best_loss) == (2, 2.0)


def test_without_validation_the_last_epoch_is_the_best():
    made = history([None, None, None])
    assert (made.best_epoch, made.best_loss, made.validation_loss) == (3, None, [])


def test_json_gives_the_same_history_to_the_last_bit():
    made = history([0.1 + 0.2, 1e-310, 5.0])
    made.stopped = "patience"
    assert History.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_json_is_a_copy():
    made = history([1.0])
    data = made.to_json()
    made.add(train_loss=1.0, validation_loss=0.5, learning_rate=1e-3, seconds=0.1)
    assert len(data["validation_loss"]) == 1
