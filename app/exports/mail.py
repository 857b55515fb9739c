"""A letter as an e-mail: plain text, and the calendar file where the place is confirmed."""

from __future__ import annotations

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from app.exports.calendar import CalendarEvent, calendar_file, event_uid
from app.registration.outbox import Parcel


def message_of(parcel: Parcel, *, sender: str, now: datetime) -> EmailMessage:
    """The message. Its id is made of the sender's domain, not of this machine's name.

    Raises ValueError or HeaderParseError for an address that is none.
    """
    message = EmailMessage(policy=SMTP)
    if not parcel.address.isascii():
        raise ValueError("an address that only SMTPUTF8 could carry")
    message["From"], message["Subject"] = sender, parcel.letter.subject
    message["To"] = Address(addr_spec=parcel.address)  # one address: a comma in it must not make two
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(idstring="shiliu", domain=sender.rpartition("@")[2].rstrip(">") or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(parcel.letter.body, cte="base64")
    if parcel.sessions:
        message.add_attachment(
            _calendar(parcel, now),
            maintype="text",
            subtype="calendar",
            filename="activity.ics",
            params={"method": "PUBLISH"},
        )
    return message


def _calendar(parcel: Parcel, now: datetime) -> bytes:
    events = [
        CalendarEvent(
            uid=event_uid(code), title=f"{parcel.title}（{label}）" if label else parcel.title, starts_at=start,
            ends_at=end, place=parcel.venue, note=parcel.note, url=parcel.page, revision=parcel.revision, is_cancelled=parcel.is_cancelled,
        )
        for code, label, start, end in parcel.sessions
    ]  # fmt: skip
    return calendar_file(events, name=parcel.title, made_at=now)
