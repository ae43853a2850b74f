"""``gunicorn -c gunicorn.conf.py wsgi:app``: the settings that ``vibekeys run`` serves with."""

from app.serve.gunicorn_settings import *  # noqa: F403
