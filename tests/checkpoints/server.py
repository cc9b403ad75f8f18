"""Runs scripts in new processes that need not import anything: forked before the engine starts.

Each line on standard input is a JSON object: ``{"start": [script, *arguments], "output": file}`` is
answered with the process's number, ``{"wait": number}`` with its exit code once it has ended.
"""

import json
import os
import runpy
import signal
import sys
import traceback
import warnings

import sklearn.datasets
import sklearn.metrics  # noqa: F401

import multilayer._engine.lbfgs
import multilayer._engine.loop
import multilayer._engine.xla.maker
import multilayer._sklearn.fit.engine_run  # noqa: F401
from multilayer import MLPClassifier, MLPRegressor  # noqa: F401


def run(script, arguments, output):
    """Do what ``python script arguments`` does, in this process; return its exit code."""
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for standard in (1, 2):
        os.dup2(file, standard)
    sys.argv = [script, *arguments]
    sys.stdin.close()
    code = 0
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def serve():
    """Answer requests until there are no more, then end what still runs."""
    warnings.filterwarnings("ignore", message=r".*fork\(\)")
    alive = set()
    for line in sys.stdin:
        request = json.loads(line)
        if "start" in request:
            number = os.fork()
            if number == 0:
                os._exit(run(request["start"][0], request["start"][1:], request["output"]))
            alive.add(number)
            print(number, flush=True)
        else:
            _, status = os.waitpid(request["wait"], 0)
            alive.discard(request["wait"])
            print(os.waitstatus_to_exitcode(status), flush=True)
    for number in alive:
        os.kill(number, signal.SIGKILL)


if __name__ == "__main__":
    serve()
