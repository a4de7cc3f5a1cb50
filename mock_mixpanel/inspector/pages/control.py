"""The pages with forms: clock, faults, leaks, project options, reset."""

import json
from collections.abc import Callable
from heapq import nsmallest
from typing import Any

from flask import Response, request

from mock_mixpanel.control.parameters import ControlError, moment_of
from mock_mixpanel.ingest.endpoints import ENDPOINTS
from mock_mixpanel.inspector.site import MOST_PROJECTS, Site, View
from mock_mixpanel.projects.config import IDENTITY_MODES, ConfigError
from mock_mixpanel.simulation.clock import iso
from mock_mixpanel.simulation.fault_actions import CLOSINGS, FaultError

STEPS = (("1 second", 1), ("1 minute", 60), ("1 hour", 3600), ("1 day", 86400))
"""Seconds by which a button advances the clock."""
MOST_DUE = 10
"""Number of due times that the page of the clock shows."""
LARGEST_FORM = 256 * 1024
"""Bytes."""
OPTIONS = ("identity", "alias_delay", "region", "group_keys", "project_id", "geo")
"""Options of a project that have a field of their own; the rest is given as JSON."""


class ControlPages:
    """The views and actions, by path."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def views(self) -> dict[str, View]:
        """The view of each page, by the path below `/_mock/ui/`."""
        return {
            "clock": self.clock,
            "faults": self.faults,
            "leaks": self.leaks,
            "project": self.project,
        }

    def actions(self) -> dict[str, View]:
        """The function of each form's action, by path."""
        return {
            "clock": self._acting(self._change_clock, self.clock),
            "faults": self._acting(self._change_faults, self.faults),
            "project": self._acting(self._change_project, self.project),
            "reset": self._acting(self._reset, self.project),
        }

    def clock(self, problem: str | None = None) -> Response:
        """The virtual clock, and the next due effects."""
        visit = self._site.visit()
        projections = self._site.backend.projections
        with projections.locked():
            states = projections.states(visit.token, visit.region)
            due = nsmallest(MOST_DUE, {due for state in states for due, *_ in state.scheduler.heap})
        return self._site.render(
            "clock.html",
            visit,
            _status(problem),
            **_said(problem),
            steps=STEPS,
            due=list(map(iso, due)),
        )

    def faults(self, problem: str | None = None) -> Response:
        """The rules with their counts, and a form for a new one."""
        return self._site.render(
            "faults.html",
            self._site.visit(),
            _status(problem),
            rules=self._site.backend.faults.shown(),
            paths=ENDPOINTS,
            closings=CLOSINGS,
            given=request.form if problem else request.args,
            **_said(problem),
        )

    def leaks(self) -> Response:
        """Records that were sent to another region than their project's."""
        visit = self._site.visit()
        found = self._site.reading.leaks(self._site.query(visit))
        return self._site.render("leaks.html", visit, found=found)

    def project(self, problem: str | None = None) -> Response:
        """The options of a project, and where its data is."""
        visit = self._site.visit()
        known = self._site.people.projects()
        chosen = next((each for each in known if each["token"] == visit.token), None)
        options = None
        if visit.token:
            options = self._site.backend.projects.options(visit.token).shown()
        return self._site.render(
            "project.html",
            visit,
            _status(problem),
            options=options,
            project=chosen,
            projects=known[:MOST_PROJECTS],
            total=len(known),
            identities=IDENTITY_MODES,
            **_said(problem),
        )

    def _acting(self, act: Callable[[], None], page: Callable[[str | None], Response]) -> View:
        def answer() -> Response:
            request.max_content_length = request.max_form_memory_size = LARGEST_FORM
            try:
                act()
            except (ControlError, ConfigError, FaultError, ValueError) as error:
                return page(str(error))
            visit = self._site.visit()
            path = "project" if visit.page == "reset" else visit.page
            return Response(status=303, headers={"Location": visit.url(path, done="1")})

        return answer

    def _change_clock(self) -> None:
        form, clock = request.form, self._site.backend.clock
        now = moment_of("now", form["now"].strip()) if form.get("now") else None
        advance = _number("advance", form.get("advance", "")) or 0
        freeze = {"freeze": True, "run": False}.get(form.get("state", ""))
        clock.change(now=now, advance=advance, freeze=freeze)

    def _change_faults(self) -> None:
        faults, form = self._site.backend.faults, request.form
        if "remove" in form:
            number = _number("remove", form["remove"])
            faults.remove(int(number or 0))
        elif "remove_all" in form:
            faults.forget(None)
        else:
            faults.add(fault_rule(form.to_dict()))

    def _change_project(self) -> None:
        token = self._token()
        options: dict[str, Any] = {}
        form = request.form
        if form.get("json", "").strip():
            options = json.loads(form["json"])
            if not isinstance(options, dict):
                raise ControlError("options: expected a JSON object")
        else:
            options = {
                "identity": form.get("identity"),
                "region": form.get("home") or None,
                "alias_delay": _number("alias_delay", form.get("alias_delay", "0")) or 0,
                "group_keys": [each.strip() for each in form.get("group_keys", "").split(",")],
            }
            options["group_keys"] = [each for each in options["group_keys"] if each]
        self._site.backend.change_project(token, options)

    def _reset(self) -> None:
        token = request.form.get("forget", "")
        wanted = token or "everything"
        if request.form.get("confirm", "").strip() != wanted:
            raise ControlError(f"nothing was forgotten: type {wanted!r} to confirm")
        self._site.backend.reset(token or None)

    def _token(self) -> str:
        token = request.form.get("token") or request.args.get("token")
        if not token:
            raise ControlError("token: choose a project first")
        return token


def fault_rule(form: dict[str, str]) -> dict[str, Any]:
    """The rule that a form describes. Raises ControlError."""
    given = {name: value.strip() for name, value in form.items() if value.strip()}
    match: dict[str, Any] = {name: given[name] for name in ("path", "token") if name in given}
    for name in ("nth", "times"):
        if name in given:
            match[name] = _whole(name, given[name])
    kind = given.get("action", "")
    value: Any = {
        "status": lambda: _whole("status", given.get("status", "")),
        "status0": lambda: given.get("error", ""),
        "close": lambda: given.get("close", "before"),
        "delay": lambda: _number("delay", given.get("delay", "")),
    }.get(kind)
    if value is None:
        raise ControlError("action: choose what the fault does")
    action: dict[str, Any] = {kind: value()}
    if kind == "status" and "body" in given:
        action["body"] = given["body"]
    if kind != "delay" and "delay" in given:
        action["delay"] = _number("delay", given["delay"])
    if "store" in given and kind != "delay":
        action = {"store_then": action}
    return {"match": match, "action": action}


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ControlError(f"{name}: expected a whole number, got {text!r}")
    return int(text)


def _number(name: str, text: str) -> float | None:
    """A number of a form; None if the field is empty. Raises ControlError."""
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError as error:
        raise ControlError(f"{name}: expected a number, got {text!r}") from error


def _status(problem: str | None) -> int:
    return 400 if problem else 200


def _said(problem: str | None) -> dict[str, Any]:
    return {"problem": problem, "done": "done" in request.args and not problem}
