"""What one prediction costs with nothing around it: prints microseconds, the median of several tries.

python prediction_time.py FILE

FILE is a pickled scikit-learn model of irises; it is given an array, as servers have one.
"""

import pickle
import statistics
import sys
import timeit
import warnings
from pathlib import Path

import numpy as np

CALLS, TRIES = 500, 7

with Path(sys.argv[1]).open("rb") as stream:
    model = pickle.load(stream)  # noqa: S301 - trained here
warnings.simplefilter("ignore")  # of names that the model was trained with
row = np.array([[5.1, 3.5, 1.4, 0.2]])
tries = timeit.repeat(lambda: model.predict(row), number=CALLS, repeat=TRIES)
print(statistics.median(tries) / CALLS * 1e6)
