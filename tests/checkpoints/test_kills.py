"""A training process that is killed at random moments, again and again, ends with the same bits."""

import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from multilayer._persist.atomic import TEMPORARY_NAME
from multilayer._persist.checkpoints import newest_checkpoint, read_checkpoint

SCRIPT = Path(__file__).parent / "scripts" / "train.py"
BEFORE, DURING, BETWEEN = "before the first checkpoint", "during a write", "between writes"


@dataclass
class Trial:
    """One training run: started and killed until it comes to its end."""

    server: object
    folder: Path
    rng: random.Random
    kills: Counter = field(default_factory=Counter)

    @property
    def run(self) -> Path | None:
        """Folder of the one fit."""
        return next(self.folder.glob("fits/*"), None)

    def start(self):
        """Start a process that trains."""
        return self.server.start(
            SCRIPT, self.folder / "fits", self.folder / "result.npz", output=self.folder / "said"
        )

    def learnt(self) -> dict[str, np.ndarray]:
        """What the process has learnt that came to its end."""
        with np.load(self.folder / "result.npz") as result:
            return dict(result)

    def kill_once(self) -> bool:
        """Start and kill a process; return whether the kill came before its end."""
        before, process = self.newest(), self.start()
        if self.rng.random() < 0.8:  # else at any time, compiling and reading included
            self.wait_for_another(before, process)
        time.sleep(self.rng.uniform(0, 0.5))
        process.send(signal.SIGKILL)
        code = process.wait()
        assert code in (0, -signal.SIGKILL), process.said()
        if code == 0:
            return False
        self.kills[self.where()] += 1
        return True

    def where(self) -> str:
        """Where in a run the kill fell; whatever it left behind can be read."""
        run = self.run
        path = None if run is None else newest_checkpoint(run)
        if path is not None:
            checkpoint = read_checkpoint(path)  # raises where it is damaged
            assert path.name == f"model.ckpt-{checkpoint.step}.safetensors"
        writing = run is not None and any(run.glob(TEMPORARY_NAME.format("*")))
        return DURING if writing else BETWEEN if path is not None else BEFORE

    def newest(self) -> str | None:
        """Name of the newest checkpoint."""
        names = [] if self.run is None else os.listdir(self.run)
        steps = [int(name.split("-")[1].split(".")[0]) for name in names if "ckpt" in name]
        return max(steps, default=None)

    def wait_for_another(self, before, process) -> None:
        """Wait for the first checkpoint that this process writes, or for its end."""
        ended = self.folder / "result.npz"
        process.wait_until(lambda: self.newest() != before or ended.exists())


@pytest.fixture(scope="module")
def uninterrupted(server, tmp_path_factory):
    """What a process learns that nobody kills."""
    trial = Trial(server, tmp_path_factory.mktemp("whole"), random.Random(0))
    process = trial.start()
    assert process.wait() == 0, process.said()
    return trial.learnt()


def kill_often(server, folder, uninterrupted, n_kills, seed):
    """Kill so many processes; whenever a run has come to its end, begin a new one."""
    rng, kills, n_runs = random.Random(seed), Counter(), 0
    while kills.total() < n_kills:
        trial = Trial(server, folder / str(n_runs), rng, kills)
        trial.folder.mkdir()
        n_runs += 1
        while kills.total() < n_kills and trial.kill_once():
            pass
        last = trial.start()
        assert last.wait() == 0, last.said()
        learnt = trial.learnt()
        assert learnt.keys() == uninterrupted.keys()
        for name, values in uninterrupted.items():
            assert_array_equal(learnt[name], values, err_msg=f"{name}, seed {seed}, run {n_runs}")
        assert not any(trial.run.glob(TEMPORARY_NAME.format("*")))  # swept
        assert len(list(trial.folder.glob("fits/*"))) == 1
    return kills, n_runs


def test_a_few_kills(server, tmp_path, uninterrupted):
    kill_often(server, tmp_path, uninterrupted, n_kills=10, seed=random.randrange(10**6))


@pytest.mark.slow
def test_two_hundred_kills(server, tmp_path, uninterrupted):
    kills, n_runs = kill_often(server, tmp_path, uninterrupted, n_kills=200, seed=0)
    print(f"{dict(kills)} in {n_runs} runs")  # shown by -rP
    assert kills[DURING] > 0  # the moments that matter most were among them
    assert kills[BETWEEN] > 0
