"""One letter to one SMTP server: sent, or a word of a closed list. Nothing of it reaches a log: errors hold addresses."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage

SECONDS = 20
IMPLICIT_TLS_PORT = 465


@dataclass(frozen=True, slots=True)
class Smtp:
    """Where letters go out. Without `starttls` only for a server on the same machine."""

    host: str
    port: int
    user: str
    password: str
    starttls: bool
    sender: str
    context: ssl.SSLContext | None = None


def send(smtp: Smtp, message: EmailMessage) -> str:
    """The problem's word, or nothing when the server took it. An encrypted connection is never given up for a plain one."""
    try:
        with _open(smtp) as server:
            if smtp.starttls and smtp.port != IMPLICIT_TLS_PORT:
                server.starttls(context=smtp.context or ssl.create_default_context())
            if smtp.user:
                server.login(smtp.user, smtp.password)
            server.send_message(message)
    except smtplib.SMTPRecipientsRefused as refused:
        codes = [code for code, _text in refused.recipients.values()]
        return "refused" if all(code >= 500 for code in codes) else "busy"
    except smtplib.SMTPAuthenticationError:
        return "login"
    except smtplib.SMTPNotSupportedError:
        return "no_tls" if smtp.starttls else "login"
    except ssl.SSLError:
        return "no_tls"
    except smtplib.SMTPResponseException as answered:
        return "rejected" if answered.smtp_code >= 500 else "busy"
    except (smtplib.SMTPException, OSError):
        return "unreachable"
    return ""


def _open(smtp: Smtp) -> smtplib.SMTP:
    if smtp.port == IMPLICIT_TLS_PORT:
        return smtplib.SMTP_SSL(
            smtp.host, smtp.port, timeout=SECONDS, context=smtp.context or ssl.create_default_context()
        )
    return smtplib.SMTP(smtp.host, smtp.port, timeout=SECONDS)
