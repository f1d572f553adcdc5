"""How mail leaves: by SMTP, or into files where no server is set."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import parse_qs, unquote, urlsplit

import structlog

from bidding.config import Settings, SettingsError
from bidding.notifications.letters import host_name

log = structlog.get_logger(__name__)

TIMEOUT = 20
_CLOSING = 421


class Refused(Exception):
    """The server will never take this mail."""


class PutOff(Exception):
    """The server will not take this mail now."""


class Unreachable(Exception):
    """The server takes no mail at the moment, neither this nor any other."""


class Transport(Protocol):
    """Something that mail leaves by; used as a context, for one run of delivery."""

    encoding: str
    """The content transfer encoding that suits it."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *details: object) -> None: ...
    def send(self, message: EmailMessage, address: str) -> None:
        """Send, or raise one of the exceptions of this module."""


def make_transport(settings: Settings) -> Transport:
    """The transport that the settings ask for."""
    if settings.smtp_url:
        return SmtpTransport(SmtpServer.parse(settings.smtp_url), settings)
    return FileTransport(settings.data_dir / "mail")


class FileTransport:
    """Mail as ``.eml`` files, readable as they are; the log says where."""

    encoding = "8bit"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        pass

    def send(self, message: EmailMessage, address: str) -> None:  # noqa: ARG002 - see Transport
        # The links in mail sign people in, hence for the owner's eyes only.
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = message["Message-ID"].strip("<>").partition("@")[0]
        path = self.folder / f"{name}.eml"
        path.write_bytes(message.as_bytes())
        path.chmod(0o600)
        log.info("mail_written", path=str(path), subject=message["Subject"])


@dataclass(frozen=True)
class SmtpServer:
    """What a URL ``smtp[s]://user:password@host:port?starttls=1`` says."""

    host: str
    port: int
    user: str
    password: str
    tls: bool
    starttls: bool

    @classmethod
    def parse(cls, url: str) -> SmtpServer:
        """Read `url`.

        Raises
        ------
        SettingsError
            It is not such a URL. The message does not repeat it: it holds a password.
        """
        parts = urlsplit(url)
        options = parse_qs(parts.query)
        try:
            port = parts.port
        except ValueError:
            raise SettingsError("BIDDING_SMTP_URL: the port is not a number") from None
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise SettingsError("BIDDING_SMTP_URL: expected smtp://host or smtps://host")
        if set(options) - {"starttls"}:
            raise SettingsError("BIDDING_SMTP_URL: the only option is starttls=1")
        tls = parts.scheme == "smtps"
        starttls = options.get("starttls", ["0"])[-1] not in ("0", "false", "no")
        return cls(
            host=parts.hostname,
            port=port or (465 if tls else 587 if starttls else 25),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            tls=tls,
            starttls=starttls and not tls,
        )


class SmtpTransport:
    """One connection to a mail server, opened with the first mail."""

    encoding = "base64"

    def __init__(self, server: SmtpServer, settings: Settings) -> None:
        self.server = server
        self.sender = parseaddr(settings.mail_from)[1]
        self.own_name = host_name(settings)
        self._connection: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._close()

    def send(self, message: EmailMessage, address: str) -> None:
        try:
            if self._connection is None:
                self._connection = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            raise Unreachable(_told(error)) from error
        try:
            self._connection.send_message(message, self.sender, [address])
        except smtplib.SMTPRecipientsRefused as error:
            code, text = error.recipients[address]
            raise self._verdict(code, f"{code} {_decoded(text)}") from error
        except (smtplib.SMTPSenderRefused, smtplib.SMTPHeloError) as error:
            # It objects to us, not to the recipient: every mail would meet the same answer.
            self._close()
            raise Unreachable(_told(error)) from error
        except smtplib.SMTPResponseException as error:
            raise self._verdict(error.smtp_code, _told(error)) from error
        except smtplib.SMTPNotSupportedError as error:
            raise Refused(_told(error)) from error
        except (OSError, smtplib.SMTPException) as error:
            self._close()
            raise Unreachable(_told(error)) from error

    def _connect(self) -> smtplib.SMTP:
        server = self.server
        context = ssl.create_default_context()
        connection: smtplib.SMTP
        if server.tls:
            connection = smtplib.SMTP_SSL(
                server.host, server.port, self.own_name, timeout=TIMEOUT, context=context
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, self.own_name, timeout=TIMEOUT)
        try:
            if server.starttls:
                connection.starttls(context=context)
            if server.user:
                connection.login(server.user, server.password)
        except BaseException:
            connection.close()
            raise
        return connection

    def _verdict(self, code: int, told: str) -> Exception:
        if code == _CLOSING:
            self._close()
            return Unreachable(told)
        return Refused(told) if code >= 500 else PutOff(told)

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError, smtplib.SMTPException):
                connection.quit()
            connection.close()


def _told(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_decoded(error.smtp_error)}"
    return f"{type(error).__name__}: {error}"


def _decoded(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text
