"""What a start is measured by: load a pickled scikit-learn model and predict once, with nothing else.

python bare_prediction.py FILE

No MLflow, no pandas, no server: nothing that has this model can be ready sooner.
"""

import pickle
import sys
from pathlib import Path

with Path(sys.argv[1]).open("rb") as stream:
    model = pickle.load(stream)  # noqa: S301 - trained here
print(model.predict([[5.1, 3.5, 1.4, 0.2]])[0])
