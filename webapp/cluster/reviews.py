"""Ask the API server who may do what, before it is tried.

https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Lock
from typing import NamedTuple

from webapp.cluster.client import Client
from webapp.cluster.failures import not_json
from webapp.cluster.kinds import KINDS
from webapp.errors import ClusterUnavailable, CrossfadeError
from webapp.identity import Person

PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
FRESH_SECONDS = 30.0
QUIET_SECONDS = 3.0
"""After an API server that did not answer, nobody asks it again so soon."""
READ_SECONDS = 2.0
PATIENCE_SECONDS = 0.5
"""How long a page waits for one answer; an API server that is well gives it in 2 to 5 ms."""
VISIBLE_SECONDS = 3.0
"""How long it waits for many: without them it can show nothing."""
ASKERS = 4
MOST_ASKED = 2_000
"""At one time: more namespaces than these are not told."""
MOST_ANSWERS = 20_000

NOT_TOLD = (None, float("-inf"))
"""An answer, and until when it is fresh."""

GROUPS = {kind.resource: kind.group for kind in KINDS}


class Question(NamedTuple):
    """May this person (None: this dashboard itself) do this there? An empty namespace means in all at once."""

    person: Person | None
    verb: str
    resource: str
    namespace: str


def ask(client: Client, verb: str, resource: str, *, namespace: str, person: Person | None = None) -> bool:
    """Ask one SelfSubjectAccessReview.

    For a person it is sent in that person's name, which needs no right but to do so: with a SubjectAccessReview this
    dashboard could ask about everybody and everything.

    :param namespace: empty asks for all namespaces at once.
    :raises CrossfadeError: it can't be told.
    """
    attributes = {"verb": verb, "group": GROUPS.get(resource, ""), "resource": resource, "namespace": namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = client.json("POST", PATH, body=review, read_seconds=READ_SECONDS, person=person)
    status = answer.get("status") if isinstance(answer, dict) else None
    if not isinstance(status, dict) or not isinstance(status.get("allowed"), bool):
        raise not_json(client.host)
    return bool(status["allowed"])


class Reviews:
    """Answers about rights, each remembered for a while; safe for threads.

    A few threads ask, so that nobody waits long: where an answer does not come in time, the last one holds.
    """

    def __init__(self, client: Client, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._guard = Lock()
        self._answers: dict[Question, tuple[bool | None, float]] = {}
        self._asked: dict[Question, tuple[Future[None], float]] = {}
        """What is being asked, and since when."""
        self._askers = ThreadPoolExecutor(ASKERS, thread_name_prefix="review")
        self._quiet_until = float("-inf")

    def can(self, verb: str, resource: str, *, namespace: str, person: Person | None = None) -> bool | None:
        """Tell whether this is granted, as of some 30 s ago at most; None where it can't be told."""
        return self._answers_to([Question(person, verb, resource, namespace)])[0]

    def where(self, verb: str, resource: str, namespaces: Collection[str], *, person: Person) -> frozenset[str]:
        """Tell in which of these namespaces a person may do this.

        :raises ClusterUnavailable: it can't be told, and never could.
        """
        answers = self._answers_to([Question(person, verb, resource, "")])
        if answers == [True]:
            return frozenset(namespaces)
        questions = [Question(person, verb, resource, each) for each in namespaces]
        answers += self._answers_to(questions, patience_seconds=VISIBLE_SECONDS)
        if None in answers:
            raise ClusterUnavailable(
                f"What {person.name} may see can't be told: the API server does not say. Try again in a moment."
            )
        return frozenset(each for each, is_allowed in zip(namespaces, answers[1:], strict=True) if is_allowed)

    def stop(self) -> None:
        """Break off what is being asked, and end the threads."""
        self._quiet_until = float("inf")
        self._client.interrupt()
        self._askers.shutdown(cancel_futures=True)
        self._client.close()

    def _answers_to(
        self, questions: Sequence[Question], *, patience_seconds: float = PATIENCE_SECONDS
    ) -> list[bool | None]:
        with self._guard:
            now = self._clock()
            old = [each for each in questions if now >= self._answers.get(each, NOT_TOLD)[1]]
            asked = [self._ask(each) for each in old[:MOST_ASKED]] if now >= self._quiet_until else []
        # An answer that somebody else has waited for already keeps nobody waiting again.
        since = max((at for _, at in asked), default=now)
        wait([future for future, _ in asked], timeout=max(0.0, since + patience_seconds - now))
        with self._guard:
            return [self._answers.get(each, NOT_TOLD)[0] for each in questions]

    def _ask(self, question: Question) -> tuple[Future[None], float]:
        if question not in self._asked:
            self._asked[question] = self._askers.submit(self._review, question), self._clock()
        return self._asked[question]

    def _review(self, question: Question) -> None:
        person, verb, resource, namespace = question
        try:
            if self._clock() < self._quiet_until:
                return
            answer = ask(self._client, verb, resource, namespace=namespace, person=person)
        except ClusterUnavailable:
            self._quiet_until = self._clock() + QUIET_SECONDS
        except CrossfadeError:
            self._keep(question, None)
        else:
            self._keep(question, answer)
        finally:
            with self._guard:
                del self._asked[question]

    def _keep(self, question: Question, answer: bool | None) -> None:
        with self._guard:
            self._answers.pop(question, None)
            if len(self._answers) >= MOST_ANSWERS:
                del self._answers[next(iter(self._answers))]
            self._answers[question] = answer, self._clock() + FRESH_SECONDS
