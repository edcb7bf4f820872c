"""What can go wrong, said once.

::

    CrossfadeError            500  ours; its message is a sentence a person can act on
    ├── InvalidInput          400  the form or the address is wrong; `field` names the part
    ├── CrossSite             403  a browser sent the post from another site
    ├── ReadOnly              403  this dashboard was started read-only
    ├── ForgedIdentity        403  the request says who has signed in, and may not
    ├── NotSignedIn           403  it takes a person to ask for this, and none has signed in
    ├── Forbidden             403  the Kubernetes API refused: verb and resource are in the message
    ├── NotFound              404  no such object, route or page
    ├── Conflict              409  the route is no longer what the person saw
    │   └── Owned             409  another tool manages the object, and the person has not said that he knows
    ├── Refused               422  the cluster judged the change invalid (admission webhook, schema)
    ├── TooManyViewers        503  no place for one more stream
    ├── ClusterError          502  the Kubernetes API answered something that we can't use
    └── ClusterUnavailable    503  the Kubernetes API does not answer

Adapters translate into these (`raise … from`), views render them: nowhere else is an error caught to be shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class CrossfadeError(Exception):
    """Base of all errors that are shown to people.

    :param message: one sentence, with what to do about it where that is known.
    :param detail: further facts by name, JSON-serialisable; goes into the JSON error as it is.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, detail: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail: dict[str, Any] = dict(detail or {})


class InvalidInput(CrossfadeError):
    """A value sent by the person can't be used; `field` is the form field or part of the address."""

    status = 400
    code = "invalid_input"

    def __init__(self, message: str, *, field: str, detail: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, detail={"field": field, **(detail or {})})
        self.field = field


class CrossSite(CrossfadeError):
    """A browser says that another site sent this request."""

    status = 403
    code = "cross_site"


class ReadOnly(CrossfadeError):
    """Writing is switched off in this dashboard's settings."""

    status = 403
    code = "read_only"


class ForgedIdentity(CrossfadeError):
    """Who asks can't be told: another than the ingress gateway says so, or the name can't be one."""

    status = 403
    code = "forged_identity"


class NotSignedIn(CrossfadeError):
    """Everything is done in a person's name here, and nobody has signed in."""

    status = 403
    code = "not_signed_in"


class Forbidden(CrossfadeError):
    """RBAC lacks a right; the message names verb and resource."""

    status = 403
    code = "forbidden"


class NotFound(CrossfadeError):
    """There is no such object or route."""

    status = 404
    code = "not_found"


class Conflict(CrossfadeError):
    """Somebody changed the route meanwhile; the message says who and what it is now."""

    status = 409
    code = "conflict"


class Owned(Conflict):
    """Another tool manages the object; the message says who, what it will do, and how to write all the same."""

    code = "owned"


class Refused(CrossfadeError):
    """The cluster judged the object invalid; the message is the cluster's own."""

    status = 422
    code = "refused"


class TooManyViewers(CrossfadeError):
    """All places for live streams are taken."""

    status = 503
    code = "too_many_viewers"


class ClusterError(CrossfadeError):
    """The Kubernetes API answered with an error that is its own."""

    status = 502
    code = "cluster_error"


class ClusterUnavailable(CrossfadeError):
    """The Kubernetes API can't be reached or does not answer in time."""

    status = 503
    code = "cluster_unavailable"
