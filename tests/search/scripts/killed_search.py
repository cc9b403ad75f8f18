"""A search with a storage that kills its process: at a check, or after some seconds.

``python killed_search.py JOURNAL SAMPLER CHECK MOMENT`` kills itself at the check of this number,
"before" it or "after" it is stored; ``JOURNAL SAMPLER SECONDS`` after so many seconds.
"""

import os
import signal
import sys
import threading
from itertools import count

from search_case import searched

from multilayer._search.optuna_study import StudyRecord


def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)


journal, sampler, *when = sys.argv[1:]
if len(when) == 1:
    threading.Timer(float(when[0]), kill).start()
else:
    number, moment = int(when[0]), when[1]
    counted, checked = count(1), StudyRecord.checked

    def killing(self, lane):
        mine = next(counted)
        if mine == number and moment == "before":
            kill()
        checked(self, lane)
        if mine == number:
            kill()

    StudyRecord.checked = killing
print("begins", flush=True)
searched(storage=journal, sampler=sampler)
