"""Runs ministack with the workarounds of gaps.py. It starts in ministack's own environment."""

import gaps
from ministack import app

gaps.close()
app.main()
