"""The WSGI application, for a server to serve: ``gunicorn -c gunicorn.conf.py wsgi:app``."""

import atexit
import os
import sys

from app.config import Config, ConfigError
from app.db import DatabaseRefused
from app.secrets import SecretsError
from app.wiring import build

_CANNOT_START = 3  # gunicorn's own code for it, at which it ends instead of starting the worker again

try:
    app = build(Config.from_env(os.environ))
except (ConfigError, DatabaseRefused, SecretsError, OSError) as error:
    print(f"vibekeys: {error}", file=sys.stderr)
    sys.exit(_CANNOT_START)

# A worker that ends in order loses nothing of what it has gathered.
atexit.register(app.close)
