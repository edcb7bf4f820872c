"""Answers, and what each was drawn from: what changes takes with it the answers that looked at it, and no others."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple, TypeAlias

Token: TypeAlias = Hashable
"""Something that answers are drawn from: a kind as a whole (its field's name), or one group of one Grouping."""

MOST_ANSWERS = 100_000
"""After so many answers all are forgotten at the next change: some may be about what is long gone."""


class Answer(NamedTuple):
    """An answer and all that was looked at for it."""

    given: Any
    read: frozenset[Token]


class Memory:
    """Answers to questions about one Snapshot. Threads may look and add while a successor is made."""

    def __init__(self) -> None:
        self._answers: dict[Hashable, Answer] = {}
        self._readers: dict[Token, set[Hashable]] = {}
        """Questions by what was read for them: all whose answers are here, and some whose are no longer."""
        self._count = 0

    def get(self, question: Hashable) -> Answer | None:
        """Give what was answered, None where nobody has asked yet."""
        return self._answers.get(question)

    def put(self, question: Hashable, given: Any, read: Iterable[Token]) -> Answer:
        """Keep an answer."""
        answer = Answer(given, frozenset(read))
        # Readers first here, and last in `successor`: whichever answer that finds, it finds the readers of, too.
        for token in answer.read:
            self._readers.setdefault(token, set()).add(question)
        self._answers[question] = answer
        self._count += 1
        return answer

    def successor(self, touched: Iterable[Token]) -> Memory:
        """Give the answers that were drawn from nothing that was touched."""
        after = Memory()
        if self._count < MOST_ANSWERS:
            after._answers, after._readers, after._count = self._answers.copy(), self._readers.copy(), self._count
            for token in touched:
                for question in tuple(after._readers.pop(token, ())):
                    after._answers.pop(question, None)
        return after
