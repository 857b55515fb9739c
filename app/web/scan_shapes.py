"""The JSON that a paired phone and the server exchange; the OpenAPI document is made from these."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from app.checkin.offline import Scan

Millis = Annotated[int, Field(ge=0, le=10**14)]
Mono = Annotated[float, Field(ge=0, le=1e13, allow_inf_nan=False)]
Uid = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{22}$")]
Life = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
Count = Annotated[int, Field(ge=0, le=100_000)]
BATCH = 50


class EventIn(BaseModel):
    """One scan or undo as the phone wrote it. Unknown fields are ignored."""

    uid: Uid
    counter: int = Field(ge=1, le=10**9)
    session: str = Field(pattern=r"^[0-9a-z]{1,12}$")
    kind: Literal["arrival", "undo"]
    ticket: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    code: str | None = Field(None, pattern=r"^[0-9A-Za-z -]{1,20}$")
    walk_in: bool = False
    people: int | None = Field(None, ge=1, le=2000)
    # Of an undo, what it takes back; of an arrival, the scan of a class that was answered with `ask`.
    refers_to: Uid | None = None
    device_at: Millis
    mono: Mono
    life: Life
    by: Literal["camera", "file", "typed", "keyboard"] = "camera"
    # What a class's `people` are. first: nobody was here as far as the phone knew; never added to what another counted.
    # part: so many more. whole: so many altogether, in place of all that was reported before.
    count_as: Literal["first", "part", "whole"] = "part"


class EnvelopeIn(BaseModel):
    """A batch, without its events: each of them is read by itself."""

    sent_at: Millis
    sent_mono: Mono
    life: Life
    waiting: Count = 0


def read_scan(raw: Any) -> Scan | None:
    """One event, whole; None for anything else."""
    try:
        found = EventIn.model_validate(raw)
    except ValidationError:
        return None
    if found.kind == "undo" and found.refers_to is None:
        return None
    if found.kind == "arrival" and not (found.ticket or found.code or found.walk_in):
        return None
    return Scan(**found.model_dump())


class EventsIn(EnvelopeIn):
    """A batch of at most 50 events; an empty one tells that the phone is there."""

    events: list[EventIn] = Field(max_length=BATCH)


class AnswerOut(BaseModel):
    """What became of one event; the phone forgets it when `stored` is true."""

    uid: str
    stored: bool
    outcome: Literal[
        "accepted", "duplicate", "conflict", "unknown", "quarantined", "refused", "undone", "nothing_to_undo", "retry"
    ]
    tone: Literal["green", "amber", "red"]
    message: str
    name: str
    people: int
    here: int
    first_at: datetime | None
    # Of a class, stored but not counted: how many came? The answer is an arrival whose `refers_to` is this uid.
    ask: Literal["", "number", "which"] = ""
    expected: int = 0


class AnswersOut(BaseModel):
    """One answer for each event, in the same order; `trouble` and its words where the pairing holds no more."""

    server_now: int
    answers: list[AnswerOut]
    trouble: Literal["", "revoked", "ended", "expired"] = ""
    message: str = ""


class DeviceOut(BaseModel):
    """The phone itself."""

    code: str
    label: str
    expires_at: datetime
    seal: str  # what it seals a hand-over file with


class PracticeOut(BaseModel):
    """The activity it is paired for."""

    code: str
    title: str
    is_practice: bool


class SessionOut(BaseModel):
    """A session that the phone may scan for."""

    code: str
    label: str
    starts_at: datetime
    ends_at: datetime
    opens_at: datetime
    closes_at: datetime


class HereOut(BaseModel):
    """Who is here at one session: since when, how many."""

    at: datetime
    here: int


class TicketOut(BaseModel):
    """One ticket by its hash; `at` and `here` speak of its own session or the current one, `sessions` of each."""

    h: str
    n: str
    people: int
    kind: str
    s: str | None
    state: str
    at: datetime | None
    here: int
    sessions: dict[str, HereOut]


class RosterOut(BaseModel):
    """Hashes and masked names of one activity; never a phone number or a full name."""

    device: DeviceOut
    activity: PracticeOut
    sessions: list[SessionOut]
    current: str
    issued_at: datetime
    server_now: int
    tickets: list[TicketOut]
    takes_walk_in: bool


class EndIn(BaseModel):
    """The shift is over; `force` although events still wait on the phone."""

    waiting: Count | None = None
    force: bool = False


class EndOut(BaseModel):
    """It is over."""

    ended: bool


class ErrorOut(BaseModel):
    """Why not, as a word and in words."""

    error: str
    message: str


class HandedEventIn(BaseModel):
    """Which phone made an event of a hand-over file; the rest of it is an `EventIn`."""

    device: str = Field("", pattern=r"^[0-9a-z]{0,12}$")


class HandedBodyIn(BaseModel):
    """What stands in a hand-over file: what still waited, and what the server could never store."""

    made_at: Millis
    mono: Mono
    life: Life
    ahead: int = Field(0, ge=-(10**13), le=10**13)
    events: list[Any]
    refused: list[Any] = []


class HandedFileIn(BaseModel):
    """A hand-over file: the body as text, so that its seal is over exactly these characters."""

    kind: Literal["shiliu-scan"]
    device: str = Field(pattern=r"^[0-9a-z]{1,12}$")
    body: str
    seal: str = Field("", pattern=r"^[0-9a-f]{0,64}$")
