"""Settings, from ``BIDDING_*`` environment variables. The README's table is made from here."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "BIDDING_"


class SettingsError(Exception):
    """A setting is missing or cannot be read."""


def _setting(default: Any, help_text: str) -> Any:
    return field(default=default, metadata={"help": help_text})


@dataclass(frozen=True)
class Settings:
    """Everything that can be set. Each field is the variable ``BIDDING_<NAME>``."""

    database_url: str = _setting(
        "", "SQLAlchemy URL; empty means SQLite under the data folder. `postgresql://…` works"
    )
    data_dir: Path = _setting(
        ROOT / "instance", "Folder for the database, the queue, the secret key and unsent mail"
    )
    secret_key: str = _setting("", "Signs sessions and links; required in production")
    base_url: str = _setting("http://127.0.0.1:5000", "Address of the site, for links in mail")
    smtp_url: str = _setting(
        "", "`smtp://user:password@host:587?starttls=1` or `smtps://…`; empty writes mail to files"
    )
    mail_from: str = _setting("Jiebang <no-reply@jiebang.invalid>", "Sender of mail")
    redis_url: str = _setting("", "Queue and rate limits for several processes; empty needs none")
    queue: str = _setting("", "`memory` keeps the queue in the process; empty chooses by Redis URL")
    programme_name: str = _setting("", "Name of the programme, shown in the header and in mail")
    time_zone: str = _setting("Asia/Shanghai", "Time zone of every date on the pages")
    default_locale: str = _setting("zh_Hans_CN", "Language of a first visit: `zh_Hans_CN` or `en`")
    matching_policy: str = _setting(
        "", "TOML file with points that facts add in matching; empty means the default"
    )
    sign_in_limit: str = _setting("10 per minute;100 per hour", "Sign-in attempts per address")
    mail_limit: str = _setting("5 per minute;30 per hour", "Requests that send mail, per address")
    trusted_proxies: int = _setting(0, "Number of reverse proxies whose headers are believed")
    log_format: str = _setting("json", "`json` or `console`")
    max_request_mb: int = _setting(8, "Largest request accepted, in MiB")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings; unknown ``BIDDING_*`` names are a mistake and are refused.

        Raises
        ------
        SettingsError
            Naming the variable.
        """
        environ = os.environ if environ is None else environ
        known = {PREFIX + f.name.upper(): f for f in fields(cls)}
        values: dict[str, Any] = {}
        for name, text in environ.items():
            if not name.startswith(PREFIX):
                continue
            if name not in known:
                raise SettingsError(f"{name}: no such setting; see the README's table")
            default = known[name].default
            try:
                values[known[name].name] = type(default)(text) if text else default
            except ValueError:
                raise SettingsError(f"{name}: cannot read {text!r}") from None
        return cls(**values)

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite:///{self.data_dir / 'jiebang.sqlite3'}"

    def with_local_secret(self) -> Settings:
        """The same settings with a secret key kept in the data folder, made when missing."""
        if self.secret_key:
            return self
        path = self.data_dir / "secret_key"
        if not path.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            path.write_text(secrets.token_urlsafe(48))
            path.chmod(0o600)
        return replace(self, secret_key=path.read_text().strip())


def init_app(app: Flask, settings: Settings) -> None:
    """Turn settings into the configuration of Flask and its extensions.

    Raises
    ------
    SettingsError
        When there is no secret key. ``flask --app app …`` commands and ``python app.py`` keep
        one in the data folder; a server must be given its own.
    """
    if not settings.secret_key:
        if os.environ.get("FLASK_RUN_FROM_CLI") != "true":
            raise SettingsError(
                "BIDDING_SECRET_KEY is not set. A server needs its own: "
                'python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
            )
        settings = settings.with_local_secret()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_ENGINES={"default": {"url": settings.database, "pool_pre_ping": True}},
        SESSION_COOKIE_NAME="jiebang",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(days=30),
        WTF_CSRF_TIME_LIMIT=None,  # a token lives as long as its session: no form times out
        # Addresses of static files change with their content, see `templating.asset`.
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(days=365),
        MAX_CONTENT_LENGTH=settings.max_request_mb * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=settings.max_request_mb * 1024 * 1024,
        BABEL_DEFAULT_LOCALE=settings.default_locale,
        BABEL_DEFAULT_TIMEZONE=settings.time_zone,
        BABEL_TRANSLATION_DIRECTORIES=str(ROOT / "bidding" / "translations"),
        RATELIMIT_STORAGE_URI=settings.redis_url or "memory://",
        RATELIMIT_HEADERS_ENABLED=True,
    )
