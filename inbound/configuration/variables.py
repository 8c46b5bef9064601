"""How variables are declared and read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, Self, TypeVar, cast, overload

from inbound.configuration.forms import Form, Refused

T = TypeVar("T")


class InvalidConfiguration(Exception):
    """Variables with values that cannot be used. The text has one sentence and one line for each."""


class Variable(Generic[T]):
    """An environment variable, declared as an attribute of `Variables`. The attribute's name is the variable's.

    An empty variable counts as not set. `default` is a text of the form, and empty if there is none.
    """

    def __init__(self, form: Form[T], default: str = "") -> None:
        self.form = form
        self.default = default
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Variables, owner: type) -> T: ...
    def __get__(self, instance: Variables | None, owner: type) -> T | Self:
        return self if instance is None else cast(T, instance.values[self.name])

    def read(self, environ: Mapping[str, str]) -> T:
        """The value in this environment. Raises InvalidConfiguration."""
        text = environ.get(self.name) or self.default
        try:
            return self.form.read(text) if text else cast(T, self.form.unset)
        except Refused as problem:
            raise InvalidConfiguration(f"{self.name} {problem}.") from None


class Setting(Variable[T]):
    """A variable that is also a Django setting of the same name."""


class Variables:
    """The values of all declared variables in an environment. Raises InvalidConfiguration."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.values: dict[str, Any] = {}
        problems = []
        for variable in self.declared():
            try:
                self.values[variable.name] = variable.read(environ)
            except InvalidConfiguration as problem:
                problems.append(str(problem))
        if problems := problems or self.contradictions():
            raise InvalidConfiguration("\n".join(problems))

    @classmethod
    def declared(cls) -> list[Variable[Any]]:
        return [value for value in vars(cls).values() if isinstance(value, Variable)]

    def contradictions(self) -> list[str]:
        """What is wrong with values that are right by themselves. Each is a sentence that begins with a variable."""
        return []

    def settings(self) -> dict[str, Any]:
        """The values of the Django settings by name."""
        return {it.name: self.values[it.name] for it in self.declared() if isinstance(it, Setting)}
