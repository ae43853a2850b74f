"""``gunicorn -c gunicorn.conf.py wsgi:app``, as the Procfile starts it."""

from __future__ import annotations

import http.client
import subprocess
import sys
from pathlib import Path

from tests.serve.processes import PATIENCE, REPOSITORY, environment, eventually, free_port, refusal

GUNICORN = (sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app")
MIGRATE = (sys.executable, "-m", "app.cli", "migrate")


def test_it_serves_and_believes_no_forwarded_header(tmp_path: Path, valkey_url: str) -> None:
    port = free_port()
    environ = environment(tmp_path, PORT=str(port), REDIS_URL=valkey_url, FORWARDED_ALLOW_IPS="*")
    subprocess.run(MIGRATE, env=environ, cwd=REPOSITORY, check=True, capture_output=True)

    def status(path: str, **headers: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            connection.request("GET", path, headers=headers)
            return connection.getresponse().status
        except ConnectionRefusedError:
            return 0
        finally:
            connection.close()

    with subprocess.Popen(GUNICORN, env=environ, cwd=REPOSITORY, stderr=subprocess.DEVNULL) as gunicorn:
        eventually(lambda: status("/readyz") == 200, "gunicorn is ready")
        # Believed, it would turn this path into /healthz, which needs no key.
        assert status("/v1/healthz", SCRIPT_NAME="/v1") == 401
        gunicorn.terminate()
        assert gunicorn.wait(PATIENCE) == 0


def test_a_bad_setting_is_one_line_without_a_traceback(tmp_path: Path) -> None:
    said = refusal(environment(tmp_path, REDIS_DOWN="maybe"), GUNICORN)
    assert said == "vibekeys: REDIS_DOWN: 'maybe' is none of local, open, closed\n"


def test_a_folder_that_cannot_be_written_is_one_line_too(tmp_path: Path) -> None:
    said = refusal(environment(tmp_path, STATE_DIR="/dev/null/state"), GUNICORN)
    assert said == "vibekeys: STATE_DIR: cannot write /dev/null/state/metrics: Not a directory\n"


def test_a_missing_database_ends_it_without_a_traceback(tmp_path: Path) -> None:
    environ = environment(tmp_path, REDIS_URL="redis://127.0.0.1:1", PORT=str(free_port()))
    ended = subprocess.run(
        GUNICORN, env=environ, cwd=REPOSITORY, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert ended.returncode == 3
    assert "run `vibekeys migrate`" in ended.stderr
    assert "Traceback" not in ended.stderr
