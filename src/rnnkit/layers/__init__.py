"""Recurrent layers and cells: drop-ins for those of torch.nn, and a runner for any cell."""

from rnnkit.layers.cells import GRUCell, LSTMCell, SimpleRNNCell
from rnnkit.layers.crf import CRF
from rnnkit.layers.losses import SequenceLoss, sequence_loss
from rnnkit.layers.pooling import Pooling
from rnnkit.layers.recurrent import GRU, LSTM, SimpleRNN
from rnnkit.layers.wrappers import RNN

__all__ = [
    "CRF",
    "GRU",
    "LSTM",
    "RNN",
    "GRUCell",
    "LSTMCell",
    "Pooling",
    "SequenceLoss",
    "SimpleRNN",
    "SimpleRNNCell",
    "sequence_loss",
]
