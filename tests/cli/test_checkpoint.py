"""``multilayer train --checkpoint``: training that is kept in a folder."""

from pathlib import Path

import numpy as np
import pytest

import multilayer
from multilayer._cli.settings import checkpoint
from multilayer._core.errors import InvalidArgumentError

TRAIN = ("train", "things.csv", "--target", "kind", "--recipe", "table")
TRAIN += ("--hidden", "8", "--epochs", "6")
KEPT = ("--checkpoint", "runs")


def same_weights(one, other):
    coefs = [multilayer.load(path).named_steps["network"].coefs_ for path in (one, other)]
    return all(np.array_equal(a, b) for a, b in zip(*coefs, strict=True))


def test_a_finished_run_is_not_trained_again(run, table):
    first = run(*TRAIN, *KEPT, "-m", "first", "--json").json
    again = run(*TRAIN, *KEPT, "-m", "again")
    assert "resuming after step 18 of 18" in again.err
    assert first["steps"] == 18
    assert same_weights("first", "again")


def test_an_interrupted_run_goes_on_to_the_same_network(run, table):
    run(*TRAIN, "-m", "whole")
    run(*TRAIN, *KEPT, "--checkpoint-every", "4", "-m", "lost")
    (folder,) = Path("runs").iterdir()
    (folder / "model.ckpt-18.safetensors").unlink()  # as after a crash at step 17
    resumed = run(*TRAIN, *KEPT, "-m", "resumed")
    assert "resuming after step 16 of 18" in resumed.err
    assert same_weights("whole", "resumed")


def test_a_run_can_start_afresh(run, table):
    run(*TRAIN, *KEPT)
    assert "going on" not in run(*TRAIN, *KEPT, "--no-resume").err


def test_the_model_forgets_where_it_was_kept(run, table):
    run(*TRAIN, *KEPT, "-m", "model")
    assert multilayer.load("model").named_steps["network"].checkpoint is None


@pytest.mark.parametrize(
    ("text", "every"), [(None, "epoch"), ("epoch", "epoch"), ("500", 500), ("2.5s", 2.5)]
)
def test_intervals(text, every):
    assert checkpoint(Path("runs"), text, resume=True).every == every


@pytest.mark.parametrize("text", ["", "0", "0s", "1.5", "-1", "1m", "epochs", "inf", "nans", "s"])
def test_what_is_no_interval_is_refused(text):
    with pytest.raises(InvalidArgumentError, match="--checkpoint-every must be"):
        checkpoint(Path("runs"), text, resume=True)


@pytest.mark.parametrize("option", [("--checkpoint-every", "5"), ("--no-resume",)])
def test_options_without_a_folder_are_refused(run, table, option):
    assert "given together with --checkpoint" in run(*TRAIN, *option).error


def test_a_file_in_place_of_the_folder_is_refused(run, table):
    assert "cannot make the folder things.csv" in run(*TRAIN, "--checkpoint", "things.csv").error
