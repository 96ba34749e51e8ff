"""Where the labelled development data is: beside the checkout, or where NIGHTJAR_TEST_ANALYSIS says."""

import os
from pathlib import Path

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data" / "analysis"
PACK = Path(os.environ.get("NIGHTJAR_TEST_ANALYSIS", BESIDE))
