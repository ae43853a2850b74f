"""The embedded server's address, and a server that was left behind."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import redis

from app import valkey
from app.config import Config


def config_in(folder: Path) -> Config:
    folder.mkdir(parents=True, exist_ok=True)
    return Config.from_env({"DATABASE_URL": f"sqlite:///{folder}/vibekeys.db"})


def test_the_url_leads_to_the_socket_however_odd_or_long_its_path(tmp_path: Path) -> None:
    for name in ("odd #%41ü", "long" * 40):
        config = config_in(tmp_path / name)
        with subprocess.Popen(valkey.command(), cwd=config.state_dir) as server:
            client = redis.Redis.from_url(valkey.embedded_redis_url(config), decode_responses=True)
            while not valkey.answers(config):
                assert server.poll() is None
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert client.config_get("port") == {"port": "0"}
            client.close()
            assert valkey.shut_down_leftover(config)
            assert server.wait(10) == 0


def test_a_server_that_does_not_end_is_not_taken_for_gone(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    with subprocess.Popen(valkey.command(), cwd=config.state_dir) as server:
        while not valkey.answers(config):
            assert server.poll() is None
        server.send_signal(signal.SIGSTOP)
        assert not valkey.shut_down_leftover(config, patience=0.1)
        server.kill()
    assert valkey.shut_down_leftover(config), "its socket is left, and nobody listens there"


def test_data_is_set_aside_not_deleted(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    assert valkey.set_aside_data(config) is None
    (tmp_path / "appendonlydir").mkdir()
    (tmp_path / "appendonlydir" / "kept").touch()
    moved = valkey.set_aside_data(config)
    assert moved is not None
    assert (moved / "kept").exists()
    assert not (tmp_path / "appendonlydir").exists()
