"""Settings: read once, mistakes refused by name, and no server without a secret."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from bidding import create_app
from bidding.config import ROOT, Settings, SettingsError


def test_settings_come_from_the_environment():
    settings = Settings.from_environ(
        {
            "BIDDING_DATA_DIR": "/srv/jiebang",
            "BIDDING_TRUSTED_PROXIES": "2",
            "BIDDING_LOG_FORMAT": "",
            "HOME": "/root",
        }
    )
    assert settings.data_dir == Path("/srv/jiebang")
    assert settings.trusted_proxies == 2
    assert settings.log_format == "json"


def test_a_misspelt_variable_is_refused_by_name():
    with pytest.raises(SettingsError, match="BIDDING_SECRETKEY: no such setting"):
        Settings.from_environ({"BIDDING_SECRETKEY": "x"})


def test_a_number_that_is_none_is_refused_by_name():
    with pytest.raises(SettingsError, match="BIDDING_MAX_REQUEST_MB: cannot read 'eight'"):
        Settings.from_environ({"BIDDING_MAX_REQUEST_MB": "eight"})


def test_every_setting_says_what_it_is_for():
    assert [f.name for f in fields(Settings) if not f.metadata.get("help")] == []


def test_the_database_is_a_file_in_the_data_folder_unless_another_is_named():
    assert Settings(data_dir=Path("/srv")).database == "sqlite:////srv/jiebang.sqlite3"
    assert Settings(database_url="postgresql:///jb").database == "postgresql:///jb"


def test_no_application_without_a_secret_key(tmp_path, monkeypatch):
    monkeypatch.delenv("FLASK_RUN_FROM_CLI", raising=False)
    with pytest.raises(SettingsError, match="BIDDING_SECRET_KEY is not set"):
        create_app(Settings(data_dir=tmp_path))


def test_a_wsgi_server_refuses_to_start_without_a_secret_key(tmp_path):
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("BIDDING_", "FLASK_"))}
    result = subprocess.run(
        [sys.executable, "-c", "from app import app"],
        cwd=ROOT,
        env=environ | {"BIDDING_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode != 0
    assert "BIDDING_SECRET_KEY is not set" in result.stderr


def test_a_local_secret_is_made_once_and_readable_by_its_owner_only(tmp_path):
    first = Settings(data_dir=tmp_path / "new").with_local_secret()
    again = Settings(data_dir=tmp_path / "new").with_local_secret()
    assert first.secret_key == again.secret_key
    assert len(first.secret_key) >= 48
    mode = stat.S_IMODE((tmp_path / "new" / "secret_key").stat().st_mode)
    assert mode == 0o600


def test_a_given_secret_is_not_replaced(tmp_path):
    assert Settings(data_dir=tmp_path, secret_key="mine").with_local_secret().secret_key == "mine"
    assert list(tmp_path.iterdir()) == []
