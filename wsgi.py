"""The WSGI application, for a server to serve: ``gunicorn -c gunicorn.conf.py wsgi:app``."""

import os

from app.config import Config
from app.wiring import build

app = build(Config.from_env(os.environ))
