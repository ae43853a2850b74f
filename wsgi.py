"""The WSGI application, for a server to serve: ``gunicorn -c gunicorn.conf.py wsgi:app``."""

import os

from app import build
from app.config import Config

app = build(Config.from_env(os.environ))
