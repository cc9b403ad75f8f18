"""A search with a storage that kills its process: at a check, or after some seconds.

``python killed_search.py JOURNAL SAMPLER CHECK MOMENT`` kills itself at the check of this number,
"before" it or "after" it is stored; ``JOURNAL SAMPLER SECONDS`` after so many seconds.
"""

import os
import signal
import sys
import threading
from itertools import count
from pathlib import Path

from multilayer._search.optuna_study import StudyRecord


def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def kill_at(number, moment):
    counted, checked = count(1), StudyRecord.checked

    def killing(self, lane):
        mine = next(counted)
        if mine == number and moment == "before":
            kill()
        checked(self, lane)
        if mine == number:
            kill()

    StudyRecord.checked = killing


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from search_case import searched

    journal, sampler, *when = sys.argv[1:]
    if len(when) == 1:
        threading.Timer(float(when[0]), kill).start()
    else:
        kill_at(int(when[0]), when[1])
    searched(storage=journal, sampler=sampler)
