"""Trains where, from the first checkpoint on, files may hardly be larger than that one."""

import resource
import signal
import sys
import warnings
from pathlib import Path

import numpy as np

from multilayer import Checkpoint, MLPClassifier, ModelFileError
from multilayer.callbacks import Callback


class LimitsFiles(Callback):
    """Sets a limit to the size of files; the curves in a checkpoint grow with each epoch."""

    only_watches = True

    def __init__(self, folder):
        self.folder = folder

    def on_progress(self, progress):
        sizes = [path.stat().st_size for path in self.folder.rglob("*.safetensors")]
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        if sizes and soft == hard:
            resource.setrlimit(resource.RLIMIT_FSIZE, (max(sizes) + 300, hard))


def main(folder, *, limited):
    warnings.simplefilter("ignore")
    X = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    checkpoint = Checkpoint(folder, every=2)
    clf = MLPClassifier((8,), batch_size=10, max_iter=30, random_state=0, checkpoint=checkpoint)
    if limited:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then writing fails with an error
        clf.set_params(callbacks=[LimitsFiles(Path(folder))])
    try:
        clf.fit(X, X[:, 0] > 0)
    except ModelFileError as error:
        assert clf.predict(X).shape == (60,)
        print(f"ModelFileError: {error}; {clf.stop_reason_} after {clf.n_iter_} epochs")
    else:
        print(f"{clf.stop_reason_} after {clf.n_iter_} epochs")


if __name__ == "__main__":
    main(sys.argv[1], limited=len(sys.argv) > 2)
