"""Training: epochs, checkpoints and run folders, for any model and any task."""

from rnnkit.training.config import TrainingConfig
from rnnkit.training.epochs import Dataset, Loss, find_device
from rnnkit.training.history import EpochState, History
from rnnkit.training.progress import Progress
from rnnkit.training.run_folder import Run, RunWriter, read_run
from rnnkit.training.sampling import epoch_order
from rnnkit.training.threads import threads_for
from rnnkit.training.trainer import Callback, Trainer

__all__ = [
    "Callback",
    "Dataset",
    "EpochState",
    "History",
    "Loss",
    "Progress",
    "Run",
    "RunWriter",
    "Trainer",
    "TrainingConfig",
    "epoch_order",
    "find_device",
    "read_run",
    "threads_for",
]
