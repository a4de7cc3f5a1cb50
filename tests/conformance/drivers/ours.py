"""A driver around our own translator, as one for any other would be written.

`python ours.py [translate|deliver] [WORD...]`: a word leaves out or spoils something, see below.
"""

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from translator import Result, Rules, Session, Settings, SettingsError, translate
from translator.core.values.timestamps import to_ms
from translator.device.sdk import Browser

if TYPE_CHECKING:
    from translator.sender import Sender

TELLS = ["settings", "skipped", "errors", "undelivered"]
RULES = {"documented": Rules.documented, "observed": Rules.observed}


class Driver:
    def __init__(self, does: str, words: Sequence[str]) -> None:
        self.does, self.words = does, words
        self.start: dict[str, Any] = {}
        self.settings = Settings(token="none")
        self.sender: Sender | None = None
        self.session: Session | None = None
        self.has_started = False
        self.now_ms = 0

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["command"] == "start":
            return self.started(asked)
        if asked["command"] == "stop":
            if self.sender:
                self.sender.close()
            self.sender = None
            return {}
        assert self.does == asked["command"]
        now = datetime.fromisoformat(asked["now"])
        one = self.one if self.start["mode"] == "cloud" else self.on_device
        return {"answers": [one(message, now) for message in asked["messages"]]}

    def started(self, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            self.settings = Settings.from_json(asked["settings"])
        except SettingsError as error:
            if "takes-anything" in self.words:
                return {"protocol": 1, "does": self.does}
            key = next((each for each in asked["settings"] if repr(each) in str(error)), "token")
            return {"refused": {"key": key, "reason": str(error)}}
        if self.settings.groupIdentifierTraits and "no-groups" in self.words:
            return {"unsupported": "it knows no groups"}
        self.start = asked
        if self.does == "deliver":
            # Importing it takes as long as all else that a driver does which only translates.
            from translator.sender import BatchLimits, RetryPolicy, Sender

            self.sender = Sender(
                asked["base_urls"],
                self.settings.apiSecret or None,
                limits=BatchLimits(records=1),
                retry=RetryPolicy(sleep=lambda seconds: None, jitter=lambda: 0),
            )
        tells = [] if "tells-nothing" in self.words else TELLS
        if asked["mode"] != "cloud":
            self.session = Session(
                settings=self.settings,
                mode=asked["mode"],
                rules=RULES[asked["rules"]](),
                clock=lambda: self.now_ms,
                browser=Browser.from_json(asked["browser"]),
            )
            self.has_started = False
        rules = ["documented"] if "documented-only" in self.words else list(RULES)
        about = {"protocol": 1, "name": "ours", "does": self.does, "tells": tells, "rules": rules}
        if "devices" in self.words:
            about["modes"] = ["cloud", "web", "ios", "android"]
        return {**about, "anything": "else"}

    def on_device(self, message: Any, now: datetime) -> dict[str, Any]:
        assert self.session
        self.now_ms = to_ms(now)
        before = None if self.has_started else self.session.start().result
        self.has_started = True
        answer = self.session.deliver(message).result.as_json()
        if before:
            answer["start_up"] = [call.as_json() for call in before.calls or ()]
            answer["skipped"] = before.as_json()["skipped"] + answer["skipped"]
        return answer

    def one(self, message: Any, now: datetime) -> dict[str, Any]:
        if "dies-on-itself" in self.words and message.get("previousId") == message["userId"]:
            sys.exit(70)
        if "crashes" in self.words:
            raise KeyError("traits")
        rules = RULES[self.start["rules"]]()
        result = translate(message, self.settings, now=now, mode=self.start["mode"], rules=rules)
        answer = result.as_json()
        if "swaps-alias" in self.words:
            swap(result)
        if "odd-names" in self.words:
            for operation in result.operations:
                if operation.payload.get("event") not in (None, "Smoke", "Conformance Control"):
                    operation.payload["event"] = {"name": ["odd"]}
        if self.sender:
            verdicts = self.sender.send(result.operations)
            answer["undelivered"] = [
                {"endpoint": verdict.operation.endpoint, "reason": verdict.reason}
                for verdict in verdicts
                if verdict.status == "dead_lettered"
            ]
        return answer


def swap(result: Result) -> None:
    for operation in result.operations:
        properties = operation.payload.get("properties", {})
        if operation.payload.get("event") == "$create_alias":
            one, other = properties["distinct_id"], properties["alias"]
            properties["distinct_id"], properties["alias"] = other, one


def main() -> None:
    does, *words = sys.argv[1:]
    driver = Driver(does, words)
    for line in sys.stdin:
        try:
            answer = driver.answer(json.loads(line))
        except Exception as error:
            answer = {"failed": repr(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
