"""What was measured: JSON on disk, written after every group, resumed where the settings agree."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.kernels.case import Case
from benchmarks.kernels.measure import Entry


@dataclass(frozen=True)
class Row:
    """An entry as kept: its numbers, and what follows from them.

    Args:
        group: its name.
        case: its name.
        label: peer and variant.
        peer: alone.
        status: as in `Entry`.
        note: as in `Entry`.
        flops: of a call.
        calls: of a round; where `batches` are many, an epoch.
        batches: of the case.
        seconds: a call, of each round.
        busy_seconds: with a busy neighbour.
        deviation: from the reference.
        idle_share: of a core, while others ran.
        bytes: growth of the process, of each fresh one; in the memory suite only.
        budget: the seconds of rounds that were allowed.
        cell: of the case.
    """

    group: str
    case: str
    label: str
    peer: str
    status: str = "ok"
    note: str = ""
    flops: int = 0
    calls: int = 1
    batches: int = 1
    seconds: list[float] = field(default_factory=list)
    busy_seconds: list[float] = field(default_factory=list)
    deviation: float | None = None
    idle_share: float = 0.0
    bytes: list[int] = field(default_factory=list)
    budget: float = 0.0
    cell: str = ""

    @property
    def median(self) -> float:
        """Seconds of a call."""
        return statistics.median(self.seconds)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The quartiles of the rounds."""
        if len(self.seconds) < 2:
            return self.median, self.median
        low, _, high = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return low, high

    @property
    def gflops(self) -> float:
        return self.flops / self.median * 1e-9

    @property
    def slowdown(self) -> float:
        """How many times longer a call takes beside a busy neighbour."""
        return statistics.median(self.busy_seconds) / self.median


def row_of(group: str, entry: Entry, budget: float) -> Row:
    case: Case = entry.case
    return Row(
        group,
        case.name,
        entry.label,
        entry.peer,
        entry.status,
        entry.note,
        case.step_flops(),
        entry.calls,
        case.batches,
        entry.seconds,
        entry.busy_seconds,
        entry.deviation,
        entry.idle_share,
        budget=budget,
        cell=case.cell,
    )


@dataclass
class Results:
    """All rows of a suite so far.

    Args:
        settings: that rows must share to stand in one table.
        machine: for the reader.
        sgemm_gflops: of each library that was asked.
        rows: by group.
    """

    settings: dict[str, Any]
    machine: dict[str, Any] = field(default_factory=dict)
    sgemm_gflops: dict[str, float] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)

    @property
    def peak(self) -> float:
        """The machine's measured sgemm peak, GFLOP/s."""
        return max(self.sgemm_gflops.values())

    def lacks(self, group: str, budget: float) -> bool:
        """Return whether a group is to be measured: not yet, or only with fewer seconds."""
        return (
            any(row.budget < budget for row in self.rows.get(group, [])) or group not in self.rows
        )

    def save(self, path: Path) -> None:
        """Write the whole file anew, or leave the old one."""
        content = {
            "settings": self.settings,
            "machine": self.machine,
            "sgemm_gflops": self.sgemm_gflops,
            "groups": {name: [asdict(row) for row in rows] for name, rows in self.rows.items()},
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
        partial.replace(path)


def resume(path: Path, settings: dict[str, Any]) -> tuple[Results, list[str]]:
    """Return what a file holds under these settings, else nothing, and the settings that differ."""
    if not path.exists():
        return Results(settings), []
    content = json.loads(path.read_text("utf-8"))
    before = content["settings"]
    differing = sorted(k for k in settings.keys() | before if settings.get(k) != before.get(k))
    if differing:
        return Results(settings), differing
    groups = {name: [Row(**row) for row in rows] for name, rows in content["groups"].items()}
    return Results(settings, content["machine"], content["sgemm_gflops"], groups), []


def describe_machine() -> dict[str, Any]:
    """Return processor, cores and Python."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        model = names[0] if names else model
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def code_digest(*folders: Path) -> str:
    """Return a digest of the code in folders, so that a new kernel is measured anew."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".py", ".so", ".pyd"):
                digest.update(path.relative_to(folder).as_posix().encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
